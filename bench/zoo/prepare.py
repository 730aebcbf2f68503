"""From the rows of a domain to the inputs of a network, by the featuriser that the model's card will name."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

import featurisers
from domains import Collection, Domain
from networks import Bags, Dense, Inputs

CLIP = 8.0      # bound of standardised features
ATTRIBUTE = re.compile(r" COL (?=(?:(?! COL ).)* VAL(?: |$))")


@dataclass
class Prepared:
    """A domain's items (rows, or tokens of the kind tagged) as a network takes them, their labels and splits."""

    name: str
    inputs: Inputs
    labels: np.ndarray
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    target: np.ndarray


def scaling(collection: Collection) -> dict[str, Any]:
    """Mean and deviation of each column (channel), over the training rows of all domains with equal weight."""
    parts = [d.rows[d.train].astype(np.float64) for d in collection.domains]
    parts = [part.reshape(-1, part.shape[-1]) for part in parts]
    mean = np.mean([part.mean(axis=0) for part in parts], axis=0)
    deviation = np.sqrt(np.mean([((part - mean)**2).mean(axis=0) for part in parts], axis=0))
    deviation[deviation == 0] = 1
    scaled: dict[str, Any] = {"mean": mean.astype(np.float32), "std": deviation.astype(np.float32)}
    return scaled if collection.kind == "series" else {**scaled, "clip": CLIP}


def record_values(record: str) -> list[str | None]:
    """Values of `COL name VAL value …`; an empty one is None."""
    attributes = ATTRIBUTE.split(" " + record.strip(" "))[1:]
    return [re.split(r" VAL(?: |$)", " " + a, maxsplit=1)[1].strip(" ") or None for a in attributes]


def hashed_bags(texts: list[str], **options: Any) -> Bags:
    """Texts by the featuriser hashed-ids, without its padding."""
    ids, weights = featurisers.hashed_ids(texts, **options)
    kept = weights != 0
    return Bags(ids[kept], weights[kept], np.cumsum(kept.sum(axis=1)))


def window_bags(sentences: list[list[str]], **options: Any) -> Bags:
    """Tokens by the featuriser token-window."""
    ids = featurisers.token_window(sentences, **options)
    return Bags(ids.ravel(), np.ones(ids.size), np.arange(1, len(ids) + 1) * ids.shape[1])


def token_items(lengths: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Numbers of the tokens of some sentences."""
    ends = np.cumsum(lengths)
    return np.concatenate([np.arange(ends[r] - lengths[r], ends[r]) for r in rows])


def inputs_of(rows: Any, kind: str, options: dict[str, Any]) -> Inputs:
    """Rows as their networks take them: `options` are the featuriser's, of features and series the scaling."""
    if kind == "features":
        standard = (rows - options["mean"].astype(np.float64)) / options["std"].astype(np.float64)
        return Dense(np.clip(standard, -options["clip"], options["clip"]))
    if kind == "series":    # a channel after the other
        return Dense(((rows - options["mean"]) / options["std"]).transpose(0, 2, 1))
    if kind == "image":
        planes = rows[:, None] if rows.ndim == 3 else rows.transpose(0, 3, 1, 2)
        return Dense(planes.astype(np.float32) / np.float32(255))
    if kind == "text":
        return hashed_bags(rows, **options)
    if kind == "tagged":
        return window_bags(rows, **options)
    pairs = [tuple(map(record_values, pair.split("\t"))) for pair in rows]
    return Dense(featurisers.pair_similarities(pairs, **options))


def prepare(domain: Domain, kind: str, options: dict[str, Any]) -> Prepared:
    """The domain as networks see it."""
    splits = [domain.train, domain.valid, domain.test, domain.target]
    labels = domain.labels
    if kind == "tagged":
        lengths = np.array([len(row) for row in domain.rows])
        splits = [token_items(lengths, split) for split in splits]
        labels = [tag for row in labels for tag in row]
    return Prepared(domain.name, inputs_of(domain.rows, kind, options), np.array(labels), *splits)
