"""What a user can be told when compiling or loading fails. None of these is a bug of ours: no traceback is shown."""

from __future__ import annotations

from enum import Enum


class Problem(Enum):
    """What went wrong, stable for scripts: the command line prints it as `error[no-compiler]`."""

    NO_COMPILER = "no-compiler"
    BROKEN_COMPILER = "broken-compiler"
    NO_ENGINE = "no-engine"
    NO_CUDA = "no-cuda"
    UNSUPPORTED_PLATFORM = "unsupported-platform"
    BAD_OPTION = "bad-option"
    CANNOT_WRITE = "cannot-write"
    NO_SPACE = "no-space"
    NO_MEMORY = "no-memory"
    EXPORT_FAILED = "export-failed"
    BACKEND_FAILED = "backend-failed"
    DISAGREES = "disagrees"
    BAD_WEIGHTS = "bad-weights"
    BAD_CALIBRATION = "bad-calibration"
    BAD_ARTIFACT = "bad-artifact"
    OTHER_MACHINE = "other-machine"
    OTHER_TORCH = "other-torch"
    BAD_INPUT = "bad-input"


def first_line(error: BaseException) -> str:
    """What an exception of a library says, in a line; its kind where it says nothing."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


class CompileError(Exception):
    """Why there is no artifact. `message` states it, `help` says what to do; both are for people."""

    def __init__(self, problem: Problem, message: str, help: str = "") -> None:
        super().__init__(message)
        self.problem = problem
        self.message = message
        self.help = help

    def __str__(self) -> str:
        return f"{self.message}\n  = help: {self.help}" if self.help else self.message


class WeightsError(CompileError):
    """Why a checkpoint cannot be used."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(Problem.BAD_WEIGHTS, message, help)


class ArtifactError(CompileError):
    """Why an artifact cannot be loaded, or not be run on this input."""
