"""The import of a library that an engine leans on, where it is installed and yet cannot be imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from resnetdsl.compile.errors import CompileError, Problem


@contextmanager
def importing(package: str) -> Iterator[None]:
    """Whatever goes wrong in here is a `CompileError`: a library half installed, or built for another, says it in ways
    of its own.
    """
    try:
        yield
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CompileError(
            Problem.NO_ENGINE,
            f"{package} is installed and cannot be imported: {reason}",
            f"pip install --force-reinstall {package}, or another `--backend`",
        ) from error
