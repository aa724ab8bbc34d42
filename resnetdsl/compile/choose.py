"""`--backend auto`: every engine that is here makes the network, and the fastest that agrees with eager stays.

All that make it within seconds are tried; none is guessed at. One that compiles for longer is tried where none of
those can serve, as on a GPU. Where one alone can be used there is nothing to measure.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import torch

from resnetdsl.compile.engines.base import Engine, Progress, Runner, Setting
from resnetdsl.compile.engines.registry import ALL, unfit
from resnetdsl.compile.errors import CompileError, Problem, first_line
from resnetdsl.compile.make import Made
from resnetdsl.compile.memory import is_lack_of_memory
from resnetdsl.compile.metadata import Trial
from resnetdsl.compile.options import Mode
from resnetdsl.compile.progress import count

_SECONDS = 3.0
"""How long all engines together are measured, about; and then again those that are near the fastest."""

_NEAR = 1.1
"""Times as slow as the fastest so far: of those that are not slower, chance may have made the order."""

_MOST_ROUNDS = 40
_FEWEST_ROUNDS = 3

_PAUSE = 0.003
"""Seconds before a turn: threads of the engine before it spin for a moment, waiting for more work."""


Attempt = Callable[[Engine, Progress], Made]


def choose(
    name: str, setting: Setting, attempt: Attempt, progress: Progress, engines: Sequence[Engine] = ALL
) -> tuple[Engine, Made, tuple[Trial, ...]]:
    """The engine, what it made, and how all fared. A `CompileError` where none can be used or none agrees.

    `attempt` makes the network called `name` with an engine. The setting's layout is the one that is asked for.
    """
    made: dict[str, Made] = {}
    entered, failed = entrants(setting, engines)
    for each in entered:
        try:
            made[each.name] = attempt(each, _named(each.name, progress))
        except CompileError as error:
            if error.problem in {Problem.NO_SPACE, Problem.CANNOT_WRITE}:  # the next would fare no better
                raise
            failed[each.name] = f"{error.message}; {error.help}" if error.help else error.message
        except Exception as error:  # whatever a library does, the others may serve
            if is_lack_of_memory(error):
                raise
            failed[each.name] = f"it failed: {type(error).__name__}: {first_line(error)}"
    if not made:
        raise _none(name, setting, failed)
    shape = shape_to_time(setting)
    times: Mapping[str, float] = {}
    if len(made) > 1:
        progress("measuring")
        x = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(setting.torch_device, setting.dtype)
        times = measure({key: _call(each.runner, x) for key, each in made.items()})
    best = min(made, key=lambda key: times.get(key, 0.0))
    trials = tuple(
        Trial(
            each.name,
            shape if each.name in times else (),
            times.get(each.name, 0.0),
            failed.get(each.name, ""),
            made[each.name].opened if each.name in made else 0.0,
        )
        for each in engines
    )
    return next(each for each in engines if each.name == best), made[best], trials


def check_served(name: str, setting: Setting) -> None:
    """Refuse, before any work, what no engine here can serve."""
    entered, failed = entrants(setting)
    if not entered:
        raise _none(name, setting, failed)


def _none(name: str, setting: Setting, failed: Mapping[str, str]) -> CompileError:
    reasons = "\n".join(f"  {each}: {why}" for each, why in failed.items())
    return CompileError(
        Problem.NO_ENGINE,
        f"no engine can make `{name}` for {setting.device} in {setting.precision.value}\n{reasons}",
        "pip install 'resnetdsl[engines]', or another `--device` or `--dtype`",
    )


def entrants(setting: Setting, engines: Sequence[Engine] = ALL) -> tuple[list[Engine], dict[str, str]]:
    """The engines to try, and why each of the others is not."""
    lacks = {each.name: unfit(each, setting.device, setting.precision, setting.layout) for each in engines}
    usable = [each for each in engines if lacks[each.name] is None]
    entered = [each for each in usable if each.quick] or usable
    reasons = {name: lack for name, lack in lacks.items() if lack is not None}
    reasons |= {each.name: _SLOW.format(each.name) for each in usable if each not in entered}
    return entered, reasons


_SLOW = "it compiles code, which takes ten seconds and longer, so that it is not tried unasked: `--backend {}`"


def shape_to_time(setting: Setting) -> tuple[int, ...]:
    """What to measure with: the smallest input where one request is to be fast, else the largest that can be run."""
    shapes = setting.input.to_verify()
    return shapes[0] if setting.mode is Mode.LATENCY else shapes[-1]


def measure(calls: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """The median seconds of each call. They take turns, so that what else the machine does hits all alike.

    Those near the fastest have as much time once more, among themselves: to tell 2 % apart takes many rounds.
    """
    found: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    _take_turns(calls, found)
    medians = {name: statistics.median(times) for name, times in found.items()}
    near = {name: calls[name] for name, median in medians.items() if median <= _NEAR * min(medians.values())}
    if len(near) > 1:
        _take_turns(near, found)
    return {name: statistics.median(times) for name, times in found.items()}


def _take_turns(calls: Mapping[str, Callable[[], object]], found: Mapping[str, list[float]]) -> None:
    """Add to the seconds found of each call."""
    once = sum(_timed(call) for call in calls.values())
    rounds = min(_MOST_ROUNDS, max(_FEWEST_ROUNDS, int(_SECONDS / max(2 * once, 1e-9))))
    for done in range(rounds):
        for name, call in calls.items():
            time.sleep(_PAUSE)
            call()  # wakes its threads and fills the processor's caches
            found[name].append(_timed(call))
        count(done + 1, rounds, "rounds")


def _named(name: str, progress: Progress) -> Progress:
    """Phases with the engine's name before them."""
    return lambda phase: progress(f"{name}: {phase}")


def _timed(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _call(runner: Runner, x: torch.Tensor) -> Callable[[], object]:
    def call() -> object:
        with torch.no_grad():
            results = runner.run([x])
        if x.is_cuda:
            torch.cuda.synchronize()
        return results

    return call
