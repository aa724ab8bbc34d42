"""docs/errors and docs/reference are what the program says of itself today, and leave nothing out."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from resnetdsl.cli.main import COMMANDS
from resnetdsl.elaborate.builtins import BUILTINS
from resnetdsl.ops.registry import OPS
from resnetdsl.paths import library_dir
from tests.docs.pages import ROOT


def test_generated_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def page(name: str) -> str:
    return (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("op", OPS)
def test_op_is_in_the_reference(op: str) -> None:
    assert f"### {op}\n" in page("ops.md")


@pytest.mark.parametrize("name", BUILTINS)
def test_function_is_in_the_reference(name: str) -> None:
    assert f"| `{name}(" in page("functions.md")


def test_library_is_in_the_reference() -> None:
    text = page("library.md")
    for path in library_dir().glob("*.rnet"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith(("block ", "shortcut ", "let ")):
                assert line in text


def test_commands_are_in_the_reference() -> None:
    text = page("cli.md")
    for command in COMMANDS:
        assert f"## {command.NAME}\n" in text


def test_readme_and_ci_run_the_same_tests() -> None:
    command = "python -m pytest -n 2"
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["architecture.md", "index.md", "language.md", "tutorial.md"])
def test_files_that_pages_name_are_there(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    for name in re.findall(r"`((?:resnetdsl|grammars|specs|tests|docs)/[\w./]+)`", text):
        assert (ROOT / name).exists(), name
