"""From an elaborated network to a checked one: the only maker of `CheckedGraph`."""

from __future__ import annotations

from resnetdsl.checks import dead, promises, ranges
from resnetdsl.checks.base import Rule
from resnetdsl.elaborate.network import Elaborated
from resnetdsl.ir.graph import CheckedGraph

ERRORS: tuple[Rule, ...] = (promises.check,)
LINTS: tuple[Rule, ...] = (dead.check,)


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
    return None if sink.has_errors else CheckedGraph(network.graph)
