"""Networks, the machines they run on, and what running them gives."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _bincim
from ._bincim import Chip

if TYPE_CHECKING:
    import pandas

#: Hears the name of a step, how many of its parts are done, and how many there are.
Progress: TypeAlias = Callable[[str, int, int], object]
PathLike: TypeAlias = "str | os.PathLike[str]"


@dataclass(frozen=True)
class Result:
    """What images gave.

    Attributes:
        scores: int32, images x classes (images x channels x rows x columns where scores are a map): sums of the last
            layer, of all samples where weights are drawn; of bits -1 and +1.
        outputs: float64 of the same shape, what the graph gives for these scores.
        classes: int64, the class of each image.
        sums: of each layer that was asked for, under the key by which it was: int32 accumulators of the network, or
            float32 with a chip, in the same unit; images x channels (x rows x columns, before pooling).
        samples: samples of each image.
        runner: what ran them, in words.
    """

    scores: npt.NDArray[np.int32]
    outputs: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64]
    sums: dict[int | str, npt.NDArray[np.int32] | npt.NDArray[np.float32]]
    samples: int
    runner: str


@dataclass(frozen=True)
class Variation:
    """A Monte-Carlo run over chips.

    Attributes:
        results: the object that ``bincim vary --json`` prints; ``None`` for a shard.
        columns: a list a column of the table of chips (``chips.csv``): one entry a chip and point of the run.
    """

    results: dict[str, Any] | None
    columns: dict[str, list[Any]]

    @property
    def frame(self) -> pandas.DataFrame:
        """The columns as a pandas frame; pandas is needed."""
        import pandas

        return pandas.DataFrame(self.columns)


class Model:
    """A network that was read, and the machine of its architecture file where one was named; :func:`load` makes one."""

    def __init__(self, native: _bincim.Model) -> None:
        self._native = native

    def __repr__(self) -> str:
        return repr(self._native)

    @property
    def path(self) -> Path:
        """The model file."""
        return Path(self._native.path)

    @property
    def arch(self) -> Path | None:
        """The architecture file."""
        return None if self._native.arch is None else Path(self._native.arch)

    @property
    def name(self) -> str:
        """Name of the network."""
        return self._native.name

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of an image."""
        return self._native.input_shape

    @property
    def layers(self) -> list[str]:
        """Names of the layers."""
        return self._native.layer_names

    @property
    def classes(self) -> int:
        """Number of classes that a decision tells apart."""
        return self._native.classes

    @property
    def warnings(self) -> list[str]:
        """What nobody should overlook."""
        return self._native.warnings

    def infer(
        self,
        images: npt.ArrayLike,
        *,
        chip: Chip | None = None,
        layers: Sequence[int | str] = (),
        planes: int | None = None,
        samples: int | None = None,
        same_samples: bool = False,
        mode: bool = False,
        noise_seed: int | None = None,
        read_noise: bool = True,
        correction: bool = True,
        rule: str | None = None,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> Result:
        """Runs the golden model, that of the architecture's machine where one was named.

        Args:
            images: images x channels x rows x columns, images x rows x columns of one channel, or images x elements.
                uint8: pixels 0 to 255, which are read where they lie if they are contiguous. int8: codes of the input's
                quantiser. Floats: what the graph's input reads, each the value of some pixel by the model's rule.
            chip: a chip of this machine, from :meth:`draw` or :meth:`chip`; without one an analog machine is ideal.
            layers: numbers or names of layers whose sums are wanted too. With a chip its arrays' sums, tile by tile,
                which takes longer; else those of the network.
            planes: at most so many planes of weights in each layer.
            samples, same_samples, mode: where weights are drawn, as ``bincim infer`` has them.
            noise_seed: seed of weights that are drawn and of noise in gates.
            read_noise: whether the chip's reads have the noise of ``variation.read_noise``.
            correction: whether a chip's correction of its scores is applied.
            rule: ``"argmax"`` or ``"highest-bit"`` in place of the network's own.
            threads: of all cores, so many.

        Raises:
            Error: images of another shape or beyond the input's values, a chip of another machine, layers without sums.
        """
        asked = {
            "planes": planes,
            "samples": samples,
            "same_samples": same_samples,
            "mode": mode,
            "noise_seed": noise_seed,
            "read_noise": read_noise,
            "correction": correction,
            "rule": rule,
            "threads": threads,
        }
        return Result(**self._native.infer(_images(images), chip, list(layers), asked, progress))

    def check(
        self,
        *,
        device: str | None = None,
        target_fps: float | None = None,
        alternatives: int = 0,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """What was understood of the network and how it runs on its machine: what ``bincim check --json`` prints.

        ``pandas.DataFrame(model.check()["layers"])`` is a table of the layers. Without an architecture file every number of the
        machine is chosen.

        Raises:
            Error: an unknown device, or nothing that fits or is fast enough.
        """
        return self._native.check(device, target_fps, alternatives, progress)

    def draw(
        self,
        seed: int = 1,
        *,
        time: float | None = None,
        compensate: bool = False,
        read_noise: bool = True,
        recalibrate: npt.ArrayLike | None = None,
        correct: npt.ArrayLike | None = None,
    ) -> Chip:
        """Draws the chip of a seed, the same that ``bincim draw --seed`` writes.

        Args:
            time: seconds since the devices were written.
            compensate: references follow the drift.
            recalibrate: images (as those of :meth:`infer`) on which thresholds are found anew.
            correct: where cells are drawn as they are read, images on which scores are corrected.

        Raises:
            Error: no architecture file, or one without analog arrays.
        """
        asked = {"seed": seed, "time": time, "compensate": compensate, "read_noise": read_noise}
        return self._native.draw(asked, _maybe(recalibrate), _maybe(correct))

    def chip(self, path: PathLike) -> Chip:
        """The chip of a file that ``bincim draw`` or :meth:`Chip.save` wrote, which must be one of this machine."""
        return self._native.chip(path)

    def vary(
        self,
        data: PathLike | tuple[npt.ArrayLike, npt.ArrayLike],
        chips: int,
        *,
        images: int | None = None,
        split: str = "test",
        rule: str | None = None,
        resize: int | None = None,
        seed: int = 1,
        yield_at: float | None = None,
        until: float | None = None,
        planes: int | None = None,
        recalibrate: int | None = None,
        correct: int | None = None,
        flips: bool = False,
        each: bool = False,
        sweep: str | None = None,
        read_noise: bool = True,
        shard: tuple[int, int] | None = None,
        threads: int | None = None,
        folder: PathLike | None = None,
        progress: Progress | None = None,
    ) -> Variation:
        """Classifies the same images with many drawn chips: ``bincim vary``.

        Args:
            data: a data set of the disk in any format that the program reads, or images (uint8 pixels) and labels.
            folder: where every finished chip is kept; a run that was ended goes on there.
            sweep: ``"KEY=V1,V2,..."``.
            shard: index and number of the shards.

        The other arguments are the options of ``bincim vary``.
        """
        asked: dict[str, object] = {
            "chips": chips,
            "images": images,
            "split": split,
            "rule": rule,
            "resize": resize,
            "seed": seed,
            "yield_at": yield_at,
            "until": until,
            "planes": planes,
            "recalibrate": recalibrate,
            "correct": correct,
            "flips": flips,
            "each": each,
            "sweep": sweep,
            "read_noise": read_noise,
            "shard": shard,
            "threads": threads,
            "folder": folder,
        }
        if isinstance(data, tuple):
            with tempfile.TemporaryDirectory() as place:
                path = Path(place) / "images.npz"
                pixels, labels = data
                arrays: dict[str, Any] = {f"x_{split}": np.asarray(pixels), f"y_{split}": np.asarray(labels)}
                np.savez(path, **arrays)
                found = _bincim.vary(self._native, {"data": path, **asked}, progress)
        else:
            found = _bincim.vary(self._native, {"data": data, **asked}, progress)
        return Variation(found["results"], _columns(found["csv"] or ""))


def load(
    model: PathLike,
    arch: PathLike | None = None,
    *,
    input: str | None = None,
    state: str | None = None,
    quantise: str | None = None,
    progress: Progress | None = None,
) -> Model:
    """Reads a QONNX model and, where one is named, the architecture file of the machine that it runs on.

    Args:
        model: the model file.
        arch: the architecture file. Without one the network itself runs, and :meth:`Model.check` chooses a machine.
        input: how a pixel becomes what the graph's input reads, as ``bincim check --input`` takes it.
        state, quantise: as ``bincim check`` takes them.

    Raises:
        Error: a file that cannot be read or run, with all its reasons in ``errors``.
    """
    return Model(_bincim.load(model, arch, input, state, quantise, progress))


def _images(images: npt.ArrayLike) -> npt.NDArray[Any]:
    """The array itself where the program reads it as it is, else a copy that it does."""
    array = np.asarray(images)
    if np.issubdtype(array.dtype, np.floating):
        array = array.astype(np.float32, copy=False)
    elif array.dtype == np.bool_:
        array = array.astype(np.uint8)
    elif array.dtype not in (np.uint8, np.int8) and np.issubdtype(array.dtype, np.integer):
        if array.size and (array.min() < 0 or array.max() > 255):
            raise ValueError("images: integers from 0 to 255 (uint8), or codes as int8")
        array = array.astype(np.uint8)
    return np.ascontiguousarray(array)


def _maybe(images: npt.ArrayLike | None) -> npt.NDArray[Any] | None:
    return None if images is None else _images(images)


def _columns(text: str) -> dict[str, list[Any]]:
    """A CSV table by column, numbers as numbers."""
    rows = list(csv.reader(text.splitlines()))
    if not rows:
        return {}
    words = ("group", "label")
    return {
        name: [row[index] if name in words else _number(row[index]) for row in rows[1:]]
        for index, name in enumerate(rows[0])
    }


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)
