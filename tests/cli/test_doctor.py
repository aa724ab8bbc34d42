"""`doctor`: what is here, what is broken in every way that things break, and never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.doctor import Finding, Grade, caches, healthy, machine, software
from resnetdsl.doctor.probe import Answer, ask
from tests.cli.running import ROOT, run


def examined(**env: str) -> dict[str, dict[str, object]]:
    done = run("doctor", "--json", env=env)
    document = json.loads(done.out)
    assert document["schema"] == 1
    assert done.code == (0 if document["healthy"] else 1)
    assert done.err == ""
    return {each["name"]: each for each in document["findings"]}


def test_this_machine() -> None:
    found = examined()
    assert {"Python", "processor", "memory", "PyTorch", "C++ compiler", "cache", "CUDA", "system Graphviz"} <= set(
        found
    )
    for each in found.values():
        assert each["found"]
        assert (each["grade"] == "ok") == (each["cost"] == ""), each
    assert found["engine inductor"]["data"]["dtypes"][0] == "float32"  # type: ignore[index]
    assert found["PyTorch"]["data"]["version"].startswith("2.")  # type: ignore[index]


def test_threads_are_those_that_a_program_gets() -> None:
    code = "import torch; print(torch.get_num_threads())"
    alone = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert examined()["PyTorch"]["data"]["threads"] == int(alone.stdout)  # type: ignore[index]


def test_as_text() -> None:
    done = run("doctor")
    assert "ok       Python" in done.out
    assert "cost: " in done.out or "lacking" not in done.out
    assert done.out.splitlines()[-1].startswith("networks can be compiled here")
    quiet = run("doctor", "-q")
    assert "ok       Python" not in quiet.out


def test_it_imports_no_torch_itself() -> None:
    code = "import sys; from resnetdsl.cli.main import main; main(['doctor']); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines()[-1] == "False"


BROKEN = {
    "raises": ("raise OSError('libtorch_cpu.so: cannot open shared object file')", "libtorch_cpu.so"),
    "crashes": ("import os; os.abort()", "signal 6"),
    "exits": ("import sys; sys.exit(3)", "3"),
    "is another module": ("", "AttributeError"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_torch_that_cannot_be_imported(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, words = BROKEN[how]
    (tmp_path / "torch.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    done = run("doctor")
    assert done.code == 1
    assert "broken   PyTorch" in done.out
    assert words in done.out
    assert "mend: pip install --force-reinstall torch" in done.out
    assert "Traceback" not in done.out + done.err
    assert done.out.splitlines()[-1] == "nothing can be compiled here before this is mended: PyTorch, engines"


def test_a_torch_that_hangs() -> None:
    (answer,) = ask({"torch": "import time; time.sleep(60)"}, patience=0.5).values()
    assert answer.error == "no answer within 0 s"


def test_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "find_spec", lambda _: None)
    done = run("doctor")
    assert done.code == 1
    assert "broken   PyTorch" in done.out
    assert "mend: pip install 'resnetdsl[torch]'" in done.out


def test_without_a_compiler() -> None:
    found = examined(CXX="/no/such/compiler")["C++ compiler"]
    assert found["grade"] == "lacking"
    assert "/no/such/compiler" in str(found["found"])
    assert found["mend"]


def test_a_compiler_that_fails(tmp_path: Path) -> None:
    broken = tmp_path / "g++"
    broken.write_text("#!/bin/sh\necho 'error: no headers' >&2\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    assert "no headers" in str(examined(CXX=str(broken))["C++ compiler"]["found"])


def test_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cache"
    monkeypatch.setenv("RESNETDSL_CACHE_DIR", str(folder))
    assert caches.caches()[0].found == f"{folder}, empty"
    assert not folder.exists()  # looking leaves no trace
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").write_bytes(bytes(3 * 2**20))
    assert caches.caches()[0].found == f"{folder}, 3.0 MiB in 1 file"


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    found = examined(RESNETDSL_CACHE_DIR=str(blocked / "cache"))["cache"]
    assert (found["grade"], "RESNETDSL_CACHE_DIR" in str(found["mend"])) == ("lacking", True)


def test_no_place_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    monkeypatch.setenv("TMPDIR", str(blocked))
    found = machine.disk()
    assert found.grade is Grade.BROKEN
    assert not healthy([found])


def test_engines() -> None:
    def told(**lacking: str | None) -> dict[str, object]:
        return {"lacking": lacking, "versions": {"library": "1.0"}}

    usable = Answer({"inductor": told(float32=None, float16="it needs a compiler")})
    (found,) = software.engines({"engines": usable})
    assert (found.name, found.grade, found.found) == ("engine inductor", Grade.OK, "float32; library 1.0")
    both = Answer({**usable.data, "openvino": told(float32="openvino is not installed")})
    assert [each.grade for each in software.engines({"engines": both})] == [Grade.OK, Grade.LACKING]
    broken = {"engines": Answer({"openvino": told(float32=None)}), "openvino": Answer({}, "ImportError: libtbb.so")}
    *_, found = software.engines(broken)
    assert (found.name, found.grade) == ("engines", Grade.BROKEN)
    assert software.engines({})[0].grade is Grade.BROKEN


def test_an_engine_for_a_gpu_is_lacking_where_there_is_one() -> None:
    told = {"cudnn": {"lacking": {"float32": None, "int8": "it has no int8"}, "versions": {"torch": "2.13.0"}}}
    answers = {"engines": Answer(told), "torch": Answer({"gpus": []})}
    assert "engine cudnn" not in {each.name for each in software.engines(answers)}
    (found,) = software.engines({**answers, "torch": Answer({"gpus": [GPU]})})
    assert (found.name, found.grade, found.found) == ("engine cudnn", Grade.OK, "float32; torch 2.13.0")


GPU = {"name": "NVIDIA H100", "memory": 80 * 2**30, "capability": "9.0"}


def test_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    def grades(torch: dict[str, object], **more: Answer) -> list[tuple[str, str, bool]]:
        found = software.cuda({"torch": Answer(torch), **more})
        return [(each.name, each.grade.value, bool(each.mend)) for each in found]

    monkeypatch.setattr(software, "_first_line", lambda _: "")
    assert grades({"version": "2.13.0+cpu", "gpus": []}) == [("CUDA", "lacking", False)]
    monkeypatch.setattr(software, "_first_line", lambda _: "NVIDIA H100, 550.1, 81559 MiB")
    assert grades({"version": "2.13.0+cpu", "gpus": []}) == [("CUDA", "lacking", True)]
    (cpu_build,) = software.cuda({"torch": Answer({"version": "2.13.0+cpu", "gpus": []})})
    assert cpu_build.mend == "pip install --force-reinstall torch==2.13.0"
    here = {"version": "2.13.0", "cuda": "12.8", "gpus": [GPU]}
    assert grades(here) == [("CUDA", "ok", False), ("Triton", "lacking", True)]
    assert grades(here, triton=Answer({}, "ImportError: no"))[1] == ("Triton", "lacking", True)
    assert "NVIDIA H100 (80 GiB, 9.0)" in software.cuda({"torch": Answer(here)})[0].found
    monkeypatch.setattr(software, "check_cuda", lambda *_: None)
    assert grades(here, triton=Answer({}))[1:] == [("Triton", "ok", False), ("CUDA headers", "ok", False)]

    def no_headers(*_: object) -> None:
        raise CompileError(Problem.NO_CUDA, "cuda.h: No such file or directory", "pip install nvidia-cuda-crt")

    monkeypatch.setattr(software, "check_cuda", no_headers)
    headers = software.cuda({"torch": Answer(here), "triton": Answer({})})[2]
    assert (headers.grade, headers.mend) == (Grade.LACKING, "pip install nvidia-cuda-crt")
    assert "`--backend cudnn` does" in headers.cost


@pytest.mark.parametrize(
    ("flags", "grade", "words"),
    [
        ({"avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8"}, Grade.OK, "AVX2, AVX-512, VNNI, bfloat16, AMX"),
        ({"avx2"}, Grade.LACKING, "no AVX-512, VNNI, bfloat16, AMX"),
        ({"sse2"}, Grade.LACKING, "none of the features"),
        (set(), Grade.OK, "cannot be told"),
    ],
)
def test_processors(flags: set[str], grade: Grade, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_flags", lambda: frozenset(flags))
    monkeypatch.setattr(machine.platform, "machine", lambda: "x86_64")
    found = machine.processor()
    assert (found.grade, words in found.found) == (grade, True), found


def test_names_of_the_machine_cannot_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "resnetdsl.doctor.examine", lambda: [Finding("x", Grade.OK, "evil \x1b]0;title"), Finding("y", Grade.OK, "")]
    )
    assert "\x1b" not in run("doctor").out
