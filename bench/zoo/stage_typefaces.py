#!/usr/bin/python3
"""Lay the typefaces demo out as a collection of the zoo, so that `quality` can judge strategies on it too.

Copies its models and cards, writes its images and labels as train.npz, valid.npz and target.npy, and its truth.csv in
the order of columns that the zoo has. The two families without a model are targets only.
"""

import argparse
import csv
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from digits import read_idx
from files import write_labels, write_text
from scoring import write_truth

TYPEFACES = Path(__file__).resolve().parents[2] / "examples/typefaces"


def read_split(family: Path, prefix: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and class names of one pair of files."""
    labels = (family / f"{prefix}labels.txt").read_text().split()
    return read_idx(family / f"{prefix}images-idx3-ubyte.gz"), np.array(labels)


def stage_family(family: Path, folder: Path) -> dict[str, Any]:
    """The files of one domain; what collection.json says of it."""
    folder.mkdir(parents=True, exist_ok=True)
    model = TYPEFACES / "models" / f"{family.name}.onnx"
    splits = [read_split(family, "")] if not model.exists() else [read_split(family, p) for p in ("train-", "valid-")]
    if model.exists():
        shutil.copy(model, folder / "model.onnx")
        shutil.copy(model.with_suffix(".md"), folder / "model.md")
        for name, (images, labels) in zip(("train", "valid"), splits):
            np.savez(folder / f"{name}.npz", X=images, y=labels)
    labels = np.concatenate([labels for _, labels in splits])
    np.save(folder / "target.npy", np.concatenate([images for images, _ in splits]))
    write_labels(folder / "target-labels.txt", labels)
    write_text(folder / "target-unseen.txt", "" if model.exists() else "".join(f"{i}\n" for i in range(len(labels))))
    name = family.name
    return {"name": name, "title": name.replace("-", " "), "group": name, "origin": name, "stranger": False,
            "rows": len(labels), "has_model": model.exists()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/zoo/seed-1"), help="folder of a seed")
    folder = parser.parse_args().out / "typefaces"
    digest = hashlib.sha256()
    for path in sorted(path for path in TYPEFACES.rglob("*") if path.suffix in (".gz", ".txt", ".onnx", ".md", ".csv")):
        digest.update(path.read_bytes())
    domains = [stage_family(family, folder / family.name) for family in sorted((TYPEFACES / "data").iterdir())]
    with open(TYPEFACES / "truth.csv", newline="") as file:
        rows = [[row["model"], row["target"], row["accuracy"], "", row["rows"]] for row in csv.DictReader(file)]
    write_truth(folder / "truth.csv", rows)
    described = {"bestfit_collection": 1, "name": "typefaces", "title": "letters of typefaces, the demo's",
                 "workload": "image recognition", "kind": "image", "seed": 1, "key": digest.hexdigest(),
                 "headline": False, "metric": "accuracy", "f1": None, "datasets": [], "domains": domains, "missing": []}
    write_text(folder / "collection.json", json.dumps(described, indent=1) + "\n")


if __name__ == "__main__":
    main()
