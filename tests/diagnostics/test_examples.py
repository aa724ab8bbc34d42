"""The wrong example of every code gives that code, and the right one gives none."""

from __future__ import annotations

from pathlib import Path

import pytest

from resnetdsl.diagnostics.catalogue import CODES
from resnetdsl.diagnostics.model import Code, Diagnostic, Severity
from resnetdsl.diagnostics.render.text import render_text
from tests.diagnostics.drawing import target_mistakes


def check(code: Code, text: str, directory: Path) -> tuple[Diagnostic, ...]:
    from resnetdsl.api import load

    if code.language == "yaml":
        path = directory / "target.yaml"
        path.write_text(text, encoding="utf-8")
        return target_mistakes(path)
    for name, content in code.files.items():
        (directory / name).write_text(content, encoding="utf-8")
    path = directory / "spec.rnet"
    path.write_text(text, encoding="utf-8")
    return tuple(load(path).check().diagnostics)


@pytest.mark.parametrize("id_", [id_ for id_, code in CODES.items() if code.bad_is_spec])
def test_bad(id_: str, tmp_path: Path) -> None:
    found = check(CODES[id_], CODES[id_].bad, tmp_path)
    assert {each.code.id for each in found} == {id_}, render_text(found, color=False, width=100)


@pytest.mark.parametrize("id_", CODES)
def test_good(id_: str, tmp_path: Path) -> None:
    found = check(CODES[id_], CODES[id_].good, tmp_path)
    wrong = [each for each in found if each.code.severity is Severity.ERROR or each.code.id == id_]
    assert not wrong, render_text(wrong, color=False, width=100)
