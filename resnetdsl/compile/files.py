"""Files that are written whole or not at all, and the reasons why they cannot be. No torch here."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from resnetdsl.compile.errors import CompileError, Problem

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def cannot_write(path: Path, error: OSError) -> CompileError:
    """The error to show for an `OSError` of writing to `path`."""
    if error.errno in _FULL:
        return no_space(path)
    reason = (error.strerror or str(error)).lower()
    return CompileError(
        Problem.CANNOT_WRITE, f"cannot write `{path}`: {reason}", "choose another place with `-o`, or mend its rights"
    )


def no_space(path: Path, needed: int = 0) -> CompileError:
    """The error to show where a disk is full; `needed` is in bytes, 0 if that is unknown."""
    free = 0
    with suppress(OSError):
        free = shutil.disk_usage(path if path.is_dir() else path.parent).free
    more = f": about {_mega(needed)} are needed and {_mega(free)} are free" if needed else ""
    return CompileError(
        Problem.NO_SPACE,
        f"no space left to write `{path}`{more}",
        "free some space, or choose another disk with `-o` (and TMPDIR for the temporary files)",
    )


def check_output(path: Path, suffix: str, needed: int) -> None:
    """Refuse, before the expensive work, an output that could not be written after it. Leaves no trace."""
    if path.suffix != suffix:
        raise CompileError(
            Problem.BAD_OPTION,
            f"an artifact's name ends with {suffix}, `{path.name}` does not",
            f"`-o {path.with_suffix(suffix) if path.name else 'model' + suffix}`",
        )
    try:
        if path.is_dir():
            raise CompileError(Problem.CANNOT_WRITE, f"`{path}` is a folder", "give the name of a file with `-o`")
        if not path.parent.is_dir():
            raise CompileError(
                Problem.CANNOT_WRITE, f"there is no folder `{path.parent}`", "make it, or choose another"
            )
        with tempfile.TemporaryFile(dir=path.parent):
            pass
        free = shutil.disk_usage(path.parent).free
    except OSError as error:
        raise cannot_write(path, error) from error
    if free < needed:
        raise no_space(path, needed)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to. It becomes `path` at the end, or vanishes if anything fails."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        _flush(temporary)
        temporary.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


class OwnFolder:
    """A folder for temporary files that lasts as long as this object or this process. A process that is forked from
    it leaves the folder to the one that made it.
    """

    def __init__(self) -> None:
        try:
            self.path = Path(tempfile.mkdtemp(prefix="resnetdsl-"))
        except OSError as error:
            raise cannot_write(Path(tempfile.gettempdir()), error) from error
        self.remove = weakref.finalize(self, _remove, self.path, os.getpid())


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder for temporary files, gone at the end whatever happens."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="resnetdsl-", ignore_cleanup_errors=True)
    except OSError as error:
        raise cannot_write(Path(os.environ.get("TMPDIR", "/tmp")), error) from error  # noqa: S108
    with folder as name:
        yield Path(name)


def _flush(path: Path) -> None:
    """Have the bytes on the disk before the name points at them."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _mega(count: int) -> str:
    return f"{max(count / 1e6, 0.1):,.1f} MB"
