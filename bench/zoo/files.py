"""What bestfit reads of a zoo: data files of each split, ONNX files, model cards."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from domains import Domain

TAGS = {"features": "tabular-classification", "series": "time-series-classification", "image": "image-classification",
        "text": "text-classification", "tagged": "token-classification", "pair": "text-classification"}
ARRAYS = ("features", "series", "image")
FEATURISERS = {"text": "hashed-ids", "tagged": "token-window", "pair": "pair-similarities"}

CARD = """\
---
license: other
library_name: onnx
pipeline_tag: {pipeline}
tags: [onnx, zoo, {collection}]
datasets: [{collection}/{domain}]
metrics: [accuracy]
model-index:
  - name: {collection}/{domain}
    results:
      - task:
          type: {pipeline}
        dataset:
          name: {collection}/{domain}
          type: {collection}/{domain}
          split: test
        metrics:
          - type: accuracy
            value: {accuracy:.4f}
bestfit:
  name: zoo/{domain}
  task: {task}
  domain: {domain}
  input: {input}
  output: {{kind: logits, classes: {classes}}}
  source_accuracy: {accuracy:.4f}
---

# {domain} of {collection}

A small network of the benchmark's zoo (bench/zoo), trained on {n_train} items of the domain {domain} with early
stopping on {n_valid} others. The accuracy is that on {n_test} further items of the domain that it never saw.
"""


def input_block(kind: str, shape: list[int], options: dict[str, Any]) -> dict[str, Any]:
    """The card's `input` for a kind of rows."""
    if kind in ("features", "series"):
        numbers = {name: [float(f"{v:.9g}") for v in options[name]] for name in ("mean", "std")}
        other = {"clip": options["clip"]} if kind == "features" else {"layout": "NCT"}
        return {"kind": kind, "shape": shape, **numbers, **other}
    if kind == "image":
        return {"kind": kind, "shape": shape, "layout": "NCHW", "scale": 1 / 255, "mean": [0.0], "std": [1.0]}
    return {"kind": kind, "featuriser": {"name": FEATURISERS[kind], **options}}


def sha256(path: Path) -> str:
    """Of a file's bytes, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_card(path: Path, *, kind: str, shape: list[int], options: dict[str, Any], classes: list[str],
               **values: Any) -> None:
    """A card whose input block lets bestfit run the model. JSON is YAML."""
    path.write_text(CARD.format(pipeline=TAGS[kind], input=json.dumps(input_block(kind, shape, options)),
                                classes=json.dumps(classes), **values))


def write_tagged(path: Path, domain: Domain, rows: np.ndarray, labelled: bool) -> None:
    """`token<TAB>tag` or `token<TAB>` a line, an empty line after each sentence."""
    with open(path, "w") as file:
        for row in rows:
            for token, tag in zip(domain.rows[row], domain.labels[row]):
                file.write(f"{token}\t{tag if labelled else ''}\n")
            file.write("\n")


def write_lines(path: Path, kind: str, domain: Domain, rows: np.ndarray, labelled: bool) -> None:
    """Texts as `label<TAB>text`, pairs as `left<TAB>right<TAB>label`, or either without the label."""
    with open(path, "w") as file:
        for row in rows:
            text, label = domain.rows[row], domain.labels[row]
            if labelled:
                text = f"{label}\t{text}" if kind == "text" else f"{text}\t{label}"
            file.write(text + "\n")


def write_split(folder: Path, split: str, kind: str, domain: Domain, labelled: bool) -> None:
    """One data file of a split: train.npz with the members X and y, target.npy, or lines of text."""
    rows = getattr(domain, split)
    if kind in ARRAYS and labelled:
        np.savez(folder / f"{split}.npz", X=domain.rows[rows], y=np.array(domain.labels)[rows])
    elif kind in ARRAYS:
        np.save(folder / f"{split}.npy", domain.rows[rows])
    elif kind == "tagged":
        write_tagged(folder / f"{split}.txt", domain, rows, labelled)
    else:
        write_lines(folder / f"{split}.txt", kind, domain, rows, labelled)


def write_unseen(folder: Path, domain: Domain) -> None:
    """Numbers of the target's rows that the domain's own model saw neither in training nor in early stopping."""
    unseen = np.flatnonzero(np.isin(domain.target, domain.test))
    (folder / "target-unseen.txt").write_text("".join(f"{row}\n" for row in unseen))


def write_text(path: Path, text: str) -> None:
    """A file that is there whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    part.replace(path)


def write_labels(path: Path, labels: np.ndarray) -> None:
    """One a line."""
    path.write_text("".join(f"{label}\n" for label in labels))
