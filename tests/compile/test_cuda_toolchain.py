"""What code for CUDA is built with: found where a toolkit or wheels have it, and named where it lacks."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from pathlib import Path

import pytest

from resnetdsl.compile import cuda_toolchain
from resnetdsl.compile.cuda_toolchain import check_cuda, cuda_found, header_folders
from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.toolchain import find_compiler

COMPILER = find_compiler()


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No toolkit, no wheels, no driver, and a Triton."""
    for name in ("CUDA_HOME", "CUDA_PATH", "CPATH", "LIBRARY_PATH"):
        monkeypatch.delenv(name, raising=False)
    cuda_toolchain._complaint.cache_clear()
    monkeypatch.setattr(cuda_toolchain, "_package", lambda _: [])
    monkeypatch.setattr(cuda_toolchain, "_USUAL", tmp_path / "nowhere")
    monkeypatch.setattr(cuda_toolchain.shutil, "which", lambda _: None)
    monkeypatch.setattr(cuda_toolchain, "_driver", lambda: None)
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: found("os" if name == "triton" else name, *more)
    )


def toolkit(folder: Path) -> Path:
    """Headers that declare as much as a probe asks for."""
    (folder / "include").mkdir(parents=True)
    for name in cuda_toolchain._HEADERS:
        text = 'extern "C" int cuInit(unsigned);\n' if name == "cuda.h" else ""
        (folder / "include" / name).write_text(text, encoding="utf-8")
    return folder


def driver(folder: Path) -> Path:
    """A library with a driver's name."""
    source = folder / "cuda.c"
    source.write_text("int cuInit(unsigned flags) { return (int)flags; }\n", encoding="utf-8")
    made = folder / "libcuda.so.1"
    subprocess.run([COMPILER, "-x", "c", "-shared", "-fPIC", str(source), "-o", str(made)], check=True)
    return made


def test_no_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    with pytest.raises(CompileError, match="Triton") as caught:
        check_cuda("g++", "13.0")
    assert caught.value.help == "pip install triton"


def test_no_headers() -> None:
    with pytest.raises(CompileError, match=r"cuda\.h") as caught:
        check_cuda(COMPILER, "13.0")
    assert caught.value.problem is Problem.NO_CUDA
    assert "nvidia-cuda-crt==13.0.*" in caught.value.help
    assert "--backend cudnn" in caught.value.help
    with pytest.raises(CompileError) as caught:
        check_cuda(COMPILER, "12.8")
    assert caught.value.help.startswith("install the CUDA toolkit 12.8")


def test_no_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_HOME", str(toolkit(tmp_path / "cuda")))
    with pytest.raises(CompileError, match="libcuda") as caught:
        check_cuda(COMPILER, "13.0")
    assert "driver" in caught.value.help


def test_a_toolkit_and_a_driver_that_no_linker_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_HOME", str(toolkit(tmp_path / "cuda")))
    made = driver(tmp_path)
    monkeypatch.setattr(cuda_toolchain, "_driver", lambda: made)
    check_cuda(COMPILER, "13.0")


def test_headers_of_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = toolkit(tmp_path / "nvidia" / "cu13")
    (wheel / "include" / "cccl").mkdir()
    monkeypatch.setattr(cuda_toolchain, "_package", lambda name: [wheel] if name == "nvidia.cu13" else [])
    assert header_folders() == [wheel / "include", wheel / "include" / "cccl"]


def test_the_environment_is_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPATH", "/mine")
    wheel = toolkit(tmp_path / "cu13")
    monkeypatch.setattr(cuda_toolchain, "header_folders", lambda: [wheel / "include"])
    before = dict(os.environ)
    with cuda_found(tmp_path):
        assert os.environ["CPATH"] == f"{wheel / 'include'}:/mine"
        assert os.environ["CUDA_HOME"] == str(wheel)
        assert os.environ["LIBRARY_PATH"] == str(tmp_path / "cuda-driver")
    assert dict(os.environ) == before
