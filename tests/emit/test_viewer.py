"""The page of the viewer as a file: what is in it, the same every time, and no script that comes from a spec.

What it does in a browser, tests/browser holds.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import resnetdsl
from resnetdsl.cli.main import main
from resnetdsl.emit.diagram import UnknownPart
from resnetdsl.emit.outline import Level
from resnetdsl.emit.viewer import to_html
from resnetdsl.emit.viewer.document import document
from resnetdsl.emit.viewer.page import inert
from resnetdsl.ir.graph import CheckedGraph, Graph, ScopeKind
from tests.builders import Builder, densenet, preact_basic, resnet, resnet50

ASSETS = Path(resnetdsl.__file__).parent / "emit" / "viewer" / "assets"
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>&lt;\u2028 \x1b[31m\x00"


def graph_of(name: str) -> CheckedGraph:
    return resnetdsl.load(name).network(name).checked


class Page(HTMLParser):
    """The elements of a page, and the text of its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is not None:
            self.texts.append((*self.elements[-1], data))

    def raw(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        joined: list[tuple[dict[str, str | None], str]] = []
        for name, attrs, data in self.texts:
            if name != tag:
                continue
            if joined and joined[-1][0] is attrs:
                joined[-1] = attrs, joined[-1][1] + data
            else:
                joined.append((attrs, data))
        return joined

    @property
    def data(self) -> Any:
        return next(json.loads(text) for attrs, text in self.raw("script") if attrs.get("id") == "data")

    @property
    def policy(self) -> str:
        return next(str(a["content"]) for tag, a in self.elements if tag == "meta" and "http-equiv" in a)


def walk(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for item in items:
        yield item
        yield from walk(item.get("i", []))


def hostile() -> Graph:
    make = Builder(HOSTILE, doc=HOSTILE)
    x = make.input(3, 8, 8)
    with make.scope(ScopeKind.STAGE, HOSTILE, at=HOSTILE):
        x = make("conv", x, at=HOSTILE, out_channels=8, kernel=3)
    return make.done(x)


# --- the file ---


def test_one_file_that_loads_nothing() -> None:
    page = Page(to_html(graph_of("resnet18")))
    assert [attrs for tag, attrs in page.elements if tag == "script" and "src" in attrs] == []
    addresses = [value for _, attrs in page.elements for name, value in attrs.items() if name in ("src", "href")]
    assert addresses == ["data:,"]
    assert "@import" not in page.raw("style")[0][1]
    assert "url(" not in page.raw("style")[0][1]


def test_the_policy_names_each_script_and_the_style_by_its_hash_and_allows_no_other() -> None:
    page = Page(to_html(graph_of("resnet18")))

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    rules = dict(rule.split(" ", 1) for rule in page.policy.split("; "))
    scripts = [text for attrs, text in page.raw("script") if "type" not in attrs]
    assert rules["script-src"].split() == [digest(text) for text in scripts]
    assert rules["style-src"].split() == [digest(text) for _, text in page.raw("style")]
    assert rules["default-src"] == rules["connect-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on") or name == "style"]


def test_the_same_bytes_every_time() -> None:
    first = to_html(graph_of("resnet50"), Level.BLOCK)
    assert first == to_html(graph_of("resnet50"), Level.BLOCK)
    assert first != to_html(graph_of("resnet50"), Level.STAGE)


def test_vendored_files_are_those_of_the_package() -> None:
    vendor = ASSETS / "vendor"
    found = {
        "elk-api.js": (vendor / "elk-api.js").read_bytes(),
        "elk-worker.min.js": gzip.decompress((vendor / "elk-worker.min.js.gz").read_bytes()),
    }
    assert {name: hashlib.sha256(data).hexdigest() for name, data in found.items()} == {
        "elk-api.js": "ccca46175c05bbd280b5de6c9853103711e52c666a101f145b717e345363e24d",
        "elk-worker.min.js": "dca3a19d9ec37f5634bf5876b4ebd2455c3f43f0d32570136c13c13edaba9bfb",
    }
    assert "Eclipse Public License - v 2.0" in (vendor / "elkjs-LICENSE.md").read_text(encoding="utf-8")
    assert "elkjs 0.12.1" in to_html(graph_of("resnet18"))


# --- no script from a spec ---


def test_hostile_names_are_inert() -> None:
    plain = Page(to_html(resnet50()))
    page = Page(to_html(hostile()))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    assert page.policy == plain.policy
    text = to_html(hostile())
    assert "<img" not in text
    assert "\x00" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "]]>", "\u2028", "\udc80", '"', "\\", "&amp;", "\x00"])
def test_inert_json_gives_back_what_went_in(text: str) -> None:
    written = inert({"text": text})
    assert not set(written) & {"<", ">", "&", "\x00", "\udc80"}
    assert json.loads(written) == {"text": text}


def test_an_absolute_path_stays_at_home(tmp_path: Path) -> None:
    spec = tmp_path / "secret-folder" / "net.rnet"
    spec.parent.mkdir()
    spec.write_text("network n {\n    input 3x8x8\n    conv(4, 3x3)\n}\n", encoding="utf-8")
    text = to_html(resnetdsl.load(spec).network("n").checked)
    assert "secret-folder" not in text
    assert document(resnetdsl.load(spec).network("n").checked)["files"][0][0] == "net.rnet"  # type: ignore[index]


# --- the data ---


@pytest.mark.parametrize("name", ["resnet50", "densenet121", "convnext_tiny", "resnet50_fpn", "mobilenetv3_large_100"])
def test_every_op_but_an_identity_has_one_place(name: str) -> None:
    graph = graph_of(name)
    found = document(graph)
    leaves = [item for item in walk(found["items"]) if "i" not in item]  # type: ignore[arg-type]
    nodes = [node for item in leaves for node in item["n"]]
    assert sorted(nodes) == sorted(set(nodes))
    absent = {node.op for node in graph.nodes()} - {graph.node(node).op for node in nodes}
    assert absent <= {"identity"}
    missing = {node.id for node in graph.nodes() if node.op != "identity"} - set(nodes)
    assert not missing


@pytest.mark.parametrize("name", ["resnet50", "densenet121", "resnet50_fpn"])
def test_an_item_stands_for_what_is_inside_it(name: str) -> None:
    graph = graph_of(name)
    for item in walk(document(graph)["items"]):  # type: ignore[arg-type]
        inner = [node for each in item.get("i", []) for node in each["n"]]
        own = [node for node in item["n"] if graph.node(node).op != "identity"]
        assert not inner or sorted(set(inner) | {n for n in item["n"] if n not in own}) == sorted(item["n"])


def test_repeats_are_runs_and_closed_residuals_are_split() -> None:
    items = document(resnet50())["items"]
    runs = [item for item in walk(items) if item["k"] == "run"]  # type: ignore[arg-type]
    assert [(run["t"], len(run["i"])) for run in runs] == [("bottleneck", count) for count in (2, 3, 5, 2)]
    assert all("x" in run for run in runs)
    shortcuts = [item for item in walk(items) if item["k"] == "shortcut"]  # type: ignore[arg-type]
    assert [item["t"] for item in shortcuts] == ["projection"] * 4


def test_levels_open_what_the_static_diagram_opens() -> None:
    items = list(walk(document(resnet50())["items"]))  # type: ignore[arg-type]
    opens = {(item["k"], item["t"]): item["o"] for item in items if "i" in item}
    assert opens["part", "layer1"] == list(Level).index(Level.STAGE)
    assert opens["part", "bottleneck"] == opens["run", "bottleneck"] == list(Level).index(Level.BLOCK)
    assert opens["shortcut", "projection"] == list(Level).index(Level.OP)


def test_parts_are_opened_by_path() -> None:
    graph = graph_of("resnet50")
    found: Any = document(graph, Level.NETWORK, ["layer3.2"])
    assert [graph.scopes[scope].path for scope in found["open"]] == ["", "layer3", "layer3.2"]
    with pytest.raises(UnknownPart, match=r"layer3\.9"):
        document(graph, Level.NETWORK, ["layer3.9"])


def test_totals_are_those_of_the_summary() -> None:
    net = resnetdsl.load("resnet50").network("resnet50")
    found, summary = document(net.checked), net.summary()
    totals: Any = found["totals"]
    assert (
        (totals["params"], totals["macs"])
        == (summary.totals.params, summary.totals.macs)
        == (25_557_032, 4_089_184_256)
    )
    assert (totals["peak"], totals["memory"], totals["depth"]) == (summary.memory.peak, summary.memory.training, 50)
    nodes: Any = found["nodes"]
    assert sum(node[4] for node in nodes) == summary.totals.params
    assert sum(node[6] for node in nodes) == summary.totals.macs
    assert sum(node[7] for node in nodes) == summary.memory.training


def test_spans_lead_to_the_text_that_made_an_op() -> None:
    found: Any = document(graph_of("resnet18"))
    row = next(row for row in found["nodes"] if row[1] == "layer1.0.conv1")
    file, start, end = row[9]
    name, text = found["files"][file]
    assert name == "library/blocks.rnet"
    assert text[start:end].startswith("conv(width, 3x3")


def test_networks_without_parts_or_ops_have_a_page() -> None:
    for graph in (densenet(), resnet("pre", preact_basic, (1, 1)), hostile()):
        assert Page(to_html(graph)).data["items"]


# --- the command ---


def test_render_writes_it_by_suffix_and_by_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "net.html"
    assert main(["render", "resnet18", "-o", str(target)]) == 0
    assert target.read_text(encoding="utf-8") == to_html(graph_of("resnet18"))
    capsys.readouterr()
    assert main(["render", "resnet18", "--format", "html", "--level", "network"]) == 0
    assert capsys.readouterr().out == to_html(graph_of("resnet18"), Level.NETWORK)


def test_the_assets_are_in_the_package() -> None:
    names = {path.name for path in ASSETS.rglob("*") if path.is_file()}
    page = (ASSETS.parent / "page.py").read_text(encoding="utf-8")
    used = set(re.findall(r'"(?:vendor/)?([\w.-]+\.(?:js|css|html|gz))"', page))
    assert used <= names
    assert {name for name in names if name.endswith((".js", ".css", ".html", ".gz"))} <= used
