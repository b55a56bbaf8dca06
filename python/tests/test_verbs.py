"""Accelerators, their proof, and training, from Python."""

from __future__ import annotations

import logging
from pathlib import Path

import bincim
import numpy as np
import pytest

SMALL = "[array]\nrows = 32\ncolumns = 8\n[activation]\nword = 8\n[weights]\nrows_per_cycle = 8\n"
TINY = """
[input]
channels = 1
rows = 6
columns = 6
[[layer]]
kind = "dense"
outputs = 8
[[layer]]
kind = "scores"
outputs = 3
[train]
epochs = 6
batch = 8
"""


@pytest.fixture
def arch(tmp_path: Path) -> Path:
    path = tmp_path / "arch.toml"
    path.write_text(SMALL)
    return path


def images(path: Path, random: np.random.Generator, shape: tuple[int, ...], classes: int) -> Path:
    parts = {"test": 4, "train": 60}
    arrays = {f"x_{part}": random.integers(0, 256, (count, *shape), dtype=np.uint8) for part, count in parts.items()}
    arrays |= {f"y_{part}": random.integers(0, classes, count) for part, count in parts.items()}
    np.savez(path, **arrays)
    return path


def test_an_accelerator_is_written(glyphs: Path, arch: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = []
    with caplog.at_level(logging.INFO, "bincim"):
        found = bincim.generate(
            bincim.load(glyphs, arch), tmp_path / "design", progress=lambda step, done, count: told.append(step)
        )
    assert isinstance(found, dict) and (tmp_path / "design/manifest.json").is_file()
    assert any("writing" in step for step in told) and len(caplog.records) >= len(told)
    with pytest.raises(bincim.Error) as caught:
        bincim.generate(glyphs, glyphs.parent)
    assert caught.value.code and caught.value.help


def test_a_callback_ends_a_verb(glyphs: Path, arch: Path, tmp_path: Path) -> None:
    def ends(step: str, done: int, count: int) -> None:
        raise LookupError(step)

    with pytest.raises(LookupError):
        bincim.generate(glyphs, tmp_path / "design", arch=arch, progress=ends)


def test_what_does_not_fit_is_an_error(glyphs: Path, tmp_path: Path) -> None:
    with pytest.raises(bincim.Error) as caught:
        bincim.generate(glyphs, tmp_path / "design", device="hx1k")
    assert caught.value.code == "cost::misfit" and not (tmp_path / "design").exists()


def test_an_option_that_is_none_is_refused(glyphs: Path, tmp_path: Path) -> None:
    with pytest.raises(bincim.Error) as caught:
        bincim.generate(glyphs, tmp_path / "design", target_fps=-1)
    assert caught.value.code == "cli::usage" and "target-fps" in str(caught.value)


def test_an_accelerator_is_proved(
    glyphs: Path, arch: Path, tmp_path: Path, random: np.random.Generator
) -> None:
    bincim.generate(glyphs, tmp_path / "design", arch=arch)
    data = images(tmp_path / "data.npz", random, (16, 16), 10)
    try:
        found = bincim.verify(tmp_path / "design", data, images=2, proof="off")
    except bincim.Error as error:
        if "tool" in error.code or "missing" in error.code:
            pytest.skip(f"no Verilator: {error.code}")
        raise
    assert found["mismatches"] == 0 and found["passed"] is True


def test_a_network_is_trained(tmp_path: Path, random: np.random.Generator) -> None:
    net = tmp_path / "net.toml"
    net.write_text(TINY)
    data = images(tmp_path / "data.npz", random, (6, 6), 3)
    found = bincim.train(net, data, tmp_path / "net.onnx", seed=3, threads=1)
    assert found["test_images"] == 4 and (tmp_path / "net.onnx").is_file()
    model = bincim.load(tmp_path / "net.onnx")
    with np.load(data) as arrays:
        classes = model.infer(arrays["x_test"]).classes
        assert int((classes == arrays["y_test"]).sum()) == found["correct"]
