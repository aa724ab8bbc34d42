"""What a compilation needs from the machine: a C++ compiler that works, a device, a cache that can be written."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.options import Device

if TYPE_CHECKING:
    import torch

_COMPILERS = ("g++", "clang++", "c++")
_PLATFORMS = ("linux", "darwin")
_CACHE = "TORCHINDUCTOR_CACHE_DIR"

_INSTALL = {
    "linux": "install one: `apt-get install g++`, `dnf install gcc-c++`, or set CXX to yours",
    "darwin": "install one: `xcode-select --install` and `brew install libomp`, or set CXX to yours",
}

# What the generated code leans on: the standard library, OpenMP, and a linker that makes shared libraries.
_PROBE = """
#include <omp.h>
#include <vector>
extern "C" int probe() { return std::vector<int>(omp_get_max_threads()).size(); }
"""


_PATIENCE = 60
"""Seconds for these lines, which take less than one."""

_LIBRARY = {b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"}
"""How shared libraries begin, on Linux and macOS."""


def find_compiler() -> str:
    """The path of a C++ compiler that builds a shared library with OpenMP: $CXX, or the first of the usual names."""
    if sys.platform not in _PLATFORMS:
        raise CompileError(
            Problem.UNSUPPORTED_PLATFORM,
            f"artifacts are compiled on Linux and macOS, this is {sys.platform}",
            "`resnetdsl export --to pytorch` works everywhere",
        )
    wanted = os.environ.get("CXX", "")
    found = [path for name in ((wanted,) if wanted else _COMPILERS) if (path := shutil.which(name)) is not None]
    complaints: list[str] = []
    for path in found:
        if not (complaint := _complaint(path, Path(path).stat().st_mtime_ns)):
            return path
        complaints.append(complaint)
    if complaints:
        raise CompileError(
            Problem.BROKEN_COMPILER,
            f"the C++ compiler `{found[0]}` cannot build a shared library with OpenMP: {complaints[0]}",
            _INSTALL[sys.platform],
        )
    message = f"CXX is `{wanted}`, which is no program" if wanted else "there is no C++ compiler on this machine"
    raise CompileError(Problem.NO_COMPILER, message, _INSTALL[sys.platform])


@cache
def _complaint(compiler: str, changed: int) -> str:  # noqa: ARG001 - it is part of what is remembered
    """What hinders a compiler from building a few lines, in a line; empty if nothing does. `changed` is the time of
    its file: the same one is not asked twice.

    So half an installation is named as such and not as a failure of torch.
    """
    openmp = ["-Xpreprocessor", "-fopenmp", "-lomp"] if sys.platform == "darwin" else ["-fopenmp"]
    with tempfile.TemporaryDirectory(prefix="resnetdsl-probe-") as folder:
        source = Path(folder) / "probe.cpp"
        source.write_text(_PROBE, encoding="utf-8")
        made = source.with_suffix(".so")
        command = [compiler, "-std=c++20", "-shared", "-fPIC", str(source), "-o", str(made), *openmp]
        try:
            code, said = _run(command)
        except subprocess.TimeoutExpired:
            return f"it is not through with four lines after {_PATIENCE} seconds"
        except OSError as error:
            return (error.strerror or str(error)).lower()
        if code:
            return first_complaint(said) or f"it ended with {_ending(code)} and said nothing"
        with suppress(OSError):
            if made.read_bytes()[:4] in _LIBRARY:
                return ""
        return "it ended without a complaint, and what it has written is no library"


def _run(command: Sequence[str]) -> tuple[int, str]:
    """The exit code of a program and what it complained of. It ends with all that it started, within `_PATIENCE`."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            _, said = process.communicate(timeout=_PATIENCE)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return process.returncode, said


def first_complaint(text: str) -> str:
    """The telling line of what a compiler says: the first that has an error in it, or the first."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line.lower()), lines[0] if lines else "")


def _ending(code: int) -> str:
    """How a process ended, in words."""
    if code < 0:
        with suppress(ValueError):
            return signal.Signals(-code).name
    return f"code {code}"


def find_device(wanted: Device) -> torch.device:
    """The device to compile for, or why there is none."""
    import torch  # a machine without it can be asked for its compiler all the same

    match wanted:
        case Device.CPU:
            return torch.device("cpu")
        case Device.AUTO:
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        case Device.CUDA:
            if torch.version.cuda is None:
                raise CompileError(
                    Problem.NO_CUDA,
                    f"this PyTorch, {torch.__version__}, is built without CUDA",
                    "install a CUDA build from pytorch.org, or use `--device cpu`",
                )
            if not torch.cuda.is_available():
                raise CompileError(
                    Problem.NO_CUDA,
                    "PyTorch finds no CUDA device here",
                    "see that `nvidia-smi` lists one and CUDA_VISIBLE_DEVICES does not hide it, or use `--device cpu`",
                )
            return torch.device("cuda")


@contextmanager
def writable_cache(fallback: Path) -> Iterator[None]:
    """Let the compiler keep its cache where it always does, or in `fallback` if that cannot be written.

    To be entered before torch's compiler is imported: it makes the folder at once.
    """
    before = os.environ.get(_CACHE)
    try:
        folder = Path(before or default_cache())
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        os.environ[_CACHE] = str(fallback)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_CACHE, None)
        else:
            os.environ[_CACHE] = before


def default_cache() -> Path:
    """Where torch puts its cache. To import torch's own function would make the folder."""
    try:
        user = getpass.getuser()
    except (KeyError, ModuleNotFoundError, OSError):
        user = f"uid_{os.getuid()}"
    safe = re.sub(r'[\\/:*?"<>|]', "_", user)
    return Path(tempfile.gettempdir()) / f"torchinductor_{safe}"
