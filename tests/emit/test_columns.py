"""A view cut into columns: nothing is lost, stages stay whole, and letters join what was cut."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from resnetdsl.emit.diagram import BoxKind, Direction, WireKind, view
from resnetdsl.emit.diagram.beside import draw_columns
from resnetdsl.emit.diagram.columns import split
from resnetdsl.emit.diagram.picture import Text, bounds
from resnetdsl.emit.outline import Level
from resnetdsl.ir.graph import Graph
from tests.builders import Builder, cifar_resnet, densenet, resnet18, resnet50, vgg16
from tests.cli.running import run

NETWORKS: list[Callable[[], Graph]] = [resnet18, lambda: resnet50(taps=True), densenet, vgg16, lambda: cifar_resnet(5)]


@pytest.mark.parametrize("make", NETWORKS)
@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_nothing_is_lost(make: Callable[[], Graph], level: Level, count: int) -> None:
    whole = view(make(), level)
    found = split(whole, count)
    assert 1 <= len(found) <= count
    keys = [box.key for part in found for box in part.boxes if box.kind is not BoxKind.LINK]
    assert sorted(keys) == sorted(box.key for box in whole.boxes)
    assert sorted(cluster.key for part in found for cluster in part.clusters) == sorted(c.key for c in whole.clusters)
    into = [wire for part in found for wire in part.wires if part.boxes[wire.target].kind is not BoxKind.LINK]
    assert sorted(wire.kind.value for wire in into) == sorted(wire.kind.value for wire in whole.wires)
    for part in found:
        assert [box.id for box in part.boxes] == list(range(len(part.boxes)))
        assert [cluster.id for cluster in part.clusters] == list(range(len(part.clusters)))
        for box in part.boxes:
            inside = box.cluster is not None
            assert not inside or whole.boxes[[b.key for b in whole.boxes].index(box.key)].cluster is not None


def test_letters_join_what_was_cut() -> None:
    found = split(view(resnet50(), Level.BLOCK), 4)
    assert len(found) == 4
    letters = [[(box.key, box.title) for box in part.boxes if box.kind is BoxKind.LINK] for part in found]
    assert letters == [
        [("to A", "A")],
        [("from A", "A"), ("to B", "B")],
        [("from B", "B"), ("to C", "C")],
        [("from C", "C")],
    ]
    second = found[1]
    link = next(box.id for box in second.boxes if box.key == "from A")
    assert [wire.kind for wire in second.wires if wire.source == link] == [WireKind.MAIN, WireKind.PROJECTION]


def test_columns_are_of_about_one_length() -> None:
    make = Builder("chain")
    x = make.input(4, 8, 8)
    for index in range(11):
        x = make("conv", x, at=str(index), out_channels=4, kernel=3)
    sizes = [sum(box.kind is BoxKind.LAYER for box in part.boxes) for part in split(view(make.done(x)), 3)]
    assert sum(sizes) == 11
    assert max(sizes) - min(sizes) <= 1


def test_columns_have_the_form_of_a_page() -> None:
    picture = draw_columns(view(resnet50(), Level.BLOCK), 4)
    assert picture.width < 900
    assert picture.height < 650
    for shape in picture.shapes():
        left, top, right, bottom = bounds(shape)
        assert min(left, top) >= 0
        assert right <= picture.width
        assert bottom <= picture.height
    ids = [group.id for group in picture.groups if group.id != "caption" and group.classes.startswith("node")]
    assert len(ids) == len(set(ids)) == len(view(resnet50(), Level.BLOCK).boxes) + 6
    rows = draw_columns(view(resnet50(), Level.STAGE), 3, direction=Direction.RIGHT)
    assert rows.width < 2000 < draw_columns(view(resnet50(), Level.STAGE), 1, direction=Direction.RIGHT).width


def test_the_caption_is_under_all_columns() -> None:
    texts = [shape.text for shape in draw_columns(view(resnet18()), 2).shapes() if isinstance(shape, Text)]
    assert texts.count("resnet18") == 1
    bare = draw_columns(view(resnet18()), 2, caption=False)
    assert "resnet18" not in [shape.text for shape in bare.shapes() if isinstance(shape, Text)]


def test_command() -> None:
    assert run("render", "resnet50", "--columns", "3").code == 0
    assert run("render", "resnet18", "--columns", "99").code == 0
    for wrong in (
        ("resnet18", "--columns", "0"),
        ("resnet18", "--columns", "2", "--format", "dot"),
        ("--compare", "resnet18", "resnet34", "--columns", "2"),
    ):
        done = run("render", *wrong)
        assert (done.code, done.out) == (2, "")
        assert "is for a picture of one network, in one column or more" in done.err


def test_from_python() -> None:
    import resnetdsl

    net = resnetdsl.load("resnet18").network("resnet18")
    assert "from" not in str(net.render(columns=2))
    assert isinstance(net.render("network", "pdf", columns=2, direction="right", theme="dark"), bytes)
    for wrong in ({"columns": 0}, {"columns": 2, "format": "dot"}, {"direction": "up"}, {"format": "bmp"}):
        with pytest.raises(ValueError, match="columns|direction|formats"):
            net.render(**wrong)  # type: ignore[arg-type]
