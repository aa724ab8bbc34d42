"""The shipped themes can be read: by WCAG 2.2, text needs a contrast of 4.5, and what carries meaning one of 3."""

from __future__ import annotations

import itertools

import pytest

from resnetdsl.emit.diagram.theme import Theme, ThemeError, Tint, find_theme, read_theme, shipped_themes
from tests.cli.running import ROOT

TINTS = (
    "frame",
    "block",
    "input",
    "weighted",
    "learned",
    "resizing",
    "joining",
    "plain",
    "added",
    "removed",
    "changed",
)


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2, definition)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def tints(theme: Theme) -> dict[str, Tint]:
    return {name: getattr(theme, name) for name in TINTS}


def test_contrast_of_black_and_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", shipped_themes())
def test_text_can_be_read(name: str) -> None:
    theme = find_theme(name)
    grounds = {"page": theme.page} | {key: tint.fill for key, tint in tints(theme).items()}
    for (key, ground), ink in itertools.product(grounds.items(), (theme.ink, theme.faint)):
        assert contrast(ink, ground) >= 4.5, (key, ink)
    # The names of shortcuts stand on the page and in frames.
    for ground, ink in itertools.product(("page", "frame", "block"), (theme.identity, theme.projection)):
        assert contrast(ink, grounds[ground]) >= 4.5, (ground, ink)


@pytest.mark.parametrize("name", shipped_themes())
def test_lines_can_be_seen(name: str) -> None:
    theme = find_theme(name)
    for ground in (theme.page, theme.frame.fill, theme.block.fill):
        for line in (theme.wire, theme.identity, theme.projection, *(tint.line for tint in tints(theme).values())):
            assert contrast(line, ground) >= 3, (line, ground)


@pytest.mark.parametrize("name", shipped_themes())
def test_what_differs_can_be_told_apart(name: str) -> None:
    theme = find_theme(name)
    assert len({theme.added, theme.removed, theme.changed, theme.block}) == 4


def test_paper_has_no_colour() -> None:
    theme = find_theme("paper")
    colours = [theme.page, theme.ink, theme.faint, theme.wire, theme.identity, theme.projection]
    colours += [colour for tint in tints(theme).values() for colour in (tint.fill, tint.line)]
    assert all(colour[1:3] == colour[3:5] == colour[5:7] for colour in colours)


def test_what_a_theme_leaves_out_is_as_in_its_base() -> None:
    theme = read_theme("base: dark\nweighted: { line: '#ABCDEF' }", "own.yaml")
    dark = find_theme("dark")
    assert theme.page == dark.page
    assert theme.weighted == Tint(dark.weighted.fill, "#abcdef")
    assert read_theme("ink: '#000000'", "own.yaml").page == find_theme("light").page


def test_a_tint_of_a_base_needs_no_more_than_one_part() -> None:
    with pytest.raises(ThemeError, match=r"own.yaml: `weighted.fill` is a colour"):
        read_theme("weighted: { fill: 3 }", "own.yaml")


def test_the_theme_of_the_documentation() -> None:
    page = (ROOT / "docs" / "diagrams.md").read_text(encoding="utf-8")
    text = page.partition("```yaml\n")[2].partition("```")[0]
    theme = read_theme(text, "docs/diagrams.md")
    assert theme.weighted == Tint("#dbe9f6", "#08519c")
    assert theme.page == find_theme("paper").page
    names = page.partition("The other names are")[2].partition("\n\n")[0]
    for field in (*TINTS, "page", "ink", "faint", "wire"):
        assert field == "weighted" or f"`{field}`" in names
