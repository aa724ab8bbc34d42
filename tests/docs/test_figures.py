"""The README's figures are those that the pages of measurements have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FIGURES = {
    "compiling ResNet-50": ("performance.md", r"\| resnet50 \| resnetdsl onednn \| (\S+ s) ", r"ResNet-50 in (\S+ s)"),
    "torch.compile on it": (
        "performance.md",
        r"\| resnet50 \| torch.compile \| (\S+ s) ",
        r"torch.compile`: (\S+ s)\)",
    ),
    "compiling 1001 layers": ("performance.md", r"\| preresnet1001 \| resnetdsl \w+ \| (\S+ s) ", r"layers in (\S+ s)"),
    "torch.compile on them": (
        "performance.md",
        r"\| preresnet1001 \| torch.compile \| (\S+ s) ",
        r"layers in .*?\((\S+ s)\)",
    ),
    "running ResNet-50": (
        "performance.md",
        r"\| resnetdsl auto \(\w+\) \| [^|]*\| (\S+) \|",
        r"(\S+) times as fast as eager",
    ),
    "checking": ("performance.md", r"\| warm \| (\S+ s) ", r"finds it in (\S+ s)"),
    "lines of spec": ("corpus.md", r"\| resnet \| .*? \| (\d+) \| \d+ \| `", r"are (\d+) lines of spec"),
    "lines of Python": ("corpus.md", r"\| resnet \| .*? \| \d+ \| (\d+) \| `", r"([\d,]+) lines of Python"),
    "networks of that file": ("corpus.md", r"\| resnet \| (\d+) \|", r"The (\d+) networks"),
    "networks of timm": ("corpus.md", r"and (\d+) are equal to timm's", r"of timm (\d+) networks"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_the_readme_is_what_was_measured(name: str) -> None:
    page, measured, told = FIGURES[name]
    there = re.search(measured, (ROOT / "docs" / page).read_text(encoding="utf-8"))
    here = re.search(told, (ROOT / "README.md").read_text(encoding="utf-8"))
    assert there is not None, f"docs/{page} has no figure for {name}"
    assert here is not None, f"the README does not tell {name}"
    assert here[1].replace(",", "") == there[1]
