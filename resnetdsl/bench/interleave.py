"""Times taken in turns: every contestant once in a round, so that what slows the machine slows all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from resnetdsl.bench.statistics import settled

Clock = Callable[[], float]
Call = Callable[[], object]

_PAUSE = 0.005
"""Seconds between two contestants, or more of them: until the threads of the one before have stopped spinning."""

_SPINNING = 0.1
"""The share of a core that is no rest. Threads of ONNX Runtime take a whole one for tens of milliseconds."""

_MOST_PAUSES = 40

_LONG = 0.1
"""A call of so many seconds needs no other before it to fill the caches, nor a second one to be measured well."""

_BLOCK = 0.05
"""Seconds that one measurement takes at least, by repeating a short call."""


@dataclass(slots=True)
class Times:
    """Seconds a call, a round each. `settled` says whether the warm-up ended because times had stopped falling."""

    rounds: list[float] = field(default_factory=list)
    warmup: int = 0
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure. Rounds go on until `seconds` are over; there are `least` at least and `most` at most."""

    seconds: float = 10.0
    least: int = 5
    most: int = 200
    warmup_seconds: float = 5.0
    warmup_most: int = 100


def measure(
    calls: Mapping[str, Call],
    plan: Plan = Plan(),
    *,
    clock: Clock = time.perf_counter,
    sleep: Callable[[float], object] = time.sleep,
    heard: Callable[[int, int], object] = lambda done, total: None,
) -> dict[str, Times]:
    """Warm each up, then measure all in turns. `heard` is told the rounds that are done, and how many there may be."""
    found = {name: Times() for name in calls}
    repeats: dict[str, int] = {}
    for name, call in calls.items():
        last = _warm_up(call, found[name], plan, clock)
        repeats[name] = 1 if last >= _LONG else max(1, round(_BLOCK / max(last, 1e-6)))
    names = list(calls)
    start = clock()
    for done in range(plan.most):
        if done >= plan.least and clock() - start >= plan.seconds:
            break
        for name in _turned(names, done):
            _rest(sleep)
            found[name].rounds.append(_block(calls[name], repeats[name], clock))
        heard(done + 1, plan.most)
    return found


def _rest(sleep: Callable[[float], object]) -> None:
    """Until this process does nothing any more."""
    for _ in range(_MOST_PAUSES):
        before = time.process_time()
        sleep(_PAUSE)
        if time.process_time() - before < _SPINNING * _PAUSE:
            return


def _warm_up(call: Call, times: Times, plan: Plan, clock: Clock) -> float:
    """Call until the times are of one level, or it takes too long. The last time."""
    seen: list[float] = []
    start = clock()
    while True:
        before = clock()
        call()
        seen.append(clock() - before)
        times.settled = settled(seen)
        # Of a long call there will not be many rounds either; two show whether the first was slow.
        enough = len(seen) >= 2 and clock() - start >= plan.warmup_seconds
        if times.settled or enough or len(seen) >= plan.warmup_most:
            times.warmup = len(seen)
            return seen[-1]


def _block(call: Call, repeats: int, clock: Clock) -> float:
    """Seconds a call; of short ones the mean of several in a row, behind one that refills the caches."""
    if repeats > 1:
        call()
    before = clock()
    for _ in range(repeats):
        call()
    return (clock() - before) / repeats


def _turned(names: Sequence[str], by: int) -> Sequence[str]:
    """Another goes first in each round: nobody always follows the same neighbour's heat."""
    at = by % len(names) if names else 0
    return [*names[at:], *names[:at]]
