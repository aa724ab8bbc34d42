"""benchmarks/passes.py: that it goes on every engine, and that each pass finds something in its networks."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import passes as benchmark
from resnetdsl.compile.lower.pipeline import PASSES, lower
from tests.compile.lowering import network

TINY = network("conv(4, 3x3) -> relu -> batch_norm -> scale -> relu", size="3x8x8")


def test_it_measures_and_writes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("before\n<!-- passes: begin -->\nold\n<!-- passes: end -->\nafter\n", encoding="utf-8")
    monkeypatch.setattr(benchmark, "NETWORKS", {"chains": ("tiny",)})
    monkeypatch.setattr(benchmark, "found", lambda name: TINY)
    assert benchmark.main(["--seconds", "0.01", "--threads", "1", "--write", "--page", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "| `chains` | tiny |" in text
    (row,) = [line for line in text.splitlines() if "| tiny |" in line]
    assert row.count(" to ") == len(benchmark.BACKENDS)


def test_a_pass_that_it_has_no_network_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        benchmark.main(["training"])
    assert "no network is known in which `training` finds something" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", benchmark.NETWORKS)
def test_each_pass_finds_something(name: str) -> None:
    assert name in {each.name for each in PASSES}
    for title in benchmark.NETWORKS[name]:
        found = lower(benchmark.found(title).checked, ())
        assert any(note.step == name and note.done for note in found.notes), title
