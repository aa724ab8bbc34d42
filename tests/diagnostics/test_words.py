"""How facts become words, and that nothing of a spec's text comes through unharmed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnetdsl.diagnostics.catalogue import CODES
from resnetdsl.diagnostics.model import Fact, Frame
from resnetdsl.diagnostics.plain import is_showable
from resnetdsl.diagnostics.words import fill, sort, word
from resnetdsl.ir.types import TensorType
from resnetdsl.source import SourceFile

FILE = SourceFile("a.rnet", "network a { input 3x4x4 }\n")
SPAN = FILE.span(0, 7)


class Colour(Enum):
    RED = "a red one"


@pytest.mark.parametrize(
    ("template", "data", "text"),
    [
        ("{a}", {"a": "x"}, "x"),
        ("{a}", {"a": 3}, "3"),
        ("{a}", {"a": True}, "true"),
        ("{a}", {"a": 0.1 + 0.2}, "0.3"),
        ("{a}", {"a": Fraction(1, 2)}, "1/2"),
        ("{a}", {"a": Fraction(4, 2)}, "2"),
        ("{a}", {"a": Colour.RED}, "a red one"),
        ("{a}", {"a": TensorType.image(64, 28, 28)}, "64x28x28"),
        ("{a}", {"a": ["x"]}, "`x`"),
        ("{a}", {"a": ["x", "y"]}, "`x` or `y`"),
        ("{a}", {"a": ("x", "y", "z")}, "`x`, `y` or `z`"),
        ("{a:and}", {"a": ["x", "y", "z"]}, "`x`, `y` and `z`"),
        ("{a:plain}", {"a": [8, 4]}, "8 and 4"),
        ("{a:size}", {"a": (7, 5)}, "7x5"),
        ("{a:size}", {"a": 7}, "7"),
        ("{a:number}", {"a": 25557032}, "25_557_032"),
        ("{a:number}", {"a": 9999}, "9999"),
        ("{a:number}", {"a": "4.1G"}, "4.1G"),
        ("{a:# layer}", {"a": 1}, "1 layer"),
        ("{a:# layer}", {"a": 2}, "2 layers"),
        ("{a:# branch|branches}", {"a": 0}, "0 branches"),
        ("{a:# item}", {"a": "a number"}, "a number"),
        ("in {a:many} places", {"a": 2}, "in 2 places"),
        ("in {a:many} places", {"a": 1}, None),
        ("{axis}", {"axis": "c"}, "channels"),
        ("{axis}", {"axis": "dimension 2"}, "dimension 2"),
        ("{a}{b}", {"a": 1}, None),
        ("{a}", {"a": None}, None),
        ("{a}", {"a": []}, None),
        ("`{a}`", {"a": ""}, '`""`'),
        ("{{a}}", {}, "{a}"),
        ("{axis:plain}", {"axis": "c"}, "c"),
        ("{op}", {"op": "multiply"}, "*"),
        ("{got}", {"got": "chw"}, "an image (chw)"),
        ("{a}", {"a": 2**63}, "2^63"),
        ("{a:number}", {"a": 2**63}, "2^63"),
        ("{a}", {"a": 2**200 + 1}, "about 2^200"),
        ("{a}", {"a": -(10**6000)}, "about -2^19931"),
    ],
)
def test_templates(template: str, data: Mapping[str, object], text: str | None) -> None:
    assert fill(template, data) == text


def test_long_lists_say_how_many_more() -> None:
    text = fill("{a}", {"a": [f"name{i}" for i in range(40)]})
    assert text is not None
    assert text.endswith("`name11` and 28 more")


def test_long_names_are_cut_in_the_middle() -> None:
    text = fill("`{a}`", {"a": "start" + "x" * 5000 + "end"})
    assert text is not None
    assert len(text) < 80
    assert text.startswith("`start")
    assert text.endswith("end`")


def test_text_of_a_spec_is_spelled_out() -> None:
    hostile = "a\nb\tc\x1b[31m\u202eevil\x00\ud800\U000e0001"
    assert fill("{a}", {"a": hostile}) == "a\\nb\\tc\\x1b[31m\\u202eevil\\x00\\ud800\\U000e0001"


def test_templates_without_their_fields_are_left_out() -> None:
    bare = word(Fact("E0201", SPAN, {"name": "con"}))
    assert bare.title == "unknown name `con`"
    assert bare.helps == ()
    helpful = word(Fact("E0201", SPAN, {"name": "con", "suggestion": "conv"}))
    assert helpful.helps == ("did you mean `conv`?",)


def test_nobody_is_told_to_write_what_is_there() -> None:
    assert word(Fact("E0214", SPAN, {"attribute": "height", "suggestion": "height"})).helps == ()


def test_a_fact_without_data_still_has_a_title() -> None:
    assert word(Fact("E0201", SPAN)).title == "unknown name"


def test_a_second_span_of_the_same_place_is_not_drawn() -> None:
    assert word(Fact("E0202", SPAN, {"name": "a"}, also=(("first", SPAN),))).secondary == ()


def test_an_unknown_role_is_a_mark_without_words() -> None:
    (label,) = word(Fact("E0202", SPAN, {"name": "a"}, also=(("other", FILE.span(8, 9)),))).secondary
    assert label.text == ""


def test_order_is_that_of_the_file_whatever_the_severity() -> None:
    other = SourceFile("0.rnet", "network b {}\n")
    facts = [
        Fact("W0801", FILE.span(8, 9)),
        Fact("E0201", other.span(0, 1)),
        Fact("E0201", FILE.span(12, 14)),
        Fact("E0201", FILE.span(0, 2)),
    ]
    ordered = [(each.code.id, each.primary.span.start) for each in sort(word(fact) for fact in facts)]
    assert ordered == [("E0201", 0), ("W0801", 8), ("E0201", 12), ("E0201", 0)]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.fractions()
    | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=6,
)


@given(st.sampled_from(sorted(CODES)), values, st.text(st.characters(exclude_categories=())))
def test_words_are_harmless_whatever_fills_them(code: str, value: object, frame: str) -> None:
    data = dict.fromkeys(CODES[code].fields, value)
    worded = word(Fact(code, SPAN, data, tuple((role, SPAN) for role in CODES[code].roles), (Frame(frame),)))
    texts = [worded.title, worded.primary.text, *worded.helps, *worded.notes, worded.trail[0].text]
    assert worded.title
    for text in texts:
        assert all(is_showable(char) for char in text)
