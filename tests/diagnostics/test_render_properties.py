"""Whatever a spec holds and wherever spans lie, drawing works and its output is safe."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from resnetdsl.diagnostics.model import Diagnostic, Edit, Frame
from resnetdsl.diagnostics.plain import escape, is_showable, text_cells
from resnetdsl.diagnostics.render.github import render_github
from resnetdsl.diagnostics.render.json import render_json
from resnetdsl.diagnostics.render.sarif import render_sarif
from resnetdsl.diagnostics.render.text import render_text, summary
from resnetdsl.source import SourceFile, Span
from tests.diagnostics.drawing import drawn

anything = st.text(st.characters(exclude_categories=()), max_size=60)
lines = st.lists(st.text("ab \t漢\u0301\x1b\u202e\r", max_size=30), max_size=8).map("\n".join)
files = st.builds(SourceFile, anything.filter(bool), st.one_of(anything, lines))


@st.composite
def diagnostics(draw: st.DrawFn) -> Diagnostic:
    sources = draw(st.lists(files, min_size=1, max_size=3))

    def span() -> Span:
        return Span(draw(st.sampled_from(sources)), draw(st.integers(-3, 70)), draw(st.integers(-3, 70)))

    words = st.text("word ", max_size=40).map(str.strip)
    return drawn(
        span(),
        draw(words),
        *[(span(), draw(words)) for _ in range(draw(st.integers(0, 5)))],
        helps=tuple(draw(st.lists(words, max_size=2))),
        trail=(Frame("network"), Frame("block", span())) if draw(st.booleans()) else (),
        fix=(Edit(span(), "x"),) if draw(st.booleans()) else (),
    )


@given(st.lists(diagnostics(), max_size=3), st.integers(-5, 120))
def test_text_is_safe(drawn_: list[Diagnostic], width: int) -> None:
    plain = render_text(drawn_, color=False, width=width)
    for text in (plain, summary(drawn_)):
        assert all(char == "\n" or is_showable(char) for char in text)
        text.encode()
    colored = render_text(drawn_, color=True, width=width)
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", colored)
    assert [line.rstrip() for line in stripped.split("\n")] == plain.split("\n")


@given(diagnostics(), st.integers(60, 120))
def test_source_lines_fit_the_width(diagnostic: Diagnostic, width: int) -> None:
    text = render_text([diagnostic], color=False, width=width)
    for line in text.split("\n"):
        if re.match(r" *\d+ \| ", line):
            assert text_cells(line) <= width


@given(diagnostics())
def test_every_label_is_drawn(diagnostic: Diagnostic) -> None:
    text = " ".join(re.sub(r"[|\n]", " ", render_text([diagnostic], color=False, width=120)).split())
    for label in (diagnostic.primary, *diagnostic.secondary):
        assert " ".join(label.text.split()) in text
    assert "^" in text


@given(st.lists(diagnostics(), max_size=3))
def test_formats_are_well_formed(drawn_: list[Diagnostic]) -> None:
    assert len(json.loads(render_json(drawn_))["diagnostics"]) == len(drawn_)
    assert len(json.loads(render_sarif(drawn_))["runs"][0]["results"]) == len(drawn_)
    assert len(render_github(drawn_).split("\n")) == len(drawn_) + 1
    for text in (render_json(drawn_), render_sarif(drawn_), render_github(drawn_)):
        assert all(char == "\n" or is_showable(char) for char in text)


@given(anything)
def test_escaped_text_is_showable(text: str) -> None:
    assert all(is_showable(char) for char in escape(text))
    assert escape(escape(text)) == escape(text)
