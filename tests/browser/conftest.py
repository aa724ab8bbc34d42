"""A real Chromium for the tests of pages: the system's, driven by Playwright. Without one they are skipped.

It starts with no network of its own in the background, and each page keeps a log of its requests, its console and
its errors, which must be empty of anything that is not ours at the end of a test.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import resnetdsl
from resnetdsl.emit.outline import Level
from resnetdsl.emit.viewer import to_html

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_READY = "body[data-state=ready], body[data-state=asking]"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)


def chromium() -> str | None:
    """Where the system's Chromium is; RESNETDSL_CHROMIUM may say it."""
    names = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
    return os.environ.get("RESNETDSL_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    path = chromium()
    if path is None:
        pytest.skip("there is no Chromium on this machine (apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (pip install playwright)")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield started
        started.close()


@dataclass
class Tab:
    """A page with what happened in it."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(15_000)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))

    def open(self, address: str) -> Tab:
        self.page.goto(address)
        self.settle()
        return self

    def settle(self) -> None:
        """Wait until the drawing is the one that was asked for."""
        self.page.wait_for_selector(_READY)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.settle()

    def find(self, path: str, more: str = "") -> Any:
        return self.page.locator(f'.shown[data-path="{path}"]{more}')

    def paths(self, selector: str = ".shown:not(.trio):not(.merge)") -> list[str]:
        found: list[str] = self.page.locator(selector).evaluate_all("all => all.map(each => each.dataset.path)")
        return found

    def count(self, selector: str) -> int:
        return int(self.page.locator(selector).count())

    def focused(self) -> str:
        return str(self.page.locator(":focus").get_attribute("data-path"))

    def wait_for(self, selector: str) -> Any:
        return self.page.wait_for_selector(selector, state="attached")


@pytest.fixture
def new_tab(browser: Any) -> Iterator[Callable[..., Tab]]:
    """Opens tabs that must be without complaints at the end."""
    contexts: list[Any] = []
    tabs: list[Tab] = []

    def make(**options: object) -> Tab:
        size = {"width": 1300, "height": 860}
        usual = {"viewport": size, "color_scheme": "light", "reduced_motion": "reduce"}
        contexts.append(browser.new_context(**{**usual, **options}))
        tabs.append(Tab(contexts[-1].new_page()))
        return tabs[-1]

    yield make
    for context in contexts:
        context.close()
    assert [complaint for tab in tabs for complaint in tab.complaints] == []


@pytest.fixture(scope="session")
def file_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """The address of the page of a shipped network, as a file."""
    folder = tmp_path_factory.mktemp("pages")

    def write(name: str, level: Level = Level.STAGE) -> str:
        path = folder / f"{name}-{level.value}.html"
        if not path.exists():
            path.write_text(to_html(resnetdsl.load(name).network(name).checked, level), encoding="utf-8")
        return path.as_uri()

    return write
