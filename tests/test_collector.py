"""Within `seldom` garbage is seldom looked for, and afterwards as often as before, whoever leaves last."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

import resnetdsl
from resnetdsl.collector import seldom

MINE = (321, 7, 5)


@pytest.fixture(autouse=True)
def threshold() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*MINE)
    yield
    gc.set_threshold(*before)


def test_it_is_restored() -> None:
    with seldom:
        assert gc.get_threshold()[0] > 10 * MINE[0]
    assert gc.get_threshold() == MINE


def test_it_is_restored_after_a_failure() -> None:
    with pytest.raises(resnetdsl.SpecError):
        resnetdsl.load("network n { input 3x8x8 conv(3, nonsense) }").network("n")
    assert gc.get_threshold() == MINE


def test_the_last_of_several_threads_restores_it() -> None:
    entered, left = Barrier(2), Barrier(2)

    def first() -> None:
        with seldom:
            entered.wait()
        left.wait()

    def second() -> tuple[int, int, int]:
        with seldom:
            entered.wait()
            left.wait()
            return gc.get_threshold()

    with ThreadPoolExecutor() as pool:
        pool.submit(first)
        assert pool.submit(second).result(timeout=60)[0] > 10 * MINE[0]
    assert gc.get_threshold() == MINE
