"""From a trained binary neural network to a proven compute-in-memory accelerator.

>>> import bincim
>>> model = bincim.load("glyphs.onnx", arch="arch.toml")      # doctest: +SKIP
>>> model.infer(images).classes                               # doctest: +SKIP
>>> model.infer(images, chip=model.draw(seed=7)).classes      # doctest: +SKIP

What the program refuses is raised as :class:`Error`, with its code and its help; what nobody should overlook is a
:class:`BincimWarning`, and notes go to the logger ``bincim``. Long work runs without the interpreter's lock, calls
``progress(step, done, all)`` as it goes on, and ends where that raises or where the interpreter is interrupted.
"""

from ._bincim import Chip
from ._bincim import version as _version
from ._error import BincimWarning, Error
from ._model import Model, Progress, Result, Variation, load
from ._verbs import generate, train, verify

__version__: str = _version()

__all__ = [
    "BincimWarning",
    "Chip",
    "Error",
    "Model",
    "Progress",
    "Result",
    "Variation",
    "__version__",
    "generate",
    "load",
    "train",
    "verify",
]
