"""Train one small CNN per model family and measure how each serves every family.

Writes models/<family>.onnx, its model card models/<family>.md, and truth.csv, the
accuracy of every exported network on every family but its own.  The held-out
families are read for truth.csv only, after all networks are trained.
"""

import copy
import csv
import gzip
import json
import multiprocessing
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from generate import (CLASSES, HERE, SIDE, TRAIN_PER_CLASS, VALID_PER_CLASS, more_images,
                      read_families)
from onnx_numpy import Network

MORE_PER_CLASS = 80     # images rendered for training beside the training split
CHANNELS = [16, 32, 48]
DROPOUT = 0.2
STEPS = 500
BATCH = 64
LEARNING_RATE = 1e-2
WEIGHT_DECAY = 0.02
LABEL_SMOOTHING = 0.1
STRENGTH = 1.0          # of the affine part of augmentation
BEND = 0.05             # deviation of the elastic part, in half images
PROCESSES = 2

CARD = """\
---
license: apache-2.0
library_name: onnx
pipeline_tag: image-classification
tags: [onnx, image-classification, character-recognition, typefaces, {style}]
datasets: [typefaces/{slug}]
metrics: [accuracy]
model-index:
  - name: typefaces/{slug}
    results:
      - task:
          type: image-classification
        dataset:
          name: typefaces/{slug}
          type: typefaces/{slug}
          split: validation
        metrics:
          - type: accuracy
            value: {accuracy:.4f}
bestfit:
  name: typefaces/{slug}
  task: classification
  domain: {slug}
  input: {{kind: image, shape: [1, {side}, {side}], layout: NCHW, scale: {scale!r}, mean: [0.0], std: [1.0]}}
  output: {{kind: logits, classes: {classes}}}
  source_accuracy: {accuracy:.4f}
---

# {family}

A CNN with {parameters} parameters that reads the digits 0-9 and the capitals A-Z set in
{family} ({style}), from 28 x 28 grey images with bright ink on a dark ground.  It was trained on
{all_rows} augmented images rendered from the Debian package `{package}` {version}
(font licence: {licence}).  The {train_rows} images of the training split are among them, a sample;
the others were drawn in the same way.  The accuracy is that on {valid_rows} validation images,
which played no part in training.
"""


def read_idx(path: Path) -> np.ndarray:
    """Read a gzipped IDX file of uint8."""
    content = gzip.decompress(path.read_bytes())
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", dimensions, offset=4)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions)
    return values.reshape(shape).copy()


def read_split(slug: str, prefix: str) -> tuple[np.ndarray, np.ndarray]:
    """Images as float32 [N, 1, SIDE, SIDE] in 0..1, and labels."""
    folder = HERE / "data" / slug
    images = read_idx(folder / f"{prefix}images-idx3-ubyte.gz")
    names = (folder / f"{prefix}labels.txt").read_text().split()
    labels = np.array([CLASSES.index(name) for name in names], np.uint8)
    return images[:, None].astype(np.float32) / np.float32(255.0), labels


def training_rows(family: dict[str, str]) -> tuple[torch.Tensor, torch.Tensor]:
    """The training split and further rendered images of the family."""
    images, labels = read_split(family["slug"], "train-")
    more, more_labels = more_images(family, MORE_PER_CLASS)
    more = more[:, None].astype(np.float32) / np.float32(255.0)
    return (torch.from_numpy(np.concatenate([images, more])),
            torch.from_numpy(np.concatenate([labels, more_labels])).long())


def new_network() -> nn.Sequential:
    """Three convolutions, each with batch normalisation and pooling, and a linear layer."""
    layers: list[nn.Module] = []
    for before, after in zip([1, *CHANNELS], CHANNELS):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after),
                   nn.ReLU(), nn.MaxPool2d(2)]
    side = SIDE // 2 ** len(CHANNELS)
    layers += [nn.Flatten(), nn.Dropout(DROPOUT),
               nn.Linear(CHANNELS[-1] * side * side, len(CLASSES))]
    # With channels last PyTorch pools and normalises several times as fast.
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def folded(network: nn.Sequential) -> nn.Sequential:
    """The same function without dropout, each batch normalisation folded into its convolution."""
    layers: list[nn.Module] = []
    for layer in network.eval():
        if isinstance(layer, nn.BatchNorm2d):
            layers[-1] = fuse_conv_bn_eval(layers[-1], layer)
        elif not isinstance(layer, nn.Dropout):
            layers.append(layer)
    return nn.Sequential(*layers).to(memory_format=torch.contiguous_format).eval()


def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
    """Uniform random numbers."""
    return torch.empty(shape).uniform_(low, high)


def warped(images: torch.Tensor) -> torch.Tensor:
    """Each image turned, scaled, sheared, moved and bent a little."""
    n = len(images)
    angle, shear = STRENGTH * uniform(-0.21, 0.21, n), STRENGTH * uniform(-0.25, 0.25, n)
    size, aspect = STRENGTH * uniform(-0.2, 0.2, n), STRENGTH * uniform(-0.15, 0.15, n)
    shift = STRENGTH * uniform(-3.0, 3.0, n, 2) / (SIDE / 2)    # 3 pixels
    cosine, sine = torch.cos(angle), torch.sin(angle)
    across, down = torch.exp(-size - aspect), torch.exp(-size + aspect)
    affine = torch.stack([
        torch.stack([cosine * across, sine * across + shear, shift[:, 0]], dim=1),
        torch.stack([-sine * down, cosine * down, shift[:, 1]], dim=1)], dim=1)
    grid = F.affine_grid(affine, list(images.shape), align_corners=False)
    bend = F.interpolate(BEND * torch.randn(n, 2, 4, 4), (SIDE, SIDE), mode="bicubic",
                         align_corners=True)
    return F.grid_sample(images, grid + bend.permute(0, 2, 3, 1), align_corners=False)


def augmented(images: torch.Tensor) -> torch.Tensor:
    """Each image warped, with thicker or thinner strokes, blur, another contrast and noise."""
    n = len(images)
    images = warped(images)
    thicker = F.max_pool2d(images, 3, 1, 1) - images
    thinner = -F.max_pool2d(-images, 3, 1, 1) - images
    stroke = uniform(-1.0, 1.0, n, 1, 1, 1)
    images = images + stroke.clamp(min=0.0) * thicker + 0.7 * (-stroke).clamp(min=0.0) * thinner
    blurred = F.avg_pool2d(images, 3, 1, 1)
    images = torch.lerp(images, blurred, uniform(0.0, 1.0, n, 1, 1, 1).expand_as(images))
    noise = uniform(0.0, 0.06, n, 1, 1, 1) * torch.randn(images.shape)
    return (uniform(0.5, 1.3, n, 1, 1, 1) * images + noise).clamp(0.0, 1.0)


def train(family: dict[str, str]) -> nn.Sequential:
    """A network trained on its family: the moving average of its weights at the last step."""
    images, labels = training_rows(family)
    torch.manual_seed(zlib.crc32(family["slug"].encode()))
    network = new_network()
    average = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=STEPS, pct_start=0.15)
    rows = torch.empty(0, dtype=torch.long)
    for step in range(STEPS):
        if len(rows) < BATCH:
            rows = torch.cat([rows, torch.randperm(len(images))])
        batch, rows = rows[:BATCH], rows[BATCH:]
        logits = network(augmented(images[batch]).to(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits, labels[batch], label_smoothing=LABEL_SMOOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        share = 1.0 - min(0.99, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, value in zip(average.state_dict().values(), network.state_dict().values()):
                if mean.is_floating_point():
                    mean.lerp_(value, share)
    return folded(average)


def export(network: nn.Sequential, path: Path) -> None:
    """Write the network as ONNX with a dynamic batch."""
    torch.onnx.export(network, torch.zeros(1, 1, SIDE, SIDE), str(path), opset_version=13,
                      input_names=["image"], output_names=["logits"],
                      dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}})


def accuracy(network: Network, images: np.ndarray, labels: np.ndarray) -> float:
    """The share of images to which the network gives their own class."""
    starts = range(0, len(images), BATCH)
    classes = np.concatenate([network(images[i:i + BATCH]).argmax(axis=1) for i in starts])
    return float(np.mean(classes == labels))


def train_family(family: dict[str, str]) -> str:
    """Train, export and describe the network of one family; a line to print."""
    slug = family["slug"]
    network = train(family)
    path = HERE / "models" / f"{slug}.onnx"
    export(network, path)

    images, labels = read_split(slug, "valid-")
    exported = Network(path)
    with torch.no_grad():
        np.testing.assert_allclose(
            exported(images), network(torch.from_numpy(images)).numpy(), rtol=1e-3, atol=1e-3)
    source_accuracy = accuracy(exported, images, labels)
    path.with_suffix(".md").write_text(CARD.format(
        **family, side=SIDE, scale=1 / 255,
        classes=json.dumps(list(CLASSES), separators=(",", ":")),
        accuracy=source_accuracy, parameters=sum(p.numel() for p in network.parameters()),
        all_rows=(TRAIN_PER_CLASS + MORE_PER_CLASS) * len(CLASSES),
        train_rows=TRAIN_PER_CLASS * len(CLASSES), valid_rows=VALID_PER_CLASS * len(CLASSES)))
    return f"{slug}: {source_accuracy:.4f}"


def all_rows(family: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Every image and label of a family."""
    prefixes = ["train-", "valid-"] if family["role"] == "model" else [""]
    splits = [read_split(family["slug"], prefix) for prefix in prefixes]
    return np.concatenate([s[0] for s in splits]), np.concatenate([s[1] for s in splits])


def serve(target: dict[str, str]) -> list[tuple[str, str, str, int]]:
    """Rows of truth.csv: how every network but its own serves one family."""
    images, labels = all_rows(target)
    slugs = [f["slug"] for f in read_families() if f["role"] == "model" and f != target]
    return [(target["slug"], slug,
             f"{accuracy(Network(HERE / 'models' / f'{slug}.onnx'), images, labels):.4f}",
             len(labels)) for slug in slugs]


def start_process() -> None:
    """Prepare a process for equal results."""
    torch.set_num_threads(1)    # the order of sums, and so the result, depends on it
    torch.use_deterministic_algorithms(True)


def main() -> None:
    families = read_families()
    models = [f for f in families if f["role"] == "model"]
    (HERE / "models").mkdir(exist_ok=True)
    with multiprocessing.get_context("spawn").Pool(PROCESSES, start_process) as pool:
        for line in pool.imap(train_family, models, chunksize=1):
            print(line, flush=True)
        with open(HERE / "truth.csv", "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["target", "model", "accuracy", "rows"])
            targets = sorted(families, key=lambda f: f["role"] == "model")
            for rows in pool.imap(serve, targets, chunksize=1):
                writer.writerows(rows)


if __name__ == "__main__":
    main()
