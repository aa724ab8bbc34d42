"""Where results are kept that can be computed again: place, size, and whether it can be written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from resnetdsl.compile.toolchain import default_cache
from resnetdsl.doctor.model import Finding, Grade
from resnetdsl.paths import cache_dir

_MOST_FILES = 200_000


def caches() -> list[Finding]:
    own = _cache(
        "cache",
        cache_dir(),
        "every compilation starts from nothing, and `check` makes its tables anew",
        "export RESNETDSL_CACHE_DIR=/a/folder/of/yours",
    )
    inductor = Path(os.environ.get("TORCHINDUCTOR_CACHE_DIR") or default_cache())
    torchs = _cache(
        "PyTorch's cache",
        inductor,
        "what PyTorch's compiler knows of this machine is found out again each time, in 20 seconds",
        "export TORCHINDUCTOR_CACHE_DIR=/a/folder/of/yours",
    )
    return [own, torchs]


def _cache(name: str, folder: Path, cost: str, mend: str) -> Finding:
    size, files = _size(folder)
    data = {"folder": str(folder), "bytes": size, "files": files, "writable": writable(folder)}
    if not data["writable"]:
        return Finding(name, Grade.LACKING, f"{folder} cannot be written", cost, mend, data)
    words = f"{size / 2**20:,.1f} MiB in {files:,} file{'' if files == 1 else 's'}" if files else "empty"
    return Finding(name, Grade.OK, f"{folder}, {words}", data=data)


def writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or the folder itself can be made. Leaves no trace."""
    try:
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _size(folder: Path) -> tuple[int, int]:
    """Bytes and files below a folder; of a very large one, of its first part."""
    size = files = 0
    todo = [str(folder)]
    while todo and files < _MOST_FILES:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        size += entry.stat(follow_symlinks=False).st_size
                        files += 1
        except OSError:
            continue
    return size, files
