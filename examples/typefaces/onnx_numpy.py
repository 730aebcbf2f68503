"""Evaluate a small ONNX network with NumPy: an independent check of the export."""

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper


def conv(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, *, pads: list[int],
         **_: object) -> np.ndarray:
    """Convolution with stride 1 and zero padding."""
    top, left, bottom, right = pads
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(2, 3))
    y = np.tensordot(windows, weight, axes=([1, 4, 5], [1, 2, 3]))
    return y.transpose(0, 3, 1, 2) + bias[:, None, None]


def max_pool(x: np.ndarray, *, kernel_shape: list[int], **_: object) -> np.ndarray:
    """Max pooling with a stride equal to the kernel; an incomplete border is dropped."""
    height, width = kernel_shape
    rows, columns = x.shape[2] // height, x.shape[3] // width
    x = x[:, :, :rows * height, :columns * width]
    return x.reshape(*x.shape[:2], rows, height, columns, width).max(axis=(3, 5))


OPERATORS = {
    "Conv": conv,
    "Relu": lambda x: np.maximum(x, 0.0),
    "MaxPool": max_pool,
    "Flatten": lambda x, **_: x.reshape(len(x), -1),
    "Gemm": lambda x, weight, bias, **_: x @ weight.T + bias,
}


class Network:
    """An ONNX network with one input, one output and the operators above."""

    def __init__(self, path: Path) -> None:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
        self.graph = model.graph
        self.weights = {w.name: numpy_helper.to_array(w) for w in self.graph.initializer}

    def __call__(self, x: np.ndarray) -> np.ndarray:
        values = {**self.weights, self.graph.input[0].name: x}
        for node in self.graph.node:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            inputs = [values[name] for name in node.input]
            values[node.output[0]] = OPERATORS[node.op_type](*inputs, **attributes)
        return values[self.graph.output[0].name]
