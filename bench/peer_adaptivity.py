"""The peer of `bestfit compare --raw --measure paper-adaptivity`: NumPy, in two forms.

    peer_adaptivity.py literal|once SOURCE.npy TARGET.npy PARTITION_SIZE THRESHOLD

literal: the published procedure as it reads; the histogram of both partitions is computed for every pair of partitions.
once:    each partition's histogram is computed once.
"""

import sys

import numpy as np


def histogram(array: np.ndarray) -> np.ndarray:
    """Relative frequencies of the min-max normalised, flattened array in 100 equal bins."""
    flat = array.ravel()
    low, high = flat.min(), flat.max()
    normalised = (flat - low) / (high - low)
    counts, _ = np.histogram(normalised, bins=100, range=(0.0, 1.0))
    return counts / counts.sum()


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    m = 0.5 * (p + q)
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.where(p > 0, p * np.log(p / m), 0.0).sum()
        right = np.where(q > 0, q * np.log(q / m), 0.0).sum()
    return 0.5 * (left + right)


def partitions(array: np.ndarray, size: int, seed: int) -> list:
    order = np.random.RandomState(seed).permutation(len(array))
    return [array[order[i : i + size]] for i in range(0, len(array), size)]


def main() -> None:
    form, source_path, target_path, size, threshold = sys.argv[1:6]
    source = partitions(np.load(source_path), int(size), 0)
    target = partitions(np.load(target_path), int(size), 1)
    if form == "once":
        source, target = [histogram(p) for p in source], [histogram(p) for p in target]
        near = sum(jensen_shannon(a, b) < float(threshold) for a in source for b in target)
    else:
        near = sum(jensen_shannon(histogram(a), histogram(b)) < float(threshold) for a in source for b in target)
    print(near / len(target))


main()
