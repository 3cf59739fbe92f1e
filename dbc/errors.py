"""What is wrong with a DBC file, or with how a car uses it."""

from __future__ import annotations

from tianyuan.control.errors import InputError


class DbcError(InputError):
    """A DBC problem in one line: file, message, signal, what is wrong and what to do.

    The parts that are known are also attributes, empty where they are not.
    """

    def __init__(
        self, problem: str, *, file: str = "", message: str = "", signal: str = ""
    ) -> None:
        self.problem = " ".join(problem.split())
        self.file = file
        self.message = message
        self.signal = signal
        super().__init__()

    def __str__(self) -> str:
        where = [self.file]
        if self.message:
            where.append(f"message {self.message}")
        if self.signal:
            where.append(f"signal {self.signal}")
        return ": ".join([part for part in where if part] + [self.problem])

    def at(self, file: str) -> DbcError:
        """Return the same problem, with the file it was found in."""
        return DbcError(self.problem, file=file, message=self.message, signal=self.signal)
