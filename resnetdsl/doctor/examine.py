"""The whole examination, in the order in which it is told."""

from __future__ import annotations

from resnetdsl.doctor import machine, software
from resnetdsl.doctor.caches import caches
from resnetdsl.doctor.model import Finding
from resnetdsl.doctor.probe import ask


def examine() -> list[Finding]:
    """Everything that there is to find; takes as long as the slowest import."""
    answers = ask(software.probes())
    return [
        machine.python(),
        machine.processor(),
        machine.memory(),
        machine.disk(),
        *caches(),
        *software.torch(answers),
        software.compiler(),
        *software.cuda(answers),
        *software.engines(answers),
        *software.graphviz(),
        software.peers(),
    ]
