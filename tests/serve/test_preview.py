"""What the live page is told of a spec, from version to version; and when the files are read anew."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resnetdsl.emit.outline import Level
from resnetdsl.serve.preview import Preview, Wish
from resnetdsl.serve.watch import stamp, watch
from resnetdsl.spec import SpecError

GOOD = "network one {\n    input 3x8x8\n    conv(4, 3x3) -> relu\n}\n"
TWO = GOOD + "network two(width = 8) {\n    input 3x8x8\n    conv(width, 3x3)\n}\n"
BAD = GOOD.replace("conv", "cnv")


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "net.rnet"
    path.write_text(GOOD, encoding="utf-8")
    return path


def state(preview: Preview, network: str | None = None) -> Any:
    """As the page gets it."""
    return json.loads(json.dumps(preview.state(network)))


def edit(preview: Preview, text: str | bytes) -> None:
    preview.path.write_bytes(text.encode() if isinstance(text, str) else text)
    preview.reload()


def ops(found: Any) -> list[str]:
    return [found["document"]["kinds"][row[0]][0] for row in found["document"]["nodes"]]


def test_a_good_spec(spec: Path) -> None:
    found = state(Preview(spec))
    assert (found["network"], found["networks"], found["file"]) == ("one", ["one"], "net.rnet")
    assert (found["stale"], found["errors"], found["message"], found["problems"]) == (False, 0, "", [])
    assert ops(found) == ["input", "conv", "relu"]


def test_a_mistake_keeps_the_last_good_diagram(spec: Path) -> None:
    preview = Preview(spec)
    good = state(preview)
    edit(preview, BAD)
    found = state(preview)
    assert found["document"] == good["document"]
    assert (found["stale"], found["errors"], found["revision"]) == (True, 1, 2)
    problem = found["problems"][0]
    assert (problem["code"], problem["severity"], problem["title"]) == ("E0201", "error", "unknown name `cnv`")
    rows = ["".join(text for text, _ in row) for row in problem["rows"]]
    caret = next(row for row in rows if "^^^" in row)
    assert rows[rows.index(caret) - 1].index("cnv") == caret.index("^^^")
    assert any("did you mean `conv`?" in row for row in rows)
    edit(preview, GOOD.replace("relu", "gelu"))
    found = state(preview)
    assert (found["stale"], found["errors"], ops(found)) == (False, 0, ["input", "conv", "gelu"])


def test_a_spec_that_begins_with_a_mistake_has_no_diagram_yet(spec: Path) -> None:
    spec.write_text(BAD, encoding="utf-8")
    preview = Preview(spec)
    found = state(preview)
    assert (found["document"], found["stale"], found["errors"]) == (None, False, 1)
    edit(preview, GOOD)
    assert ops(state(preview)) == ["input", "conv", "relu"]


def test_warnings_come_with_the_diagram(spec: Path) -> None:
    preview = Preview(spec)
    edit(preview, GOOD.replace("network one", "network one(spare = 1)"))
    found = state(preview)
    assert (found["stale"], found["errors"]) == (False, 0)
    assert [problem["severity"] for problem in found["problems"]] == ["warning"]


def test_networks_are_picked_by_name(spec: Path) -> None:
    spec.write_text(TWO, encoding="utf-8")
    preview = Preview(spec)
    assert state(preview)["network"] == "one"
    assert state(preview, "two")["document"]["network"] == "two"
    assert state(Preview(spec, Wish("two")))["network"] == "two"
    edit(preview, GOOD)
    gone = state(preview, "two")
    assert gone["network"] == "one"
    assert gone["message"] == "the file has no network `two`"


def test_a_mistake_in_another_network_does_not_stop_this_one(spec: Path) -> None:
    spec.write_text(TWO.replace("conv(width", "cnv(width"), encoding="utf-8")
    preview = Preview(spec)
    one, two = state(preview, "one"), state(preview, "two")
    assert ops(one) == ["input", "conv", "relu"]
    assert [problem["title"] for problem in one["problems"]] == ["unknown name `cnv`"]
    assert (two["document"], two["errors"]) == (None, 1)


def test_the_command_lines_wishes(spec: Path) -> None:
    spec.write_text(TWO, encoding="utf-8")
    preview = Preview(spec, Wish("two", lambda _: {"width": 16}, (3, 32, 32), Level.OP))
    found = state(preview)
    assert found["document"]["level"] == 3
    assert "16×32×32" in found["document"]["shapes"]
    assert "4×8×8" in state(preview, "one")["document"]["shapes"]


def test_values_that_the_spec_does_not_take_are_told(spec: Path) -> None:
    def refuse(_: object) -> dict[str, Any]:
        raise SpecError("`depth` is no value")

    found = state(Preview(spec, Wish("one", refuse)))
    assert (found["document"], found["message"]) == (None, "`depth` is no value")
    found = state(Preview(spec, Wish("one", lambda _: {"depth": 3})))
    assert "no parameter `depth`" in found["message"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"network \xff\xfe {", "E0110"),
        ("network n {}".encode("utf-16"), "E0110"),
        (b"#" + b"x" * 1_000_001, "E0111"),
        (b"", "E0112"),
        (b"\0" * 100, "E0110"),
    ],
)
def test_what_is_no_spec_is_told_and_the_diagram_kept(data: bytes, code: str, spec: Path) -> None:
    preview = Preview(spec)
    good = state(preview)["document"]
    edit(preview, data)
    found = state(preview)
    assert found["stale"]
    assert found["document"] == good
    assert [problem["code"] for problem in found["problems"]] == [code]
    assert found["message"] or code == "E0112"
    assert str(spec.parent) not in found["message"]


def test_a_file_that_goes_and_comes_back(spec: Path) -> None:
    preview = Preview(spec)
    good = state(preview)["document"]
    spec.unlink()
    preview.reload()
    found = state(preview)
    assert (found["stale"], found["document"]) == (True, good)
    assert "cannot read net.rnet" in found["message"] or "no file" in found["message"]
    spec.write_text(GOOD, encoding="utf-8")
    preview.reload()
    assert not state(preview)["stale"]


def test_only_templates(spec: Path) -> None:
    spec.write_text("network t(width) {\n    input 3x8x8\n    conv(width, 3x3)\n}\n", encoding="utf-8")
    found = state(Preview(spec))
    assert (found["document"], found["networks"]) == (None, [])
    assert "without arguments" in found["message"]
    found = state(Preview(spec, Wish("t", lambda _: {"width": 4})))
    assert found["network"] == "t"
    assert "4×8×8" in found["document"]["shapes"]


def test_imports_are_watched_those_too_that_are_not_there(tmp_path: Path) -> None:
    spec = tmp_path / "main.rnet"
    spec.write_text('from "parts.rnet" import part\nnetwork n {\n    input 3x8x8\n    part\n}\n', encoding="utf-8")
    preview = Preview(spec)
    parts = tmp_path.resolve() / "parts.rnet"
    assert parts in preview.watched
    assert state(preview)["errors"] == 1
    parts.write_text("block part { conv(4, 3x3) }\n", encoding="utf-8")
    preview.reload()
    assert state(preview)["errors"] == 0
    spec.write_text("network {", encoding="utf-8")
    preview.reload()
    spec.unlink()
    preview.reload()
    assert preview.watched[0] == spec


# --- watching ---


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A watcher of a file, and what tells that it has seen a change."""
    monkeypatch.setattr("resnetdsl.serve.watch.INTERVAL", 0.01)
    path = tmp_path / "file"
    path.write_text("a", encoding="utf-8")
    seen: list[str | None] = []
    end = threading.Event()

    def changed() -> None:
        seen.append(path.read_text("utf-8") if path.exists() else None)

    thread = threading.Thread(target=watch, args=(lambda: [path], changed, end))
    thread.start()
    time.sleep(0.05)

    def until(wanted: str | None) -> None:
        for _ in range(500):
            if seen and seen[-1] == wanted:
                return
            time.sleep(0.01)
        pytest.fail(f"saw {seen}, never {wanted}")

    yield path, until
    end.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_change_is_seen(watched: tuple[Path, Callable[[str | None], None]]) -> None:
    path, until = watched
    path.write_text("bb", encoding="utf-8")
    until("bb")


def test_an_atomic_save_is_seen(watched: tuple[Path, Callable[[str | None], None]]) -> None:
    """As editors do: a new file beside it, renamed onto it. Its size and even its times may be those of the old one."""
    path, until = watched
    for text in ("b", "c"):
        other = path.with_name("other")
        other.write_text(text, encoding="utf-8")
        other.replace(path)
        until(text)


def test_taking_away_and_bringing_back_is_seen(watched: tuple[Path, Callable[[str | None], None]]) -> None:
    path, until = watched
    path.unlink()
    until(None)
    path.write_text("back", encoding="utf-8")
    until("back")


def test_a_stamp_of_what_is_not_there(tmp_path: Path) -> None:
    assert stamp(tmp_path / "none") is None
    assert stamp(Path("bad\0name")) is None
