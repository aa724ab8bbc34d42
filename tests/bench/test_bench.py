"""`bench`: who takes part, what becomes of those who fail, and how it is told. Times mean nothing here."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import resnetdsl
from resnetdsl.bench import peers, report, session
from resnetdsl.bench.compete import Result, compete
from resnetdsl.bench.contestants import Contestant, contestants, eager, torch_compile
from resnetdsl.bench.interleave import Plan, Times
from resnetdsl.bench.match import Match, Running, agreement, in_order, made
from resnetdsl.bench.peers import Absent, peer
from resnetdsl.compile.options import Precision
from tests import oracles
from tests.cli.running import GOOD, ROOT, run

QUICK = Plan(seconds=0, least=3, warmup_seconds=0.05)


@pytest.fixture
def match(tmp_path: Path) -> Match:
    network = resnetdsl.load(GOOD).network("tiny", act="zeros")
    return Match(network, made(network), 2, (3, 16, 16), Precision.FLOAT32, "cpu", tmp_path)


def doubled(match: Match) -> Running:
    """A peer that is wrong."""
    x = match.input()
    return Running(lambda: match.module(x) * 2, "by two")


def breaks(_: Match) -> Running:
    raise OSError("no such library\nand more of it")


def stays_away(_: Match) -> Running:
    raise Absent("not installed")


def competed(match: Match) -> Result:
    entered = [
        Contestant("eager", "eager", eager),
        Contestant("wrong", "ours", doubled),
        Contestant("broken", "peer", breaks),
        Contestant("absent", "peer", stays_away),
    ]
    return compete(match, entered, QUICK, 1)


def test_whatever_a_peer_does_is_its_own_row(match: Match) -> None:
    result = competed(match)
    found = {row.name: (row.problem, row.absent, row.spread is not None) for row in result.rows}
    assert found == {
        "eager": ("", False, True),
        "wrong": ("", False, True),
        "broken": ("OSError: no such library", False, False),
        "absent": ("not installed", True, False),
    }
    eager_row, wrong_row = result.rows[:2]
    assert eager_row.agreement == 0
    assert wrong_row.agreement == pytest.approx(1.0)
    assert eager_row.times is not None
    assert len(eager_row.times.rounds) >= 3


def test_the_table(match: Match) -> None:
    text = report.as_text(competed(match))
    assert text.startswith("tiny, batch 2 of 3x16x16, float32 on cpu, 1 thread\n")
    assert "not compared: absent (not installed)" in text
    assert "failed: broken: OSError: no such library" in text
    assert next(line for line in text.splitlines() if line.startswith("wrong (by two)")).endswith("1e+00")
    marked = report.markdown(competed(match))
    assert "| broken | fails: OSError: no such library | | | | | |" in marked.replace("  ", " ")


def made_up() -> Result:
    """Ours is twice as fast as the peer in each round, whatever the machine does."""
    pace = [1.0, 1.1, 1.5, 3.0, 1.0]

    def times(level: float) -> Times:
        return Times([level * each for each in pace], 10, settled=True)

    from resnetdsl.bench.compete import Row

    rows = (
        Row("eager", "eager", 0.1, 0.0, times(0.4)),
        Row("peer", "peer", 3.0, 1e-6, times(0.2)),
        Row("ours", "ours", 9.0, 2e-6, times(0.1)),
    )
    return Result("net", 16, (3, 224, 224), "float32", "cpu", 2, rows)


def test_numbers_of_the_table() -> None:
    text = report.as_text(made_up())
    line = next(line for line in text.splitlines() if line.startswith("ours"))
    assert line.split() == ["ours", "110", "ms", "100", "ms", "to", "150", "ms", "145.5", "4.00", "9.0", "s", "2e-06"]
    assert "ours: 2.00 times as fast as peer, the fastest of the others (2.00 to 2.00, 5 rounds)" in text
    data = json.loads(json.dumps(report.as_data(made_up())))
    assert data["rows"][2]["speedup"]["median"] == pytest.approx(4)
    assert data["rows"][2]["images_per_second"] == pytest.approx(16 / 0.11)
    assert data["rows"][0]["rounds"] == pytest.approx([0.4, 0.44, 0.6, 1.2, 0.4])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1234, "123 ms"), (0.01234, "12.3 ms"), (0.001234, "1.23 ms"), (1.5e-5, "15.0 µs"), (2, "2000 ms")],
)
def test_seconds(value: float, text: str) -> None:
    assert report.seconds(value) == text


def test_agreement() -> None:
    expected = [torch.tensor([1.0, -4.0])]
    assert agreement(expected, torch.tensor([1.0, -4.0])) == 0
    assert agreement(expected, {"output": torch.tensor([1.0, -3.0])}) == 0.25
    assert agreement(expected, torch.tensor([1.0])) != agreement(expected, torch.tensor([1.0]))  # no number


def test_results_with_names_are_compared_by_them() -> None:
    a, b = torch.tensor([1.0]), torch.tensor([2.0])
    assert agreement(in_order({"output": b, "c2": a}), {"c2": a, "output": b}) == 0


def test_peers_have_our_weights() -> None:
    oracles.timm()
    network = resnetdsl.load("resnet18").network("resnet18", classes=7)
    state = made(network).state_dict()
    for library in ("timm", "torchvision"):
        module = peer(library, "resnet18", 7, state)
        assert torch.equal(module.state_dict()["layer1.0.bn1.running_var"], state["layer1.0.bn1.running_var"])
        with pytest.raises(Absent, match="other weights"):
            peer(library, "resnet34", 7, state)
        with pytest.raises(Absent, match="it has no tiny"):
            peer(library, "tiny", None, state)


def test_a_deep_network_does_not_overflow_with_random_weights() -> None:
    body = "200 * residual(identity) { batch_norm -> relu -> conv(8, 3x3) }"
    spec = f"network deep {{ input 3x8x8\n conv(8, 3x3)\n {body}\n global_avg_pool -> linear(4) }}"
    network = resnetdsl.load(spec).network("deep")
    with torch.no_grad():
        assert 0.01 < float(made(network)(torch.randn(2, 3, 8, 8)).std()) < 1e3


def test_a_library_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(Absent, match="not installed"):
        peer("timm", "resnet18", None, {})


def test_beside_int8_the_others_compute_in_float32(match: Match) -> None:
    narrow = replace(match, precision=Precision.INT8)
    running = eager(narrow)
    assert running.note == "float32"
    assert agreement(match.expected(), running.run()) == 0


def test_engines_without_a_type_stay_away(match: Match) -> None:
    for each in contestants("cpu"):
        if each.group == "peer" and "torch.compile" not in each.name:
            half = replace(match, precision=Precision.FLOAT16)
            with pytest.raises(Absent, match="float16|not installed"):
                each.make(half)


# --- the command ---


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.rnet"
    path.write_text(GOOD, encoding="utf-8")
    return path


@pytest.fixture
def only_eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no engine could be used: nothing is compiled, and the command can be watched in a second."""
    monkeypatch.setattr(
        session,
        "contestants",
        lambda *_, **__: [Contestant("eager", "eager", eager), Contestant("timm eager", "eager", stays_away)],
    )


def test_the_command(spec: Path, only_eager: None) -> None:
    before = torch.get_num_threads()
    done = run("bench", spec, "--net", "tiny", "--batch", "1,2", "--seconds", "0", "--threads", "1")
    assert done.code == 0, done.err
    assert done.out.count("tiny, batch") == 2
    assert "not compared: timm eager (not installed)" in done.out
    assert torch.get_num_threads() == before


def test_as_json(spec: Path, only_eager: None) -> None:
    done = run("bench", spec, "--net", "tiny", "--seconds", "0", "--json", "-q", "--input", "3x8x8", "--threads", "1")
    document = json.loads(done.out)
    assert document["schema"] == 1
    assert document["versions"]["torch"]
    assert document["results"][0]["input"] == [3, 8, 8]
    assert done.err == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--batch", "0"), "is no batch"),
        (("--batch", "1,x"), "is no batch"),
        (("--seconds", "-1"), "no number of seconds"),
        (("--peers", "onnxruntme"), "did you mean `onnxruntime`"),
        (("--target", "h300"), "did you mean `h"),
        (("--device", "cpu", "--backend", "cudnn"), "the engine `cudnn` cannot be used here: it serves CUDA"),
        (("--device", "cpu", "--dtype", "int8", "--backend", "onednn"), "it has no int8"),
    ],
)
def test_wrong_use(options: tuple[str, ...], words: str, spec: Path) -> None:
    done = run("bench", spec, "--net", "tiny", *options)
    assert done.code == 2
    assert words in done.err
    assert done.out == ""


@pytest.mark.slow
def test_everything_in_one_run(spec: Path) -> None:
    arguments = ["bench", str(spec), "--net", "tiny", "--seconds", "1", "--json", "--cold", "--peers", "torch.compile"]
    done = subprocess.run(
        [sys.executable, "-m", "resnetdsl", *arguments], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    rows = {row["name"]: row for row in document["results"][0]["rows"]}
    assert {"eager", "torch.compile", "resnetdsl onednn"} <= rows.keys()
    for row in rows.values():
        assert not row["problem"]
        assert row["agreement"] < 1e-4
    assert all(isinstance(took, float) for took in document["cold_compile_seconds"].values())


@pytest.mark.slow
def test_torch_compile_is_made_ready_before_it_is_measured(match: Match) -> None:
    run_it = torch_compile(freezing=True)(match).run
    with torch.no_grad():
        torch.testing.assert_close(run_it(), match.module(match.input()), rtol=1e-4, atol=1e-5)
