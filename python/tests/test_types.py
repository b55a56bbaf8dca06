"""The type stubs say what the package is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy")
PACKAGE = Path(__file__).resolve().parents[1] / "bincim"


def run(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True, cwd=PACKAGE.parents[1])
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_is_typed() -> None:
    run("mypy", "--strict", "-p", "bincim")


def test_the_stub_is_the_native_module() -> None:
    run("mypy.stubtest", "bincim._bincim")
