"""What is proposed, in texts that are whole and in lines that are half written."""

from __future__ import annotations

import pytest
from lsprotocol import types as lsp

from resnetdsl.lsp.completion import STATEMENTS, completions, documented, signature
from resnetdsl.lsp.hover import hover
from resnetdsl.syntax.parser import keywords
from tests.lsp.texts import NETWORK, at, cursor, document


def proposed(text: str) -> list[str]:
    made, position = cursor(text)
    return [item.label for item in completions(made, position, snippets=False)]


def body(line: str) -> str:
    return f"block mine(width, act = relu) {{\n    let wide = 2\n    {line}\n}}\n\nnetwork n {{\n    input 3x8x8\n}}\n"


@pytest.mark.parametrize(
    ("line", "wanted", "unwanted"),
    [
        ("conv(|", {"kernel =", "stride =", "width", "wide", "mine", "basic"}, {"stage"}),
        ("conv(width, st|", {"stride =", "width"}, {"stage"}),
        ("max_pool(3x3) -> conv(4, padding = |", {"width"}, {"stride ="}),
        ("mine(|", {"width =", "act ="}, set()),
        ("|", {"stage", "let", "conv", "bottleneck", "min", "wide"}, {"stride ="}),
        ("x.|", {"channels", "height"}, {"conv"}),
        ("expect |", {"params", "macs"}, {"conv"}),
        ("expect params == 1, |", {"macs"}, {"conv"}),
        ("# con|", set(), {"conv", "stage"}),
        ("relu -> |", {"conv", "batch_norm"}, {"stage"}),
        ("conv(4, [|", {"width"}, {"stride ="}),
    ],
)
def test_what_is_proposed(line: str, wanted: set[str], unwanted: set[str]) -> None:
    found = set(proposed(body(line)))
    assert wanted <= found
    assert not unwanted & found


MODES = ("nearest", "nearest-exact", "bilinear", "bicubic")


def test_the_words_of_a_choice() -> None:
    assert proposed(body('upsample(mode = "|')) == [*MODES]
    assert proposed(body("upsample(mode = |"))[: len(MODES)] == [f'"{word}"' for word in MODES]


@pytest.mark.parametrize("start", ["mode = |", 'mode = "|'])
def test_a_word_that_is_taken_makes_a_text_that_is_right(start: str) -> None:
    before = f"network n {{\n    input 3x8x8\n    upsample(2, {start})\n}}\n"
    made, position = cursor(before)
    item = next(each for each in completions(made, position, snippets=False) if "bicubic" in each.label)
    after = '"' if start.endswith('"|') else ""
    taken = document(before.replace("|", (item.insert_text or item.label) + after))
    assert taken.report.ok, str(taken.report)


@pytest.mark.parametrize("line", ["import |", "from |"])
def test_what_can_be_imported(line: str) -> None:
    assert {"resnet", "densenet"} <= set(proposed(f"{line}\n"))


def test_statements_are_those_of_the_grammar() -> None:
    assert STATEMENTS.keys() <= keywords()


def test_snippets_only_for_editors_that_take_them() -> None:
    text, position = cursor(body("|"))
    (plain,) = (each for each in completions(text, position, snippets=False) if each.label == "stage")
    (snippet,) = (each for each in completions(text, position, snippets=True) if each.label == "stage")
    assert plain.insert_text is None
    assert "${1:" in (snippet.insert_text or "")
    assert snippet.insert_text_format == lsp.InsertTextFormat.Snippet


def test_the_one_that_is_looked_at_is_documented() -> None:
    text, position = cursor(body("|"))
    items = {each.label: each for each in completions(text, position, snippets=False)}
    for name, words in (("conv", "convolution"), ("bottleneck", "He et al., 2015"), ("min", "least")):
        item = documented(text, items[name])
        assert isinstance(item.documentation, lsp.MarkupContent)
        assert words in item.documentation.value.lower() or words in item.documentation.value


@pytest.mark.parametrize(
    ("line", "active"),
    [("conv(|", 0), ("conv(4, |", 1), ("conv(4, [1, 2], |", 2), ("conv(4, bias = |", "bias"), ("mine(act = |", "act")],
)
def test_the_signature_of_the_call(line: str, active: int | str) -> None:
    text, position = cursor(body(line))
    found = signature(text, position)
    assert found is not None
    (told,) = found.signatures
    names = [str(each.label).partition(" ")[0] for each in told.parameters or ()]
    assert found.active_parameter == (active if isinstance(active, int) else names.index(active))
    assert all(str(each.label) in told.label for each in told.parameters or ())


@pytest.mark.parametrize("line", ["|", "relu|", "(1 + |", "[4, |"])
def test_no_signature_outside_calls(line: str) -> None:
    text, position = cursor(body(line))
    assert signature(text, position) is None


# --- hovering ---


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ("con|v(width, 3x3, stride", ("conv(", "stride = 1", "8x32x32")),
        ("n * pa|ir(", ("block pair(width, stride = 1)", "A block of two layers.", "small", "16x16x16")),
        ("wid|th = 8", ("width = 8", "a parameter of `small`")),
        ("(wide, str|ide =", ("stride = 1",)),
        ("network lar|ge", ("network large = small([2, 3], width = 16)",)),
        ("block pa|ir", ("A block of two layers.",)),
        ("global_avg_po|ol", ("32x1x1",)),
        ("linear(cla|sses", ("classes = 10", "| small | 10 |")),
    ],
)
def test_what_is_under_the_cursor(mark: str, words: tuple[str, ...]) -> None:
    text, position = at(NETWORK, mark)
    found = hover(text, position)
    assert found is not None
    assert isinstance(found.contents, lsp.MarkupContent)
    for each in words:
        assert each in found.contents.value


def test_nothing_is_under_the_cursor() -> None:
    text, position = at(NETWORK, "}\n|\nnetwork small")
    assert hover(text, position) is None


def test_a_promise_says_what_it_counts() -> None:
    text, position = at(f"{NETWORK.rstrip()} {{ expect macs == 1 }}\n", "expect ma|cs")
    found = hover(text, position)
    assert found is not None
    assert "multiply-accumulates" in str(found.contents)


def test_networks_that_make_the_same_are_one_row() -> None:
    same = "".join(f"\nnetwork same{number} = small([1, 2])\n" for number in range(9))
    text, position = at(NETWORK + same, "global_avg_po|ol")
    found = hover(text, position)
    assert found is not None
    assert "| small and 9 more |" in str(found.contents)


def test_a_text_with_mistakes_answers_all_the_same() -> None:
    wrong = NETWORK.replace("linear(classes)", "linear(clases)").replace(
        "conv(width, 3x3, stride", "conv(width, 3y3, stride"
    )
    text, position = at(wrong, "network sm|all")
    assert hover(text, position) is not None
