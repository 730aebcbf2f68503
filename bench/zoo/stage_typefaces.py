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

import numpy as np

from digits import read_idx
from files import write_labels
from scoring import write_truth

TYPEFACES = Path(__file__).resolve().parents[2] / "examples/typefaces"


def read_split(family: Path, prefix: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and class names of one pair of files."""
    labels = (family / f"{prefix}labels.txt").read_text().split()
    return read_idx(family / f"{prefix}images-idx3-ubyte.gz"), np.array(labels)


def stage_family(family: Path, folder: Path) -> None:
    """The files of one domain."""
    folder.mkdir(parents=True, exist_ok=True)
    model = TYPEFACES / "models" / f"{family.name}.onnx"
    splits = [read_split(family, "")] if not model.exists() else [read_split(family, p) for p in ("train-", "valid-")]
    if model.exists():
        shutil.copy(model, folder / "model.onnx")
        shutil.copy(model.with_suffix(".md"), folder / "model.md")
        for name, (images, labels) in zip(("train", "valid"), splits):
            np.savez(folder / f"{name}.npz", X=images, y=labels)
    np.save(folder / "target.npy", np.concatenate([images for images, _ in splits]))
    write_labels(folder / "target-labels.txt", np.concatenate([labels for _, labels in splits]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/zoo"), help="output folder of train.py")
    folder = parser.parse_args().out / "typefaces"
    digest = hashlib.sha256()
    for path in sorted(path for path in TYPEFACES.rglob("*") if path.suffix in (".gz", ".txt", ".onnx", ".md", ".csv")):
        digest.update(path.read_bytes())
    for family in sorted((TYPEFACES / "data").iterdir()):
        stage_family(family, folder / family.name)
    with open(TYPEFACES / "truth.csv", newline="") as file:
        rows = [[row["model"], row["target"], row["accuracy"], "", row["rows"]] for row in csv.DictReader(file)]
    write_truth(folder / "truth.csv", rows)
    (folder / "made.json").write_text(json.dumps({"key": digest.hexdigest(), "kind": "image"}) + "\n")


if __name__ == "__main__":
    main()
