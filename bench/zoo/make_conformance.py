#!/usr/bin/python3
"""Make tests/conformance/data/zoo anew: models with what PyTorch says of the same rows.

Four small networks trained by this program, {cnn,mlp,text,tagging}/ with model.onnx, card.md and expected.npy, and
the networks of the typefaces demo, typefaces/expected.npy. Which items of which file is said in README.txt there and,
for the test, in tests/conformance/test_model_pytorch.c. No rows of any dataset are written.
"""

import argparse
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

import networks
import train
from activity import read_array
from data_folders import Data
from digits import read_idx
from domains import Collection
from networks import Dense
from prepare import inputs_of, scaling
from words import read_conllu, reviews

ROOT = train.HERE.parent.parent
FOLDER = ROOT / "tests/conformance/data/zoo"
TYPEFACES = ROOT / "examples/typefaces"
TYPEFACE_IMAGES = "data/eb-garamond/images-idx3-ubyte.gz"
N_ITEMS = 100
N_TYPEFACE_ITEMS = 8
SMALL = 2**12   # cells of the word networks, to keep them small


@dataclass
class Case:
    """A network, and the items that it is asked about: every `stride`-th of a file, N_ITEMS in all."""

    name: str
    collection: str
    domain: str
    file: str
    read: Callable[[Path], Any]
    stride: int
    options: dict[str, Any]


CASES = [
    Case("cnn", "digits", "semeion", "digits-semeion/images-idx3-ubyte.gz", read_idx, 15, {}),
    Case("mlp", "dsads", "torso0", "har-dsads/features_left_leg.npy.gz", read_array, 91, {}),
    Case("text", "sentiment", "books", "sentiment_fdu_mtl/music.task.test.gz", lambda path: reviews(path)[0], 4,
         {"n_features": SMALL, "max_len": 256, "norm": 4.0, "ngram_range": [1, 2]}),
    Case("tagging", "pos", "gum_voyage", "ud_english/gum_bio.test.conllu.gz",
         lambda path: [[word for word, _ in sentence] for sentence in read_conllu(path)], 16, {"n_features": SMALL}),
]


def probabilities(network: nn.Module, inputs: networks.Inputs, items: np.ndarray) -> np.ndarray:
    """Softmax of the outputs, float32."""
    return torch.softmax(torch.from_numpy(networks.outputs(network, inputs, items)), dim=1).numpy()


def make_case(case: Case, data: Data) -> None:
    """Trains the model of one case in a scratch folder and takes from there what the test needs."""
    plan = replace(train.PLANS[case.collection], options=case.options, width=16)
    whole = plan.read(data)
    options = scaling(whole) if whole.kind == "features" else plan.options
    alone = Collection(whole.name, whole.kind, whole.task, [d for d in whole.domains if d.name == case.domain])
    with tempfile.TemporaryDirectory() as scratch:
        job = train.Job(plan, alone, Path(scratch), Path(scratch), "", 1, options)
        network, _ = train.trained(job, train.make_domain(job, 0))
        made, folder = Path(scratch) / case.domain, FOLDER / case.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes((made / "model.onnx").read_bytes())
        (folder / "card.md").write_bytes((made / "model.md").read_bytes())
    inputs = inputs_of(case.read(data / case.file), whole.kind, options)
    items = np.arange(N_ITEMS) * case.stride
    np.save(folder / "expected.npy", probabilities(network, inputs, items))


def typeface_network(path: Path) -> nn.Module:
    """The network that examples/typefaces/train.py exported, in PyTorch, with the weights of the file."""
    weights = [torch.from_numpy(numpy_helper.to_array(w).copy()) for w in onnx.load(str(path)).graph.initializer]
    layers: list[nn.Module] = []
    for weight, bias in zip(weights[0::2], weights[1::2]):
        if weight.ndim == 4:
            layer: nn.Module = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
            layers += [layer, nn.ReLU(), nn.MaxPool2d(2)]
        else:
            layer = nn.Linear(weight.shape[1], weight.shape[0])
            layers += [nn.Flatten(), layer]
        layer.load_state_dict({"weight": weight, "bias": bias})
    return nn.Sequential(*layers)


def make_typefaces() -> None:
    """Rows: the models by name, and of each the first images that lie evenly in the file."""
    images = read_idx(TYPEFACES / TYPEFACE_IMAGES)
    inputs = Dense(images[:, None].astype(np.float32) / np.float32(255))
    items = np.arange(N_TYPEFACE_ITEMS) * (len(images) // N_TYPEFACE_ITEMS)
    expected = [probabilities(typeface_network(path), inputs, items)
                for path in sorted((TYPEFACES / "models").glob("*.onnx"))]
    (FOLDER / "typefaces").mkdir(parents=True, exist_ok=True)
    np.save(FOLDER / "typefaces/expected.npy", np.concatenate(expected))


def write_readme() -> None:
    """Says which items of which file every expected.npy is about."""
    lines = ["Probabilities that PyTorch gives, float32, an item a row; made by bench/zoo/make_conformance.py.", ""]
    for case in CASES:
        options = " ".join(f"{key}={value}" for key, value in case.options.items())
        lines.append(f"{case.name}/: trained on {case.domain} of {case.collection} {options}".rstrip())
        lines.append(f"    items 0, {case.stride}, {2 * case.stride} ... ({N_ITEMS} of them) of "
                     f"$BESTFIT_DATA/{case.file}")
    lines.append("typefaces/: the networks of examples/typefaces/models, by name, their weights in the same layers in "
                 "PyTorch")
    lines.append(f"    of each {N_TYPEFACE_ITEMS} images of examples/typefaces/{TYPEFACE_IMAGES}: 0, n/8, 2n/8 ...")
    lines.append("Items of text are lines, those of tagged sentences words. The labels of the files are not used.")
    (FOLDER / "README.txt").write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", help="of " + ", ".join(case.name for case in CASES) + " (default: all)")
    parser.add_argument("--data", type=Path, default=os.environ.get("BESTFIT_DATA"), help="default: $BESTFIT_DATA")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data or BESTFIT_DATA must name the folder of the datasets")
    os.nice(5)
    torch.set_num_threads(1)
    make_typefaces()
    for case in CASES:
        if not options.cases or case.name in options.cases:
            make_case(case, Data([options.data]))
            print(f"{case.name}: made", flush=True)
    write_readme()


if __name__ == "__main__":
    main()
