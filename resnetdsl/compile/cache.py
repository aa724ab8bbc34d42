"""What engines built before, by what it was built from: a folder of the user's, bounded in size, shared by processes.

    CACHE/v1/ab/abcdef.../entry.json    the checksums of the files, and what was recorded with them
    CACHE/v1/ab/abcdef.../code/...      the files
    CACHE/v1/ab/abcdef....lock          held while one process builds that entry and others wait for it

An entry appears whole, by a rename. Whoever takes one copies its files and holds them against their checksums; an entry
that is damaged is thrown away and built again. A folder that cannot be used costs the cache and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.paths import CACHE, cache_dir

SIZE = "RESNETDSL_CACHE_SIZE"
LIMIT = 4 * 2**30
"""Bytes that the cache may take where `RESNETDSL_CACHE_SIZE` does not say otherwise."""

_VERSION = "v1"
_ENTRY = "entry.json"
_CODE = "code"
_NEW = ".new-"
_ABANDONED = 3600
"""Seconds after which nobody is still writing an entry."""
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}

Waiting = Callable[[], None]

T = TypeVar("T")


def cache_limit() -> int:
    """How many bytes it may take: `RESNETDSL_CACHE_SIZE`, such as `500M` or `10G`."""
    text = os.environ.get(SIZE, "").strip().upper().removesuffix("B").removesuffix("I")
    if not text:
        return LIMIT
    number, unit = (text[:-1], text[-1]) if text[-1] in _UNITS else (text, "")
    try:
        return int(float(number) * _UNITS[unit])
    except (ValueError, OverflowError) as error:
        raise CompileError(
            Problem.BAD_OPTION, f"{SIZE} is `{os.environ[SIZE]}`, which is no size", "write a size: 500M, or 10G"
        ) from error


@dataclass(frozen=True, slots=True)
class Cache:
    """An open cache. `trouble` says why it cannot be used; then nothing is found, and nothing is kept."""

    root: Path
    limit: int
    trouble: str = ""

    @staticmethod
    def open() -> Cache:
        """The user's cache; where it cannot be written, one that is of no use and says so."""
        limit = cache_limit()
        folder = cache_dir()
        root = folder / _VERSION
        try:
            root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=root):
                pass
        except OSError as error:
            return Cache(
                root, limit, f"the cache `{folder}` cannot be used: {_reason(error)}; set {CACHE} to another folder"
            )
        return Cache(root, limit)

    @staticmethod
    def none() -> Cache:
        """A cache that is not to be used, and says nothing of it."""
        return Cache(Path(), 0)

    @property
    def usable(self) -> bool:
        return self.limit > 0 and not self.trouble

    @contextmanager
    def building(self, key: str, waiting: Waiting = lambda: None) -> Iterator[None]:
        """Hold an entry to build it. `waiting` is called where another process holds it, which is then waited for."""
        if not self.usable:
            yield
            return
        from filelock import FileLock, Timeout

        lock = None
        with suppress(OSError, NotImplementedError):  # a file system without locks: two may build the same
            path = self._lock(key)
            path.parent.mkdir(exist_ok=True)
            lock = FileLock(path)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                waiting()
                lock.acquire(poll_interval=0.1)
        try:
            yield
        finally:
            if lock is not None:
                lock.release()

    def take(self, key: str, into: Path, read: Callable[[Any], T]) -> T | None:
        """Copy the files of an entry into an empty folder; what was recorded with them, or None if there is none.

        `read` makes of the record's JSON what it stands for, and may fail in the ways of what is not as expected.
        """
        if not self.usable:
            return None
        entry = self._entry(key)
        try:
            document = json.loads((entry / _ENTRY).read_text(encoding="utf-8"))
            for name, digest in document["files"].items():
                _copy(entry / _CODE / name, into / name, digest)
            record = read(document["record"])
            os.utime(entry / _ENTRY)  # the least recently used go first
        except FileNotFoundError:
            _empty(into)
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            _empty(into)
            self.drop(key)
            return None
        return record

    def has(self, key: str) -> bool:
        """Whether there is such an entry; it may yet turn out to be damaged."""
        return self.usable and (self._entry(key) / _ENTRY).is_file()

    def keep(self, key: str, code: Path, record: object) -> tuple[str, ...]:
        """Put files and what is to be recorded with them under a key, and make room for them. What to say if that
        cannot be: the artifact is there all the same, and the next compile is not faster.
        """
        if not self.usable:
            return ()
        entry = self._entry(key)
        try:
            entry.parent.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.root, prefix=_NEW, ignore_cleanup_errors=True) as name:
                new = Path(name) / "entry"
                shutil.copytree(code, new / _CODE)
                names = sorted(each for each in code.rglob("*") if each.is_file())
                files = {each.relative_to(code).as_posix(): _digest(each) for each in names}
                document = json.dumps({"files": files, "record": record}, allow_nan=False)
                (new / _ENTRY).write_text(document, encoding="utf-8")
                self.drop(key)
                new.replace(entry)
            self._make_room()
        except OSError as error:
            return (f"what was built could not be kept in the cache `{self.root.parent}`: {_reason(error)}",)
        return ()

    def drop(self, key: str) -> None:
        """Throw an entry away."""
        shutil.rmtree(self._entry(key), ignore_errors=True)

    def _entry(self, key: str) -> Path:
        return self.root / key[:2] / key

    def _lock(self, key: str) -> Path:
        return self.root / key[:2] / f"{key}.lock"

    def _make_room(self) -> None:
        """Drop the entries that were not used for the longest, until the rest fits, and what a killed process left."""
        for left in self.root.glob(f"{_NEW}*"):
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > _ABANDONED:
                    shutil.rmtree(left, ignore_errors=True)
        found: list[tuple[float, int, Path]] = []
        for entry in self.root.glob(f"??/*/{_ENTRY}"):
            with suppress(OSError):  # somebody else drops it
                size = sum(each.stat().st_size for each in entry.parent.rglob("*") if each.is_file())
                found.append((entry.stat().st_mtime, size, entry.parent))
        total = sum(size for _, size, _ in found)
        for _, size, folder in sorted(found):
            if total <= self.limit:
                break
            shutil.rmtree(folder, ignore_errors=True)
            total -= size


class _DamagedError(ValueError):
    """A file that is not what it was."""


def _reason(error: OSError) -> str:
    """What the system said; of several errors, as copying a folder has them, the first."""
    return (str(error.args[0][0][-1]) if isinstance(error, shutil.Error) else error.strerror or str(error)).lower()


def _copy(source: Path, target: Path, digest: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    if _digest(target) != digest:
        raise _DamagedError(source)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _empty(folder: Path) -> None:
    for each in folder.iterdir():
        if each.is_dir():
            shutil.rmtree(each, ignore_errors=True)
        else:
            each.unlink(missing_ok=True)
