"""Monte-Carlo runs from Python."""

from __future__ import annotations

from pathlib import Path

import bincim
import numpy as np
import pytest


@pytest.fixture
def data(machine: bincim.Model, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    images = random.integers(0, 256, (60, 200), dtype=np.uint8)
    return images, machine.infer(images).classes


def test_every_chip_is_the_one_that_is_drawn(machine: bincim.Model, data: tuple[np.ndarray, np.ndarray]) -> None:
    images, labels = data
    found = machine.vary(data, 5, seed=11, flips=True)
    assert found.results is not None and found.results["accuracy_ideal"] == 1.0
    assert found.columns["seed"] == [11, 12, 13, 14, 15] and found.columns["group"] == ["given"] * 5
    for seed, correct in zip(found.columns["seed"], found.columns["correct"]):
        classes = machine.infer(images, chip=machine.draw(seed)).classes
        assert int((classes == labels).sum()) == correct
    assert found.results["accuracy_mean"] == pytest.approx(np.mean(found.columns["accuracy"]))
    assert any(name.startswith("flips ") for name in found.columns)


def test_the_table_is_a_frame(machine: bincim.Model, data: tuple[np.ndarray, np.ndarray]) -> None:
    pytest.importorskip("pandas")
    frame = machine.vary(data, 3, sweep="variation.gaussian.sigma=0,0.5").frame
    swept = frame[frame["group"] == "sweep"]
    assert len(swept) == 6 and set(swept["label"]) == {"0", "0.5"}
    assert swept[swept["label"] == "0"]["accuracy"].min() == 1.0 > swept[swept["label"] == "0.5"]["accuracy"].max()


def test_a_run_that_was_ended_goes_on(
    machine: bincim.Model, data: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    def ends(step: str, done: int, count: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    place = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        machine.vary(data, 6, folder=place, threads=1, progress=ends)
    kept = (place / "chips.jsonl").read_text().splitlines()
    assert len(kept) == 2
    told = []
    whole = machine.vary(data, 6, folder=place, progress=lambda step, done, count: told.append(done))
    assert told[0] == 2 and whole.columns == machine.vary(data, 6).columns
    assert (place / "report.html").is_file()
    with pytest.raises(bincim.Error) as caught:
        machine.vary(data, 6, folder=place, seed=5)
    assert caught.value.code == "vary::other_settings"


def test_shards_are_parts_of_the_run(
    machine: bincim.Model, data: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    for index in range(2):
        part = machine.vary(data, 4, folder=tmp_path / str(index), shard=(index, 2))
        assert part.results is None and part.columns == {}
    lines = [(tmp_path / str(index) / "chips.jsonl").read_text().splitlines() for index in range(2)]
    assert [len(part) for part in lines] == [2, 2]


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"chips": 0}, bincim.Error),
        ({"chips": 3, "yield_at": 2.0}, bincim.Error),
        ({"chips": 3, "images": 61}, bincim.Error),
        ({"chips": 3, "sweep": "array.rows=1,2"}, ValueError),
        ({"chips": 3, "split": "both"}, ValueError),
        ({"chips": 3, "shard": (2, 2)}, ValueError),
        ({"chips": 3, "shard": (0, 2)}, ValueError),
        ({"chips": -1}, TypeError),
    ],
)
def test_numbers_that_cannot_be_are_refused(
    machine: bincim.Model, data: tuple[np.ndarray, np.ndarray], options: dict[str, object], kind: type
) -> None:
    with pytest.raises(kind):
        machine.vary(data, **options)
