"""Pictures of things: PACS, CIFAR-10 in five unlike groups, the visual words of Office-Caltech."""

import numpy as np

from activity import read_array
from data_folders import Data
from digits import read_idx
from domains import Collection, Domain, cut

SHARES = (.6, .15, .25)     # train, valid, test
STYLES = ["photo", "art_painting", "cartoon", "sketch"]
THINGS = ["dog", "elephant", "giraffe", "guitar", "horse", "house", "person"]
CIFAR = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
GROUPS = 5
AT_HOME = .6    # of the images of a class are in its home group, as many in each of the others
CAMERAS = ["amazon", "caltech", "dslr", "webcam"]
OFFICE = ["backpack", "touring-bike", "calculator", "headphones", "computer-keyboard", "laptop", "computer-monitor",
          "computer-mouse", "coffee-mug", "video-projector"]


def read_pacs(data: Data) -> Collection:
    """4 domains: styles of picture, seven things, 32 x 32 in colour."""
    domains = []
    for style in STYLES:
        images = read_idx(data / f"images-pacs/{style}-images-idx4-ubyte.gz")
        labels = [THINGS[k] for k in read_idx(data / f"images-pacs/{style}-labels-idx1-ubyte.gz")]
        domains.append(Domain(style, images, labels, *cut(len(images), SHARES, style)))
    return Collection("pacs", "image", "classification", domains)


def groups_of(labels: np.ndarray, name: str) -> np.ndarray:
    """A group for each image: that of its class (two classes are at home in each), or by its share another."""
    groups = np.empty(len(labels), int)
    for k in range(len(CIFAR)):
        home = k // 2
        shares = [AT_HOME if g == home else (1 - AT_HOME) / (GROUPS - 1) for g in range(GROUPS)]
        of_class = np.flatnonzero(labels == k)
        for g, part in enumerate(cut(len(of_class), shares, f"{name} {CIFAR[k]}")):
            groups[of_class[part]] = g
    return groups


def read_cifar_groups(data: Data) -> Collection:
    """5 domains that differ in their shares of ten classes; the published test images are the test split."""
    folder = "images-cifar10"
    parts = [(read_idx(data / f"{folder}/{split}-images-idx4-ubyte.gz"),
              read_idx(data / f"{folder}/{split}-labels-idx1-ubyte.gz")) for split in ("train", "test")]
    of_train, of_test = groups_of(parts[0][1], "train"), groups_of(parts[1][1], "test")
    domains = []
    for g in range(GROUPS):
        chosen = [np.flatnonzero(of_train == g), np.flatnonzero(of_test == g)]
        images = np.concatenate([parts[i][0][chosen[i]] for i in range(2)])
        labels = np.concatenate([parts[i][1][chosen[i]] for i in range(2)])
        train, valid = cut(len(chosen[0]), (.85, .15), f"group{g}")
        test = np.arange(len(chosen[0]), len(images))
        domains.append(Domain(f"group{g}", images, [CIFAR[k] for k in labels], train, valid, test))
    return Collection("cifar_groups", "image", "classification", domains)


def read_office_caltech(data: Data) -> Collection:
    """4 domains: where pictures of ten things were taken, as shares of 800 visual words."""
    domains = []
    for name in CAMERAS:
        counts = read_array(data / f"images-officecaltech10/{name}_fts.npy.gz").astype(np.float64)
        shares = (counts / counts.sum(axis=1, keepdims=True)).astype(np.float32)
        numbers = read_array(data / f"images-officecaltech10/{name}_labels.npy.gz").ravel()
        domains.append(Domain(name, shares, [OFFICE[k - 1] for k in numbers], *cut(len(shares), SHARES, name)))
    return Collection("office_caltech", "features", "classification", domains)
