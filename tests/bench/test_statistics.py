"""What is concluded from times, on times that are made up: floors, tails, drifts and outliers."""

from __future__ import annotations

import random
import statistics

import pytest

from resnetdsl.bench.interleave import Plan, measure
from resnetdsl.bench.statistics import differs, quantile, ratios, settled, spread


def noisy(level: float, count: int, seed: int = 0) -> list[float]:
    """A floor with a long tail above it, as times have."""
    source = random.Random(seed)
    return [level * (1 + 0.02 * source.expovariate(1)) for _ in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 10, 101])
def test_quantiles_are_those_of_the_standard_library(count: int) -> None:
    values = noisy(1.0, count)
    found = spread(values)
    assert found.median == pytest.approx(statistics.median(values))
    assert found.least == min(values)
    if count > 1:
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
        assert (found.low, found.high) == pytest.approx((low, high))


def test_a_quantile_lies_between_two_values() -> None:
    assert quantile([1.0, 2.0], 0.25) == 1.25
    assert quantile([3.0], 0.75) == 3.0


def test_outliers_move_nothing() -> None:
    quiet = noisy(1.0, 41)
    disturbed = [*quiet[:-8], *(value * 50 for value in quiet[-8:])]
    assert spread(disturbed).median == pytest.approx(spread(quiet).median, rel=0.02)
    assert statistics.mean(disturbed) > 5


def test_nothing_has_no_spread() -> None:
    with pytest.raises(ValueError, match="nothing"):
        spread([])


def test_ratios_see_through_a_machine_that_slows_down() -> None:
    """The machine gets three times as slow while two contestants are measured; one is twice as fast throughout."""
    pace = [1 + round_ / 20 for round_ in range(41)]
    slow = [2.0 * p for p in pace]
    fast = [1.0 * p for p in pace]
    found = ratios(fast, slow)
    assert (found.median, found.low, found.high) == pytest.approx((2, 2, 2))
    assert spread(slow).relative > 0.4
    with pytest.raises(ValueError, match="rounds"):
        ratios([1.0], [1.0, 2.0])


def test_settled() -> None:
    assert settled(noisy(1.0, 10))
    assert not settled(noisy(1.0, 9))  # too few to tell
    assert not settled([2.0 - 0.1 * at for at in range(10)])  # still falling
    assert settled([9.0, 5.0, 3.0, *noisy(1.0, 10)])
    assert not settled([1.0] * 5 + [1.2] * 5)


def test_differs() -> None:
    assert differs(spread(noisy(1.0, 20)), spread(noisy(1.2, 20)))
    assert not differs(spread(noisy(1.0, 20, 1)), spread(noisy(1.0, 20, 2)))


class World:
    """A clock that stands still but for the calls and pauses in it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[str] = []
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def call(self, name: str, seconds: float, first: float | None = None) -> object:
        waiting = [] if first is None else [first]

        def run() -> None:
            self.calls.append(name)
            self.now += waiting.pop() if waiting else seconds

        return run


def run(world: World, plan: Plan, **calls: object) -> dict[str, list[float]]:
    found = measure(calls, plan, clock=world.clock, sleep=world.sleep)  # type: ignore[arg-type]
    return {name: times.rounds for name, times in found.items()}


def test_rounds_are_taken_in_turns() -> None:
    world = World()
    found = run(world, Plan(seconds=0, least=3), a=world.call("a", 1.0), b=world.call("b", 2.0))
    assert found["a"] == pytest.approx([1.0] * 3)
    assert found["b"] == pytest.approx([2.0] * 3)
    assert "".join(world.calls[-6:]) == "ab" + "ba" + "ab"


def test_nobody_is_measured_while_threads_of_another_spin(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    pauses: list[float] = []
    spun = [0.0]

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        spun[0] += seconds if len(pauses) % 7 else 0.0  # a core is busy for six pauses behind each call

    monkeypatch.setattr("time.process_time", lambda: spun[0])
    measure(
        {"a": world.call("a", 1.0), "b": world.call("b", 1.0)}, Plan(seconds=0, least=2), clock=world.clock, sleep=sleep
    )
    assert len(pauses) == 4 * 7


def test_a_slow_first_call_is_warm_up() -> None:
    world = World()
    assert run(world, Plan(seconds=0, least=2), a=world.call("a", 0.5, first=60.0)) == {"a": [0.5, 0.5]}


def test_short_calls_are_repeated_within_a_measurement() -> None:
    world = World()
    (rounds,) = run(world, Plan(seconds=0, least=2), a=world.call("a", 0.001)).values()
    assert rounds == pytest.approx([0.001, 0.001])
    assert len(world.calls) == 10 + 2 * (1 + 50)


def test_measuring_ends_when_the_time_is_over() -> None:
    world = World()
    (rounds,) = run(world, Plan(seconds=10, least=2), a=world.call("a", 1.0)).values()
    assert len(rounds) == 10
    world = World()
    (rounds,) = run(world, Plan(seconds=1000, most=7), a=world.call("a", 1.0)).values()
    assert len(rounds) == 7


def test_a_warm_up_that_never_settles_ends() -> None:
    world = World()
    falling = iter(range(10_000))

    def run_falling() -> None:
        world.now += 1.0 / (1 + next(falling)) + 0.2

    times = measure(
        {"a": run_falling}, Plan(seconds=0, least=1, warmup_seconds=2.0), clock=world.clock, sleep=world.sleep
    )
    assert not times["a"].settled
    assert times["a"].warmup < 10
