"""The native half of the package; its documented faces are in bincim itself."""

import os
from collections.abc import Callable, Sequence
from typing import Any, Mapping, final

import numpy as np
import numpy.typing as npt

__all__ = ["Chip", "Model", "layer_shape", "layer_sums", "load", "vary", "verb", "version"]

_Path = str | os.PathLike[str]
_Progress = Callable[[str, int, int], object]

def version() -> str: ...
def load(
    path: _Path,
    arch: _Path | None,
    input: str | None,
    state: str | None,
    quantise: str | None,
    progress: _Progress | None,
) -> Model: ...
def vary(model: Model, asked: Mapping[str, object], progress: _Progress | None) -> dict[str, Any]: ...
def verb(words: Sequence[_Path], progress: _Progress | None) -> tuple[bool, dict[str, Any]]: ...
def layer_shape(model: Model, layer: int | str) -> dict[str, Any]: ...
def layer_sums(
    model: Model,
    layer: int | str,
    maps: npt.NDArray[np.int8] | npt.NDArray[np.uint8],
    weights: npt.NDArray[np.int8] | None,
    seed: int,
) -> npt.NDArray[np.float32]: ...
@final
class Chip:
    """A chip: the integers of its cells, columns and converters."""

    @property
    def seed(self) -> int: ...
    @property
    def arrays(self) -> int: ...
    @property
    def cells(self) -> int: ...
    @property
    def saturated(self) -> int:
        """Cell values that were held to readout.cell_bits."""

    @property
    def moved_thresholds(self) -> int:
        """Thresholds that are not the design's."""

    def to_bytes(self) -> bytes:
        """The bytes of a chip file."""

    def save(self, path: _Path) -> None:
        """Writes the chip file."""

@final
class Model:
    @property
    def path(self) -> _Path: ...
    @property
    def arch(self) -> _Path | None: ...
    @property
    def name(self) -> str: ...
    @property
    def input_shape(self) -> tuple[int, int, int]: ...
    @property
    def layer_names(self) -> list[str]: ...
    @property
    def classes(self) -> int: ...
    @property
    def warnings(self) -> list[str]: ...
    def infer(
        self,
        images: npt.NDArray[Any],
        chip: Chip | None,
        layers: Sequence[int | str],
        asked: Mapping[str, object],
        progress: _Progress | None,
    ) -> dict[str, Any]: ...
    def check(
        self, device: str | None, target_fps: float | None, alternatives: int, progress: _Progress | None
    ) -> dict[str, Any]: ...
    def draw(
        self,
        asked: Mapping[str, object],
        recalibrate: npt.NDArray[Any] | None,
        correct: npt.NDArray[Any] | None,
    ) -> Chip: ...
    def chip(self, path: _Path) -> Chip: ...
