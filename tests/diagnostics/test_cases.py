"""A directory `<code>-<name>` is a case: `spec.rnet` with markers, and `expected.txt` with what is drawn.

A marker is a comment on the line of the primary span, `# error[E0301]` or `# warning[W0901]`, several if need be
(`# error[E0301] error[E0302]`). Where the line can hold no comment, the marker stands alone on the line before it.
Other `.rnet` files of the directory can be imported and may hold markers too. A case of a target has `target.yaml` in
place of the spec.

`--bless` writes `expected.txt` anew. It never touches the markers, so a mistake that moved, changed its
code or went away is still found.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from resnetdsl.diagnostics.catalogue import CODES
from resnetdsl.diagnostics.model import Diagnostic
from resnetdsl.diagnostics.render.places import place
from resnetdsl.diagnostics.render.text import render_text, summary
from resnetdsl.diagnostics.words import sort
from tests.diagnostics.drawing import target_mistakes

HERE = Path(__file__).parent
SUBJECTS = ("spec.rnet", "target.yaml")
CASES = sorted(path.parent for name in SUBJECTS for path in HERE.glob(f"*/{name}"))
_MARKER = re.compile(r"\b(error|warning)\[([EW][0-9]{4})\]")

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)

Found = tuple[str, int, str, str]  # file, line, severity, code


def check(case: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Diagnostic, ...]:
    """The diagnostics of a case, as they come to somebody who stands in its directory.

    They are taken from a copy, for where a project ends depends on the directories around it.
    """
    from resnetdsl.api import load

    project = shutil.copytree(case, tmp_path / "project")
    monkeypatch.chdir(project)
    if Path("target.yaml").exists():
        return target_mistakes(Path("target.yaml"))
    return sort(load(Path("spec.rnet")).check().diagnostics)


def markers(path: Path) -> list[Found]:
    found = []
    pending: list[tuple[str, str]] = []
    number = 0
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        code, hash_, comment = line.rpartition("#")
        here = [(match[1], match[2]) for match in _MARKER.finditer(comment)] if hash_ else []
        if here and not code.strip():
            pending += here
            continue
        found += [(path.name, number, *each) for each in (*pending, *here)]
        pending = []
    return found + [(path.name, number, *each) for each in pending]


@every_case
def test_marks(case: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    expected = [found for path in sorted((*case.glob("*.rnet"), *case.glob("*.yaml"))) for found in markers(path)]
    actual = []
    for each in check(case, monkeypatch, tmp_path):
        at = place(each.primary.span)
        actual.append((Path(at.file).name, at.line, each.code.severity.value, each.code.id))
    assert Counter(actual) == Counter(expected)
    assert case.name.split("-")[0] in {code for *_, code in expected}, "the case shows another code than its name says"


@every_case
def test_rendering(case: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    found = check(case, monkeypatch, tmp_path)
    text = f"{render_text(found, color=False, width=100)}\n{summary(found)}\n"
    path = case / "expected.txt"
    if request.config.getoption("--bless"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@every_case
def test_name(case: Path) -> None:
    assert case.name.split("-")[0] in CODES
    assert case.name.partition("-")[2]


def test_markers_are_read_where_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "spec.rnet"
    path.write_text('a # error[E0301] and warning[W0901]\n# error[E0107]\nb "#\nc # d # error[E0201]\n# error[E0103]\n')
    assert markers(path) == [
        ("spec.rnet", 1, "error", "E0301"),
        ("spec.rnet", 1, "warning", "W0901"),
        ("spec.rnet", 3, "error", "E0107"),
        ("spec.rnet", 4, "error", "E0201"),
        ("spec.rnet", 6, "error", "E0103"),
    ]
