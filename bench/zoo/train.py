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
import hashlib
import json
import multiprocessing
import os
import shutil
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
from activity import read_dsads, read_har_across
from digits import read_digits
from domains import Collection, seed_of
from networks import BagNetwork, Cnn, Mlp, Recipe
from featurisers import WINDOW_FEATURES
from prepare import Prepared, prepare, scaling
from words import read_entity_matching, read_pos, read_sentiment

HERE = Path(__file__).resolve().parent
TRAINING_MODULES = ["domains", "featurisers", "networks", "prepare"]     # and the one that reads the collection
TEXT = {"n_features": 2**15, "max_len": 512, "norm": 4.0, "ngram_range": [1, 2]}
WINDOW = {"n_features": 2**15}
PAIR = {"hashed_words": 256}


@dataclass
class Plan:
    """How a collection is read and its models are trained."""

    read: Callable[[Path], Collection]
    folders: list[str]      # of the data it is made of
    recipe: Recipe
    options: dict[str, Any] = field(default_factory=dict)   # of the featuriser
    width: int = 48         # of embeddings
    dropout: float = .3


PLANS = {
    "dsads": Plan(read_dsads, ["har-dsads"], Recipe(epochs=20)),
    "sentiment": Plan(read_sentiment, ["sentiment_fdu_mtl", "sentiment_short"], Recipe(epochs=8), TEXT),
    "har_across": Plan(read_har_across, ["har-dsads", "har-motionsense"], Recipe(epochs=20)),
    "digits": Plan(read_digits, ["digits-mnist", "digits-mnist-m", "digits-optdigits", "digits-semeion",
                                 "digits-kannada", "letters-notmnist"], Recipe(epochs=20)),
    "entity_matching": Plan(read_entity_matching, ["em_deepmatcher", "em_wdc", "em_magellan784"],
                            Recipe(epochs=8, least_steps=500), PAIR),
    "pos": Plan(read_pos, ["ud_english"], Recipe(epochs=4), WINDOW, dropout=.2),
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


SHARED: dict[str, Job] = {}     # in each process of a pool


def start_process(job: Job) -> None:
    """Prepare a process for equal results."""
    SHARED["job"] = job
    torch.set_num_threads(1)    # the order of sums, and so the result, depends on it
    torch.use_deterministic_algorithms(True)


def content_key(plan: Plan, modules: list[str], data: Path, seed: int) -> str:
    """Hash of all that a collection's models depend on."""
    settings = (torch.__version__, np.__version__, seed, plan.recipe, plan.options, plan.width, plan.dropout)
    digest = hashlib.sha256(repr(settings).encode())
    paths = [HERE / f"{module}.py" for module in [plan.read.__module__, *modules]]
    for name in plan.folders:
        paths += sorted(path for path in (data / name).rglob("*") if path.is_file())
    for path in paths:
        digest.update(f"{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def new_network(kind: str, plan: Plan, n_inputs: int, n_classes: int) -> nn.Module:
    """The network of a kind of rows."""
    if kind == "image":
        return Cnn(n_classes)
    if kind in ("text", "tagged"):
        return BagNetwork(plan.options["n_features"], plan.width, n_classes, plan.dropout)
    return Mlp(n_inputs, n_classes)


def new_model(job: Job, prepared: Prepared) -> tuple[nn.Module, list[str]]:
    """A network for the classes of the domain's training items, not trained yet."""
    classes = sorted(set(prepared.labels[prepared.train]))
    shape = prepared.inputs.take(np.array([0]))[0].shape
    return new_network(job.collection.kind, job.plan, shape[-1], len(classes)), classes


def trained(job: Job, prepared: Prepared) -> tuple[nn.Module, list[str]]:
    """The model of a domain, from the file of an earlier run where there is one of the same key."""
    path = job.folder / prepared.name / "network.pt"
    torch.manual_seed(seed_of(f"{prepared.name} {job.seed}"))
    network, classes = new_model(job, prepared)
    saved: dict[str, Any] = torch.load(path) if path.exists() else {}
    if saved.get("key") == job.key:
        network.load_state_dict(saved["state"])
        return network, classes
    numbers = np.array([classes.index(label) if label in classes else 0 for label in prepared.labels])
    known = prepared.valid[np.isin(prepared.labels[prepared.valid], classes)]
    networks.train(network, prepared.inputs, numbers, (prepared.train, known), job.plan.recipe,
                   seed_of(f"{prepared.name} {job.seed}"))
    torch.save({"key": job.key, "state": network.state_dict()}, path)
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


def train_all(job: Job, n_processes: int) -> None:
    """Every domain's model and data, then truth.csv and the matrices."""
    context = multiprocessing.get_context("fork")
    numbers = range(len(job.collection.domains))
    with context.Pool(n_processes, start_process, (job,)) as pool:
        job.prepared = list(pool.imap(run_domain, numbers))
    start_process(job)
    job.models = {prepared.name: trained(job, prepared) for prepared in job.prepared}
    if job.matrices is not None:
        shutil.rmtree(job.matrices, ignore_errors=True)
        job.matrices.mkdir(parents=True)
    with context.Pool(n_processes, start_process, (job,)) as pool:
        rows = sum(pool.imap(run_target, numbers), [])
    scoring.write_truth(job.folder / "truth.csv", rows)


def cpu_seconds() -> float:
    """Of this process and of those that it ended."""
    return sum(os.times()[:4])


def make_collection(name: str, data: Path, out: Path, seed: int, options: argparse.Namespace) -> None:
    """All of one collection, unless it is there already."""
    started, cpu_before = time.monotonic(), cpu_seconds()
    plan, folder = PLANS[name], out / name
    key, stamp = content_key(plan, TRAINING_MODULES, data, seed), folder / "collection.json"
    everything = content_key(plan, [*TRAINING_MODULES, "catalogue", "files", "scoring", "train"], data, seed)
    matrices = out / "predictions" / name if options.predictions else None
    if (stamp.exists() and json.loads(stamp.read_text())["key"] == everything
            and (matrices is None or matrices.exists())):
        print(f"{name}: as it was", flush=True)
        return
    stamp.unlink(missing_ok=True)   # until it is back, the folder may hold anything
    collection = plan.read(data)
    scaled = scaling(collection) if collection.kind == "features" else plan.options
    job = Job(plan, collection, folder, matrices, key, seed, scaled)
    train_all(job, options.processes)
    domains = [{"name": domain.name, "rows": len(domain.target), "has_model": True} for domain in collection.domains]
    described = catalogue.described(name, domains, kind=collection.kind, seed=seed, key=everything,
                                    datasets=plan.folders, missing=[])
    files.write_text(stamp, json.dumps(described, indent=1) + "\n")
    print(f"{name}: made in {time.monotonic() - started:.0f} s, {cpu_seconds() - cpu_before:.0f} s of CPU", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collections", nargs="*", help="of " + ", ".join(PLANS) + " (default: all)")
    parser.add_argument("--out", type=Path, default=Path("build/zoo"))
    parser.add_argument("--data", type=Path, default=os.environ.get("BESTFIT_DATA"), help="default: $BESTFIT_DATA")
    parser.add_argument("--reference", type=Path, default=os.environ.get("BESTFIT_REFERENCE"),
                        help="folder of serving_*.csv (default: $BESTFIT_REFERENCE, else beside the data)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--predictions", action="store_true", help="write predictions/, too")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data or BESTFIT_DATA must name the folder of the datasets")
    reference = options.reference or options.data.parent / "reference"
    os.nice(5)
    for name in options.collections or PLANS:
        if name not in PLANS:
            parser.error(f"no collection {name}: {', '.join(PLANS)}")
        make_collection(name, options.data, options.out / f"seed-{options.seed}", options.seed, options)
        if (reference / f"serving_{name}.csv").exists():
            truth = options.out / f"seed-{options.seed}" / name / "truth.csv"
            print(scoring.compare(name, truth, reference / f"serving_{name}.csv"), flush=True)


if __name__ == "__main__":
    main()
