"""Truth: how each model serves each domain; prediction matrices; comparison with measured references."""

import csv
from pathlib import Path

import numpy as np

from domains import sample
from prepare import Prepared

MATRIX_ROWS = 2000      # items of a prediction matrix, at most
ABSENT = 40.0           # a class that a model lacks lies so far below its largest logit


def macro_f1(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Mean over the classes of the truth of their F1."""
    scores = []
    for name in np.unique(truth):
        hits = np.sum((predicted == name) & (truth == name))
        scores.append(2 * hits / (np.sum(predicted == name) + np.sum(truth == name)))
    return float(np.mean(scores))


def truth_row(source: str, target: str, predicted: np.ndarray, truth: np.ndarray) -> list[str]:
    """A row of truth.csv."""
    accuracy = float(np.mean(predicted == truth))
    return [source, target, f"{accuracy:.4f}", f"{macro_f1(predicted, truth):.4f}", str(len(truth))]


def write_truth(path: Path, rows: list[list[str]]) -> None:
    """truth.csv, a row each source and target."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["source", "target", "accuracy", "macro_f1", "n"])
        writer.writerows(rows)


def write_matrix(folder: Path, target: Prepared, logits: dict[str, np.ndarray], classes: dict[str, list[str]]) -> None:
    """Classes by name and logits [models][items][union of classes] of the models of other domains."""
    places = sample(np.arange(len(target.target)), MATRIX_ROWS, target.name)
    truth = target.labels[target.target[places]]
    union = sorted(set().union(*classes.values()))
    cube = np.empty((len(logits), len(places), len(union)), np.float32)
    columns = []
    for values, (source, all_logits) in zip(cube, logits.items()):
        own = all_logits[places]
        values[:] = own.max(axis=1, keepdims=True) - ABSENT
        values[:, [union.index(name) for name in classes[source]]] = own
        columns.append(np.array(classes[source])[own.argmax(axis=1)])
    np.save(folder / f"{target.name}.npy", cube)
    (folder / f"{target.name}.models.txt").write_text("".join(f"{source}\n" for source in logits))
    (folder / f"{target.name}.classes.txt").write_text("".join(f"{name}\n" for name in union))
    with open(folder / f"{target.name}.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*logits, "truth"])
        writer.writerows(zip(*columns, truth))


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, the mean of them where values are equal."""
    below = (values[:, None] > values).sum(axis=1)
    equal = (values[:, None] == values).sum(axis=1)
    return below + (equal + 1) / 2


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation; 0 where one side is constant."""
    a, b = ranks(a) - (len(a) + 1) / 2, ranks(b) - (len(b) + 1) / 2
    norm = np.sqrt(np.sum(a * a) * np.sum(b * b))
    return float(np.sum(a * b) / norm) if norm > 0 else 0.0


def read_accuracies(path: Path) -> dict[tuple[str, str], float]:
    """(source, target) to accuracy, from truth.csv or a reference."""
    with open(path, newline="") as file:
        return {(row[0], row[1]): float(row[2]) for row in list(csv.reader(file))[1:]}


def compare(name: str, truth: Path, reference: Path) -> str:
    """One line: mean accuracies of both and how alike they order the sources of each target."""
    ours, theirs = read_accuracies(truth), read_accuracies(reference)
    pairs = [pair for pair in theirs if pair in ours]
    across = [pair for pair in pairs if pair[0] != pair[1]]
    own = [pair for pair in pairs if pair[0] == pair[1]]
    correlations = []
    for target in sorted({pair[1] for pair in across}):
        chosen = [pair for pair in across if pair[1] == target]
        correlations.append(spearman(np.array([ours[p] for p in chosen]), np.array([theirs[p] for p in chosen])))

    def mean(table: dict[tuple[str, str], float], which: list[tuple[str, str]]) -> float:
        return float(np.mean([table[pair] for pair in which]))
    return (f"{name}: {len(pairs)} pairs; own domain {mean(ours, own):.3f} (reference {mean(theirs, own):.3f}), "
            f"others {mean(ours, across):.3f} ({mean(theirs, across):.3f}); Spearman of the sources of a target "
            f"mean {np.mean(correlations):.3f}, least {np.min(correlations):.3f}")
