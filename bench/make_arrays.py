"""Makes the arrays of bench/run: make_arrays.py adaptivity|wide|histograms FOLDER

adaptivity: a.npy, 10,000 x 3,072 float32 (grey levels with a smooth gradient per row, as photographs have), and b.npy, the same rows reversed.
wide:       wide.npy, 1 GB of 64 float32 columns of different scales and shapes, and wide.csv, 1 GB of such rows as text.
histograms: histograms.npy, 20,000 x 100 float32, some ten about each of 2,000 centres.
"""

import sys
from pathlib import Path

import numpy as np


def adaptivity(folder: Path) -> None:
    random = np.random.RandomState(0)
    level = random.gamma(4.0, 0.1, size=(10_000, 1)).astype(np.float32)
    rows = np.random.default_rng(0).standard_normal((10_000, 3_072), dtype=np.float32)
    rows = rows * 0.2 + level + np.linspace(0, 0.5, 3_072, dtype=np.float32)
    np.save(folder / "a.npy", rows)
    np.save(folder / "b.npy", rows[::-1].copy())


def wide_rows(random: np.random.RandomState, n: int) -> np.ndarray:
    rows = random.normal(size=(n, 64)).astype(np.float32)
    rows[:, 8:16] = np.exp(rows[:, 8:16])
    rows[:, 16:24] = np.round(rows[:, 16:24] * 3)
    return rows * (10.0 ** (np.arange(64) % 5 - 2)).astype(np.float32)


def wide(folder: Path) -> None:
    random = np.random.RandomState(1)
    n_rows, block = (1 << 30) // 256, 1 << 16
    array = np.lib.format.open_memmap(folder / "wide.npy", mode="w+", dtype="<f4", shape=(n_rows, 64))
    for start in range(0, n_rows, block):
        array[start : start + block] = wide_rows(random, min(block, n_rows - start))
    array.flush()
    with open(folder / "wide.csv", "wb") as file:
        file.write((",".join(f"c{i}" for i in range(64)) + "\n").encode())
        text = b"".join(
            (",".join(f"{x:.6g}" for x in row) + "\n").encode() for row in wide_rows(random, 20_000)
        )
        while file.tell() < 1 << 30:
            file.write(text)


def histograms(folder: Path) -> None:
    random = np.random.default_rng(3)
    centres = random.random((2_000, 100)) ** 4
    noise = 0.5 + random.random((20_000, 100))
    np.save(folder / "histograms.npy", (centres[random.integers(0, 2_000, 20_000)] * noise).astype(np.float32))


{"adaptivity": adaptivity, "wide": wide, "histograms": histograms}[sys.argv[1]](Path(sys.argv[2]))
