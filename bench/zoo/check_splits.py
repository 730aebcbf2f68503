#!/usr/bin/python3
"""Check that no row is on two sides: exit code 1 with what is wrong.

In every domain train, valid and test share no row and hold all target rows; no digit of the domain mnistm is in a
training or validation split of a condition of MNIST; no tweet that trains the model of an airline is, word by word, in
its test split.
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np

import train
from data_folders import Data
from digits import CONDITIONS, ROWS, SplitMix64
from domains import Collection, Domain, read_lines

WORD_BY_WORD = ["airlines"]     # elsewhere the publishers' own files hold some rows twice


def complaints_of(collection: Collection, domain: Domain) -> list[str]:
    """What is wrong with one domain."""
    found = []
    where = f"{collection.name}, {domain.name}"
    parts = {"train": domain.train, "valid": domain.valid, "test": domain.test}
    names = list(parts)
    for i, a in enumerate(names):
        for b in names[i + 1:]:
            if np.intersect1d(parts[a], parts[b]).size:
                found.append(f"{where}: rows both in {a} and {b}")
    if not np.isin(domain.target, np.concatenate(list(parts.values()))).all():
        found.append(f"{where}: rows of target in no split")
    if collection.name in WORD_BY_WORD:
        seen = {domain.rows[i] for i in np.concatenate([domain.train, domain.valid])}
        if any(domain.rows[i] in seen for i in domain.test):
            found.append(f"{where}: the same text in train and test")
    return found


def digit_complaints(collection: Collection, data: Data) -> list[str]:
    """Digits that train both a condition of MNIST and lie in mnistm."""
    lines = read_lines(data / "digits-mnist-m/mnist_test_row.csv")[1:]
    origins = np.array([int(line.split(",")[-1]) for line in lines])[SplitMix64(2).shuffled(len(lines))[:ROWS]]
    order = SplitMix64(1).shuffled(10000)
    found = []
    for k, name in enumerate(CONDITIONS):
        domain = next((d for d in collection.domains if d.name == name), None)
        chosen = order[k * ROWS:(k + 1) * ROWS]
        if domain is not None and np.isin(chosen[np.concatenate([domain.train, domain.valid])], origins).any():
            found.append(f"digits, {name}: a digit of mnistm trains it")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collections", nargs="*", help="default: all")
    parser.add_argument("--data", type=Path, default=os.environ.get("BESTFIT_DATA"), help="default: $BESTFIT_DATA")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data or BESTFIT_DATA must name the folder of the datasets")
    data = Data([options.data])
    found = []
    for name in options.collections or train.PLANS:
        collection = train.PLANS[name].read(data)
        for domain in collection.domains:
            found += complaints_of(collection, domain)
        if name == "digits":
            found += digit_complaints(collection, data)
    print("".join(f"{complaint}\n" for complaint in found), end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
