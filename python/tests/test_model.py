"""Networks, their scores and sums, chips, and what is refused."""

from __future__ import annotations

import json
import logging
import pickle
import threading
import time
import warnings
from pathlib import Path

import bincim
import numpy as np
import pytest


def test_what_a_model_says_of_itself(glyphs: Path) -> None:
    model = bincim.load(glyphs)
    assert model.name == "glyphs" and model.input_shape == (1, 16, 16) and model.classes == 10
    assert model.layers == ["conv1", "conv2", "conv3", "dense1", "scores"] and model.warnings == []
    assert "5 layers" in repr(model) and model.arch is None and model.path == glyphs
    assert bincim.__version__.startswith("0.")


def test_scores_and_sums_are_those_of_the_definition(perceptron, random: np.random.Generator) -> None:
    images = random.integers(0, 256, (700, 200), dtype=np.uint8)
    result = bincim.load(perceptron.path).infer(images, layers=[0, 1, -1])
    wanted = perceptron.run(images, lambda index, bits: bits @ perceptron.layers[index].weights)
    for key, sums in zip([0, 1, -1], wanted):
        assert result.sums[key].dtype == np.int32
        assert np.array_equal(result.sums[key], sums.reshape(result.sums[key].shape))
    assert np.array_equal(result.scores, wanted[-1]) and np.array_equal(result.outputs, wanted[-1])
    assert np.array_equal(result.classes, wanted[-1].argmax(1))


def test_every_form_of_the_same_images(glyphs: Path, random: np.random.Generator) -> None:
    model = bincim.load(glyphs)
    images = random.integers(0, 256, (5, 1, 16, 16), dtype=np.uint8)
    wanted = model.infer(images).scores
    forms = [images[:, 0], images.reshape(5, 256), images.astype(np.int64), images.tolist(), np.asfortranarray(images)]
    forms.append(images[::-1][::-1])
    for form in forms:
        assert np.array_equal(model.infer(form).scores, wanted)
    unit = bincim.load(glyphs, input="unit")
    pixels = (images / np.float32(255)).astype(np.float32)
    assert np.array_equal(unit.infer(pixels).scores, unit.infer(images).scores)
    empty = model.infer(images[:0])
    assert empty.scores.shape == (0, 10) and empty.classes.shape == (0,)


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (np.zeros((2, 3, 16, 16), np.uint8), "(2, 3, 16, 16)"),
        (np.zeros((16, 16), np.uint8), "(16, 16)"),
        (np.zeros(256, np.uint8), "(256)"),
        (np.uint8(3), "(1)"),
        (np.full((1, 256), 0.123, np.float32), "0.123"),
        (np.full((1, 256), np.nan, np.float32), "NaN"),
        (np.full((1, 256), -1, np.int8), "codes"),
    ],
)
def test_images_that_are_none_are_refused(glyphs: Path, images: np.ndarray, says: str) -> None:
    model = bincim.load(glyphs, input="unit") if images.dtype == np.float32 else bincim.load(glyphs, input="raw")
    with pytest.raises(bincim.Error) as caught:
        model.infer(images)
    assert says in str(caught.value) and caught.value.code.startswith("cli::") and caught.value.help


@pytest.mark.parametrize("images", ["no images", np.array(["x"]), np.zeros((1, 256), complex), object()])
def test_what_is_no_array_of_numbers_is_a_type_error(glyphs: Path, images: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        bincim.load(glyphs).infer(images)


@pytest.mark.parametrize(
    "options",
    [{"layers": [5]}, {"layers": [-6]}, {"layers": ["none"]}, {"rule": "first"}, {"threads": 0}, {"samples": 0}],
)
def test_options_that_cannot_be_are_value_errors(glyphs: Path, options: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        bincim.load(glyphs).infer(np.zeros((1, 256), np.uint8), **options)


def test_an_error_names_file_code_and_help(tmp_path: Path) -> None:
    with pytest.raises(bincim.Error) as caught:
        bincim.load(tmp_path / "none.onnx")
    error = caught.value
    assert (error.code, error.file) == ("read::io", str(tmp_path / "none.onnx"))
    assert "path exists" in error.help and error.help in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.code, again.file) == (str(error), error.code, error.file)
    (tmp_path / "junk.onnx").write_bytes(bytes(range(256)) * 9)
    with pytest.raises(bincim.Error, match="junk.onnx"):
        bincim.load(tmp_path / "junk.onnx")


def test_several_errors_come_at_once_each_of_its_own(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    helper, tensor = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [helper.make_node("Selu", ["x"], ["a"], name="first"), helper.make_node("Erf", ["a"], ["y"], name="second")]
    ends = [helper.make_tensor_value_info(name, tensor, [1, 4]) for name in "xy"]
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:])), tmp_path / "two.onnx")
    with pytest.raises(bincim.Error) as caught:
        bincim.load(tmp_path / "two.onnx")
    error = caught.value
    if not error.errors:
        assert "Selu" in str(error) or "Erf" in str(error)
        return
    texts = [str(one) for one in error.errors]
    assert len(texts) == len(set(texts)) >= 2
    assert all(one.code and one.help and one.file == error.file for one in error.errors)
    assert all(str(error).count(one.args[0]) == 1 for one in error.errors)


def test_an_architecture_that_cannot_be(glyphs: Path, tmp_path: Path) -> None:
    path = tmp_path / "arch.toml"
    path.write_text("[array]\nrows = -1\n[readout]\nkind = 'adc'\nlevels = 1\n")
    with pytest.raises(bincim.Error) as caught:
        bincim.load(glyphs, path)
    assert caught.value.file == str(path) and caught.value.code.startswith("arch::")
    assert "rows" in str(caught.value) and "levels" in str(caught.value)


def test_a_guess_is_a_warning(tmp_path: Path, perceptron) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(perceptron.path)
    # Without the subtraction nothing says what a pixel means.
    model.graph.node[1].input[0] = "image"
    del model.graph.node[0]
    onnx.save(model, tmp_path / "guess.onnx")
    with pytest.warns(bincim.BincimWarning, match="GUESS"):
        found = bincim.load(tmp_path / "guess.onnx")
    assert any("GUESS" in line for line in found.warnings)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(bincim.BincimWarning):
            bincim.load(tmp_path / "guess.onnx")


def test_check_gives_what_the_command_line_prints(glyphs: Path) -> None:
    model = bincim.load(glyphs)
    found = model.check(device="up5k", alternatives=3)
    assert found["device"] == "up5k" and found["fits"] is True and len(found["alternatives"]) == 3
    assert [layer["name"] for layer in found["layers"]] == model.layers
    assert found["cycles"] > sum(layer["cycles"] for layer in found["layers"]) // 2
    json.dumps(found)
    pandas = pytest.importorskip("pandas")
    assert list(pandas.DataFrame(found["layers"])["name"]) == model.layers
    with pytest.raises(bincim.Error, match="up6k") as caught:
        model.check(device="up6k")
    assert caught.value.code


def test_a_chip_is_its_seed(machine: bincim.Model, tmp_path: Path, random: np.random.Generator) -> None:
    images = random.integers(0, 256, (40, 200), dtype=np.uint8)
    chip = machine.draw(3)
    assert (chip.seed, chip.arrays, chip.saturated) == (3, 9, 0) and chip.cells > 23_000
    assert chip.to_bytes() == machine.draw(3).to_bytes() != machine.draw(4).to_bytes()
    chip.save(tmp_path / "3.chip")
    again = machine.chip(tmp_path / "3.chip")
    assert again.to_bytes() == chip.to_bytes() == (tmp_path / "3.chip").read_bytes()
    ideal, drawn = machine.infer(images), machine.infer(images, chip=chip)
    assert np.array_equal(drawn.scores, machine.infer(images, chip=again).scores)
    assert not np.array_equal(drawn.scores, ideal.scores)


def test_an_older_chip_is_another(analog: Path, perceptron, tmp_path: Path) -> None:
    path = tmp_path / "drift.toml"
    path.write_text(analog.read_text() + "\n[variation.drift]\nnu = 0.1\n")
    machine = bincim.load(perceptron.path, path)
    assert machine.draw(1).to_bytes() != machine.draw(1, time=3600.0).to_bytes()
    for time in (-1.0, float("nan"), 1e11):
        with pytest.raises(bincim.Error, match="time"):
            machine.draw(1, time=time)
    with pytest.raises(TypeError, match="seed"):
        machine.draw(-1)


def test_sums_of_a_chip_end_in_its_scores(machine: bincim.Model, random: np.random.Generator) -> None:
    images = random.integers(0, 256, (33, 200), dtype=np.uint8)
    for seed in range(3):
        result = machine.infer(images, chip=machine.draw(seed), layers=["dense0.sums", 2][1:])
        assert np.array_equal(result.outputs.astype(np.float32), result.sums[2].reshape(33, 10))


def test_thresholds_are_found_anew(machine: bincim.Model, random: np.random.Generator) -> None:
    images = random.integers(0, 256, (64, 200), dtype=np.uint8)
    chip = machine.draw(1, recalibrate=images)
    assert chip.moved_thresholds > 0 and machine.draw(1).moved_thresholds == 0
    with pytest.raises(bincim.Error):
        machine.draw(1, correct=images)
    with pytest.raises(ValueError):
        machine.draw(1, recalibrate=images[:0])


def test_chips_need_a_machine_and_their_own(machine: bincim.Model, glyphs: Path, analog: Path, tmp_path: Path) -> None:
    plain = bincim.load(glyphs)
    for call in (lambda: plain.draw(1), lambda: plain.vary(tmp_path, 2), lambda: plain.chip(tmp_path)):
        with pytest.raises(bincim.Error) as caught:
            call()
        assert caught.value.code == "arch::missing"
    other = bincim.load(glyphs, analog)
    with pytest.raises(bincim.Error) as caught:
        other.infer(np.zeros((1, 256), np.uint8), chip=machine.draw(1))
    assert caught.value.code == "cli::other_chip"


def test_progress_is_told_and_ends_the_work(perceptron, random: np.random.Generator) -> None:
    model = bincim.load(perceptron.path)
    images = random.integers(0, 256, (1500, 200), dtype=np.uint8)
    told = []
    model.infer(images, progress=lambda step, done, count: told.append((done, count)))
    assert told == [(0, 1500), (512, 1500), (1024, 1500), (1500, 1500)]

    def ends(step: str, done: int, count: int) -> None:
        if done:
            raise LookupError(f"at {done}")

    with pytest.raises(LookupError, match="at 512"):
        model.infer(images, progress=ends)


def test_others_run_meanwhile(perceptron, random: np.random.Generator) -> None:
    model = bincim.load(perceptron.path)
    images = random.integers(0, 256, (40_000, 200), dtype=np.uint8)
    done = threading.Event()
    results = []

    def work() -> None:
        results.append(model.infer(images, threads=1))
        done.set()

    thread = threading.Thread(target=work)
    counted, begin = 0, time.monotonic()
    thread.start()
    while not done.is_set() and time.monotonic() < begin + 60:
        counted += 1
        time.sleep(0)
    thread.join()
    # With the lock held there would be no turn between two calls of the work's own.
    assert counted > 200 and len(results[0].classes) == 40_000


def test_notes_go_to_the_log(machine: bincim.Model, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "bincim"):
        images = np.random.default_rng(1).integers(0, 256, (8, 200), dtype=np.uint8)
        data = (images, np.zeros(8, np.int64))
        machine.vary(data, 2, folder=tmp_path / "run")
        machine.vary(data, 3, folder=tmp_path / "run")
    assert any("2 finished chips are kept" in record.getMessage() for record in caplog.records)
