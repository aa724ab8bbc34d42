"""The viewer in a real browser: folding, searching, looking, colouring, keys, paper; and that it talks to nobody."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import resnetdsl
from resnetdsl.emit.outline import Level
from resnetdsl.emit.viewer import to_html
from resnetdsl.ir.graph import ScopeKind
from tests.browser.conftest import Tab
from tests.builders import Builder

HERE = Path(__file__).parent
NewTab = Callable[..., Tab]
FileOf = Callable[..., str]


@pytest.fixture
def resnet50(new_tab: NewTab, file_of: FileOf) -> Tab:
    return new_tab().open(file_of("resnet50"))


# --- what is drawn ---


def test_it_opens_at_the_level_asked_for_and_loads_nothing(new_tab: NewTab, file_of: FileOf) -> None:
    tab = new_tab().open(file_of("resnet50", Level.NETWORK))
    assert tab.paths() == ["input", "stem", "layer1", "layer2", "layer3", "layer4", "head", "output"]
    kinds = {address.partition(":")[0] for address in tab.requests}
    assert kinds <= {"file", "blob", "data"}
    assert len([address for address in tab.requests if address.startswith("file:")]) == 1


def test_residuals_show(resnet50: Tab) -> None:
    """A stage has a projection, dotted and named, and an identity, solid, each beside its branch."""
    assert resnet50.count("#world .line.projection") == 8  # into the shortcut and out of it
    assert resnet50.count("#world .line.identity") == 4
    assert resnet50.page.locator(".shown.pill .title").all_text_contents() == ["projection"] * 4
    assert resnet50.count(".shown.merge") == 8
    for style, dashed in (("projection", True), ("identity", False)):
        line = resnet50.page.locator(f"#world .line.{style}").first
        assert (line.evaluate("line => getComputedStyle(line).strokeDasharray") != "none") is dashed


def test_boxes_do_not_overlap_and_no_label_is_cut(new_tab: NewTab, file_of: FileOf) -> None:
    for name, level in (("resnet50", Level.OP), ("densenet121", Level.BLOCK), ("resnet50_fpn", Level.BLOCK)):
        tab = new_tab().open(file_of(name, level))
        problems = tab.page.evaluate_handle((HERE / "overlaps.js").read_text("utf-8"))
        assert problems.json_value() == []


def test_results_and_taps_are_drawn(new_tab: NewTab, file_of: FileOf) -> None:
    tab = new_tab().open(file_of("resnet50_fpn"))
    titles = tab.page.locator(".shown.result .title").all_text_contents()
    assert titles == ["tap p2", "tap p3", "tap p4", "tap p5", "output"]


def test_parts_can_be_open_from_the_start(new_tab: NewTab, tmp_path: Path) -> None:
    page = tmp_path / "open.html"
    graph = resnetdsl.load("resnet50").network("resnet50").checked
    page.write_text(to_html(graph, Level.NETWORK, ["layer3.2", "stem"]), encoding="utf-8")
    tab = new_tab().open(page.as_uri())
    assert tab.paths(".frame") == ["stem", "layer3", "layer3.1", "layer3.2"]
    assert "layer3.2.conv2" in tab.paths()


# --- folding ---


def test_a_box_unfolds_and_folds(resnet50: Tab) -> None:
    before = resnet50.paths()
    resnet50.find("layer1.0", ".part").locator(".toggle").click()
    resnet50.settle()
    assert resnet50.find("layer1.0", ".frame").get_attribute("aria-expanded") == "true"
    inner = [path for path in resnet50.paths() if path.startswith("layer1.0.")]
    assert inner == ["layer1.0.conv1", "layer1.0.conv2", "layer1.0.conv3", "layer1.0.downsample", "layer1.0.9"]
    resnet50.find("layer1.0", ".frame").locator(":scope > .toggle").click()
    resnet50.settle()
    assert resnet50.paths() == before


def test_what_is_unfolded_stays_where_it_was(resnet50: Tab) -> None:
    box = resnet50.find("layer2.0", ".part")
    before = box.locator("rect").first.bounding_box()
    box.locator(".toggle").click()
    resnet50.settle()
    after = resnet50.find("layer2.0", ".frame").locator(":scope > rect").bounding_box()
    assert abs(after["x"] - before["x"]) < 3
    assert abs(after["y"] - before["y"]) < 3


def test_a_repeat_is_drawn_once_or_in_all_its_copies(resnet50: Tab) -> None:
    run = resnet50.find("layer3.1", ".part")
    assert run.locator(".title").first.text_content() == "5 × bottleneck"
    run.locator(".toggle").click()
    resnet50.settle()
    assert resnet50.count('.frame.is-run[data-path="layer3.1"]') == 1
    assert "layer3.1.conv1" in resnet50.paths()
    assert "layer3.2.conv1" not in resnet50.paths()
    resnet50.find("layer3.1", ".frame").locator(".copies").click()
    resnet50.settle()
    copies = [path for path in resnet50.paths(".shown.part") if path.startswith("layer3.")]
    assert copies == ["layer3.0", "layer3.1", "layer3.2", "layer3.3", "layer3.4", "layer3.5"]


def test_levels_unfold_everything(resnet50: Tab) -> None:
    counts = []
    for key in "12345":
        resnet50.press(key)
        counts.append(resnet50.count(".shown:not(.trio)"))
        assert resnet50.page.locator("[data-level][aria-pressed=true]").count() == 1
    assert counts == sorted(counts)
    assert counts[0] == 8
    graph = resnetdsl.load("resnet50").network("resnet50").checked
    drawn = resnet50.count(".shown.layer, .shown.merge, .shown.input")
    assert drawn == sum(node.op != "identity" for node in graph.nodes())


# --- looking ---


def test_search_highlights_hits_and_walks_them(resnet50: Tab) -> None:
    resnet50.press("/")
    resnet50.page.keyboard.type("layer1.2.conv")
    assert resnet50.page.locator("#count").inner_text() == "3"
    assert resnet50.count(".shown.hit") == 1  # the folded repeat that they are in
    for at, name in ((1, "conv1"), (2, "conv2"), (3, "conv3"), (1, "conv1")):
        resnet50.press("Enter")
        resnet50.wait_for(f'.shown.selected[data-path="layer1.2.{name}"]')
        assert resnet50.page.locator("#count").inner_text() == f"{at} of 3"
    assert resnet50.count(".shown.hit") == 3
    resnet50.press("Shift+Enter")
    resnet50.wait_for('.shown.selected[data-path="layer1.2.conv3"]')
    seen = resnet50.page.locator("#stage").bounding_box()
    hit = resnet50.find("layer1.2.conv3").bounding_box()
    assert seen["x"] <= hit["x"] <= seen["x"] + seen["width"]
    assert seen["y"] <= hit["y"] <= seen["y"] + seen["height"]
    resnet50.press("Escape")
    assert resnet50.count(".shown.hit") == 0


def test_search_by_op_and_by_what_is_not_there(resnet50: Tab) -> None:
    resnet50.page.fill("#search", "max_pool")
    assert resnet50.page.locator("#count").inner_text() == "1"
    resnet50.page.fill("#search", "conv 7x7")
    assert resnet50.page.locator("#count").inner_text() == "1"
    resnet50.page.fill("#search", "transformer")
    assert resnet50.page.locator("#count").inner_text() == "none"
    assert resnet50.page.locator("#next").is_disabled()


def test_hovering_tells_costs(resnet50: Tab) -> None:
    resnet50.find("layer1", ".frame").locator(":scope > .title").hover()
    note = resnet50.page.locator("#note")
    note.wait_for()
    text = re.sub(r"\s+", " ", note.inner_text())
    for fact in ("layer1", "64×56×56", "256×56×56", "215,808", "668 M", "59.4 MB", "35"):
        assert fact in text
    resnet50.page.mouse.move(5, 500)
    note.wait_for(state="hidden")


def test_clicking_shows_the_spec_text_and_the_trail(resnet50: Tab) -> None:
    resnet50.press("3")
    resnet50.find("conv1").first.click()
    panel = resnet50.page.locator("#details")
    assert panel.locator("h2").inner_text() == "conv 7×7, 64, /2"
    assert panel.locator("mark").first.inner_text() == "conv(width, 7x7, stride = 2)"
    assert panel.locator("figcaption").first.inner_text() == "library/stems.rnet:6:12"
    steps = panel.locator(".trail summary").all_inner_texts()
    assert steps == ["network resnet50", "stem stem"]
    panel.locator(".trail summary").nth(1).click()
    assert panel.locator(".trail mark").first.inner_text() == "stem { entry(width) }"
    resnet50.press("Escape")
    assert panel.is_hidden()


def test_the_place_of_an_op_is_right_behind_wide_characters(new_tab: NewTab, tmp_path: Path) -> None:
    spec = tmp_path / "wide.rnet"
    spec.write_text("# 🎉🎉 𝒳\nnetwork n {\n    input 3x8x8\n    conv(4, 3x3) -> relu\n}\n", encoding="utf-8")
    page = tmp_path / "wide.html"
    page.write_text(to_html(resnetdsl.load(spec).network("n").checked), encoding="utf-8")
    tab = new_tab().open(page.as_uri())
    tab.page.locator(".shown.layer").first.click()
    assert tab.page.locator("#details mark").first.inner_text() == "conv(4, 3x3)"


def test_the_table_follows_the_diagram(resnet50: Tab) -> None:
    resnet50.press("1", "t")
    rows = resnet50.page.locator("#table tbody th").all_inner_texts()
    assert rows == ["input", "stem", "layer1", "layer2", "layer3", "layer4", "head"]
    assert resnet50.page.locator("#table tfoot td").nth(2).inner_text() == "25,557,032"
    resnet50.page.locator("#table tbody button").nth(2).click()
    resnet50.wait_for('.shown.selected[data-path="layer1"]')
    resnet50.press("2")
    assert "layer1.1 … layer1.2" in resnet50.page.locator("#table tbody th").all_inner_texts()


# --- colours ---


def fill(tab: Tab, path: str) -> str:
    return str(tab.find(path).locator(".shape-of").first.evaluate("shape => getComputedStyle(shape).fill"))


def test_heat_colours_by_a_measure_with_a_legend(resnet50: Tab) -> None:
    resnet50.press("1")
    plain = fill(resnet50, "layer4")
    resnet50.page.select_option("#heat", "params")
    resnet50.page.locator("#legend").wait_for()
    assert resnet50.page.locator("#legend strong").inner_text() == "Parameters"
    assert resnet50.page.locator("#legend .marks span").last.inner_text() == "15.0 M"
    hottest = fill(resnet50, "layer4")
    assert hottest == "rgb(140, 13, 37)"
    assert len({fill(resnet50, path) for path in ("stem", "layer1", "layer2", "layer3", "layer4")}) == 5
    resnet50.page.select_option("#heat", "bytes")
    assert fill(resnet50, "layer4") != hottest
    resnet50.page.select_option("#heat", "none")
    assert resnet50.page.locator("#legend").is_hidden()
    assert fill(resnet50, "layer4") == plain


def test_dark_mode_follows_the_system_and_can_be_switched(new_tab: NewTab, file_of: FileOf) -> None:
    def background(tab: Tab) -> str:
        return str(tab.page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor"))

    light, dark = "rgb(246, 247, 249)", "rgb(13, 17, 23)"
    tab = new_tab(color_scheme="dark").open(file_of("resnet18"))
    assert background(tab) == dark
    tab.page.emulate_media(color_scheme="light")
    assert background(tab) == light
    tab.press("d", "d")
    assert tab.page.locator("html").get_attribute("data-theme") == "dark"
    assert background(tab) == dark
    tab.page.reload()
    tab.settle()
    assert background(tab) == dark  # it was remembered
    tab.press("d")
    assert background(tab) == light


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(scheme: str, new_tab: NewTab, file_of: FileOf) -> None:
    """WCAG AA: 4.5 to 1 for what is read in boxes, whatever they are coloured by."""
    tab = new_tab(color_scheme=scheme).open(file_of("convnext_tiny", Level.BLOCK))
    measure = (HERE / "contrast.js").read_text("utf-8")
    for heat in ("none", "macs", "params", "bytes"):
        tab.page.select_option("#heat", heat)
        assert tab.page.evaluate_handle(measure).json_value() == [], heat


# --- keys ---


def test_the_keyboard_alone_is_enough(resnet50: Tab) -> None:
    resnet50.press("1")
    for _ in range(40):
        resnet50.press("Tab")
        if resnet50.page.locator(".shown:focus").count():
            break
    assert resnet50.focused() == "input"
    resnet50.press("ArrowDown", "ArrowDown")
    assert resnet50.focused() == "layer1"
    resnet50.press("ArrowRight")
    resnet50.wait_for('.frame[data-path="layer1"]:focus')
    resnet50.press("ArrowRight")
    assert resnet50.focused() == "layer1.0"
    resnet50.press("ArrowLeft")
    assert resnet50.focused() == "layer1"
    resnet50.press("ArrowLeft")
    resnet50.wait_for('.part[data-path="layer1"]:focus')
    resnet50.press("End")
    assert resnet50.focused() == "output"
    resnet50.press("Home", "ArrowDown", "Enter")
    assert resnet50.page.locator("#details h2").inner_text() == "stem"
    outline = resnet50.page.locator(".shown:focus .shape-of").first.evaluate("e => getComputedStyle(e).strokeWidth")
    assert outline == "3.4px"
    resnet50.press("Escape")
    assert resnet50.page.locator("#details").is_hidden()
    assert resnet50.focused() == "stem"


def test_one_tree_item_is_a_tab_stop_and_all_have_a_name(resnet50: Tab) -> None:
    assert resnet50.count('.shown[tabindex="0"]') == 1
    assert resnet50.count('[role="tree"]') == 1
    items = resnet50.page.locator('[role="treeitem"]')
    names = items.evaluate_all("all => all.map(each => each.getAttribute('aria-label'))")
    assert all(names)
    assert "layer1.0, output 256×56×56, 75.0 k parameters" in " ".join(names)
    levels = items.evaluate_all("all => all.map(each => each.getAttribute('aria-level'))")
    assert set(levels) == {"1", "2"}
    buttons = resnet50.page.locator("button, input, select")
    named = "all => all.filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length))"
    assert buttons.evaluate_all(f"{named.replace('all =>', 'all => ', 1)}.map(e => e.id)") == []


def test_help_opens_and_closes(resnet50: Tab) -> None:
    resnet50.press("?")
    dialog = resnet50.page.locator("#help")
    dialog.wait_for()
    assert "search, next and previous hit" in dialog.inner_text()
    resnet50.press("Escape")
    dialog.wait_for(state="hidden")


def scale(tab: Tab) -> float:
    text = str(tab.page.locator("#world").get_attribute("transform"))
    return float(re.search(r"scale\(([\d.]+)\)", text)[1])  # type: ignore[index]


def test_pan_and_zoom(resnet50: Tab) -> None:
    page = resnet50.page
    before = scale(resnet50)
    resnet50.press("+")
    assert scale(resnet50) > before
    resnet50.press("f")
    stage = page.locator("#stage").bounding_box()
    x, y = stage["x"] + 300, stage["y"] + 300
    page.mouse.move(x, y)
    fitted = scale(resnet50)
    page.mouse.wheel(0, -240)
    page.wait_for_timeout(100)
    assert scale(resnet50) > fitted
    where = resnet50.find("layer1", ".frame").bounding_box()
    page.mouse.down()
    page.mouse.move(x + 40, y + 25, steps=3)
    page.mouse.up()
    moved = resnet50.find("layer1", ".frame").bounding_box()
    assert (round(moved["x"] - where["x"]), round(moved["y"] - where["y"])) == (40, 25)
    resnet50.press("f")
    assert scale(resnet50) == pytest.approx(fitted)


def test_pinching(new_tab: NewTab, file_of: FileOf) -> None:
    tab = new_tab(has_touch=True).open(file_of("resnet18"))
    client = tab.page.context.new_cdp_session(tab.page)

    def touch(kind: str, *xs: int) -> None:
        points = [{"x": x, "y": 400, "id": at} for at, x in enumerate(xs)]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    before = scale(tab)
    touch("touchStart", 500, 600)
    for by in (20, 40, 60):
        touch("touchMove", 500 - by, 600 + by)
    touch("touchEnd")
    assert scale(tab) / before == pytest.approx(2.2, rel=0.1)


# --- size, paper, strangers ---


def test_a_thousand_layers_open_folded_and_too_many_boxes_are_an_offer(new_tab: NewTab, file_of: FileOf) -> None:
    tab = new_tab().open(file_of("preresnet1001"))
    assert tab.count(".shown:not(.trio)") < 40
    before = tab.paths()
    tab.press("5")
    offer = tab.page.locator("#offer")
    offer.wait_for()
    assert "boxes are more than one can read" in offer.inner_text()
    assert tab.paths() == before
    tab.page.get_by_role("button", name=re.compile("Leave it")).click()
    assert tab.page.locator('[data-level="1"]').get_attribute("aria-pressed") == "true"
    tab.press("5")
    tab.page.get_by_role("button", name=re.compile("Level block")).click()
    tab.wait_for(".shown.layer[data-path='layer1.0.conv1']")


@pytest.mark.slow
def test_a_thousand_layers_can_all_be_drawn(new_tab: NewTab, file_of: FileOf) -> None:
    tab = new_tab().open(file_of("preresnet1001"))
    tab.page.set_default_timeout(120_000)
    tab.press("5")
    tab.page.get_by_role("button", name=re.compile("all the same")).click()
    tab.wait_for(".shown.layer[data-path='layer3.110.conv3']")
    assert tab.count(".shown:not(.trio)") > 3000


def test_it_prints_whole(resnet50: Tab, tmp_path: Path) -> None:
    resnet50.press("+", "+", "+")
    resnet50.page.evaluate_handle("() => window.dispatchEvent(new Event('beforeprint'))")
    canvas = resnet50.page.locator("#canvas")
    assert re.fullmatch(r"0 0 [\d.]+ [\d.]+", str(canvas.get_attribute("viewBox")))
    resnet50.page.evaluate_handle("() => window.dispatchEvent(new Event('afterprint'))")
    assert canvas.get_attribute("viewBox") is None
    resnet50.page.emulate_media(media="print")
    assert resnet50.page.locator("#search").is_hidden()
    assert resnet50.page.locator(".fold").first.is_hidden()
    paper = resnet50.page.pdf(path=str(tmp_path / "net.pdf"))
    assert paper.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1


HOSTILE = '</script><script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">'


def test_no_script_comes_from_a_spec(new_tab: NewTab, tmp_path: Path) -> None:
    make = Builder(HOSTILE, doc=HOSTILE)
    x = make.input(3, 8, 8)
    with make.scope(ScopeKind.STAGE, HOSTILE, at=HOSTILE):
        x = make("conv", x, at=HOSTILE, out_channels=8, kernel=3)
        x = make("relu", x, at="javascript:alert(1)")
    path = tmp_path / "hostile.html"
    path.write_text(to_html(make.done(x), Level.OP), encoding="utf-8")
    tab = new_tab().open(path.as_uri())
    tab.page.locator(".shown.layer").first.click()
    tab.page.locator(".shown.layer").first.hover()
    tab.press("t")
    assert tab.page.title() == HOSTILE
    assert tab.count("img") == 0
    assert HOSTILE in tab.page.locator("#details").inner_text()


def test_the_policy_stops_what_is_not_ours(new_tab: NewTab, tmp_path: Path) -> None:
    """If a script did get into the page, it would not run."""
    text = to_html(resnetdsl.load("resnet18").network("resnet18").checked)
    path = tmp_path / "broken.html"
    path.write_text(text.replace("</body>", "<script>document.title = 'owned'</script></body>"), encoding="utf-8")
    tab = new_tab().open(path.as_uri())
    assert tab.page.title() == "resnet18"
    assert any("Content Security Policy" in complaint for complaint in tab.complaints)
    tab.complaints.clear()
    done = tab.page.evaluate_handle("() => fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')")
    assert done.json_value() == "refused"
    assert any("violates" in complaint for complaint in tab.complaints)
    tab.complaints.clear()


def test_from_left_to_right_and_in_one_column(resnet50: Tab) -> None:
    def shape() -> float:
        box: Any = resnet50.page.locator("#world > g").bounding_box()
        return float(box["width"] / box["height"])

    columns = shape()
    resnet50.press("c")
    strip = shape()
    assert strip < columns
    resnet50.press("r")
    assert shape() > 1 > strip


@pytest.mark.parametrize("width", [400, 700, 1000])
def test_narrow_windows_keep_everything_in_reach(width: int, new_tab: NewTab, file_of: FileOf) -> None:
    tab = new_tab(viewport={"width": width, "height": 700}).open(file_of("resnet18"))
    over = tab.page.evaluate_handle("() => document.documentElement.scrollWidth - innerWidth").json_value()
    assert over <= 0
    assert tab.page.locator("#stage").bounding_box()["height"] > 250
    tab.page.locator(".shown.input").first.click()
    assert tab.page.locator("#details").is_visible()


@pytest.mark.parametrize(("width", "columns"), [(390, False), (1300, True)])
def test_a_long_network_stands_in_columns_where_there_is_room(
    width: int, columns: bool, new_tab: NewTab, file_of: FileOf
) -> None:
    tab = new_tab(viewport={"width": width, "height": 800}).open(file_of("resnet50"))
    places = [tab.find(path).bounding_box() for path in ("layer1", "layer2")]
    assert (places[0]["y"] + places[0]["height"] > places[1]["y"]) == columns
    assert tab.page.locator("#columns").get_attribute("aria-pressed") == str(columns).lower()


def test_a_dense_block_opens_at_level_block(new_tab: NewTab, file_of: FileOf) -> None:
    tab = new_tab().open(file_of("densenet121"))
    assert tab.count('.shown[data-path^="features.denseblock1.denselayer"]') == 0
    tab.press("3")
    assert tab.count('.shown[data-path="features.denseblock1.denselayer6"]') == 1


def test_a_narrower_window_keeps_what_was_in_the_middle(new_tab: NewTab, file_of: FileOf) -> None:
    tab = new_tab().open(file_of("resnet18"))
    tab.press("c")  # one column, in the middle
    tab.page.set_viewport_size({"width": 420, "height": 860})
    tab.page.wait_for_function("() => document.querySelector('#stage').clientWidth === 420")
    box = tab.page.locator("#world > g").bounding_box()
    assert abs(box["x"] + box["width"] / 2 - 210) < 15
