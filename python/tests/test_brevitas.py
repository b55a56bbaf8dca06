"""Networks of Brevitas, exported to QONNX by itself, give the scores of their own forward pass."""

from __future__ import annotations

import warnings
from pathlib import Path

import bincim
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import brevitas.nn as qnn
    from brevitas.core.quant import QuantType
    from brevitas.core.restrict_val import RestrictValueType
    from brevitas.core.scaling import ScalingImplType
    from brevitas.export import export_qonnx
    from brevitas.inject import ExtendedInjector
    from brevitas.quant import (
        Int8ActPerTensorFloat,
        Int8WeightPerTensorFloat,
        SignedBinaryActPerTensorConst,
        SignedBinaryWeightPerTensorConst,
        Uint8ActPerTensorFloat,
    )
    from brevitas.quant.solver import ActQuantSolver, WeightQuantSolver
nn = torch.nn


class CommonQuant(ExtendedInjector):
    """The quantiser of the BNN-PYNQ examples of Brevitas: bits of a constant scale."""

    bit_width_impl_type = "const"
    scaling_impl_type = ScalingImplType.CONST
    restrict_scaling_type = RestrictValueType.FP
    zero_point_impl = __import__("brevitas.core.zero_point", fromlist=["ZeroZeroPoint"]).ZeroZeroPoint
    float_to_int_impl_type = "round"
    scaling_per_output_channel = False
    narrow_range = True
    signed = True
    quant_type = QuantType.BINARY
    bit_width = 1


class CommonWeightQuant(CommonQuant, WeightQuantSolver):
    scaling_const = 1.0


class CommonActQuant(CommonQuant, ActQuantSolver):
    min_val = -1.0
    max_val = 1.0


def binary_connect(sizes: tuple[int, ...] = (64, 48, 32, 10)) -> nn.Module:
    """Bits of weights and activations as in the TFC of BNN-PYNQ: dense layers, normalisations, signs."""
    layers: list[nn.Module] = [qnn.QuantIdentity(act_quant=CommonActQuant, return_quant_tensor=False)]
    for index, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        layers.append(qnn.QuantLinear(inputs, outputs, bias=False, weight_quant=CommonWeightQuant))
        if index < len(sizes) - 2:
            layers += [nn.BatchNorm1d(outputs), qnn.QuantIdentity(act_quant=CommonActQuant)]
    return nn.Sequential(*layers)


def convolutions() -> nn.Module:
    """Convolutions with pooling behind and before the sign, flattened into dense layers, a normalisation at the end."""
    weight, act = SignedBinaryWeightPerTensorConst, SignedBinaryActPerTensorConst
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=act),
        qnn.QuantConv2d(1, 8, 3, bias=False, weight_quant=weight),
        nn.BatchNorm2d(8),
        qnn.QuantIdentity(act_quant=act),
        nn.MaxPool2d(2),
        qnn.QuantConv2d(8, 16, 3, bias=False, weight_quant=weight),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(16),
        qnn.QuantIdentity(act_quant=act),
        nn.Flatten(),
        qnn.QuantLinear(64, 32, bias=False, weight_quant=weight),
        nn.BatchNorm1d(32),
        qnn.QuantIdentity(act_quant=act),
        qnn.QuantLinear(32, 10, bias=False, weight_quant=weight),
    )


def integer_input() -> nn.Module:
    """An 8-bit input of a learnt scale, a strided convolution with padding, a bias behind which no normalisation stands."""
    weight, act = SignedBinaryWeightPerTensorConst, SignedBinaryActPerTensorConst
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat),
        qnn.QuantConv2d(3, 16, 3, stride=2, padding=1, bias=True, weight_quant=weight),
        qnn.QuantIdentity(act_quant=act),
        qnn.QuantConv2d(16, 16, 3, bias=False, weight_quant=weight),
        nn.BatchNorm2d(16),
        qnn.QuantIdentity(act_quant=act),
        nn.Flatten(),
        qnn.QuantLinear(16 * 36, 10, bias=False, weight_quant=weight),
        nn.BatchNorm1d(10),
    )


def low_bit() -> nn.Module:
    """Weights of four bits and activations of two: planes of weights, levels of activations."""

    class Act2(Uint8ActPerTensorFloat):
        bit_width = 2

    class Weight4(Int8WeightPerTensorFloat):
        bit_width = 4

    return nn.Sequential(
        qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat),
        qnn.QuantLinear(64, 32, bias=False, weight_quant=Weight4),
        nn.BatchNorm1d(32),
        qnn.QuantReLU(act_quant=Act2),
        qnn.QuantLinear(32, 10, bias=False, weight_quant=Weight4),
    )


def ternary() -> nn.Module:
    """Weights of two bits in a narrow range, -1, 0 and +1, and signs between the layers."""

    class Weight2(Int8WeightPerTensorFloat):
        bit_width = 2
        narrow_range = True

    act = SignedBinaryActPerTensorConst
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=act),
        qnn.QuantLinear(64, 32, bias=False, weight_quant=Weight2),
        nn.BatchNorm1d(32),
        qnn.QuantIdentity(act_quant=act),
        qnn.QuantLinear(32, 10, bias=False, weight_quant=Weight2),
    )


class TensorNorm(nn.Module):
    """The normalisation of all outputs by one scale, with which BNN-PYNQ's networks end."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.tensor([0.7])), nn.Parameter(torch.tensor([0.2]))
        self.mean, self.variance = torch.tensor([3.0]), torch.tensor([60.0])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean) / (self.variance + 1e-4) ** 0.5 * self.weight + self.bias


class Centred(nn.Module):
    """Pixels of 0 to 1 become -1 to 1 inside of the graph."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2.0 * x - torch.tensor([1.0])


def cnv() -> nn.Module:
    """The manner of BNN-PYNQ's CNV: the input is centred in the graph, dropout stands between, one scale ends it."""
    weight, act = CommonWeightQuant, CommonActQuant

    class Input8(CommonActQuant):
        bit_width, quant_type, narrow_range = 8, QuantType.INT, True
        max_val = 1.0 - 2.0**-7

    return nn.Sequential(
        Centred(),
        qnn.QuantIdentity(act_quant=Input8),
        qnn.QuantConv2d(3, 8, 3, bias=False, weight_quant=weight),
        nn.BatchNorm2d(8, eps=1e-4),
        qnn.QuantIdentity(act_quant=act),
        qnn.QuantConv2d(8, 8, 3, bias=False, weight_quant=weight),
        nn.BatchNorm2d(8, eps=1e-4),
        qnn.QuantIdentity(act_quant=act),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
        qnn.QuantLinear(8 * 36, 10, bias=False, weight_quant=weight),
        TensorNorm(),
    )


def channel_scales() -> nn.Module:
    """Bits of weights with a learnt scale a channel, and a bias."""

    class Weight1(SignedBinaryWeightPerTensorConst):
        scaling_impl_type = ScalingImplType.PARAMETER_FROM_STATS
        scaling_stats_op = "ave"
        scaling_per_output_channel = True

    act = SignedBinaryActPerTensorConst
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=act),
        qnn.QuantLinear(64, 32, bias=True, weight_quant=Weight1),
        qnn.QuantIdentity(act_quant=act),
        qnn.QuantLinear(32, 10, bias=True, weight_quant=Weight1),
    )


STYLES = {
    "cnv": (cnv, (3, 16, 16)),
    "channel_scales": (channel_scales, (64,)),
    "binary_connect": (binary_connect, (64,)),
    "convolutions": (convolutions, (1, 14, 14)),
    "integer_input": (integer_input, (3, 16, 16)),
    "low_bit": (low_bit, (64,)),
    "ternary": (ternary, (64,)),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "torchscript"])
@pytest.mark.parametrize("style", STYLES)
def test_an_export_gives_the_scores_of_the_forward_pass(style: str, dynamo: bool, tmp_path: Path) -> None:
    build, shape = STYLES[style]
    torch.manual_seed(3)
    network = build()
    pixels = np.random.default_rng(3).integers(0, 256, (200, *shape), dtype=np.uint8)
    # Pixels as most trainings have them.
    rule = "unit" if style == "cnv" else "bipolar"
    real = torch.from_numpy(pixels.astype(np.float32)) / 255
    real = real if rule == "unit" else real * 2 - 1
    with torch.no_grad():
        for _ in range(3):
            network.train()(real)
        # Normalisations with nothing round about them.
        for module in network.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                module.weight.uniform_(-1.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
        network.eval()
        wanted = network(real)
    wanted = getattr(wanted, "value", wanted).numpy()
    path = tmp_path / f"{style}.onnx"
    export_qonnx(network, args=real[:1], export_path=str(path), dynamo=dynamo)
    model = bincim.load(path, input=rule)
    found = model.infer(pixels)
    scale = np.abs(wanted).max()
    assert np.abs(found.outputs - wanted).max() <= 1e-4 * scale
    # Where outputs nearly tie, single precision may decide otherwise.
    ordered = np.sort(wanted, axis=1)
    clear = ordered[:, -1] - ordered[:, -2] > 1e-4 * scale
    assert np.array_equal(found.classes[clear], wanted.argmax(1)[clear]) and clear.sum() > 100
    assert model.check()["cycles"] > 0
