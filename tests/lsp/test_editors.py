"""What stands in editors/: colours for the words that the grammar has, and a client that starts the server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from resnetdsl.syntax.parser import keywords
from resnetdsl.version import VERSION

VSCODE = Path(__file__).resolve().parents[2] / "editors" / "vscode"
COLOURS = json.loads((VSCODE / "syntaxes" / "rnet.tmLanguage.json").read_text(encoding="utf-8"))


def patterns(part: object) -> list[str]:
    """Every regular expression of a grammar for colours."""
    match part:
        case dict():
            own = [part[key] for key in ("match", "begin", "end") if key in part]
            return own + [each for value in part.values() for each in patterns(value)]
        case list():
            return [each for value in part for each in patterns(value)]
        case _:
            return []


def test_every_keyword_has_a_colour() -> None:
    words = set(re.findall(r"[a-z]+", " ".join(re.sub(r"\\.", " ", each) for each in patterns(COLOURS))))
    assert keywords() <= words


def test_patterns_are_regular_expressions_and_includes_are_there() -> None:
    for each in patterns(COLOURS):
        re.compile(each)
    for name in re.findall(r'"#(\w+)"', json.dumps(COLOURS)):
        assert name in COLOURS["repository"]


def test_the_extension_starts_the_command() -> None:
    package = json.loads((VSCODE / "package.json").read_text(encoding="utf-8"))
    assert package["version"] == VERSION.partition("+")[0]
    default = package["contributes"]["configuration"]["properties"]["resnetdsl.command"]["default"]
    assert default == ["resnetdsl", "lsp"]
    for part in (package["main"], "language-configuration.json", package["contributes"]["grammars"][0]["path"]):
        assert (VSCODE / part).is_file()
    json.loads((VSCODE / "language-configuration.json").read_text(encoding="utf-8"))


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js")
def test_the_extension_is_javascript() -> None:
    subprocess.run(["node", "--check", str(VSCODE / "extension.js")], check=True)
