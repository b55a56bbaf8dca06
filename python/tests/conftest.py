"""What the tests share: the example network, a small one of known weights, and images."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples/python"))

import bincim  # noqa: E402
import qonnx  # noqa: E402

SIZES = [200, 96, 40, 10]


@pytest.fixture
def glyphs() -> Path:
    return ROOT / "examples/glyphs/glyphs.onnx"


@pytest.fixture
def analog() -> Path:
    return ROOT / "examples/python/arch.toml"


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)


class Perceptron:
    """Dense layers whose every number is known here too."""

    def __init__(self, random: np.random.Generator, path: Path) -> None:
        self.path = path
        self.layers = []
        for index, (inputs, outputs) in enumerate(zip(SIZES, SIZES[1:])):
            weights = np.where(random.random((inputs, outputs)) > 0.5, 1.0, -1.0)
            if index == len(SIZES) - 2:
                self.layers.append(qonnx.Dense(weights))
                continue
            low, high = random.uniform(0.5, 1.5, outputs), random.normal(0, 0.5, outputs)
            mean, variance = random.normal(0, 3, outputs), random.uniform(50, 90, outputs)
            self.layers.append(qonnx.Dense(weights, low, high, mean, variance))
        qonnx.write(path, self.layers)

    def bits(self, images: np.ndarray) -> np.ndarray:
        return np.where(images > 127, 1.0, -1.0).astype(np.float32)

    def run(self, images: np.ndarray, sums: Callable[[int, np.ndarray], np.ndarray]) -> list[np.ndarray]:
        """Sums of every layer, each made by `sums` of its number and what it reads."""
        bits, found = self.bits(images), []
        for index, layer in enumerate(self.layers):
            found.append(sums(index, bits))
            if layer.gamma is None:
                break
            real = layer.mean - layer.beta * np.sqrt(layer.variance + layer.epsilon) / layer.gamma
            # Sums of an even number of signs are even: the threshold is the least of them that is enough.
            bits = np.where(found[-1] >= 2 * np.ceil(real / 2), 1.0, -1.0).astype(np.float32)
        return found


@pytest.fixture
def perceptron(random: np.random.Generator, tmp_path: Path) -> Perceptron:
    return Perceptron(random, tmp_path / "perceptron.onnx")


@pytest.fixture
def machine(perceptron: Perceptron, analog: Path) -> bincim.Model:
    return bincim.load(perceptron.path, analog)
