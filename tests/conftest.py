"""Options of the whole suite."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # A worker has one core: with more threads each, those of all wait for each other at every layer.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled code of a user's cache is no test's business, nor the other way round."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "RESNETDSL_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True, scope="session")
def ctrl_c() -> None:
    """A shell starts what runs in the background with SIGINT ignored, and so would all that the tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--bless", action="store_true", help="write the expected renderings anew (never the markers in the specs)"
    )
