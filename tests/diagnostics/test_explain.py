"""`explain` and the pages of the documentation say all that the catalogue says."""

from __future__ import annotations

import re

import pytest

from resnetdsl.diagnostics.catalogue import CODES
from resnetdsl.diagnostics.explain import explain, find_code, nearest_code
from resnetdsl.diagnostics.pages import docs_pages, index, page


@pytest.mark.parametrize("text", ["E0301", "e0301", "301", "0301", "e301", "branch-mismatch", " E0301 "])
def test_codes_are_found(text: str) -> None:
    found = find_code(text)
    assert found is not None
    assert found.id == "E0301"


@pytest.mark.parametrize("text", ["", "E9999", "W0301", "branch", "E", "²"])
def test_other_words_are_no_codes(text: str) -> None:
    assert find_code(text) is None
    assert explain(text) is None


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        ("branch mismatch", "E0301"),
        ("brunch-mismatch", "E0301"),
        ("zero-init", "W0908"),
        ("bias", "W0906"),
    ],
)
def test_near_codes_are_suggested(text: str, id_: str) -> None:
    assert nearest_code(text) == id_


def test_far_words_suggest_nothing() -> None:
    assert nearest_code("pancake recipe") is None
    assert nearest_code("") is None


@pytest.mark.parametrize("id_", CODES)
def test_explanations_are_whole_and_fit(id_: str) -> None:
    code = CODES[id_]
    text = explain(id_, color=False, width=60)
    assert text is not None
    assert "\x1b" not in text
    assert text.startswith(f"{code.severity.value}[{id_}]: {code.name}\n\n")
    assert " ".join(code.explanation.split()) in " ".join(text.split())
    assert " ".join(code.reference.split()) in " ".join(text.split())
    for line in code.good.splitlines():
        assert f"    {line}".rstrip() in text.splitlines()
    prose = text.split("\nwrong:\n")[0]
    assert all(len(line) <= 60 for line in prose.splitlines())


def test_colour() -> None:
    text = explain("E0301", color=True)
    assert text is not None
    assert "\x1b[" in text
    assert re.sub(r"\x1b\[[0-9;]*m", "", text) == explain("E0301", color=False)


def test_pages_cover_the_catalogue_and_links_lead_somewhere() -> None:
    pages = docs_pages()
    assert set(pages) == {"index.md", *(f"{id_}.md" for id_ in CODES)}
    assert set(re.findall(r"\[[EW]\d+\]\((.+?)\)", index())) == set(pages) - {"index.md"}
    for id_ in CODES:
        text = page(id_)
        assert text.startswith(f"# {id_} ")
        assert text.count("```") % 2 == 0
        assert max(map(len, text.splitlines())) < 400
