"""benchmarks/compile.py: the verdicts of its tables on results that are made up, and that it goes on where it ended."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import compile as benchmark
from benchmarks.compiling.plan import OURS, PLAN, QUICK, SECTIONS, Unit, chosen
from benchmarks.compiling.store import LIBRARIES, Store
from benchmarks.compiling.tables import document
from tests.cli.running import ROOT
from tests.cli.test_interrupt import runs, wait_for

HERE = {
    "processor": "a processor",
    "cores": "2",
    "threads": "2",
    "system": "Linux",
    "python": "3.11",
    "commit": "abc",
    **dict.fromkeys(LIBRARIES, "1.0"),
}


def row(name: str, group: str, level: float, off: float = 1e-6, problem: str = "") -> dict[str, Any]:
    rounds = [] if problem else [level * pace for pace in (1.0, 1.2, 2.0, 1.1, 1.0)]
    return {
        "name": name,
        "group": group,
        "rounds": rounds,
        "seconds": {"median": 1.1 * level} if rounds else None,
        "speedup": {"median": 1 / level} if rounds else None,
        "agreement": off,
        "problem": problem,
        "note": "",
    }


def ran(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"run/resnet50/b1": {"rows": [row("eager", "eager", 1.0), *rows], "least_seconds": 0.11}}


@pytest.mark.parametrize(
    ("ours", "off", "verdict"),
    [
        (0.25, 1e-6, "| 2.00 (2.00 to 2.00) | 40% | met |"),
        (1.0, 1e-6, "| 0.50 (0.50 to 0.50) | 10% | missed |"),
        (0.25, 1e-3, "| 2.00 (2.00 to 2.00) | 40% | met; off by 1e-03 |"),
    ],
)
def test_running(ours: float, off: float, verdict: str) -> None:
    text = document(ran(row("onnxruntime", "peer", 0.5), row("resnetdsl auto", "ours", ours, off)), HERE)
    assert verdict in text


def test_a_peer_that_fails_is_a_row_and_one_that_is_not_here_is_none() -> None:
    text = document(
        ran(
            row("openvino", "peer", 1, problem="RuntimeError: a | b"),
            row("timm eager", "eager", 1, problem="not installed"),
            row("resnetdsl onednn", "ours", 0.5),
        ),
        HERE,
    )
    assert "| openvino | fails: RuntimeError: a \\| b |  |  |" in text
    assert "timm eager" not in text.partition("Not measured")[0]
    assert "| resnetdsl onednn | eager | 2.00" in text


def test_cold_compilation() -> None:
    results: dict[str, Any] = {
        f"cold/resnet50/b1/{OURS}": {"seconds": {"cold": 7.0, "warm": 0.5}},
        "cold/resnet50/b1/torch.compile": {"seconds": {"cold": 10.0, "warm": 4.0}},
        f"cold/preresnet1001/b1/{OURS}": {"seconds": {"cold": 50.0, "warm": 1.0}},
        f"cold/preresnet29/b1/{OURS}": {"seconds": {"cold": 20.0, "warm": 1.0}},
        "cold/preresnet1001/b1/torch.compile": {"problem": "no result after 840 s"},
    }
    text = document(results, HERE)
    assert "| ResNet-50, of `torch.compile` on timm's | 0.70, met (at most 0.7) |" in text
    assert "| 1001 layers, of our own 29 | 2.50, missed (at most 1.5) |" in text
    assert "| preresnet1001 | torch.compile | no result after 840 s |  |" in text
    assert "of `torch.compile` whole" not in text


def test_starting() -> None:
    runs = {"onednn": [[1.0, 0.1, 0.2]] * 3, "openvino": [[1.0, 0.5, 0.2]] * 3}
    text = document({"start/resnet50/b1": {"seconds": runs, "problems": {"onnxruntime": "E: no"}}}, HERE)
    assert "| 300 ms (300 ms to 300 ms) | met (at most 0.5 s) |" in text
    assert "| 700 ms (700 ms to 700 ms) | missed (at most 0.5 s) |" in text
    assert "| onnxruntime | fails: E: no |" in text


def test_narrow_types() -> None:
    key = "precision/resnet50/b1"
    for level, verdict in ((0.1, "met (at least 2.5) | 5.00"), (0.4, "missed (at least 2.5) | 1.25")):
        rows = [row("eager", "eager", 1), row("resnetdsl float32", "ours", 0.5), row("resnetdsl int8", "ours", level)]
        assert verdict in document({key: {"rows": rows}}, HERE)


def test_int8_of_other_networks() -> None:
    rows = [row("resnetdsl float32", "ours", 0.3), row("resnetdsl int8", "ours", 0.2)]
    text = document({"int8/densenet121/b1": {"rows": rows}, "int8/resnet18/b1": {"problem": "it died"}}, HERE)
    assert "1.50 (1.50 to 1.50) |" in next(line for line in text.splitlines() if line.startswith("| densenet121 |"))
    assert "| resnet18 | fails: it died |" in text


@pytest.mark.parametrize(
    ("median", "high", "verdict"), [(1.02, 1.1, "met"), (0.99, 1.01, "level"), (0.9, 0.95, "missed")]
)
def test_training(median: float, high: float, verdict: str) -> None:
    rows = {"timm": {"rounds": [1.0], "problem": ""}, "ours": {"rounds": [1.0], "problem": ""}}
    speedups = {"ours": {"median": median, "low": 0.5, "high": high}}
    result = {"input": [3, 64, 64], "rows": rows, "speedups": speedups}
    assert f", {verdict} |" in document({"training/resnet18/b8": result}, HERE)


def test_what_is_left_is_said() -> None:
    text = document({}, HERE)
    assert f"Not measured in this run: {PLAN[0].key}, " in text


def test_units_have_names_of_their_own() -> None:
    for plan in (PLAN, QUICK):
        assert len({unit.key for unit in plan}) == len(plan)
        assert {unit.section for unit in plan} == set(SECTIONS)
    assert {unit.net for unit in chosen(PLAN, ("run",), (), (16,))} >= {"resnet18", "resnet152", "preresnet1001"}
    assert [unit.key for unit in chosen(PLAN, ("cold",), ("preresnet29",), ())] == [f"cold/preresnet29/b1/{OURS}"]


# --- going on ---


class Counted:
    """Units that are performed in no time, by name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        monkeypatch.setattr(benchmark, "perform", self.perform)

    def perform(self, unit: Unit, *_: object) -> dict[str, object]:
        self.done.append(unit.key)
        if len(self.done) == 3:
            raise KeyboardInterrupt
        return {"problem": "made up"}


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    return ["--quick", "--results", str(tmp_path / "r.json"), "--page", str(tmp_path / "p.md")]


def test_it_goes_on_where_it_was_interrupted(options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    assert benchmark.main(options) == 130
    assert benchmark.main([*options, "--write"]) == 0
    keys = [unit.key for unit in QUICK]
    assert counted.done == [*keys[:3], *keys[2:]]
    page = Path(options[-1]).read_text(encoding="utf-8")
    assert page.count("fails: made up") >= 3
    end = "<!-- compile: end -->"
    before = page.replace(end, f"{end}\nkept")
    Path(options[-1]).write_text(before, encoding="utf-8")
    benchmark.main([*options, "--write"])
    assert Path(options[-1]).read_text(encoding="utf-8") == before
    assert len(counted.done) == len(keys) + 1


def test_nothing_is_begun_that_would_not_end_in_time(options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    assert benchmark.main([*options, "--minutes", "0.4"]) == 0
    assert counted.done == [unit.key for unit in QUICK if unit.seconds < 24]


def test_results_of_another_commit_are_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path / "r.json", HERE, fresh=False)
    store.keep("run/a", {"rows": []})
    assert "run/a" in Store(tmp_path / "r.json", HERE, fresh=False)
    assert "run/a" not in Store(tmp_path / "r.json", HERE, fresh=True)
    other = Store(tmp_path / "r.json", {**HERE, "commit": "def"}, fresh=False)
    assert (other.results, other.dropped) == ({}, 1)
    (tmp_path / "r.json").write_text("[1", encoding="utf-8")
    assert Store(tmp_path / "r.json", HERE, fresh=False).results == {}


def test_wrong_use(options: list[str]) -> None:
    with pytest.raises(SystemExit):
        benchmark.main([*options, "--only", "nothing"])
    with pytest.raises(SystemExit, match="nothing of the plan"):
        benchmark.main([*options, "--nets", "nothing"])


def test_a_unit_that_crashes_is_a_result() -> None:
    found = benchmark.perform(Unit("run", "no_such_network", 10), 1, 0.1, 1, 60)
    assert found == {"problem": "the process ended with 1"}


def test_what_a_unit_started_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "pid"
    child = "str(subprocess.Popen(['sleep', '60']).pid)"
    script = f"import subprocess, time; open({str(told)!r}, 'w').write({child}); time.sleep(60)"
    monkeypatch.setattr(benchmark, "COMMAND", (sys.executable, "-c", script))
    found = benchmark.perform(QUICK[0], 1, 0.1, 1, 3.0)
    assert found == {"problem": "no result after 3 s"}
    wait_for(lambda: not runs(int(told.read_text())), 10)


@pytest.mark.slow
def test_all_of_it_on_a_small_network(options: list[str]) -> None:
    command = [sys.executable, "-m", "benchmarks.compile", *options, "--seconds", "0.2", "--rounds", "3", "--write"]
    done = subprocess.run([*command, "--threads", "1"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads(Path(options[2]).read_text(encoding="utf-8"))["results"]
    assert set(results) == {unit.key for unit in QUICK}
    assert [key for key, found in results.items() if "problem" in found] == []
    assert "resnetdsl auto" in Path(options[-1]).read_text(encoding="utf-8")
