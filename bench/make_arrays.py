"""Makes the arrays of bench/run: make_arrays.py adaptivity|wide|histograms|words FOLDER

adaptivity: a.npy, 10,000 x 3,072 float32 (grey levels with a smooth gradient per row, as photographs have), and b.npy, the same rows reversed.
wide:       wide.npy, 1 GB of 64 float32 columns of different scales and shapes, and wide.csv, 1 GB of such rows as text.
histograms: histograms.npy, 20,000 x 100 float32, some ten about each of 2,000 centres.
words:      words.txt, 250 MB of lines of some 80 words, and words.conllu, 250 MB of sentences of some 20 tokens; words
            of 2 to 12 letters, 200,000 different ones, as frequent as Zipf has it.
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


def words(folder: Path) -> None:
    random = np.random.default_rng(4)
    letters = random.choice(list("etaoinshrdlucmfwypvbgk"), size=(200_000, 12))
    lengths = np.clip(random.normal(3 + np.log10(np.arange(1, 200_001)), 1).astype(int), 2, 12)
    known = ["".join(row[:n]) for row, n in zip(letters, lengths)]
    drawn = np.minimum(random.zipf(1.15, size=600_000), 200_000) - 1
    tokens = [known[i] for i in drawn]
    lines, sentences, at = [], [], 0
    while at < len(tokens):
        line = tokens[at : at + int(random.integers(40, 120))]
        at += len(line)
        lines.append(" ".join(line) + ".\n")
        for first in range(0, len(line), 20):
            rows = [
                f"{i + 1}\t{t}\t{t}\t{'NOUN' if len(t) > 4 else 'DET'}\t_\t_\t{i}\tdep\t_\t_\n"
                for i, t in enumerate(line[first : first + 20])
            ]
            sentences.append("".join(rows) + "\n")
    for name, parts in (("words.txt", lines), ("words.conllu", sentences)):
        text = "".join(parts).encode()
        with open(folder / name, "wb") as file:
            while file.tell() < 250_000_000:
                file.write(text)


{"words": words, "adaptivity": adaptivity, "wide": wide, "histograms": histograms}[sys.argv[1]](Path(sys.argv[2]))
