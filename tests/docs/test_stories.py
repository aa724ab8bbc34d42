"""The tutorial and the README are told from the first block to the last, in an empty folder.

- `rnet` blocks marked `file NAME` become that file.
- `python` blocks run one after the other with their names in common; a `text` block after one is what it prints.
- `console` blocks hold `$ resnetdsl ...` lines, each followed by what it says on both streams, and `$ # ...` remarks.
- `sh` blocks are for the reader.
- `slow` blocks run in the slow suite alone, and `needs torchvision` ones where it is installed.

`...` in an output stands for anything, and `--bless` writes outputs anew.
"""

from __future__ import annotations

import importlib.util
import io
import shlex
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import pytest

from resnetdsl.cli.main import main
from tests import oracles
from tests.docs.pages import Block, blocks, hold

STORIES = ("docs/tutorial.md", "README.md")


@pytest.mark.parametrize("page", STORIES)
def test_story(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    tell(page, tmp_path, monkeypatch, slow=False, bless=pytestconfig.getoption("bless"))


@pytest.mark.slow
@pytest.mark.parametrize("page", STORIES)
def test_whole_story(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    tell(page, tmp_path, monkeypatch, slow=True, bless=pytestconfig.getoption("bless"))


def tell(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *, slow: bool, bless: bool) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")
    names: dict[str, object] = {"__name__": "__tutorial__"}
    printed: str | None = None
    for block in blocks(page):
        if ("slow" in block.marks and not slow) or skipped(block):
            printed = None
            continue
        match block.language:
            case "rnet" if "file" in block.marks:
                (folder / block.marks["file"]).write_text(block.text, encoding="utf-8")
            case "python":
                printed = run_python(block, names)
                continue
            case "console":
                run_console(block, bless=bless)
            case "text" if printed is not None and block.adjoins:
                hold(block, block.text, printed, bless=bless)
            case _:
                pass
        printed = None


def skipped(block: Block) -> bool:
    if "needs" not in block.marks:
        return False
    if importlib.util.find_spec(block.marks["needs"]) is None:
        return True
    oracles.torchvision()
    return False


def run_python(block: Block, names: dict[str, object]) -> str:
    """Run a block; what it prints."""
    out = io.StringIO()
    code = compile("\n" * (block.line - 1) + block.text, block.page, "exec")
    with redirect_stdout(out):
        exec(code, names)
    return out.getvalue()


def run_console(block: Block, *, bless: bool) -> None:
    """Run the commands of a block, each against the lines that follow it."""
    shown: list[str] = []
    happened: list[str] = []
    for part in ("\n" + block.text).split("\n$ ")[1:]:
        line, _, expected = part.partition("\n")
        actual = "" if line.startswith("#") else command(line)
        shown.append(f"$ {line}\n{expected}")
        happened.append(f"$ {line}\n{actual}")
    if len(shown) > 1:
        hold(block, block.text, "".join(f"{part.rstrip()}\n\n" for part in happened), bless=bless)
    else:
        hold(block, block.text, happened[0], bless=bless)


def command(line: str) -> str:
    """What a command says, on both of its streams."""
    words = shlex.split(line)
    assert words[0] == "resnetdsl", line
    out = io.StringIO()
    # argparse ends with SystemExit when it has said what it had to say.
    with redirect_stdout(out), redirect_stderr(out), suppress(SystemExit):
        main(words[1:])
    return out.getvalue()
