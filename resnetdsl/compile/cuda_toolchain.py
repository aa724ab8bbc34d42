"""What code for CUDA is built with beside a C++ compiler: Triton, CUDA's headers, and the driver to link with.

A PyTorch from the package registry brings a part of the headers, and no `libcuda.so`: the driver alone has that, under
the name `libcuda.so.1`. PyTorch itself looks into one folder, that of the toolkit, which a machine need not have.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from resnetdsl.compile.errors import CompileError, Problem

_HEADERS = ("cuda.h", "cuda_runtime.h", "cuda_fp16.h", "cuda_bf16.h", "cuda_fp8.h")
"""What the code that AOTInductor writes includes."""

_WHEELS = ("nvidia.cu13", "nvidia.cuda_runtime", "nvidia.cuda_nvcc", "nvidia.cuda_cccl")
"""Packages with headers, as wheels lay them: all in one for CUDA 13, one each for 12."""

_USUAL = Path("/usr/local/cuda")
"""Where a toolkit stands that nothing points to."""

_DRIVER = "libcuda.so.1"


def check_cuda(compiler: str, cuda: str | None) -> None:
    """Raise a `CompileError` where code for CUDA cannot be built. `cuda` is the version of PyTorch's own."""
    if importlib.util.find_spec("triton") is None:
        raise CompileError(
            Problem.NO_CUDA, "kernels for CUDA are written with Triton, which is not here", "pip install triton"
        )
    if complaint := _complaint(compiler, *(os.environ.get(name, "") for name in ("CUDA_HOME", "CUDA_PATH", "CPATH"))):
        raise CompileError(
            Problem.NO_CUDA,
            f"the C++ compiler `{compiler}` cannot build a library for CUDA: {complaint}",
            _advice(cuda) if "libcuda" not in complaint else "install NVIDIA's driver",
        )


@contextmanager
def cuda_found(folder: Path) -> Iterator[None]:
    """Have the compiler find CUDA's headers and the driver, wherever they are. `folder` is for a link to the driver."""
    linked = folder / "cuda-driver"
    linked.mkdir(exist_ok=True)
    driver = _driver()
    if driver is not None and not (linked / "libcuda.so").exists():
        (linked / "libcuda.so").symlink_to(driver)
    headers = header_folders()
    changes = {
        "CPATH": os.pathsep.join(map(str, (*headers, *_given("CPATH")))),
        "LIBRARY_PATH": os.pathsep.join(map(str, (*_given("LIBRARY_PATH"), linked))),
    }
    if not os.environ.get("CUDA_HOME") and not os.environ.get("CUDA_PATH") and headers:
        changes["CUDA_HOME"] = str(headers[0].parent)
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update({name: value for name, value in changes.items() if value})
    extension = sys.modules.get("torch.utils.cpp_extension")  # it looks once, when it is imported
    home = getattr(extension, "CUDA_HOME", None)
    if extension is not None and home is None and headers:
        extension.CUDA_HOME = str(headers[0].parent)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if extension is not None:
            extension.CUDA_HOME = home  # type: ignore[attr-defined]


def header_folders() -> list[Path]:
    """Folders with CUDA's headers, the toolkit's first, then those of wheels."""
    homes = [Path(home) for name in ("CUDA_HOME", "CUDA_PATH") if (home := os.environ.get(name))]
    if (nvcc := shutil.which("nvcc")) is not None:
        homes.append(Path(nvcc).resolve().parent.parent)
    homes.append(_USUAL)
    toolkits = [home / "include" for home in homes if (home / "include" / "cuda_runtime.h").is_file()]
    if toolkits:
        return toolkits[:1]
    wheels = [folder / "include" for name in _WHEELS for folder in _package(name)]
    return [folder for include in wheels for folder in (include, include / "cccl") if folder.is_dir()]


def _package(name: str) -> list[Path]:
    """The folders of a package without code."""
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return []
    return [Path(folder) for folder in spec.submodule_search_locations or ()] if spec is not None else []


@cache
def _complaint(compiler: str, *_environment: str) -> str:
    """What the compiler says against a library that includes and links what ours do; nothing if it builds."""
    with tempfile.TemporaryDirectory(prefix="resnetdsl-probe-") as name:
        folder = Path(name)
        lines = [*(f"#include <{header}>" for header in _HEADERS), 'extern "C" int probe() { return (int)cuInit(0); }']
        (folder / "probe.cpp").write_text("\n".join([*lines, ""]), encoding="utf-8")
        command = [compiler, "-std=c++20", "-shared", "-fPIC", str(folder / "probe.cpp"), "-o", str(folder / "probe")]
        with cuda_found(folder):
            try:
                done = subprocess.run(
                    [*command, "-lcuda"], capture_output=True, text=True, errors="replace", timeout=120, check=False
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                return str(error)
    if not done.returncode:
        return ""
    lines = [line for line in done.stderr.splitlines() if "error" in line or "cannot find" in line]
    return (lines or done.stderr.splitlines() or ["it failed"])[0].strip().replace("-lcuda", "libcuda")


@cache
def _driver() -> Path | None:
    """The driver's library, wherever the loader finds it."""
    try:
        ctypes.CDLL(_DRIVER)
        mapped = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = [line.partition("/") for line in mapped.splitlines() if "/libcuda.so" in line]
    return Path("/" + found[0][2]) if found else None


def _given(name: str) -> list[str]:
    return [each for each in os.environ.get(name, "").split(os.pathsep) if each]


def _advice(cuda: str | None) -> str:
    """The headers of CUDA 13 come in wheels, those of 12 in the toolkit."""
    if cuda is None or not cuda.startswith("13."):
        return f"install the CUDA toolkit {cuda or ''}".strip() + ", or use `--backend cudnn`, which needs no compiler"
    return (
        f"pip install 'nvidia-cuda-crt=={cuda}.*' 'nvidia-cuda-cccl=={cuda}.*', or the CUDA toolkit {cuda}; "
        "`--backend cudnn` needs neither"
    )
