"""The plots along the depth: their numbers, and what is drawn of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from resnetdsl.emit.diagram import find_theme, to_svg
from resnetdsl.emit.diagram.picture import Curve, Text, bounds
from resnetdsl.emit.summary.plot import plot, profile
from tests.builders import Builder, resnet18, resnet50
from tests.cli.running import GOOD, run


def test_numbers_of_a_network() -> None:
    found = profile(resnet50())
    assert len(found.layers) == 54  # 50, and four projections
    assert found.layers[:2] == ("conv1", "layer1.0.conv1")
    assert sum(found.params) == 25_557_032
    assert sum(found.macs) == 4_089_184_256
    assert max(found.field) == 427
    assert list(found.field[:-1]) == sorted(found.field[:-1])
    assert found.parts.count("layer3") == 19


def test_a_network_without_weights() -> None:
    make = Builder("bare")
    graph = make.done(make("relu", make.input(3, 8, 8), at="0"))
    found = profile(graph)
    assert (found.layers, found.macs) == (("input",), (0,)) or len(found.layers) == 1
    assert plot(graph).groups


def test_what_is_drawn() -> None:
    picture = plot(resnet18())
    texts = [shape.text for shape in picture.shapes() if isinstance(shape, Text)]
    for text in ("parameters", "11.7 M in all", "multiply-accumulates", "1.81 G in all", "receptive field", "layer3"):
        assert text in texts
    panels = [group for group in picture.groups if group.classes == "plot"]
    assert [group.id for group in panels] == [
        "plot-parameters",
        "plot-multiply-accumulates",
        "plot-activation",
        "plot-receptive",
    ]
    for panel in panels:
        line = next(s for s in panel.shapes if isinstance(s, Curve) and s.ink.width == 1.0 and not s.closed)
        assert len(line.pieces) == 2 * 21 - 1  # two ends of each of 18 layers and 3 projections
    for shape in picture.shapes():
        left, top, right, bottom = bounds(shape)
        assert left >= 0 and top >= 0 and right <= picture.width and bottom <= picture.height  # noqa: PT018


def test_the_same_plot_every_time() -> None:
    assert to_svg(plot(resnet18())) == to_svg(plot(resnet18()))
    assert to_svg(plot(resnet18(), find_theme("dark"))) != to_svg(plot(resnet18()))


@pytest.mark.parametrize(("name", "start"), [("a.svg", b"<svg"), ("a.png", b"\x89PNG"), ("a.pdf", b"%PDF")])
def test_command(name: str, start: bytes, tmp_path: Path) -> None:
    done = run("summary", "-", "--net", "tiny", "--plot", tmp_path / name, stdin=GOOD)
    assert (done.code, done.out) == (0, "")
    assert f"wrote {tmp_path / name}" in done.err
    assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--plot", "a.txt"), "a plot cannot be written as `a.txt`"),
        (("--plot", "a.dot"), "a plot cannot be written as `a.dot`"),
        (("--plot", "a.svg", "-o", "b.txt"), "`--plot` names its file itself"),
        (("--plot", "nowhere/a.svg"), "cannot write"),
        (("--plot", "a.svg", "--theme", "nowhere"), "no theme is called `nowhere`"),
    ],
)
def test_command_refuses(more: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("summary", "-", "--net", "tiny", *more, stdin=GOOD)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert list(tmp_path.iterdir()) == []
