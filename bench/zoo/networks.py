"""The small networks of the zoo: training with early stopping, outputs, export to ONNX.

A network takes what its inputs' `take` gives: a matrix, images, or bags of hashed features.
"""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

BATCH = 512     # items at once where nothing is learnt


class Inputs(Protocol):
    """Items that can be taken by number."""

    def take(self, items: np.ndarray) -> tuple[torch.Tensor, ...]:
        """Arguments of the network for these items."""


class Dense:
    """One tensor, an item a row."""

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = np.ascontiguousarray(rows, np.float32)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, items: np.ndarray) -> tuple[torch.Tensor, ...]:
        return (torch.from_numpy(self.rows[items]),)


class Bags:
    """Items of any number of (feature, weight), one after the other; `ends[i]` is where item i ends."""

    def __init__(self, ids: np.ndarray, weights: np.ndarray, ends: np.ndarray) -> None:
        self.ids, self.weights = ids.astype(np.int64), weights.astype(np.float32)
        self.starts, self.ends = np.concatenate([[0], ends[:-1]]).astype(np.int64), ends.astype(np.int64)

    def __len__(self) -> int:
        return len(self.ends)

    def take(self, items: np.ndarray) -> tuple[torch.Tensor, ...]:
        lengths = self.ends[items] - self.starts[items]
        offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
        places = np.repeat(self.starts[items] - offsets, lengths) + np.arange(lengths.sum())
        return torch.from_numpy(self.ids[places]), torch.from_numpy(self.weights[places]), torch.from_numpy(offsets)


class Mlp(nn.Sequential):
    """Two hidden layers of 64."""

    def __init__(self, n_inputs: int, n_classes: int) -> None:
        super().__init__(nn.Linear(n_inputs, 64), nn.ReLU(), nn.Dropout(.2),
                         nn.Linear(64, 64), nn.ReLU(), nn.Dropout(.2), nn.Linear(64, n_classes))


class Cnn(nn.Sequential):
    """Convolutions of 16 and 32 channels with pooling, and a hidden layer of 64, on 16 x 16 grey images."""

    def __init__(self, n_classes: int) -> None:
        super().__init__(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(32 * 16, 64), nn.ReLU(), nn.Dropout(.3), nn.Linear(64, n_classes))


class ColourCnn(nn.Sequential):
    """Convolutions of 24, 48 and 64 channels with pooling, and a hidden layer of 64, on 32 x 32 colour images."""

    def __init__(self, n_classes: int) -> None:
        super().__init__(nn.Conv2d(3, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(24, 48, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(48, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Dropout(.3), nn.Linear(64 * 16, 64), nn.ReLU(), nn.Dropout(.3),
                         nn.Linear(64, n_classes))


class SeriesCnn(nn.Sequential):
    """Convolutions of 32 and 64 channels in time, their mean over time, and a linear layer."""

    def __init__(self, n_channels: int, n_classes: int) -> None:
        super().__init__(nn.Conv1d(n_channels, 32, 7, padding=3), nn.ReLU(), nn.MaxPool1d(4),
                         nn.Conv1d(32, 64, 5, padding=2), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
                         nn.Flatten(), nn.Dropout(.2), nn.Linear(64, n_classes))


class BagNetwork(nn.Module):
    """The weighted sum of an embedding of each feature, ReLU, and a linear layer."""

    def __init__(self, n_features: int, width: int, n_classes: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.EmbeddingBag(n_features, width, mode="sum", sparse=True)
        nn.init.normal_(self.embedding.weight, std=.05)
        self.bias = nn.Parameter(torch.zeros(width))
        self.head = nn.Sequential(nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, n_classes))

    def forward(self, ids: torch.Tensor, weights: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        return self.head(self.embedding(ids, offsets, weights) + self.bias)


class PaddedBagNetwork(nn.Module):
    """The same function of items that all have as many features, padded with such of weight 0: ONNX can hold it."""

    def __init__(self, network: BagNetwork) -> None:
        super().__init__()
        self.table, self.bias, self.head = network.embedding.weight, network.bias, network.head

    def forward(self, ids: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        rows = self.table[ids]
        total = rows.sum(1) if weights is None else (weights.unsqueeze(1) @ rows).squeeze(1)
        return self.head(total + self.bias)


@dataclass
class Recipe:
    """How a network is trained."""

    epochs: int
    least_steps: int = 0    # as many epochs more as few rows need
    batch: int = 32
    rate: float = 2e-3
    patience: int = 4   # epochs without a lower validation loss until training ends


def optimizers(network: nn.Module, rate: float) -> list[torch.optim.Optimizer]:
    """Adam for all parameters; its form for sparse gradients where there is an embedding."""
    sparse = [m.weight for m in network.modules() if isinstance(m, nn.EmbeddingBag)]
    dense = [p for p in network.parameters() if all(p is not s for s in sparse)]
    made: list[torch.optim.Optimizer] = [torch.optim.Adam(dense, rate)]
    return made + [torch.optim.SparseAdam(sparse, rate)] if sparse else made


def outputs(network: nn.Module, inputs: Inputs, items: np.ndarray) -> np.ndarray:
    """Logits [len(items), classes] float32."""
    network.eval()
    with torch.no_grad():
        return np.concatenate([network(*inputs.take(items[i:i + BATCH])).numpy()
                               for i in range(0, len(items), BATCH)])


def train(network: nn.Module, inputs: Inputs, classes: np.ndarray, splits: tuple[np.ndarray, np.ndarray],
          recipe: Recipe, seed: int) -> None:
    """Fits the network to the first split; it ends with the weights of the least loss on the second."""
    rows, valid = splits
    n_epochs = max(recipe.epochs, -(-recipe.least_steps * recipe.batch // len(rows)))
    random = np.random.default_rng(seed)
    targets = torch.from_numpy(classes)
    steps = optimizers(network, recipe.rate)
    best_loss, best_state, waited = np.inf, copy.deepcopy(network.state_dict()), 0
    for _ in range(n_epochs):
        network.train()
        order = random.permutation(rows)
        for start in range(0, len(order), recipe.batch):
            items = order[start:start + recipe.batch]
            loss = F.cross_entropy(network(*inputs.take(items)), targets[torch.from_numpy(items)])
            network.zero_grad()
            loss.backward()
            for step in steps:
                step.step()
        logits = torch.from_numpy(outputs(network, inputs, valid))
        valid_loss = F.cross_entropy(logits, targets[torch.from_numpy(valid)]).item()
        waited += 1
        if valid_loss < best_loss:
            best_loss, best_state, waited = valid_loss, copy.deepcopy(network.state_dict()), 0
        if waited > recipe.patience:
            break
    network.load_state_dict(best_state)


def export(network: nn.Module, example: tuple[torch.Tensor, ...], names: list[str], path: Path) -> None:
    """Writes ONNX with a dynamic batch. Of a bag network the inputs are ids [n][features], and weights where named."""
    if isinstance(network, BagNetwork):
        network = PaddedBagNetwork(network)
    torch.onnx.export(network.eval(), example, str(path), opset_version=13, input_names=names,
                      output_names=["logits"], dynamic_axes={name: {0: "n"} for name in [*names, "logits"]})
