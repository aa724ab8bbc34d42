"""What the machine lacks is said in words."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch

from resnetdsl.cli.interrupt import descendants
from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.options import Device
from resnetdsl.compile.toolchain import find_compiler, find_device, writable_cache


def program(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def problem_of(error: pytest.ExceptionInfo[CompileError]) -> Problem:
    assert error.value.help
    return error.value.problem


def test_the_compiler_of_this_machine_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    assert Path(find_compiler()).is_file()


def test_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompileError, match="no C\\+\\+ compiler") as caught:
        find_compiler()
    assert problem_of(caught) is Problem.NO_COMPILER


def test_cxx_that_is_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(CompileError, match="no-such-compiler") as caught:
        find_compiler()
    assert problem_of(caught) is Problem.NO_COMPILER


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'x.cpp:2:10: fatal error: omp.h: No such file' >&2; exit 1", "omp.h"),
        ("kill -SEGV $$", "it ended with SIGSEGV and said nothing"),
        ("exit 7", "it ended with code 7 and said nothing"),
        ("exit 0", "what it has written is no library"),
        ('while [ $# -gt 0 ]; do [ "$1" = -o ] && echo text > "$2"; shift; done', "what it has written is no library"),
        ("echo collect2: error: ld returned 1 >&2; exit 1", "ld returned 1"),
    ],
)
def test_half_a_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, words: str) -> None:
    monkeypatch.setenv("CXX", str(program(tmp_path, "g++", script)))
    with pytest.raises(CompileError, match=words) as caught:
        find_compiler()
    assert problem_of(caught) is Problem.BROKEN_COMPILER


def test_a_compiler_that_hangs_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = descendants()  # other tests have helpers of PyTorch's running
    monkeypatch.setattr("resnetdsl.compile.toolchain._PATIENCE", 2)
    monkeypatch.setenv("CXX", str(program(tmp_path, "g++", f"echo x >> {tmp_path}/asked; sleep 100; :")))
    for _ in range(3):
        with pytest.raises(CompileError, match="not through with four lines") as caught:
            find_compiler()
    assert problem_of(caught) is Problem.BROKEN_COMPILER
    assert (tmp_path / "asked").read_text() == "x\n"
    assert descendants() <= before, "nor is what it had started left"


def test_where_one_compiler_is_broken_the_next_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    works = find_compiler()
    program(tmp_path, "g++", "exit 1")
    program(tmp_path, "clang++", f'exec {works} "$@"')
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert find_compiler() == str(tmp_path / "clang++")


def test_a_program_that_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "g++"
    broken.write_bytes(b"\x7fELF nonsense")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    with pytest.raises(CompileError) as caught:
        find_compiler()
    assert problem_of(caught) is Problem.BROKEN_COMPILER


def test_other_platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(CompileError) as caught:
        find_compiler()
    assert problem_of(caught) is Problem.UNSUPPORTED_PLATFORM


@pytest.mark.parametrize(("build", "words"), [(None, "built without CUDA"), ("13.0", "finds no CUDA device")])
def test_no_cuda(monkeypatch: pytest.MonkeyPatch, build: str | None, words: str) -> None:
    monkeypatch.setattr(torch.version, "cuda", build)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(CompileError, match=words) as caught:
        find_device(Device.CUDA)
    assert problem_of(caught) is Problem.NO_CUDA
    assert find_device(Device.AUTO).type == "cpu"
    assert find_device(Device.CPU).type == "cpu"


def test_cuda_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert find_device(Device.AUTO).type == "cuda"
    assert find_device(Device.CUDA).type == "cuda"


def test_a_cache_that_cannot_be_written_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "/proc/cache")
    with writable_cache(tmp_path):
        assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path)
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == "/proc/cache"
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "mine"))
    with writable_cache(tmp_path / "other"):
        assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path / "mine")
    assert not (tmp_path / "other").exists()
