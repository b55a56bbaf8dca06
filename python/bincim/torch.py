"""A drawn chip's arithmetic in the forward pass of a PyTorch training; torch is an optional dependency.

A :class:`ChipLayer` is one layer of a machine. Called with what the layer reads and with the signs of its weights, it gives
the sums that the arrays of the chip of a seed give, exactly those of the golden model: tiles, cells, converters and all.
The gradient is that of the clean sum. Thresholds, normalisation and signs stay PyTorch's own, as a training has them.

>>> geometry = bincim.load("start.onnx", arch="arch.toml")                       # doctest: +SKIP
>>> layer = bincim.torch.ChipLayer(geometry, "dense1")                           # doctest: +SKIP
>>> sums = layer(bits, sign(weights), seed=step)      # a chip for each step     # doctest: +SKIP
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional

from . import _bincim
from ._model import Model

__all__ = ["ChipLayer", "ChipSums"]


class ChipLayer:
    """One layer on the arrays of a machine.

    Args:
        model: a network of the shapes that are trained, read with an architecture file whose columns converters read
            (``readout.kind = "adc"``). Of it only shapes count, unless weights are left out.
        layer: number or name of the layer.

    Attributes:
        kernel, stride: rows and columns. A dense layer is a convolution of one pixel, or of the whole map.
        padding: top, left, bottom, right; ``pad_value`` is what stands there.
        sums: channels, rows and columns of the sums, before pooling.
    """

    def __init__(self, model: Model, layer: int | str) -> None:
        self._native = model._native
        shape = _bincim.layer_shape(self._native, layer)
        self.index: int = shape["index"]
        self.input: tuple[int, int, int] = shape["input"]
        self.kernel: tuple[int, int] = shape["kernel"]
        self.stride: tuple[int, int] = shape["stride"]
        self.padding: tuple[int, int, int, int] = shape["padding"]
        self.pad_value: int = shape["pad_value"]
        self.sums: tuple[int, int, int] = shape["sums"]
        self.range: tuple[int, int] = shape["range"]

    def __call__(self, maps: torch.Tensor, weights: torch.Tensor, *, seed: int | None) -> torch.Tensor:
        """Sums of ``maps``, in the unit of the network's accumulators.

        Args:
            maps: maps x channels x rows x columns (or maps x elements of a dense layer) of what the layer reads: -1 and +1,
                or the codes of an integer input.
            weights: outputs x channels x kernel rows x kernel columns (or outputs x elements), -1 and +1.
            seed: the chip; ``None`` for the clean sum.

        Returns:
            float32, maps x channels x rows x columns, or maps x channels of a dense layer. Behind pooling windows that do
            not cover the last rows or columns these are left out, as the machine leaves them out.

        Raises:
            bincim.Error: numbers that the layer does not read, and layers whose sums do not leave their arrays as they are
                (shortcuts, states, several planes of weights, sense amplifiers).
        """
        flat = maps.dim() == 2
        shaped = maps.reshape(-1, *self.input)
        kernels = weights.reshape(self.sums[0], self.input[0], *self.kernel)
        sums = self.clean(shaped, kernels) if seed is None else _apply(shaped, kernels, self, seed)
        return sums.flatten(1) if flat else sums

    def clean(self, maps: torch.Tensor, kernels: torch.Tensor) -> torch.Tensor:
        """The sum itself, differentiable: maps x channels x rows x columns."""
        top, left, bottom, right = self.padding
        padded = functional.pad(maps, (left, right, top, bottom), value=float(self.pad_value))
        return functional.conv2d(padded, kernels, stride=self.stride)

    def chip(self, maps: torch.Tensor, kernels: torch.Tensor, seed: int) -> torch.Tensor:
        """The sums of the chip, without a gradient."""
        signed = np.int8 if self.range[0] < 0 else np.uint8
        low, high = self.range
        codes = maps.detach().cpu().numpy()
        if not np.array_equal(codes, np.clip(np.rint(codes), low, high)):
            raise ValueError(f"maps: whole numbers from {low} to {high}, what the layer reads")
        # Kernel row, kernel column, channel: the order of the arrays.
        ordered = kernels.detach().cpu().permute(0, 2, 3, 1).numpy()
        sums = _bincim.layer_sums(
            self._native,
            self.index,
            np.ascontiguousarray(codes, dtype=signed),
            np.ascontiguousarray(ordered, dtype=np.int8),
            seed,
        )
        return torch.from_numpy(sums).to(maps.device)


class ChipSums(torch.autograd.Function):
    """Forward the sums of a drawn chip, backward the gradient of the clean sum."""

    @staticmethod
    def forward(
        ctx: Any, maps: torch.Tensor, kernels: torch.Tensor, layer: ChipLayer, seed: int
    ) -> torch.Tensor:
        ctx.layer = layer
        ctx.save_for_backward(maps, kernels)
        return layer.chip(maps, kernels, seed)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (gradient,) = gradients
        maps, kernels = (tensor.detach().requires_grad_() for tensor in ctx.saved_tensors)
        with torch.enable_grad():
            clean = ctx.layer.clean(maps, kernels)[..., : gradient.shape[-2], : gradient.shape[-1]]
        of_maps, of_kernels = torch.autograd.grad(clean, (maps, kernels), gradient)
        return of_maps, of_kernels, None, None


def _apply(maps: torch.Tensor, kernels: torch.Tensor, layer: ChipLayer, seed: int) -> torch.Tensor:
    sums: torch.Tensor = ChipSums.apply(maps, kernels, layer, seed)  # type: ignore[no-untyped-call, unused-ignore]
    return sums
