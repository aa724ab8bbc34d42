"""`list` counts each network once, and remembers it as long as nothing that it hangs on has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resnetdsl import counts as module
from resnetdsl.api import load
from resnetdsl.counts import Count, counts
from resnetdsl.spec import Spec
from tests.cli.running import BAD, GOOD, run


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "cache_dir", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The networks that are built from here on."""
    names: list[str] = []
    check = Spec.check

    def watched(self: Spec, network: str | None = None, **more: object) -> object:
        names.append(str(network))
        return check(self, network, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Spec, "check", watched)
    return names


def test_a_second_run_builds_nothing_and_says_the_same(built: list[str], tmp_path: Path) -> None:
    path = tmp_path / "nets.rnet"
    path.write_text(GOOD + BAD)
    first = run("list", path)
    assert built == ["tiny", "tiny100", "bad"]
    assert run("list", path).out == first.out
    assert run("list", path, "--match", "100").out in first.out
    assert built == ["tiny", "tiny100", "bad"]


def test_a_change_counts_anew(built: list[str], tmp_path: Path) -> None:
    path = tmp_path / "nets.rnet"
    path.write_text(GOOD)
    before = json.loads(run("list", path, "--format", "json").out)
    path.write_text(GOOD.replace("width = 8", "width = 16"))
    after = json.loads(run("list", path, "--format", "json").out)
    assert after[0]["params"] > before[0]["params"]
    assert built == 2 * ["tiny", "tiny100"]


def test_a_change_of_what_is_imported_counts_anew(built: list[str], tmp_path: Path) -> None:
    (tmp_path / "blocks.rnet").write_text("block unit { conv(8, 3x3) }\n")
    path = tmp_path / "net.rnet"
    path.write_text('from "blocks.rnet" import unit\nnetwork n { input 3x8x8\n unit }\n')
    assert list(counts(load(path))) == [("n", Count(216, 216 * 64))]
    (tmp_path / "blocks.rnet").write_text("block unit { conv(4, 3x3) }\n")
    assert list(counts(load(path))) == [("n", Count(108, 108 * 64))]
    assert built == ["n", "n"]


def test_a_reader_who_stops_early_has_what_was_counted(built: list[str], cache: Path) -> None:
    spec = load(GOOD)
    reader = counts(spec)
    next(reader)
    reader.close()
    assert len(list(cache.iterdir())) == 1
    assert len(list(counts(spec))) == 2
    assert built == ["tiny", "tiny100"]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"tiny": 1}', '{"tiny": []}', '{"tiny": [true, 1]}', '{"tiny": [-1, 1]}', '{"tiny": ["1", 1]}'],
)
def test_a_damaged_memory_is_none(text: str, cache: Path) -> None:
    expected = list(counts(load(GOOD)))
    (file,) = cache.iterdir()
    file.write_text(text)
    assert list(counts(load(GOOD))) == expected


def test_a_cache_that_cannot_be_written_is_no_fault(cache: Path) -> None:
    cache.write_text("a file where the folder would be")
    assert len(list(counts(load(GOOD)))) == 2
