"""The catalogue is complete, and every template can be filled from what its code declares."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from resnetdsl.diagnostics.catalogue import AREAS, CODES
from resnetdsl.diagnostics.model import Code, Severity
from resnetdsl.diagnostics.words import code_fields, fill

PACKAGE = Path(__file__).resolve().parents[2] / "resnetdsl"
every_code = pytest.mark.parametrize("code", CODES.values(), ids=CODES)


def test_ids_and_names_are_unique() -> None:
    codes = [code for _, area in AREAS for code in area]
    assert len({code.id for code in codes}) == len({code.name for code in codes}) == len(codes) == len(CODES)


def test_areas_are_in_order() -> None:
    for _, area in AREAS:
        assert [code.id for code in area] == sorted(code.id for code in area)
        assert len({code.id[:3] for code in area}) == 1


@every_code
def test_form(code: Code) -> None:
    assert re.fullmatch(r"[EW][0-9]{4}", code.id)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code.name)
    assert code.severity is (Severity.ERROR if code.id[0] == "E" else Severity.WARNING)
    assert not code.title.endswith(".")
    assert len(code.explanation) > 60
    assert code.explanation.endswith((".", "`.", ")"))
    assert code.bad.strip()
    assert code.good.strip()
    assert code.bad != code.good


@every_code
def test_examples_are_specs(code: Code) -> None:
    if code.language == "yaml":
        assert re.search(r"^\w+:", code.good)
        return
    assert "network " in code.good
    assert code.good.endswith("}\n") or " = " in code.good
    assert not code.bad_is_spec or "netw" in code.bad


@every_code
def test_templates_use_declared_fields_only(code: Code) -> None:
    assert code_fields(code) <= set(code.fields)


@every_code
def test_templates_fill(code: Code) -> None:
    data = dict.fromkeys(code.fields, 2)
    for template in (code.title, code.label, *code.roles.values(), *code.helps, *code.notes):
        assert fill(template, data), template


@every_code
def test_prose_is_plain(code: Code) -> None:
    """`explain` draws paragraphs and backticks, nothing else."""
    assert code.explanation.count("`") % 2 == 0
    for line in code.explanation.split("\n"):
        assert not re.match(r"\s|[-*#>] |\d+\. |\|", line), line


@every_code
def test_literature_has_references(code: Code) -> None:
    is_of_literature = code.id.startswith("W09")
    assert bool(code.reference) is is_of_literature
    if is_of_literature:
        assert "arXiv:" in code.reference or "NVIDIA" in code.reference
        assert re.search(r"section|figure|table|on channels", code.reference)


def test_every_code_that_is_reported_is_known() -> None:
    """Code ids are written as plain strings at many places; none of them may be a slip."""
    unknown = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and re.fullmatch(r"[EW][0-9]{4}", text) and text not in CODES:
                unknown[text] = f"{path.relative_to(PACKAGE)}:{node.lineno}"
    assert not unknown
