"""Specs written by hand to break the promise, each with what must come of it.

`red_team.txt` is the table. `=== name: holds` heads a spec that is accepted, builds, runs and has the shapes that were
inferred; `=== name: E0401 E0207` one that is refused with just these errors, echoes excluded. Below it stands the
spec: all of it where it says `network`, else the body of a network of 8x16x16, behind definitions and a `---` if it
needs some.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.soundness.test_soundness import checked, holds

_TABLE = Path(__file__).with_suffix("").with_name("red_team.txt").read_text(encoding="utf-8")
_CASES = re.findall(r"^=== (.+): (holds|E[E0-9 ]+)\n((?:(?!=== |# ).*\n?)*)", _TABLE, re.MULTILINE)


def _spec(text: str) -> str:
    if re.search(r"^\s*network ", text, re.MULTILINE):
        return text
    definitions, _, body = text.rpartition("---\n")
    opening = "" if re.search(r"^\s*input\b", body, re.MULTILINE) else "input 8x16x16\n"
    return f"{definitions}network net {{\n{opening}{body}\n}}\n"


def test_the_table_is_read_in_full() -> None:
    assert len(_CASES) == _TABLE.count("\n=== ")
    assert len({name for name, _, _ in _CASES}) == len(_CASES)


@pytest.mark.parametrize(("outcome", "text"), [pytest.param(case[1], case[2], id=case[0]) for case in _CASES])
def test_outcome(outcome: str, text: str) -> None:
    spec, report = checked(_spec(text))
    codes = [error.code.id for error in report.errors]
    assert codes == ([] if outcome == "holds" else outcome.split()), str(report)
    if report.ok:
        holds(spec, "cpu")
