"""The sums of a drawn chip in a PyTorch training."""

from __future__ import annotations

from pathlib import Path

import bincim
import numpy as np
import pytest
import qonnx

torch = pytest.importorskip("torch")
from bincim.torch import ChipLayer  # noqa: E402


@pytest.mark.parametrize("seed", [1, 2, 2**63])
def test_every_sum_is_that_of_the_whole_chip(
    perceptron, machine: bincim.Model, random: np.random.Generator, seed: int
) -> None:
    """What training sees, layer by layer, is what the golden machine gives on the chip that `draw` makes."""
    images = random.integers(0, 256, (24, 200), dtype=np.uint8)
    golden = machine.infer(images, chip=machine.draw(seed), layers=[0, 1, 2])
    layers = [ChipLayer(machine, index) for index in range(3)]

    def sums(index: int, bits: np.ndarray) -> np.ndarray:
        weights = torch.from_numpy(perceptron.layers[index].weights.T.astype(np.float32))
        return layers[index](torch.from_numpy(bits), weights, seed=seed).numpy()

    for index, found in enumerate(perceptron.run(images, sums)):
        assert np.array_equal(found, golden.sums[index].reshape(found.shape))
        clean = layers[index].sums[0]
        assert found.shape == (24, clean)
    assert not np.array_equal(found, machine.infer(images).scores)


def test_convolutions_and_pooling(
    analog: Path, glyphs: Path, tmp_path: Path, random: np.random.Generator
) -> None:
    """The chip of an architecture without errors gives the clean sum, in each layer of a network with convolutions."""
    text = analog.read_text().replace("sigma = 0.35", "sigma = 0").replace("levels = 15", "levels = 257")
    arch = tmp_path / "arch.toml"
    arch.write_text(text.replace("range = 48", 'range = "full"'))
    model = bincim.load(glyphs, arch)
    for name in model.layers:
        layer = ChipLayer(model, name)
        low, high = layer.range
        if (low, high) == (-1, 1):
            maps = np.where(random.random((2, *layer.input)) > 0.5, 1.0, -1.0)
        else:
            maps = random.integers(low, high + 1, (2, *layer.input)).astype(float)
        shape = (layer.sums[0], layer.input[0], *layer.kernel)
        weights = np.where(random.random(shape) > 0.5, 1.0, -1.0)
        maps, weights = (torch.from_numpy(part.astype(np.float32)) for part in (maps, weights))
        clean, chip = (layer(maps, weights, seed=seed) for seed in (None, 5))
        clean = clean[..., : chip.shape[-2], : chip.shape[-1]]
        # Converters of 257 levels read up to 128 rows of +-1 without a loss.
        assert torch.equal(clean, chip), name


def test_the_gradient_is_that_of_the_clean_sum(machine: bincim.Model, random: np.random.Generator) -> None:
    layer = ChipLayer(machine, 1)
    signs = lambda *shape: torch.from_numpy(np.where(random.random(shape) > 0.5, 1.0, -1.0).astype(np.float32))  # noqa: E731
    gradients = []
    bits, weights, above = signs(6, 96), signs(40, 96), torch.randn(6, 40)
    for seed in (None, 3):
        parts = [part.clone().requires_grad_() for part in (bits, weights)]
        layer(*parts, seed=seed).backward(above)
        gradients.append([part.grad for part in parts])
    for clean, chip in zip(*gradients):
        assert torch.allclose(clean, chip)
    assert torch.allclose(gradients[0][0], above @ weights)


def test_what_a_layer_does_not_read_is_refused(machine: bincim.Model, perceptron) -> None:
    layer = ChipLayer(machine, 1)
    bits, weights = torch.ones(2, 96), torch.ones(40, 96)
    with pytest.raises(ValueError, match="whole numbers"):
        layer(bits * 0.5, weights, seed=1)
    with pytest.raises(bincim.Error) as caught:
        layer(bits * 0, weights, seed=1)
    assert caught.value.code == "layer::maps"
    with pytest.raises(bincim.Error) as caught:
        layer(bits, weights * 0, seed=1)
    assert caught.value.code == "layer::weights"
    with pytest.raises(bincim.Error) as caught:
        ChipLayer(bincim.load(perceptron.path), 1)(bits, weights, seed=1)
    assert caught.value.code == "arch::missing"
    with pytest.raises(ValueError, match="no layer"):
        ChipLayer(machine, "dense9")


def test_training_against_chips_moves_the_weights(machine: bincim.Model, random: np.random.Generator) -> None:
    """A few steps of a real loop: the loss on a chip falls."""
    layer = ChipLayer(machine, 2)
    bits = torch.from_numpy(np.where(random.random((80, 40)) > 0.5, 1.0, -1.0).astype(np.float32))
    wanted = torch.from_numpy(random.integers(0, 10, 80))
    real = torch.nn.Parameter(torch.from_numpy(random.uniform(-0.1, 0.1, (10, 40)).astype(np.float32)))
    optimiser = torch.optim.Adam([real], lr=0.02)
    losses = []
    for step in range(40):
        signs = real + (torch.where(real >= 0, 1.0, -1.0) - real).detach()
        loss = torch.nn.functional.cross_entropy(layer(bits, signs, seed=step) / 8, wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])


def test_the_exporter_of_the_example_is_read(tmp_path: Path) -> None:
    qonnx.write(tmp_path / "one.onnx", [qonnx.Dense(np.ones((12, 3)))])
    assert bincim.load(tmp_path / "one.onnx").classes == 3
