"""The live page in a real browser: it follows a file through edits, mistakes and recoveries."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import resnetdsl
from resnetdsl.serve.preview import Preview
from resnetdsl.serve.server import PreviewServer
from tests.browser.conftest import Tab

NewTab = Callable[..., Tab]
GOOD = """\
network small(depths = [2, 2], width = 16) {
    input 3x32x32
    stem { conv1: conv(width, 3x3) -> bn1: batch_norm -> relu }
    for i, n in depths {
        stage layer{i + 1}: n * basic(width * 2^i, stride = 1 if i == 0 else 2, shortcut = zero_padded)
    }
    head { global_avg_pool -> fc: linear(10) }
}
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PreviewServer]:
    spec = tmp_path / "net.rnet"
    spec.write_text(GOOD, encoding="utf-8")
    made = PreviewServer(Preview(spec))
    thread = threading.Thread(target=made.run)
    thread.start()
    yield made
    made.shutdown()
    thread.join(5)


def follow(new_tab: NewTab, server: PreviewServer) -> Tab:
    tab = new_tab().open(server.address)
    wait(tab, 1)
    return tab


def wait(tab: Tab, revision: int) -> None:
    tab.wait_for(f"body[data-revision='{revision}']")
    tab.settle()


def save(server: PreviewServer, tab: Tab, text: str) -> None:
    """As an editor does: beside it, then onto it."""
    path = server.preview.path
    revision = server.preview.revision
    other = path.with_suffix(".tmp")
    other.write_text(text, encoding="utf-8")
    other.replace(path)
    wait(tab, revision + 1)


def test_it_shows_the_diagram_and_the_table(new_tab: NewTab, server: PreviewServer) -> None:
    tab = follow(new_tab, server)
    assert tab.page.locator("#network").inner_text() == "small"
    assert {"stem", "layer1", "layer2", "head"} <= set(tab.paths())
    assert tab.page.locator("#table tbody tr").count() > 5
    assert tab.page.locator("#problems").is_hidden()
    assert tab.page.locator("#live-state").inner_text() == "follows net.rnet"


def test_saving_updates_it_and_keeps_what_one_looks_at(new_tab: NewTab, server: PreviewServer) -> None:
    tab = follow(new_tab, server)
    tab.press("t")
    tab.find("layer2.0", ".part").locator(".toggle").click()
    tab.settle()
    tab.find("layer2.0.conv1").click()
    tab.press("+")
    scale = str(tab.page.locator("#world").get_attribute("transform")).partition("scale")[2]
    before = tab.find("layer2.0.conv1").bounding_box()
    save(server, tab, GOOD.replace("[2, 2]", "[3, 2]"))
    assert "3 × basic" in tab.page.locator("#world").text_content()
    assert tab.find("layer2.0", ".frame").count() == 1
    assert tab.page.locator(".shown.selected").get_attribute("data-path") == "layer2.0.conv1"
    assert tab.page.locator("#details .path").first.inner_text() == "layer2.0.conv1"
    assert str(tab.page.locator("#world").get_attribute("transform")).partition("scale")[2] == scale
    after = tab.find("layer2.0.conv1").bounding_box()
    assert abs(after["x"] - before["x"]) < 3
    assert abs(after["y"] - before["y"]) < 3


def test_a_mistake_is_shown_in_place_and_the_last_good_diagram_kept(new_tab: NewTab, server: PreviewServer) -> None:
    tab = follow(new_tab, server)
    paths = tab.paths()
    save(server, tab, GOOD.replace("conv1: conv(", "conv1: cnv("))
    problems = tab.page.locator("#problems")
    text = problems.inner_text()
    assert "error[E0201]: unknown name `cnv`" in text
    lines = text.splitlines()
    caret = next(line for line in lines if "^^^" in line)
    assert lines[lines.index(caret) - 1].index("cnv(") == caret.index("^^^")
    assert "did you mean `conv`?" in text
    assert tab.paths() == paths
    assert "stale" in str(tab.page.locator("body").get_attribute("class"))
    assert tab.page.locator("#live-state").inner_text() == "1 error, the last good diagram"
    tab.page.reload()
    wait(tab, 2)
    assert tab.paths() == paths  # the server keeps it too
    save(server, tab, GOOD.replace("relu }", "gelu }"))
    assert problems.is_hidden()
    assert "stale" not in str(tab.page.locator("body").get_attribute("class"))
    assert "gelu" in tab.page.locator("#world").text_content()


def test_warnings_are_behind_a_line_beside_the_diagram(new_tab: NewTab, server: PreviewServer) -> None:
    tab = follow(new_tab, server)
    save(server, tab, GOOD.replace("width = 16)", "width = 16, spare = 1)"))
    problems = tab.page.locator("#problems")
    assert problems.inner_text() == "1 warning"
    problems.locator("summary").click()
    assert "spare" in problems.inner_text()
    save(server, tab, GOOD.replace("width = 16)", "width = 16, other = 1)"))
    assert "other" in problems.inner_text()  # still open
    assert "stale" not in str(tab.page.locator("body").get_attribute("class"))


def test_a_file_with_a_mistake_from_the_start(new_tab: NewTab, server: PreviewServer) -> None:
    server.preview.path.write_text("network small {", encoding="utf-8")
    server.reload()
    tab = new_tab()
    tab.page.goto(server.address)
    tab.wait_for("body[data-revision]")
    assert "error[" in tab.page.locator("#problems").inner_text()
    save(server, tab, GOOD)
    assert "layer1" in tab.paths()


def test_the_file_goes_and_comes_back_and_is_not_text(new_tab: NewTab, server: PreviewServer) -> None:
    tab = follow(new_tab, server)
    paths = tab.paths()
    server.preview.path.unlink()
    wait(tab, 2)
    assert "net.rnet" in tab.page.locator("#problems").inner_text()
    assert tab.paths() == paths
    server.preview.path.write_bytes(b"network \xff")
    wait(tab, 3)
    assert "E0110" in tab.page.locator("#problems").inner_text()
    save(server, tab, GOOD)
    assert tab.page.locator("#problems").is_hidden()


def test_a_network_is_picked_of_several(new_tab: NewTab, server: PreviewServer) -> None:
    server.preview.path.write_text(GOOD + "network wide = small(width = 64)\n", encoding="utf-8")
    server.reload()
    tab = new_tab().open(server.address)
    tab.wait_for("body[data-revision]")
    tab.page.select_option("#pick", "wide")
    tab.page.wait_for_selector("#network:text-is('wide')")
    assert tab.page.url.endswith("/?net=wide")
    tab.page.reload()
    tab.page.wait_for_selector("#network:text-is('wide')")
    tab.settle()
    assert tab.page.locator("#pick").input_value() == "wide"


def test_it_says_that_the_server_has_ended(new_tab: NewTab, server: PreviewServer) -> None:
    tab = follow(new_tab, server)
    server.end()
    tab.page.wait_for_selector("#live-state[data-state=away]")
    assert "ended" in tab.page.locator("#live-state").inner_text()


def test_it_talks_to_its_own_server_alone(new_tab: NewTab, server: PreviewServer) -> None:
    tab = follow(new_tab, server)
    save(server, tab, GOOD.replace("relu", "gelu"))
    strange = [url for url in tab.requests if not url.startswith((server.address, "blob:", "data:"))]
    assert strange == []
    assert {url.removeprefix(server.address) for url in tab.requests if url.startswith("http")} == {
        "",
        "state",
        "events",
    }


def test_names_of_a_spec_are_text_here_too(new_tab: NewTab, server: PreviewServer) -> None:
    tab = follow(new_tab, server)
    hostile = '"<img src=x onerror=alert(1)>"'
    save(server, tab, GOOD.replace("fc: linear", f"{hostile}: linear").replace("relu }", "relu -> <script> }"))
    assert tab.count("img") == 0
    assert "<script>" in tab.page.locator("#problems").inner_text()


# --- in a notebook ---


def test_the_frame_of_a_notebook_works_and_reaches_nothing(new_tab: NewTab, tmp_path: Path) -> None:
    frame = resnetdsl.load(GOOD).network()._repr_html_()
    page = tmp_path / "cell.html"
    page.write_text(f"<!DOCTYPE html><title>notebook</title><body>{frame}</body>", encoding="utf-8")
    tab = new_tab()
    tab.page.goto(page.as_uri())
    inner = tab.page.frame_locator("iframe")
    inner.locator("body[data-state=ready]").wait_for()
    inner.locator('.shown.part[data-path="layer1.0"] .toggle').click()
    inner.locator('.shown[data-path="layer1.0.conv1"]').wait_for()
    inner.locator("#theme").click()  # where there is no storage
    assert tab.page.frames[1].evaluate_handle("() => origin").json_value() == "null"


def test_the_diagram_keeps_a_quarter_of_the_page(new_tab: NewTab, server: PreviewServer) -> None:
    tab = follow(new_tab, server)
    save(server, tab, GOOD.replace("linear(10)", "linear(ten)").replace("conv(width", "conv(widht"))
    assert tab.page.locator("#problems").is_visible()
    assert tab.page.locator("#table").is_visible()
    assert tab.page.locator("#stage").bounding_box()["height"] > 0.25 * tab.page.viewport_size["height"]
