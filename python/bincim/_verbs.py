"""Accelerators, their proof, and training: verbs of the command line, called in this process."""

from __future__ import annotations

import os
from typing import Any

from . import _bincim
from ._error import Error
from ._model import Model, PathLike, Progress


def _run(verb: str, words: list[PathLike], options: dict[str, object], progress: Progress | None) -> tuple[bool, dict[str, Any]]:
    """Runs a verb; an option of ``None`` or ``False`` is left out, one of ``True`` has no value."""
    line = [verb, *(os.fspath(word) for word in words)]
    for name, value in options.items():
        if value is None or value is False:
            continue
        line.append(f"--{name.replace('_', '-')}" + ("" if value is True else f"={value}"))
    return _bincim.verb([*line, "--json"], progress)


def generate(
    model: Model | PathLike,
    output: PathLike,
    *,
    arch: PathLike | None = None,
    device: str | None = None,
    target_fps: float | None = None,
    baud: int | None = None,
    chip: PathLike | None = None,
    input: str | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Writes the accelerator of a network into a folder: ``bincim generate``.

    Args:
        model: a model file, or a :class:`Model`, whose architecture file is then the default.
        output: the folder; one that an earlier run made is replaced, any other is refused.
        chip: the file of a chip that the folder's benches hold, with analog arrays.

    Returns:
        The object that ``bincim generate --json`` prints.

    Raises:
        Error: nothing fits or is fast enough, and all that the command line refuses.
    """
    if isinstance(model, Model):
        arch, model = arch or model.arch or "none", model.path
    options = {"arch": arch, "device": device, "target_fps": target_fps, "baud": baud, "chip": chip, "input": input}
    fits, found = _run("generate", [model], {**options, "output": os.fspath(output)}, progress)
    if not fits:
        raise Error(
            f"no machine serves on {found['misfit']['device']}",
            code="cost::misfit",
            help="take another device, a smaller network or fewer frames a second; Model.check() shows what fits",
        )
    return found


def verify(
    folder: PathLike,
    data: PathLike,
    *,
    images: int | str | None = None,
    seed: int | None = None,
    split: str | None = None,
    jobs: int | None = None,
    planes: int | None = None,
    chip: PathLike | None = None,
    proof: str | None = None,
    unchanged: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Proves the Verilog of a generated folder against the golden model: ``bincim verify``.

    Returns:
        The object that ``bincim verify --json`` prints; ``found["mismatches"] == 0`` where all is equal. A mismatch is no
        exception.

    Raises:
        Error: Verilator is missing, and all that the command line refuses.
    """
    options: dict[str, object] = {
        "data": os.fspath(data),
        "images": images,
        "seed": seed,
        "split": split,
        "jobs": jobs,
        "planes": planes,
        "chip": chip,
        "proof": proof,
        "unchanged": unchanged,
    }
    return _run("verify", [folder], options, progress)[1]


def train(
    net: PathLike,
    data: PathLike,
    output: PathLike,
    *,
    test: PathLike | None = None,
    resume: bool = False,
    start: PathLike | None = None,
    latent: bool = False,
    force: bool = False,
    images: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Trains the network of a training file and writes it as QONNX: ``bincim train``.

    An exception of ``progress`` ends the training behind its epoch; ``resume`` then goes on from there.

    Returns:
        The object that ``bincim train --json`` prints.
    """
    options: dict[str, object] = {
        "data": os.fspath(data),
        "output": os.fspath(output),
        "test": test,
        "resume": resume,
        "start": start,
        "latent": latent,
        "force": force,
        "images": images,
        "seed": seed,
        "threads": threads,
    }
    return _run("train", [net], options, progress)[1]
