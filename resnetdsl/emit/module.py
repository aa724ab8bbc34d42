"""Emitted source, run. The one door to torch of `emit`: whatever else is here works on text."""

from __future__ import annotations

import hashlib
import linecache
import sys
from types import ModuleType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from torch import nn


def build(source: str, class_name: str) -> nn.Module:
    """An instance of a class of the source, freshly initialised."""
    return cast("nn.Module", getattr(load(source), class_name)())


def load(source: str) -> ModuleType:
    """The source as a Python module, the same one for the same text.

    Tracebacks, `inspect` and the tracers of torch find its lines.
    """
    name = f"resnetdsl_emitted_{hashlib.sha256(source.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
    known = sys.modules.get(name)
    if known is not None:
        return known
    module = ModuleType(name)
    module.__file__ = f"<{name}>"
    code = compile(source, module.__file__, "exec")
    # Without a time of its own, `linecache.checkcache` takes the entry for what no file can replace.
    linecache.cache[module.__file__] = (len(source), None, source.splitlines(keepends=True), module.__file__)
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)  # noqa: S102 - our own text: names and strings of a spec are escaped in it
    except BaseException:
        del sys.modules[name]
        raise
    return module
