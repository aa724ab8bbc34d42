"""From an elaborated network to a checked one: the only maker of `CheckedGraph`."""

from __future__ import annotations

from resnetdsl.checks import (
    activation_after_addition,
    bias_before_norm,
    dead,
    deep_plain,
    no_zero_init,
    norm_after_addition,
    promises,
    ranges,
    scaled_shortcut,
    single_layer_residual,
    slow_channels,
    strided_pointwise,
)
from resnetdsl.checks.anatomy import Anatomy, Lint
from resnetdsl.checks.base import Rule
from resnetdsl.elaborate.network import Elaborated
from resnetdsl.ir.graph import CheckedGraph

ERRORS: tuple[Rule, ...] = (promises.check,)
LINTS: tuple[Rule, ...] = (dead.check,)
LITERATURE: tuple[Lint, ...] = (
    single_layer_residual.check,
    activation_after_addition.check,
    scaled_shortcut.check,
    strided_pointwise.check,
    deep_plain.check,
    bias_before_norm.check,
    norm_after_addition.check,
    no_zero_init.check,
    slow_channels.check,
)


def check(network: Elaborated, again: ranges.Again, *, as_written: bool = True) -> CheckedGraph | None:
    """Run all rules on a network; its graph if nothing is wrong with it.

    `as_written` is False for a network whose parameters or input were overridden: what the spec promises
    of itself is not promised of that.
    """
    sink = network.run.sink
    if not network.complete or sink.has_errors:
        return None
    ranges.check(network, again)
    if as_written:
        for rule in ERRORS:
            rule(network)
    for lint in LINTS:
        lint(network)
    anatomy = Anatomy(network)
    for known in LITERATURE:
        known(anatomy)
    return None if network.run.sink.has_errors else CheckedGraph(network.graph)
