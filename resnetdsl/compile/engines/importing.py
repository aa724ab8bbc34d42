"""The import of a library that an engine leans on, where it is installed and yet cannot be imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from resnetdsl.compile.errors import CompileError, Problem, first_line
from resnetdsl.compile.memory import is_lack_of_memory


@contextmanager
def importing(package: str) -> Iterator[None]:
    """Whatever goes wrong in here is a `CompileError`, or a `MemoryError`: a library half installed, or built for
    another, says it in ways of its own.
    """
    try:
        yield
    except Exception as error:
        if is_lack_of_memory(error):
            raise MemoryError(str(error)) from error
        raise CompileError(
            Problem.NO_ENGINE,
            f"{package} is installed and cannot be imported: {first_line(error)}",
            f"pip install --force-reinstall {package}, or another `--backend`",
        ) from error
