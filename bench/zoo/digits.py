"""Digits: MNIST in six conditions and five other sets, the rows of bench/collections.c, as 16 x 16 grey images."""

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from data_folders import Data
from domains import Collection, Domain, cut, read_bytes, read_lines

SIDE = 28       # of MNIST
GREY_SIDE = 16  # of what the networks see
ROWS = 1600     # of a domain, at most
SHARES = (.6, .15, .25)
LUMA = np.array([.299, .587, .114])


class SplitMix64:
    """The generator of bench/collections.c, many numbers at once."""

    GAMMA = 0x9E3779B97F4A7C15

    def __init__(self, seed: int) -> None:
        self.state = seed

    def take(self, n: int) -> np.ndarray:
        """The next n numbers, uint64."""
        steps = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(self.GAMMA)
        z = np.uint64(self.state) + steps
        self.state = (self.state + n * self.GAMMA) % 2**64
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))

    def units(self, n: int) -> np.ndarray:
        """The next n numbers as float64 in [0, 1)."""
        return (self.take(n) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def shuffled(self, n: int) -> np.ndarray:
        """0 to n - 1 in a random order."""
        numbers = list(range(n))
        for i, r in zip(range(n, 1, -1), self.take(n - 1).tolist()):
            j = r % i
            numbers[i - 1], numbers[j] = numbers[j], numbers[i - 1]
        return np.array(numbers)


def to_bytes(values: np.ndarray) -> np.ndarray:
    """Clipped to 0..255 and rounded, halves up."""
    return np.floor(np.clip(values, 0, 255) + .5).astype(np.uint8)


def pixels_at(images: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Bilinear values of each image [n, SIDE, SIDE] at its own places y, x [n, ...], black outside."""
    padded = np.pad(images, ((0, 0), (1, 2), (1, 2)))
    y, x = np.clip(y, -1, SIDE), np.clip(x, -1, SIDE)
    y0, x0 = np.floor(y).astype(int), np.floor(x).astype(int)
    image = np.arange(len(images)).reshape(-1, *[1] * (y.ndim - 1))
    total = np.zeros(y.shape)
    for dy in range(2):
        for dx in range(2):
            weight = (1 - np.abs(x - (x0 + dx))) * (1 - np.abs(y - (y0 + dy)))
            total += padded[image, y0 + dy + 1, x0 + dx + 1] * weight
    return total


def rotated(images: np.ndarray, random: SplitMix64) -> np.ndarray:
    """By up to 45 degrees either way."""
    angle = ((random.units(len(images)) * 2 - 1) * (np.pi / 4))[:, None, None]
    c, s, m = np.cos(angle), np.sin(angle), (SIDE - 1) / 2
    y, x = np.mgrid[:SIDE, :SIDE] - m
    return to_bytes(pixels_at(images, m + c * y - s * x, m + s * y + c * x))


def noisy(images: np.ndarray, random: SplitMix64) -> np.ndarray:
    """Gaussian noise of deviation 64, a sum of twelve uniform numbers."""
    normal = np.concatenate([random.units(12 * SIDE * SIDE).reshape(-1, 12).sum(axis=1) - 6 for _ in images])
    return to_bytes(images + 64 * normal.reshape(images.shape))


def blurred(images: np.ndarray, _: SplitMix64) -> np.ndarray:
    """5 x 5 triangle."""
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    weights = [1, 2, 3, 2, 1]
    total = sum(weights[dy] * weights[dx] * padded[:, dy:dy + SIDE, dx:dx + SIDE]
                for dy in range(5) for dx in range(5))
    return to_bytes(total / 81)


def shifted(images: np.ndarray, random: SplitMix64) -> np.ndarray:
    """By up to 6 pixels in each direction."""
    moves = (random.take(2 * len(images)) % np.uint64(13)).astype(int).reshape(-1, 2) - 6
    padded = np.pad(images, ((0, 0), (6, 6), (6, 6)))
    return to_bytes(np.stack([image[6 + dy:6 + dy + SIDE, 6 + dx:6 + dx + SIDE]
                              for image, (dy, dx) in zip(padded, moves)]))


CONDITIONS = {
    "mnist_clean": lambda images, _: to_bytes(images), "mnist_inv": lambda images, _: to_bytes(255 - images),
    "mnist_rot": rotated, "mnist_noise": noisy, "mnist_blur": blurred, "mnist_shift": shifted}
OTHERS = {
    "mnistm": ("digits-mnist-m/images-idx4-ubyte.gz", "digits-mnist-m/labels-idx1-ubyte.gz"),
    "optdigits": ("digits-optdigits/train-images-idx3-ubyte.gz", "digits-optdigits/train-labels-idx1-ubyte.gz"),
    "semeion": ("digits-semeion/images-idx3-ubyte.gz", "digits-semeion/labels-idx1-ubyte.gz"),
    "kannada": ("digits-kannada/X_kannada_MNIST_test-idx3-ubyte.gz",
                "digits-kannada/y_kannada_MNIST_test-idx1-ubyte.gz"),
    "notmnist": ("letters-notmnist/t10k-images-idx3-ubyte.gz", "letters-notmnist/t10k-labels-idx1-ubyte.gz")}


def read_idx(path: Path) -> np.ndarray:
    """A gzipped IDX file of uint8."""
    content = read_bytes(path)
    shape = np.frombuffer(content, ">u4", content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape)


def small_grey(images: np.ndarray) -> np.ndarray:
    """Images [n, H, W] or [n, H, W, 3] of 0..255 as uint8 [n, 16, 16]."""
    grey = images @ LUMA if images.ndim == 4 else images.astype(np.float64)
    tensor = torch.from_numpy(grey)[:, None]
    if grey.shape[1] >= GREY_SIDE:
        tensor = F.adaptive_avg_pool2d(tensor, GREY_SIDE)
    else:
        tensor = F.interpolate(tensor, (GREY_SIDE, GREY_SIDE), mode="bilinear", align_corners=False)
    return to_bytes(tensor[:, 0].numpy())


def domain(name: str, images: np.ndarray, labels: np.ndarray, held_out: np.ndarray) -> Domain:
    """A domain whose held-out rows (a mask) are in the test split, among others drawn by its name."""
    train, valid, test = cut(len(labels), SHARES, name)
    moved = np.flatnonzero(held_out)
    splits = [np.setdiff1d(train, moved), np.setdiff1d(valid, moved), np.union1d(test, moved)]
    return Domain(name, small_grey(images), [str(label) for label in labels], *splits)


def other_domain(data: Data, name: str) -> Domain:
    """A set that is no condition of MNIST."""
    images, labels = (read_idx(data / path) for path in OTHERS[name])
    chosen = SplitMix64(2).shuffled(len(images))[:ROWS]
    scale = 255 / 16 if name == "optdigits" else 1
    return domain(name, images[chosen] * scale, labels[chosen], np.zeros(len(chosen), bool))


def mnist_domains(data: Data) -> list[Domain]:
    """Conditions of MNIST, without a digit in training that the domain mnistm has on a colour patch."""
    origins = np.array([int(line.split(",")[-1]) for line in
                        read_lines(data / "digits-mnist-m/mnist_test_row.csv")[1:]])
    origins = origins[SplitMix64(2).shuffled(len(origins))[:ROWS]]
    images = read_idx(data / "digits-mnist/t10k-images-idx3-ubyte.gz")
    labels = read_idx(data / "digits-mnist/t10k-labels-idx1-ubyte.gz")
    random = SplitMix64(1)
    order = random.shuffled(len(images))
    domains = []
    for k, (name, make) in enumerate(CONDITIONS.items()):
        chosen = order[k * ROWS:(k + 1) * ROWS]
        made = make(images[chosen].astype(np.float64), random)
        domains.append(domain(name, made, labels[chosen], np.isin(chosen, origins)))
    return domains


def read_digits(data: Data) -> Collection:
    """11 domains. A digit of MNIST that is also in the domain mnistm, on a colour patch, trains no MNIST domain."""
    domains = mnist_domains(data) if data.has("digits-mnist", "digits-mnist-m") else []
    for name, (images, _) in OTHERS.items():
        if data.has(images.split("/")[0]):
            domains.append(other_domain(data, name))
    return Collection("digits", "image", "classification", domains)
