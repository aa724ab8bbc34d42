"""The language page speaks of every keyword, sign and bound of the language."""

from __future__ import annotations

import re

import pytest

from resnetdsl.analysis.metrics import METRICS
from resnetdsl.checks.ranges import MOST_STEPS
from resnetdsl.elaborate import budget
from resnetdsl.elaborate.copies import COPY_NAMES
from resnetdsl.elaborate.labels import LONGEST
from resnetdsl.elaborate.parts import TENSOR_ATTRIBUTES
from resnetdsl.paths import grammar_text
from resnetdsl.syntax.lexer import MAX_BRACKETS, MAX_TOKENS
from resnetdsl.syntax.reading import MAX_BYTES
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
CODE = "\n".join(re.findall(r"`[^`\n]+`|^```rnet\n.*?^```", PAGE, re.MULTILINE | re.DOTALL))
"""What stands in code style on the page: in prose, and in examples."""

_GRAMMAR = "\n".join(line for line in grammar_text().splitlines() if not line.startswith("//"))
LITERALS = sorted(set(re.findall(r'(?<![\\/\[^])"([^"\s\\]+)"', _GRAMMAR)))
"""The keywords and signs of the grammar. Its regular expressions hold no such text but in the rule of strings."""

FORMS = {
    "label_template": "layer{i + 1}:", "label_string": '"stack.conv{i}":', "shared": "shared A", "slice_from": "[1..]",
    "slice_to": "[..2]", "empty_tuple": "`()`", "one_tuple": "`(1,)`", "round_list": "`(1, 2)`", "lambda": "=>",
    "comprehension": "[2 * v for v in 0..4 if v != 1]", "body_expression": "`{ ... }`", "size": "3x224x224",
    "choice": "a if c else b", "else_if": "else if d", "target_tuple": "let (a, b) = e", "range_of": "a..b step c",
    "negate": "unary `-`", "instance": "network name = e", "import_from": "from name import a, b as c",
    "import": "import name", "in": "in a, b", "out": "out e, f", "tap": "tap c3 = t", "attribute": "v.name",
    "index": "v[i]", "call": "f(a)", "residual": "residual(shortcut)", "param": "param gamma[x.channels]",
}  # fmt: skip
"""Rules of the grammar that no keyword or sign of their own gives away, and how the page writes them."""


@pytest.mark.parametrize("literal", LITERALS)
def test_keyword_or_sign_is_on_the_page(literal: str) -> None:
    pattern = rf"\b{literal}\b" if literal.isalpha() else re.escape(literal)
    assert re.search(pattern, CODE), literal


@pytest.mark.parametrize("rule", FORMS)
def test_form_is_on_the_page(rule: str) -> None:
    assert re.search(rf"(^[?!]?{rule}:|-> {rule}\b)", grammar_text(), re.MULTILINE), f"the grammar has no {rule}"
    assert FORMS[rule] in PAGE


def test_literals_are_found() -> None:
    assert {"network", "->", "..", "shared", "//", "=>"} <= {*LITERALS} | set(re.findall(r': "(\S+)"', _GRAMMAR))
    assert len(LITERALS) > 40


@pytest.mark.parametrize("name", [*COPY_NAMES, *TENSOR_ATTRIBUTES, *METRICS])
def test_name_is_on_the_page(name: str) -> None:
    assert re.search(rf"`[^`]*\b{name}\b[^`]*`", PAGE)


@pytest.mark.parametrize(
    "bound",
    [budget.NODES, budget.DEPTH, budget.LIST, budget.WORK, MOST_STEPS, MAX_BYTES, MAX_BRACKETS, MAX_TOKENS],
)
def test_bound_is_on_the_page(bound: int) -> None:
    assert f"| {bound:,} |" in PAGE


def test_other_bounds_are_on_the_page() -> None:
    assert budget.NUMBER == 2**63
    assert "| 2^63 |" in PAGE
    assert f"at most {LONGEST} characters" in " ".join(PAGE.split())
