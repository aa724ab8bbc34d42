"""The benchmark on a GPU, as far as it goes without one: what it counts, in which order, and what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import resnetdsl
from benchmarks import gpu
from benchmarks.on_gpu import training, unit
from benchmarks.on_gpu.peers import OUR_ENGINE, contestants
from benchmarks.on_gpu.plan import BEST_PEER, OURS, Unit, plan
from benchmarks.on_gpu.profile import Kernel, kernels, kind, table
from benchmarks.on_gpu.unit import shares, targets
from benchmarks.roofline import Ceilings, Work, ceilings, work
from resnetdsl.bench.compete import Result, Row
from resnetdsl.bench.interleave import Times
from resnetdsl.bench.match import Match, made
from resnetdsl.compile.engines.registry import ENGINES
from resnetdsl.compile.options import Precision
from tests.bench.card import card
from tests.cli.running import ROOT
from tests.compile.lowering import network


def test_without_a_gpu_it_ends_and_says_what_it_lacks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main([]) == 0
    assert "nothing is measured" in capsys.readouterr().out


def test_what_was_not_measured_is_called_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "performance.md"
    page.write_text("# Performance\n", encoding="utf-8")
    monkeypatch.setattr(gpu, "lacking", lambda: ["a card"])
    for _ in range(2):
        assert gpu.main(["--write", "--page", str(page)]) == 0
        text = page.read_text(encoding="utf-8")
        assert text.count("Unmeasured") == text.count("<!-- gpu: begin -->") == 1
        assert text.startswith("# Performance\n")


# --- the roofline ---


def test_the_work_of_a_convolution_with_its_norm_and_activation() -> None:
    graph = network("    conv(8, 3x3) -> batch_norm -> relu").checked
    found = work(graph, batch=2, itemsize=2)
    macs = 2 * 8 * 16 * 16 * 3 * 9
    assert found.flops == 2 * macs
    # Input, output, weight and folded bias, each once: the norm and the ReLU go through no memory of their own.
    assert found.bytes == 2 * (2 * (3 + 8) * 16 * 16 + 8 * 3 * 9 + 8)


def test_the_work_of_resnet50_is_that_of_the_paper() -> None:
    found = work(resnetdsl.load("resnet50").network().checked, batch=4, itemsize=2)
    assert found.flops == pytest.approx(2 * 4 * 4.09e9, rel=0.01)


def test_ceilings_are_measured_and_the_slower_one_counts() -> None:
    here = ceilings("cpu", torch.float32, size=64, megabytes=1)
    assert here.flops > 0
    assert here.bytes > 0
    assert Ceilings(10.0, 1.0).seconds(Work(10.0, 5.0)) == 5.0
    assert Ceilings(1.0, 10.0).seconds(Work(10.0, 5.0)) == 10.0


def test_shares_of_the_roofline() -> None:
    row = Row("ours", "ours", times=Times([2.0, 2.0, 2.0]))
    result = Result("n", 1, (3, 8, 8), "bfloat16", "cuda", 1, (row,))
    first, second = shares(result, Work(10.0, 1.0), Ceilings(10.0, 10.0))
    assert "ceiling of operations" in first
    assert "ours 50%" in second


# --- the plan and its verdicts ---


def test_what_the_targets_are_about_comes_first() -> None:
    found = plan((1, 32, 256), 128)
    assert [unit.key for unit in found[:6]] == [
        "ceilings",
        "run/b1/main",
        "run/b256/main",
        "profile/b256",
        "profile/b1",
        "training/b128",
    ]
    assert sum(unit.seconds for unit in found[:7]) < 20 * 60, "with batch 32, in less than the time that there is"
    assert len({unit.key for unit in found}) == len(found)
    assert {name for unit in found for name in unit.contestants} == set(contestants())


def test_every_engine_that_is_measured_is_one() -> None:
    assert set(OUR_ENGINE.values()) | {"inductor"} <= set(ENGINES)


@pytest.mark.parametrize(("batch", "ours", "words"), [(1, 1.0, "met, 2.00"), (256, 1.5, "missed, 1.33"), (32, 1.0, "")])
def test_targets(batch: int, ours: float, words: str) -> None:
    rows = (Row(BEST_PEER, "peer", times=Times([2.0] * 3)), Row(OURS, "ours", times=Times([ours] * 3)))
    told = targets(Result("resnet50", batch, (3, 8, 8), "bfloat16", "cuda", 1, rows))
    assert bool(told) == bool(words)
    assert words in "".join(told)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sm90_xmma_fprop_implicit_gemm_bf16bf16_bf16f32_f32_nhwckrsc_nhwc_tilesize128x128x64", "convolutions"),
        ("nvjet_tst_128x256_64x4_1x2_h_bz_coopA_bias_TNN", "matrix products"),
        ("void at::native::elementwise_kernel<128, 4, at::native::relu>", "element by element"),
        ("triton_poi_fused_add_relu_3", "element by element"),
        ("Memcpy DtoD (Device -> Device)", "copies"),
        ("void cudnn::engines_precompiled::nchwToNhwcKernel<__nv_bfloat16>", "copies"),
        ("void at::native::max_pool_forward_nhwc<c10::BFloat16, int>", "pooling"),
        ("void at::native::reduce_kernel<512, 1>", "others"),
    ],
)
def test_kinds_of_kernels(name: str, expected: str) -> None:
    assert kind(name) == expected


def test_the_table_of_kernels() -> None:
    lines = table([Kernel("conv_a", 3, 0.003), Kernel("conv_b", 1, 0.0005), Kernel("memcpy|x", 1, 0.0005)], most=2)
    assert "| convolutions | 4 | 3.500 ms | 87.5% |" in lines
    assert "| `conv_a` | 3 | 3.000 ms | 75.0% |" in lines
    assert len([line for line in lines if line.startswith("| `")]) == 2


def test_training_is_compared_in_turns() -> None:
    net = resnetdsl.load("resnet20").network("resnet20", input=(3, 16, 16))
    match = Match(net, made(net), 2, (3, 16, 16), Precision.BFLOAT16, "cpu", Path())
    step = training.trainer(net.module(checkpoint_blocks=True), match, compiled=False)
    before = {name: leaf.clone() for name, leaf in match.module.state_dict().items()}
    step()
    assert all(torch.equal(before[name], leaf) for name, leaf in match.module.state_dict().items())
    rounds = {"ours": [2.0] * 3, "timm": [1.0] * 3}
    lines = training.table(
        {
            "rounds": rounds,
            "memory": {"ours": 2**20},
            "ready": dict.fromkeys(rounds, 1.0),
            "problems": {"x": "fails: y"},
        }
    )
    assert "| ours | 2000 ms | 2.00 (2.00 to 2.00) of timm | 1 MiB | 1 s |" in lines
    assert "| x | fails: y | | | |" in lines


# --- going on ---


class Counted:
    """Units that are performed in no time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[tuple[str, float]] = []
        self.problem = ""
        monkeypatch.setattr(gpu, "perform", self.perform)

    def perform(self, unit: Unit, _args: object, known: dict[str, Any], limit: float) -> dict[str, object]:
        self.done.append((unit.key, limit))
        assert unit.section == "ceilings" or "ceilings" in known
        if len(self.done) == 3:
            raise KeyboardInterrupt
        return {"problem": self.problem} if self.problem else {"lines": [f"found {unit.key}"], "data": {}}


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    return ["--device", "cpu", "--results", str(tmp_path / "r.json"), "--page", str(tmp_path / "p.md"), "--write"]


def test_it_goes_on_where_it_was_interrupted(options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    page = Path(options[5])
    assert gpu.main(options) == 130
    assert "found run/b1/main" in page.read_text(encoding="utf-8"), "written after each unit"
    assert "Not measured in this run: run/b256/main, " in page.read_text(encoding="utf-8")
    assert gpu.main(options) == 0
    keys = [unit.key for unit in plan((1, 32, 256), 128)]
    assert [key for key, _ in counted.done] == [*keys[:3], *keys[2:]]
    assert "Not measured" not in page.read_text(encoding="utf-8")
    assert gpu.main([*options, "--batches", "1,32,256"]) == 0
    assert len(counted.done) == len(keys) + 1


def test_no_unit_outlasts_the_minutes_and_one_that_ran_into_them_is_tried_again(
    options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted(monkeypatch)
    counted.problem = "no result after 120 s"
    gpu.main([*options, "--minutes", "2.2"])
    assert [key for key, _ in counted.done[:2]] == ["ceilings", "run/b1/main"]
    assert all(limit <= 132 for _, limit in counted.done)
    results = json.loads(Path(options[3]).read_text(encoding="utf-8"))["results"]
    assert set(results) == {"ceilings"}, "its own limit was over; the other's minutes were"


def test_another_network_is_another_measurement(options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(monkeypatch)
    gpu.main([*options, "--only", "profile"])
    done = len(counted.done)
    assert done == 3
    gpu.main([*options, "--only", "profile/b1", "--network", "resnet18"])
    assert len(counted.done) > done


@pytest.mark.slow
def test_the_whole_way_on_a_cpu(options: list[str]) -> None:
    command = [sys.executable, "-m", "benchmarks.gpu", *options, "--network", "resnet20", "--batches", "1"]
    few = ["--training-batch", "2", "--dtype", "float32", "--seconds", "0.1", "--product", "64"]
    done = subprocess.run([*command, *few], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads(Path(options[3]).read_text(encoding="utf-8"))["results"]
    assert set(results) == {unit.key for unit in plan((1,), 2)}
    assert [key for key, found in results.items() if "problem" in found] == []
    failed = [row for found in results.values() if "rows" in found["data"] for row in found["data"]["rows"]]
    assert [
        row["problem"]
        for row in failed
        if row["problem"] and not row["problem"].startswith(("it has no resnet20", "the engine onednn has no"))
    ] == []
    page = Path(options[5]).read_text(encoding="utf-8")
    assert "mkldnn::_convolution_pointwise" in page
    assert "| resnetdsl inductor |" in page


def test_only_what_runs_on_the_card_is_profiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The calls on the host have the time of their kernels too, which would count twice."""
    from torch.autograd import DeviceType

    def event(name: str, device: DeviceType) -> SimpleNamespace:
        return SimpleNamespace(key=name, count=10, device_type=device, self_device_time_total=1e6)

    made = [event("aten::conv2d", DeviceType.CPU), event("sm90_fprop", DeviceType.CUDA)]
    found = SimpleNamespace(key_averages=lambda: made)
    monkeypatch.setattr(torch.profiler, "profile", lambda **_: nullcontext(found))
    assert kernels(lambda: None, "cuda") == [Kernel("sm90_fprop", 2.0, 0.2)]


# --- the way to a card ---


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Each unit of a plan on a card that is none; those who are compiled by PyTorch for a real one are left out."""
    given: dict[str, Any] = {"network": "resnet20", "dtype": "bfloat16", "device": "cuda", "size": 16}
    given |= {"seconds": 0.05, "product": 64}
    found: dict[str, dict[str, Any]] = {}
    with pytest.MonkeyPatch.context() as patch, card(patch):
        patch.setattr(unit, "kernels", lambda run, _: kernels(run, "cpu"))
        for each in plan((1, 4), 2):
            taking = tuple(
                name for name in each.contestants if not name.startswith("timm, ") and "inductor" not in name
            )
            folder = tmp_path_factory.mktemp("unit")
            found[each.key] = unit.measure(replace(each, contestants=taking), given, folder)
            given.setdefault("ceilings", found["ceilings"]["data"])
    return found


@pytest.mark.slow
def test_every_unit_goes_through(measured: dict[str, dict[str, Any]]) -> None:
    assert set(measured) == {each.key for each in plan((1, 4), 2)}
    assert all(found["lines"] for found in measured.values())
    json.dumps(measured)


@pytest.mark.slow
def test_ours_computes_the_same_in_each_way(measured: dict[str, dict[str, Any]]) -> None:
    rows = [row for key, found in measured.items() if key.startswith("run") for row in found["data"]["rows"]]
    ours = [row for row in rows if row["group"] == "ours"]
    assert {row["name"] for row in ours} == {name for name in contestants() if name.startswith(OURS)} - {
        "resnetdsl inductor"
    }
    for row in ours:
        assert row["seconds"] is not None, row["problem"]
        assert row["agreement"] < 0.05
