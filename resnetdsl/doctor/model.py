"""What a look at the machine finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum


class Grade(Enum):
    OK = "ok"
    LACKING = "lacking"
    """Something is not here, and everything that does not need it works."""
    BROKEN = "broken"
    """Nothing can be compiled before this is mended."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for. `mend` is a line to type, or to the point; empty where nothing helps.

    `cost` says what does not work, or works worse, as things are. `data` is the same for programs.
    """

    name: str
    grade: Grade
    found: str
    cost: str = ""
    mend: str = ""
    data: Mapping[str, object] = field(default_factory=dict)


def healthy(findings: Sequence[Finding]) -> bool:
    """Whether networks can be compiled here."""
    return all(finding.grade is not Grade.BROKEN for finding in findings)
