"""The display of long work: on a terminal, in a log, and left behind in order."""

from __future__ import annotations

import io
import sys

import pytest

from resnetdsl.cli.progress import Progress
from resnetdsl.compile.progress import count, counting


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def logged(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_log_has_a_line_for_each_phase(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(sys.stderr, live=False, clock=clock) as progress:
        progress.phase("exporting")
        clock.now += 2
        progress.phase("compiling")
    assert logged(capsys) == ["[   0.0 s] exporting", "[   2.0 s] compiling"]


def test_a_log_is_not_flooded_with_counts(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(sys.stderr, live=False, clock=clock) as progress:
        progress.phase("compiling")
        for done in range(1, 101):
            clock.now += 0.1 + 1e-9
            progress.count(done, 100, "regions")
    assert logged(capsys) == [
        "[   0.0 s] compiling",
        "[   5.0 s] compiling: 50 of 100 regions",
        "[  10.0 s] compiling: 100 of 100 regions",
    ]


def test_a_count_of_nobody_knows_how_many(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(sys.stderr, live=False, clock=clock) as progress:
        progress.phase("compiling")
        clock.now += 6
        progress.count(3, None, "kernels")
    assert logged(capsys)[1] == "[   6.0 s] compiling: 3 kernels"


def test_quiet_says_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    for live in (True, False):
        with Progress(stream, live=live, quiet=True, clock=clock) as progress:
            progress.phase("compiling")
            progress.count(1, 2, "regions")
    assert (logged(capsys), stream.getvalue()) == ([], "")


def screen(text: str) -> list[str]:
    """What a terminal shows after this: a carriage return goes back, and `ESC [ 2 K` clears the line."""
    lines = [""]
    for part in text.replace("\r\x1b[2K", "\0").split("\n"):
        lines[-1] = part.rsplit("\0", 1)[-1]
        lines.append("")
    return lines[:-1]


def test_a_terminal_keeps_a_line_for_each_phase(clock: Clock) -> None:
    stream = io.StringIO()
    with Progress(stream, live=True, clock=clock) as progress:
        progress.phase("exporting")
        clock.now += 2
        progress.phase("compiling")
        clock.now += 30
        progress.count(3, 11, "regions")
        assert screen(stream.getvalue())[-1] == "> compiling                30.0 s  3 of 11 regions"
        clock.now += 1
        progress.count(11, 11, "regions")
    assert screen(stream.getvalue()) == [
        "  exporting                 2.0 s",
        "  compiling                31.0 s  11 of 11 regions",
        "",
    ]


def test_after_ctrl_c_the_line_is_clear(clock: Clock) -> None:
    stream = io.StringIO()
    with pytest.raises(KeyboardInterrupt), Progress(stream, live=True, clock=clock) as progress:
        progress.phase("compiling")
        raise KeyboardInterrupt
    assert screen(stream.getvalue())[-1] == ""


def test_names_cannot_steer_the_terminal(clock: Clock) -> None:
    stream = io.StringIO()
    with Progress(stream, live=True, clock=clock) as progress:
        progress.phase("comp\x1b]0;iling")
        progress.count(1, 2, "reg\rions")
    assert "\x1b]" not in stream.getvalue()
    assert "reg\rions" not in stream.getvalue()


def test_a_closed_terminal_stops_the_display_and_not_the_work() -> None:
    stream = io.StringIO()
    with Progress(stream, live=True) as progress:
        stream.close()
        progress.phase("compiling")
        progress.count(1, 2, "regions")


def test_counts_come_from_anywhere_below() -> None:
    heard: list[tuple[int, int | None, str]] = []
    count(1, 2, "nobody listens")
    with counting(lambda *said: heard.append(said)):
        count(2, 3, "regions")
    count(3, 3, "nobody listens")
    assert heard == [(2, 3, "regions")]
