"""What the package raises and warns of."""

from __future__ import annotations

from collections.abc import Sequence


class Error(Exception):
    """What the program refuses or could not do, as its command line would say it.

    Attributes:
        code: name of the kind of error, such as ``"arch::bad_toml"``.
        help: what would be right.
        file: the file that is at fault, where the error is of one.
        errors: the single errors where there are several, each with its own code and help; else empty.
    """

    code: str
    help: str
    file: str | None
    errors: tuple[Error, ...]

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        help: str | None = None,
        file: str | None = None,
        errors: Sequence[Error] = (),
    ) -> None:
        super().__init__(message)
        self.code = code or "bincim::failed"
        self.help = help or ""
        self.file = file
        self.errors = tuple(errors)

    def __str__(self) -> str:
        lines = [f"{self.args[0]} [{self.code}]"]
        lines += [f"  {line}" for error in self.errors for line in str(error).splitlines()]
        if self.help and not self.errors:
            lines.append(f"  help: {self.help}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuilt, (self.args[0], self.code, self.help, self.file, self.errors))


def _rebuilt(message: str, code: str, help: str, file: str | None, errors: tuple[Error, ...]) -> Error:
    return Error(message, code=code, help=help, file=file, errors=errors)


class BincimWarning(UserWarning):
    """What nobody should overlook of a model or of data, such as a rule for pixels that is a guess."""
