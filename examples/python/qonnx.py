"""Writes a multilayer perceptron of bits as QONNX: what a training outside of bincim hands over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DOMAIN = "qonnx.custom_op.general"


@dataclass
class Dense:
    """Weights (inputs x outputs; their signs count) and, but for the last layer, a normalisation."""

    weights: np.ndarray
    gamma: np.ndarray | None = None
    beta: np.ndarray | None = None
    mean: np.ndarray | None = None
    variance: np.ndarray | None = None
    epsilon: float = 1e-5


def write(path: Path, layers: Sequence[Dense]) -> None:
    """Writes the model: pixels of 0 to 255 become -1 and +1 by their upper half, and every layer reads signs."""
    nodes, tensors = [], []

    def tensor(name: str, values: object) -> str:
        tensors.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def node(kind: str, inputs: list[str], output: str, domain: str = "", **attributes: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))
        return output

    one = tensor("one", 1.0)
    at = node("Sub", ["image", tensor("half", 127.5)], "image.centred")
    at = node("BipolarQuant", [at, one], "image.signs", DOMAIN)
    for index, layer in enumerate(layers):
        name = f"dense{index}"
        signs = node("BipolarQuant", [tensor(f"{name}.weights", layer.weights), one], f"{name}.signs", DOMAIN)
        at = node("MatMul", [at, signs], "scores" if index == len(layers) - 1 else f"{name}.sums")
        if layer.gamma is not None:
            parts = ("gamma", "beta", "mean", "variance")
            inputs = [tensor(f"{name}.{part}", getattr(layer, part)) for part in parts]
            at = node("BatchNormalization", [at, *inputs], f"{name}.norm", epsilon=layer.epsilon)
            at = node("BipolarQuant", [at, one], f"{name}.sign", DOMAIN)
    shapes = [("image", layers[0].weights.shape[0]), ("scores", layers[-1].weights.shape[1])]
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size]) for name, size in shapes]
    graph = helper.make_graph(nodes, "mlp", value[:1], value[1:], tensors)
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(DOMAIN, 2)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
