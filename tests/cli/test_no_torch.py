"""Where PyTorch is not installed: what needs it says so, and the rest works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import GOOD, ROOT

BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name.split(".")[0])
sys.meta_path.insert(0, Block())
from resnetdsl.cli.main import main
sys.exit(main({arguments!r}))
"""


def blocked(missing: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = BLOCKED.format(missing=missing, arguments=list(arguments))
    return subprocess.run(
        [sys.executable, "-c", code], input=GOOD, capture_output=True, text=True, cwd=ROOT, check=False
    )


@pytest.mark.parametrize(
    "command",
    [
        "check -",
        "summary - --net tiny",
        "export - --net tiny --to pytorch",
        "export - --net tiny --to yaml",
        "render - --net tiny --format dot",
        "fmt -",
        "list -",
        "explain E0301",
    ],
)
def test_works_without(command: str) -> None:
    done = blocked("torch", *command.split())
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("missing", "kind", "said"),
    [
        ("torch", "no-torch", "compiling needs PyTorch, which is not installed"),
        ("numpy", "no-torch", "compiling needs NumPy, which is not installed"),
        ("safetensors", "bad-weights", "the package safetensors is not installed"),
    ],
)
def test_compiling_says_what_it_needs(missing: str, kind: str, said: str, tmp_path: Path) -> None:
    weights: tuple[str, ...] = ()
    if missing == "safetensors":
        (tmp_path / "w.safetensors").write_bytes(b"")
        weights = ("--weights", str(tmp_path / "w.safetensors"))
    done = blocked(missing, "compile", "-", "--net", "tiny", "-o", str(tmp_path / "tiny.rnetc"), *weights)
    assert done.returncode == 2, done.stderr
    assert f"error[{kind}]: {said}\n" in done.stderr
    assert "pip install 'resnetdsl[torch]'" in done.stderr
    assert not (tmp_path / "tiny.rnetc").exists()
