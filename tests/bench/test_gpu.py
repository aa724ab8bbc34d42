"""The benchmark on a GPU, as far as it goes without one: what it counts, and what it says where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import resnetdsl
from benchmarks import gpu
from benchmarks.roofline import Ceilings, Work, ceilings, work
from resnetdsl.bench.compete import Result, Row
from resnetdsl.bench.interleave import Times
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
    monkeypatch.setattr(gpu, "PAGE", page)
    monkeypatch.setattr(gpu, "lacking", lambda: ["a card"])
    for _ in range(2):
        assert gpu.main(["--write"]) == 0
        text = page.read_text(encoding="utf-8")
        assert text.count("Unmeasured") == text.count(gpu.BEGIN) == 1
        assert text.startswith("# Performance\n")


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
    first, second = gpu.shares(result, Work(10.0, 1.0), Ceilings(10.0, 10.0))
    assert "ceiling of operations" in first
    assert "ours 50%" in second


@pytest.mark.slow
def test_the_whole_way_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = [each for each in gpu.CONTESTANTS if each.group in {"eager", "ours"}]
    monkeypatch.setattr(gpu, "CONTESTANTS", mine)
    lines = list(gpu.report("resnet20", (1, 2), "float32", "cpu", 0.1, 64))
    assert sum(line.startswith("### resnet20") for line in lines) == 2
    assert any("_convolution_pointwise" in line for line in lines)
