"""Networks and mistakes in IPython, by its own shell: what is shown, what is bound, and what is not."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import resnetdsl
from resnetdsl.emit.diagram import RenderUnavailable, engine
from resnetdsl.emit.viewer import to_html

pytest.importorskip("IPython", reason="IPython is not installed")

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

TINY = "network tiny {\n    input 3x8x8\n    conv(4, 3x3) -> relu\n}\n"
ANSI = re.compile(r"\x1b\[[\d;]*m")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    config = Config()
    config.HistoryManager.enabled = False
    made = InteractiveShell.instance(config=config)
    made.run_cell("%load_ext resnetdsl")
    yield made
    InteractiveShell.clear_instance()


class Ran:
    """A cell that was run: whether it succeeded, what it displayed and what it printed."""

    def __init__(self, shell: Any, cell: str) -> None:
        with capture_output() as caught:
            self.ok = shell.run_cell(cell).success
        self.shown: list[dict[str, str]] = [output.data for output in caught.outputs]
        self.text = ANSI.sub("", caught.stdout + caught.stderr)


def test_the_magic_binds_and_shows(shell: Any) -> None:
    ran = Ran(shell, f"%%rnet\n{TINY}")
    assert ran.ok
    tiny = shell.user_ns["tiny"]
    assert isinstance(tiny, resnetdsl.Network)
    assert [sorted(each) for each in ran.shown] == [["image/svg+xml", "text/html", "text/plain"]]
    assert Ran(shell, "print(tiny.summary().totals.params)").text == "108\n"


def test_several_networks_and_only_those_named(shell: Any) -> None:
    two = (
        TINY
        + "network big(width = 8) {\n    input 3x8x8\n    conv(width, 3x3)\n}\nnetwork t(w) { input 3x8x8\n conv(w) }\n"
    )
    ran = Ran(shell, f"%%rnet --hide\n{two}")
    assert (ran.ok, ran.shown) == (True, [])
    assert {"tiny", "big"} <= shell.user_ns.keys()
    assert "template" not in shell.user_ns
    shell.reset()
    assert Ran(shell, f"%%rnet big\n{two}").ok
    assert "tiny" not in shell.user_ns


def test_a_mistake_shows_in_place_and_binds_nothing(shell: Any) -> None:
    ran = Ran(shell, f"%%rnet\n{TINY.replace('conv', 'cnv')}")
    assert not ran.ok
    assert "tiny" not in shell.user_ns
    lines = ran.text.splitlines()
    assert lines[0] == "error[E0201]: unknown name `cnv`"
    # The line is the cell's: the magic stands in its first.
    assert re.fullmatch(r" --> In\[\d+\]:4:5", lines[1])
    caret = next(line for line in lines if "^^^" in line)
    assert lines[lines.index(caret) - 1].index("cnv") == caret.index("^^^")
    assert "did you mean `conv`?" in ran.text
    assert "Traceback" not in ran.text


def test_a_mistake_outside_the_magic_shows_so_too(shell: Any) -> None:
    ran = Ran(shell, f"import resnetdsl\nresnetdsl.load({TINY.replace('conv', 'cnv')!r}).network()")
    assert not ran.ok
    assert ran.text.startswith("error[E0201]: unknown name `cnv`")
    assert "Traceback" not in ran.text
    assert "no shipped network `resnet5000`" in Ran(shell, "resnetdsl.load('resnet5000')").text


def test_warnings_are_shown_with_the_network(shell: Any) -> None:
    ran = Ran(shell, f"%%rnet\n{TINY.replace('tiny', 'tiny(spare = 1)')}")
    assert ran.ok
    assert len(ran.shown) == 2
    assert "warning[" in html.unescape(ran.shown[0]["text/html"])
    assert ran.shown[0]["text/plain"].startswith("warning[")


def test_a_report_shows_its_diagnostics(shell: Any) -> None:
    report = resnetdsl.load(TINY.replace("conv", "cnv<script>alert(1)</script>")).check()
    shown = report._repr_html_()
    assert "<script" not in shown
    assert "error[" in shown
    assert "<p>" in shown


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%%rnet nosuch\n" + TINY, "has no network `nosuch`"),
        ("%%rnet --wide\n" + TINY, "%%rnet knows no option --wide"),
        ("%%rnet\nblock b { relu }\n", "no network that can be built"),
        ("%%rnet 'tiny\n" + TINY, "No closing quotation"),
    ],
)
def test_wrong_use_of_the_magic(cell: str, said: str, shell: Any) -> None:
    ran = Ran(shell, cell)
    assert not ran.ok
    assert said in ran.text
    assert "Traceback" not in ran.text


def test_it_can_be_unloaded(shell: Any) -> None:
    shell.run_line_magic("unload_ext", "resnetdsl")
    assert not Ran(shell, f"%%rnet\n{TINY}").ok


def test_a_network_is_a_page_in_a_frame_of_its_own() -> None:
    net = resnetdsl.load(TINY).network()
    frame = net._repr_html_()
    match = re.fullmatch(
        r'<iframe sandbox="allow-scripts" title="[^"]*" style="[^"]*" srcdoc="([^"]*)"></iframe>', frame
    )
    assert match
    assert html.unescape(match[1]) == to_html(net.checked) == net.render(format="html")


def test_a_picture_that_cannot_be_drawn_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RenderUnavailable("no Graphviz")

    net = resnetdsl.load(TINY).network()
    assert str(net._repr_svg_()).startswith("<svg")
    monkeypatch.setattr(engine, "_backend", fail)
    assert net._repr_svg_() is None


def test_importing_resnetdsl_imports_no_ipython(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = "import sys, resnetdsl, resnetdsl.notebook, resnetdsl.network; print('IPython' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_a_prompt_shows_is_a_line() -> None:
    spec = resnetdsl.load("resnet50")
    net = spec.network("resnet50", taps=[4, 32])
    assert repr(spec).startswith("<Spec resnet.rnet: resnet18, resnet34, resnet50 and ")
    assert repr(net) == "<Network resnet50: 3x224x224 to 256x56x56, 2048x7x7, 23,508,032 parameters>"
    assert repr(net.checked).startswith("<Graph resnet50: ")
    assert repr(spec.check("resnet50")) == "<Report: no mistakes found>"
    assert repr(resnetdsl.load("network a { input 3x8x8\n conv(3, 4x4) }").check()) == "<Report: 1 error in <text>>"
    assert repr(resnetdsl.load("block a { relu }")) == "<Spec <text>: no networks>"


def test_a_summary_prints_as_its_table() -> None:
    found = resnetdsl.load("resnet20").network("resnet20").summary()
    assert repr(found).startswith("<Summary of resnet20: 269,722 parameters, ")
    assert "layer1" in str(found)
    assert "receptive field" in str(found)


@pytest.mark.parametrize("size", [(3, 8), (3, 8.5, 8), (3, 0, 8), "3x8x8", 5])
def test_an_input_that_is_no_size_is_refused(size: Any) -> None:
    with pytest.raises(resnetdsl.SpecError, match=r"`input` is channels, height and width, such as \(3, 224, 224\)"):
        resnetdsl.load("resnet20").network("resnet20", input=size)


@pytest.mark.parametrize(
    ("wrong", "said"), [({"level": "layers"}, "no level: network, stage"), ({"scale": 0}, "above 0")]
)
def test_a_picture_that_is_asked_for_wrongly(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        resnetdsl.load("resnet20").network("resnet20").render(**wrong)
