"""Where the package's own files stand: in a wheel, in an editable install and in a checkout.

The grammar, the specs and the targets live at the top of the repository, where they are read; a wheel carries them
under `resnetdsl/_data`. The library is part of the package in all three.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

CACHE = "RESNETDSL_CACHE_DIR"

_PACKAGE = Path(__file__).resolve().parent


def _data_dir(name: str) -> Path:
    packaged = _PACKAGE / "_data" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


@cache
def grammar_text() -> str:
    """The text of grammars/rnet.lark."""
    return (_data_dir("grammars") / "rnet.lark").read_text(encoding="utf-8")


def specs_dir() -> Path:
    """The shipped networks."""
    return _data_dir("specs")


def targets_dir() -> Path:
    """The shipped targets: what networks are compiled for."""
    return _data_dir("targets")


def library_dir() -> Path:
    """The standard blocks, shortcuts, stems and heads."""
    return _PACKAGE / "library"


def is_shipped(path: Path) -> bool:
    """Whether a file belongs to the package (its library or its specs)."""
    resolved = path.resolve()
    return any(resolved.is_relative_to(place.resolve()) for place in (specs_dir(), library_dir()))


def cache_dir() -> Path:
    """Where results that can be computed again are kept, of the parser and of compilers: `RESNETDSL_CACHE_DIR`, or
    `resnetdsl` in the user's folder of caches. It need not exist or be writable.
    """
    if chosen := os.environ.get(CACHE):
        return Path(chosen)
    if xdg := os.environ.get("XDG_CACHE_HOME"):
        return Path(xdg) / "resnetdsl"
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local"))
    elif sys.platform == "darwin":
        base = Path("~/Library/Caches")
    else:
        base = Path("~/.cache")
    return base.expanduser() / "resnetdsl"
