"""Train one small CNN per model family and measure how each serves every family.

Writes models/<family>.onnx, its model card models/<family>.md, and truth.csv, the
accuracy of every exported network on every family but its own.  The held-out
families are read for truth.csv only, after all networks are trained.
"""

import csv
import gzip
import json
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from generate import CLASSES, HERE, SIDE, TRAIN_PER_CLASS, VALID_PER_CLASS, read_families
from onnx_numpy import Network

EPOCHS = 60         # at most
PATIENCE = 12       # epochs without a lower validation loss
BATCH = 48
LEARNING_RATE = 3e-3
LARGEST_SHIFT = 2   # pixels, in augmentation

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
{train_rows} images and chosen on {valid_rows} validation images rendered from the Debian package
`{package}` {version} (font licence: {licence}).
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
    labels = read_idx(folder / f"{prefix}labels-idx1-ubyte.gz")
    return images[:, None].astype(np.float32) / np.float32(255.0), labels


def new_network() -> nn.Sequential:
    """Three convolutions, each with pooling, and a linear layer."""
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(24, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 3 * 3, len(CLASSES)))


def shifted(images: torch.Tensor) -> torch.Tensor:
    """The images of a batch, each moved by a few random pixels."""
    padded = F.pad(images, [LARGEST_SHIFT] * 4)
    corners = torch.randint(0, 2 * LARGEST_SHIFT + 1, (len(images), 2)).tolist()
    return torch.stack([image[:, y:y + SIDE, x:x + SIDE]
                        for image, (y, x) in zip(padded, corners)])


def train(slug: str) -> nn.Sequential:
    """The network with the lowest loss on the family's own validation split."""
    images, labels = (torch.from_numpy(a) for a in read_split(slug, "train-"))
    valid_images, valid_labels = (torch.from_numpy(a) for a in read_split(slug, "valid-"))
    labels, valid_labels = labels.long(), valid_labels.long()
    torch.manual_seed(zlib.crc32(slug.encode()))
    network = new_network()
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    best_loss, best_epoch, best_state = float("inf"), 0, {}
    for epoch in range(EPOCHS):
        network.train()
        for rows in torch.randperm(len(images)).split(BATCH):
            loss = F.cross_entropy(network(shifted(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        network.eval()
        with torch.no_grad():
            loss = F.cross_entropy(network(valid_images), valid_labels).item()
        if loss < best_loss:
            best_loss, best_epoch = loss, epoch
            best_state = {name: value.clone() for name, value in network.state_dict().items()}
        elif epoch - best_epoch >= PATIENCE:
            break
    network.load_state_dict(best_state)
    return network.eval()


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


def train_family(family: dict[str, str]) -> None:
    """Train, export and describe the network of one family."""
    slug = family["slug"]
    network = train(slug)
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
        train_rows=TRAIN_PER_CLASS * len(CLASSES), valid_rows=VALID_PER_CLASS * len(CLASSES)))
    print(f"{slug}: {source_accuracy:.4f}", flush=True)


def all_rows(family: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Every image and label of a family."""
    prefixes = ["train-", "valid-"] if family["role"] == "model" else [""]
    splits = [read_split(family["slug"], prefix) for prefix in prefixes]
    return np.concatenate([s[0] for s in splits]), np.concatenate([s[1] for s in splits])


def write_truth(families: list[dict[str, str]]) -> None:
    """Measure every network on every other family."""
    networks = {f["slug"]: Network(HERE / "models" / f"{f['slug']}.onnx")
                for f in families if f["role"] == "model"}
    with open(HERE / "truth.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["target", "model", "accuracy", "rows"])
        for family in sorted(families, key=lambda f: f["role"] == "model"):
            images, labels = all_rows(family)
            for slug, network in networks.items():
                if slug != family["slug"]:
                    share = accuracy(network, images, labels)
                    writer.writerow([family["slug"], slug, f"{share:.4f}", len(labels)])


def main() -> None:
    torch.set_num_threads(1)    # the order of sums, and so the result, depends on it
    torch.use_deterministic_algorithms(True)
    families = read_families()
    (HERE / "models").mkdir(exist_ok=True)
    for family in families:
        if family["role"] == "model":
            train_family(family)
    write_truth(families)


if __name__ == "__main__":
    main()
