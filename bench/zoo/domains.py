"""What a collection is: domains of rows of one kind, each cut once and for all into splits."""

import gzip
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Sequence

import numpy as np

TARGET_ROWS = 3000      # rows of a domain that the models of the others are measured on, at most


@dataclass
class Domain:
    """Rows of one domain with their labels (for the kind tagged: sentences, a list of tags each).

    No row is in two of train, valid and test; target is what models of other domains serve.
    """

    name: str
    rows: Any
    labels: Sequence[Any]
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    target: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        if len(self.target) == 0:
            everything = np.sort(np.concatenate([self.train, self.valid, self.test]))
            self.target = sample(everything, TARGET_ROWS, self.name)


@dataclass
class Collection:
    """Domains of one kind that share a task."""

    name: str
    kind: str
    task: str
    domains: list[Domain]


def seed_of(text: str) -> int:
    """A seed that depends on a name alone."""
    return zlib.crc32(text.encode())


def sample(rows: np.ndarray, n: int, name: str) -> np.ndarray:
    """At most n of the rows, drawn by the name, in their order."""
    if len(rows) <= n:
        return rows
    return np.sort(np.random.default_rng(seed_of(name)).permutation(rows)[:n])


def cut(n: int, shares: Sequence[float], name: str) -> list[np.ndarray]:
    """Numbers 0 to n - 1, shuffled by the name and cut in proportion to the shares."""
    order = np.random.default_rng(seed_of(name)).permutation(n)
    ends = np.round(np.cumsum(shares) / np.sum(shares) * n).astype(int)
    return [np.sort(part) for part in np.split(order, ends[:-1])]


def read_bytes(path: Path) -> bytes:
    """Bytes of a file, unpacked where its name ends in .gz."""
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def read_lines(path: Path) -> list[str]:
    """Lines of a text; bytes that are not UTF-8 become U+FFFD."""
    lines = read_bytes(path).decode("utf-8", errors="replace").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return [line.rstrip("\r") for line in lines]
