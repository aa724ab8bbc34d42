"""Targets: YAML files that say what a network is compiled for. No torch here."""

from resnetdsl.compile.targets.find import find_target, shipped_targets
from resnetdsl.compile.targets.model import Target, TargetError

__all__ = ["Target", "TargetError", "find_target", "shipped_targets"]
