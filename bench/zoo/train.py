#!/usr/bin/python3
"""Train the zoo: one small model for each domain of the collections, and measure how each serves every other.

Writes, in OUT/seed-N, for bestfit to add and search
    <collection>/<domain>/model.onnx, model.md, train.*, valid.*, target.* (without labels), target-labels.txt,
                          target-unseen.txt
    <collection>/truth.csv, collection.json      accuracy and macro-F1 of every model on every domain; what there is
    predictions/<collection>/<target>.csv, .npy  what the models of other domains say of at most 2,000 items
                                                 (with --predictions)
Nothing is done again whose data, code and seed are those of the last time.
"""

import argparse
import ctypes
import difflib
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

import numpy as np
import torch
from torch import nn

import catalogue
import files
import networks
import scoring
from activity import read_dsads, read_dsads_windows, read_har_across
from data_folders import Data
from digits import read_digits
from domains import Collection, seed_of
from networks import BagNetwork, Cnn, ColourCnn, Mlp, Recipe, SeriesCnn
from featurisers import WINDOW_FEATURES
from pictures import read_cifar_groups, read_office_caltech, read_pacs
from prepare import Prepared, prepare, scaling
from words import read_airlines, read_entity_matching, read_ner, read_pos, read_sentiment

HERE = Path(__file__).resolve().parent
TRAINING_MODULES = ["domains", "featurisers", "networks", "prepare"]     # and the one that reads the collection
TEXT = {"n_features": 2**15, "max_len": 512, "norm": 4.0, "ngram_range": [1, 2]}
WINDOW = {"n_features": 2**15}
PAIR = {"hashed_words": 256}


@dataclass
class Plan:
    """How a collection is read and its models are trained."""

    read: Callable[[Data], Collection]
    recipe: Recipe
    options: dict[str, Any] = field(default_factory=dict)   # of the featuriser
    width: int = 48         # of embeddings
    dropout: float = .3


PLANS = {
    "dsads": Plan(read_dsads, Recipe(epochs=20)),
    "sentiment": Plan(read_sentiment, Recipe(epochs=8), TEXT),
    "har_across": Plan(read_har_across, Recipe(epochs=20)),
    "digits": Plan(read_digits, Recipe(epochs=20)),
    "entity_matching": Plan(read_entity_matching, Recipe(epochs=8, least_steps=500), PAIR),
    "pos": Plan(read_pos, Recipe(epochs=4), WINDOW, dropout=.2),
    "dsads_windows": Plan(read_dsads_windows, Recipe(epochs=40)),
    "pacs": Plan(read_pacs, Recipe(epochs=30)),
    "cifar_groups": Plan(read_cifar_groups, Recipe(epochs=30)),
    "office_caltech": Plan(read_office_caltech, Recipe(epochs=20, least_steps=300)),
    "ner": Plan(read_ner, Recipe(epochs=8), WINDOW, dropout=.2),
    "airlines": Plan(read_airlines, Recipe(epochs=8), TEXT),
}


@dataclass
class Job:
    """All that the processes working on one collection share (by fork)."""

    plan: Plan
    collection: Collection
    folder: Path
    matrices: Path | None   # folder of prediction matrices, where they are wanted
    key: str        # of the networks
    seed: int
    options: dict[str, Any]
    prepared: list[Prepared] = field(default_factory=list)
    models: dict[str, tuple[nn.Module, list[str]]] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)   # domains whose network an earlier run had trained


SHARED: dict[str, Job] = {}     # in each process of a pool


def start_process(job: Job) -> None:
    """Prepare a process for equal results, and to end with the one that started it."""
    SHARED["job"] = job
    if multiprocessing.parent_process() is not None:
        end_with_parent()
    torch.set_num_threads(1)    # the order of sums, and so the result, depends on it
    torch.use_deterministic_algorithms(True)


def end_with_parent() -> None:
    """SIGTERM when the parent is no more."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)      # PR_SET_PDEATHSIG


def say(options: argparse.Namespace, event: str, text: str = "", **values: Any) -> None:
    """A line for whoever waits: JSON where a program reads it, else the text, where there is one."""
    if options.events:
        print(json.dumps({"event": event, **values}), flush=True)
    elif text:
        print(text, flush=True)


def content_key(name: str, modules: list[str], data: Data, seed: int) -> str:
    """Hash of all that a collection's models depend on."""
    plan = PLANS[name]
    settings = (torch.__version__, np.__version__, seed, plan.recipe, plan.options, plan.width, plan.dropout)
    digest = hashlib.sha256(repr(settings).encode())
    paths = [HERE / f"{module}.py" for module in [plan.read.__module__, *modules]]
    for dataset in catalogue.datasets(name):
        paths += data.paths(dataset)
    for path in paths:
        digest.update(f"{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def new_network(kind: str, plan: Plan, shape: tuple[int, ...], n_classes: int) -> nn.Module:
    """The network of a kind of rows; `shape` is that of one."""
    if kind == "image":
        return Cnn(n_classes) if shape[0] == 1 else ColourCnn(n_classes)
    if kind == "series":
        return SeriesCnn(shape[0], n_classes)
    if kind in ("text", "tagged"):
        return BagNetwork(plan.options["n_features"], plan.width, n_classes, plan.dropout)
    return Mlp(shape[0], n_classes)


def new_model(job: Job, prepared: Prepared) -> tuple[nn.Module, list[str]]:
    """A network for the classes of the domain's training items, not trained yet."""
    classes = sorted(set(prepared.labels[prepared.train]))
    shape = prepared.inputs.take(np.array([0]))[0].shape[1:]
    return new_network(job.collection.kind, job.plan, tuple(shape), len(classes)), classes


def saved_network(path: Path) -> dict[str, Any]:
    """Key and state of an earlier run; empty where there is none."""
    return torch.load(path) if path.exists() else {}


def trained(job: Job, prepared: Prepared) -> tuple[nn.Module, list[str]]:
    """The model of a domain, from the file of an earlier run where there is one of the same key."""
    path = job.folder / prepared.name / "network.pt"
    torch.manual_seed(seed_of(f"{prepared.name} {job.seed}"))
    network, classes = new_model(job, prepared)
    saved = saved_network(path)
    if saved.get("key") == job.key:
        network.load_state_dict(saved["state"])
        return network, classes
    numbers = np.array([classes.index(label) if label in classes else 0 for label in prepared.labels])
    known = prepared.valid[np.isin(prepared.labels[prepared.valid], classes)]
    networks.train(network, prepared.inputs, numbers, (prepared.train, known), job.plan.recipe,
                   seed_of(f"{prepared.name} {job.seed}"))
    part = path.with_suffix(".part")
    torch.save({"key": job.key, "state": network.state_dict()}, part)
    part.replace(path)      # one that is there is whole
    return network, classes


def predicted(model: tuple[nn.Module, list[str]], prepared: Prepared, items: np.ndarray) -> np.ndarray:
    """Class names of items."""
    network, classes = model
    return np.array(classes)[networks.outputs(network, prepared.inputs, items).argmax(axis=1)]


def export(job: Job, prepared: Prepared, network: nn.Module, path: Path) -> list[int]:
    """Writes the ONNX file; the shape of an item, where that is no matter of the featuriser."""
    if job.collection.kind == "text":
        shape = (2, job.options["max_len"])
        networks.export(network, (torch.zeros(shape, dtype=torch.int64), torch.ones(shape)), ["ids", "weights"], path)
        return []
    if job.collection.kind == "tagged":
        networks.export(network, (torch.zeros(2, WINDOW_FEATURES, dtype=torch.int64),), ["ids"], path)
        return []
    example = prepared.inputs.take(prepared.train[:2])
    networks.export(network, example, ["input"], path)
    return list(example[0].shape[1:])


def make_domain(job: Job, i: int) -> Prepared:
    """Train, export and describe the model of domain i, and write its data."""
    domain, kind = job.collection.domains[i], job.collection.kind
    folder = job.folder / domain.name
    folder.mkdir(parents=True, exist_ok=True)
    prepared = prepare(domain, kind, job.options)
    model = trained(job, prepared)
    shape = export(job, prepared, model[0], folder / "model.onnx")
    accuracy = float(np.mean(predicted(model, prepared, prepared.test) == prepared.labels[prepared.test]))
    files.write_card(folder / "model.md", kind=kind, shape=shape, options=job.options, classes=model[1],
                     collection=job.collection.name, domain=domain.name, task=job.collection.task, accuracy=accuracy,
                     n_train=len(prepared.train), n_valid=len(prepared.valid), n_test=len(prepared.test))
    for split in ("train", "valid", "target"):
        files.write_split(folder, split, kind, domain, labelled=split != "target")
    files.write_labels(folder / "target-labels.txt", prepared.labels[prepared.target])
    files.write_unseen(folder, domain)
    return prepared


def serve(job: Job, i: int) -> list[list[str]]:
    """Rows of truth.csv for target i; writes its prediction matrix where that is wanted."""
    target = job.prepared[i]
    truth = target.labels[target.target]
    rows, logits = [], {}
    for source, model in job.models.items():
        if source == target.name:
            own = predicted(model, target, target.test)
            rows.append(scoring.truth_row(source, target.name, own, target.labels[target.test]))
            continue
        logits[source] = networks.outputs(model[0], target.inputs, target.target)
        names = np.array(model[1])[logits[source].argmax(axis=1)]
        rows.append(scoring.truth_row(source, target.name, names, truth))
    if job.matrices is not None:
        classes = {source: job.models[source][1] for source in logits}
        scoring.write_matrix(job.matrices, target, logits, classes)
    return rows


def run_domain(i: int) -> Prepared:
    """make_domain in a process of a pool."""
    return make_domain(SHARED["job"], i)


def run_target(i: int) -> list[list[str]]:
    """serve in a process of a pool."""
    return serve(SHARED["job"], i)


def train_all(job: Job, options: argparse.Namespace) -> None:
    """Every domain's model and data, then truth.csv and the matrices where they are wanted."""
    context = multiprocessing.get_context("fork")
    names = [domain.name for domain in job.collection.domains]
    job.kept = [name for name in names if saved_network(job.folder / name / "network.pt").get("key") == job.key]
    with context.Pool(options.processes, start_process, (job,)) as pool:
        for prepared in pool.imap(run_domain, range(len(names))):
            job.prepared.append(prepared)
            say(options, "domain", collection=job.collection.name, seed=job.seed, domain=prepared.name,
                trained=prepared.name not in job.kept)
    start_process(job)
    job.models = {prepared.name: trained(job, prepared) for prepared in job.prepared}
    if job.matrices is not None:
        shutil.rmtree(job.matrices, ignore_errors=True)
        job.matrices.mkdir(parents=True)
    with context.Pool(options.processes, start_process, (job,)) as pool:
        rows = sum(pool.imap(run_target, range(len(names))), [])
    scoring.write_truth(job.folder / "truth.csv", rows)


def cpu_seconds() -> float:
    """Of this process and of those that it ended."""
    return sum(os.times()[:4])


def domain_values(job: Job, i: int) -> dict[str, Any]:
    """What collection.json says of a domain besides its relations; the hashes tell what of it is registered."""
    domain = job.collection.domains[i]
    folder = job.folder / domain.name
    return {"name": domain.name, "rows": len(domain.target), "has_model": True,
            "model_sha256": files.sha256(folder / "model.onnx"), "card_sha256": files.sha256(folder / "model.md")}


def is_made(stamp: Path, key: str) -> bool:
    """Does collection.json say so?"""
    return stamp.exists() and json.loads(stamp.read_text())["key"] == key


def make_collection(name: str, data: Data, seed: int, options: argparse.Namespace) -> int:
    """All of one collection, unless it is there already; how many of its domains are missing."""
    started, cpu_before = time.monotonic(), cpu_seconds()
    out = options.out / f"seed-{seed}"
    folder, stamp = out / name, out / name / "collection.json"
    matrices = out / "predictions" / name if options.predictions else None
    everything = content_key(name, [*TRAINING_MODULES, "catalogue", "files", "scoring", "train"], data, seed)
    missing = catalogue.missing(name, data)
    n_domains = len(catalogue.ENTRIES[name].needs) - len(missing)
    n_kept = n_domains
    folder.mkdir(parents=True, exist_ok=True)
    if is_made(stamp, everything) and (matrices is None or matrices.exists()):
        for domain in json.loads(stamp.read_text())["domains"]:
            say(options, "domain", collection=name, seed=seed, domain=domain["name"], trained=False)
    else:
        stamp.unlink(missing_ok=True)   # until it is back, the folder may hold anything
        domains: list[dict[str, Any]] = []
        if n_domains > 0:
            collection = PLANS[name].read(data)
            scaled = scaling(collection) if collection.kind in ("features", "series") else PLANS[name].options
            key = content_key(name, TRAINING_MODULES, data, seed)
            job = Job(PLANS[name], collection, folder, matrices, key, seed, scaled)
            train_all(job, options)
            n_kept = len(job.kept)
            domains = [domain_values(job, i) for i in range(n_domains)]
        described = catalogue.described(name, domains, seed=seed, key=everything, missing=missing)
        files.write_text(stamp, json.dumps(described, indent=1) + "\n")
    seconds, cpu = time.monotonic() - started, cpu_seconds() - cpu_before
    say(options, "collection", f"{name}, seed {seed}: {n_domains - n_kept} networks trained, {n_kept} kept, "
        f"{len(missing)} domains missing; {seconds:.0f} s, {cpu:.0f} s of CPU", collection=name, seed=seed,
        trained=n_domains - n_kept, kept=n_kept, missing=len(missing), seconds=seconds, cpu_seconds=cpu)
    return len(missing)


def read_arguments() -> argparse.Namespace:
    """Of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collections", nargs="*", help="of " + ", ".join(PLANS) + " (default: all)")
    parser.add_argument("--out", type=Path, default=Path("build/zoo"))
    parser.add_argument("--data", type=Path, action="append", help="folder of datasets; may be repeated, the first that"
                        " has a dataset whole counts (default: $BESTFIT_DATA)")
    parser.add_argument("--reference", type=Path, default=os.environ.get("BESTFIT_REFERENCE"),
                        help="folder of serving_*.csv (default: $BESTFIT_REFERENCE, else beside the data)")
    parser.add_argument("--seed", type=int, action="append", help="of networks; may be repeated (default: 1)")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--predictions", action="store_true", help="write predictions/, too")
    parser.add_argument("--events", action="store_true", help="say what is done as JSON, an object a line")
    options = parser.parse_args()
    options.data = options.data or [Path(p) for p in [os.environ.get("BESTFIT_DATA")] if p]
    options.seed = options.seed or [1]
    if not options.data:
        parser.error("--data or BESTFIT_DATA must name the folder of the datasets")
    for name in options.collections:
        if name not in PLANS:
            near = difflib.get_close_matches(name, PLANS, 1)
            message = (f"there is no collection '{name}'{' (did you mean ' + repr(near[0]) + '?)' if near else ''}; "
                       f"there are {', '.join(PLANS)}")
            say(options, "error", message=message)
            parser.exit(2, "" if options.events else f"{parser.prog}: {message}\n")
    return options


def main() -> int:
    options = read_arguments()
    names = options.collections or list(PLANS)
    data = Data(options.data)
    reference = options.reference or options.data[0].parent / "reference"
    os.nice(5)
    if options.events:
        end_with_parent()
    n_domains = sum(len(catalogue.ENTRIES[name].needs) - len(catalogue.missing(name, data)) for name in names)
    say(options, "plan", domains=n_domains * len(options.seed), collections=names)
    n_missing = 0
    for seed in options.seed:
        for name in names:
            n_missing += make_collection(name, data, seed, options)
            truth = options.out / f"seed-{seed}" / name / "truth.csv"
            if (reference / f"serving_{name}.csv").exists() and truth.exists() and not options.events:
                print(scoring.compare(name, truth, reference / f"serving_{name}.csv"), flush=True)
    return 3 if n_missing else 0


if __name__ == "__main__":
    sys.exit(main())
