"""A step of training on a GPU: timm's module and ours, eager and under `torch.compile`, in turns, and its memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from resnetdsl.bench.interleave import Plan, measure
from resnetdsl.bench.match import Match
from resnetdsl.bench.peers import Absent, peer
from resnetdsl.bench.report import seconds
from resnetdsl.bench.statistics import ratios, spread

_PAIRS = {
    "ours": "timm",
    "ours, torch.compile": "timm, torch.compile",
    "ours, blocks checkpointed": "ours",
    "ours, blocks checkpointed, torch.compile": "ours, torch.compile",
}
"""What each is compared with."""


def compare(match: Match, plan: Plan, tell: Callable[[str], object]) -> dict[str, Any]:
    """Rounds by name, the most memory that a step held in bytes, and the problems of those that failed."""
    makers: dict[str, Callable[[], nn.Module]] = {
        "timm": lambda: peer("timm", match.network.name, None, match.module.state_dict()),
        "ours": match.network.module,
        "timm, torch.compile": lambda: peer("timm", match.network.name, None, match.module.state_dict()),
        "ours, torch.compile": match.network.module,
        "ours, blocks checkpointed": lambda: match.network.module(checkpoint_blocks=True),
        "ours, blocks checkpointed, torch.compile": lambda: match.network.module(checkpoint_blocks=True),
    }
    steps, held, ready, problems = {}, {}, {}, {}
    for name, make in makers.items():
        tell(f"making {name}")
        begin = time.perf_counter()
        try:
            step = trainer(make(), match, compiled="torch.compile" in name)
            step()
            ready[name] = time.perf_counter() - begin
            held[name] = _most_memory(step, match.device)
            steps[name] = step
        except Absent as reason:
            problems[name] = f"not compared: {reason}"
        except Exception as error:  # noqa: BLE001 - a row that says so
            problems[name] = f"fails: {type(error).__name__}: {error}".splitlines()[0][:160]
    tell("measuring")
    times = measure(steps, plan)
    rounds = {name: found.rounds for name, found in times.items()}
    return {"rounds": rounds, "memory": held, "ready": ready, "problems": problems}


def trainer(module: nn.Module, match: Match, *, compiled: bool) -> Callable[[], object]:
    """A step with the match's weights, input and precision: forward under autocast, backward, SGD with momentum."""
    module.load_state_dict(match.module.state_dict(), strict=True)
    module = module.to(match.device).train()
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = match.input().float().contiguous(memory_format=torch.channels_last)
    labels = (torch.arange(match.batch) % 10).to(match.device)
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-3, momentum=0.9, fused=match.device == "cuda" or None)
    run = torch.compile(module) if compiled else module
    half = match.dtype is not torch.float32

    def step() -> object:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(match.device, match.dtype, enabled=half):
            loss = nn.functional.cross_entropy(run(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    return match.wait(step).run


def _most_memory(step: Callable[[], object], device: str) -> int | None:
    if device != "cuda":
        return None
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    step()
    return torch.cuda.max_memory_allocated() - before


def table(found: dict[str, Any]) -> list[str]:
    lines = [
        "| module | step | ratio of times | memory beyond the weights | ready in |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, rounds in found["rounds"].items():
        other = _PAIRS.get(name)
        ratio = ""
        if other in found["rounds"]:
            won = ratios(found["rounds"][other], rounds)  # theirs is the base: ours over theirs
            ratio = f"{won.median:.2f} ({won.low:.2f} to {won.high:.2f}) of {other}"
        memory = found["memory"].get(name)
        shown = "" if memory is None else f"{memory / 2**20:,.0f} MiB"
        lines.append(
            f"| {name} | {seconds(spread(rounds).median)} | {ratio} | {shown} | {found['ready'][name]:.0f} s |"
        )
    lines += [f"| {name} | {problem} | | | |" for name, problem in found["problems"].items()]
    return lines
