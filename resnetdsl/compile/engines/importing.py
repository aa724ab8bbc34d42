"""The import of a library that an engine leans on, where it is installed and yet cannot be imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from resnetdsl.compile.errors import CompileError, Problem, first_line


@contextmanager
def importing(package: str) -> Iterator[None]:
    """Whatever goes wrong in here is a `CompileError`: a library half installed, or built for another, says it in ways
    of its own.
    """
    try:
        yield
    except Exception as error:
        raise CompileError(
            Problem.NO_ENGINE,
            f"{package} is installed and cannot be imported: {first_line(error)}",
            f"pip install --force-reinstall {package}, or another `--backend`",
        ) from error
