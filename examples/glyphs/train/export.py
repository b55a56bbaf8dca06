"""Writes a trained network as QONNX, node by node.

The graph reads raw pixels 0..255 as float32 (1, 1, 16, 16):

    Mul 2^-7, Sub 1, Quant 8 bits signed scale 2^-7     the integer p - 128, every step exact
    Conv(BipolarQuant(weights)), BatchNormalization, BipolarQuant [, MaxPool 2 x 2]
    Flatten, MatMul(Transpose(BipolarQuant(weights))), Mul      ten scores, the largest wins
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import net

QONNX = "qonnx.custom_op.general"
CLEARANCE = 1 / 64  # least distance of a threshold from a sum that occurs, in steps of the sum


def settle(network):
    """Moves thresholds off the sums that occur, without changing a decision.

    A normalisation followed by a sign compares an exact sum with a threshold. Where the two are
    equal, or nearly, the answer would hang on the rounding of the runtime that evaluates the file.
    Such a threshold is moved by up to `CLEARANCE` steps through the running mean. Returns how many.
    """
    moved, step = 0, 1 / 128  # the first sums are multiples of the pixel's step
    for before, layer in zip(network.layers, network.layers[1:]):
        if not isinstance(layer, net.Normalisation):
            continue
        if isinstance(before, net.BinaryMatrix):
            fan_in = len(before.weight.value)
        else:
            fan_in = len(before.matrix.weight.value)
        # Sums of fan_in signs have the parity of fan_in and go in steps of 2.
        origin, step = (0.0, step) if step < 1 else (float(fan_in % 2), 2.0)
        for channel in range(len(layer.mean)):
            gamma = float(layer.gamma.value[channel])
            if gamma == 0:
                continue
            deviation = float(np.sqrt(layer.variance[channel] + net.EPSILON))
            mean = float(layer.mean[channel])
            threshold = mean - float(layer.beta.value[channel]) * deviation / gamma
            position = (threshold - origin) / step
            nearest = np.round(position)
            if abs(position - nearest) >= CLEARANCE or abs(threshold) > 2 * fan_in:
                continue
            below = position < nearest or (position == nearest and gamma > 0)
            target = nearest - CLEARANCE if below else nearest + CLEARANCE
            layer.mean[channel] = np.float32(mean + (target - position) * step)
            moved += 1
        step = 2.0
    return moved


class _Graph:
    """Nodes and constants under construction; `value` is the name of the newest tensor."""

    def __init__(self, first):
        self.nodes, self.constants, self.value = [], [], first

    def constant(self, name, array):
        self.constants.append(numpy_helper.from_array(np.asarray(array, np.float32), name))
        return name

    def node(self, kind, output, inputs, domain="", **attributes):
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name, domain=domain, **attributes))
        return output

    def then(self, kind, output, extra=(), domain="", **attributes):
        self.value = self.node(kind, output, [self.value, *extra], domain, **attributes)

    def signs(self, name, weights):
        """A binary weight: its signs as a constant behind a BipolarQuant."""
        self.constant(f"{name}_weight", net.sign(weights))
        return self.node("BipolarQuant", f"{name}_wq", [f"{name}_weight", "one"], QONNX)


def to_model(network, side):
    """The network as a checked ONNX model for pictures of `side * side`."""
    graph = _Graph("image")
    graph.constant("one", 1.0)
    graph.then("Mul", "pixel_scaled", [graph.constant("pixel_scale", 2.0**-7)])
    graph.then("Sub", "pixel_centred", [graph.constant("pixel_offset", 1.0)])
    parameters = [
        graph.constant("pixel_step", 2.0**-7),
        graph.constant("pixel_zero", 0.0),
        graph.constant("pixel_bits", 8.0),
    ]
    graph.then("Quant", "pixels", parameters, QONNX, signed=1, narrow=0, rounding_mode="ROUND")

    number, pool, shape = 0, False, None
    for layer in network.layers:
        name = f"L{number}"
        if isinstance(layer, net.Convolution):
            rows = layer.matrix.weight.value.reshape(3, 3, layer.inputs, layer.outputs)
            weights = graph.signs(name, rows.transpose(3, 2, 0, 1))
            window = {"kernel_shape": [3, 3], "pads": [0, 0, 0, 0], "strides": [1, 1]}
            graph.then("Conv", f"{name}_sum", [weights], dilations=[1, 1], group=1, **window)
        elif isinstance(layer, net.BinaryMatrix):
            weights = layer.weight.value
            if shape is not None:  # rows from (row, column, channel) to (channel, row, column)
                weights = weights.reshape(*shape[1:], -1).transpose(2, 0, 1, 3).reshape(weights.shape)
                shape = None
            signs = graph.signs(name, weights.T)
            turned = graph.node("Transpose", f"{name}_wqt", [signs], perm=[1, 0])
            graph.then("MatMul", f"{name}_sum", [turned])
        elif isinstance(layer, net.Normalisation):
            values = {
                "gamma": layer.gamma.value,
                "beta": layer.beta.value,
                "mean": layer.mean,
                "variance": layer.variance,
            }
            names = [graph.constant(f"{name}_{key}", value) for key, value in values.items()]
            graph.then("BatchNormalization", f"{name}_bn", names, epsilon=float(net.EPSILON))
        elif isinstance(layer, net.Pool):
            pool = True  # written behind the sign
        elif isinstance(layer, net.Sign):
            graph.then("BipolarQuant", f"{name}_sign", ["one"], QONNX)
            if pool:
                window = {"kernel_shape": [2, 2], "pads": [0, 0, 0, 0], "strides": [2, 2]}
                graph.then("MaxPool", f"{name}_pool", **window)
            number, pool = number + 1, False
        elif isinstance(layer, net.Flatten):
            shape = layer.shape
            graph.then("Flatten", "flat", axis=1)
        elif isinstance(layer, net.Scale):
            graph.then("Mul", "scores", [graph.constant("score_scale", layer.factor.value[0])])
        else:
            raise TypeError(f"no export for {type(layer).__name__}")

    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "glyphs",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, side, side])],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 10])],
            graph.constants,
        ),
        producer_name="bincim-glyphs",
        ir_version=8,
        opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid(QONNX, 2)],
    )
    onnx.checker.check_model(model)
    return model
