"""What stands in editors/: colours for the words that the grammar has, and a client that starts the server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize(
    "text", ["network a = b { expect params == 1 }", "if true { param gamma }", "    stage a: relu"]
)
def test_a_statement_has_its_colour_wherever_it_may_stand(text: str) -> None:
    pattern = COLOURS["repository"]["stage"]["match"]
    found = re.search(pattern, text)
    assert found is not None
    assert found[1] in ("expect", "param", "stage")


CLIENT = VSCODE / "node_modules" / "vscode-languageclient"
needs_client = pytest.mark.skipif(
    shutil.which("node") is None or not CLIENT.is_dir(), reason="`npm install` was not run in editors/vscode"
)


def run_extension(text: str, *command: str) -> dict[str, Any]:
    """What the extension shows of a document, with VS Code's own client in a stub of VS Code."""
    script = Path(__file__).parent / "vscode" / "run.js"
    given = ["node", str(script), str(VSCODE / "extension.js"), text, *command]
    told = subprocess.run(given, check=True, capture_output=True, text=True, timeout=60)
    found: dict[str, Any] = json.loads(told.stdout)
    return found


@needs_client
def test_the_extension_shows_what_the_server_finds() -> None:
    text = "network t { input 3x32x32\n    conv(16, 3x3)\n    residual { conv(32, 3x3) }\n}"
    told = run_extension(text, sys.executable, "-m", "resnetdsl", "lsp")
    assert told["errors"] == []
    assert [(message.partition("\n")[0], line) for message, line in told["diagnostics"]] == [
        ("the branches of this residual do not match", 2)
    ]
    assert "conv(out_channels, kernel" in told["hover"]
    assert {"registerRenameProvider", "registerInlayHintsProvider"} <= set(told["providers"])


@needs_client
def test_the_extension_says_how_to_get_a_server_that_does_not_start() -> None:
    told = run_extension("", "/nowhere/resnetdsl", "lsp")
    assert "`/nowhere/resnetdsl` does not start (Launching server" in told["errors"][-1]
    assert "pip install" in told["errors"][-1]
