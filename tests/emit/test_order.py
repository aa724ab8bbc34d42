"""`order`: the checkpoint lists weights as the spec asks, and nothing else changes."""

from __future__ import annotations

import pytest
import torch

from resnetdsl.api import load
from resnetdsl.ir.dump import dump
from resnetdsl.ir.dump import load as load_dump
from resnetdsl.network import Network
from tests.networks.comparing import promised, state

BLOCK = """
block unit(gate = none) {
    %s
    let asked = x -> global_avg_pool -> gate: conv(8, 1x1)
    residual { "norms.0": batch_norm -> conv1: conv(8, 3x3) -> "norms.1": batch_norm -> se: gate }
    y => y * asked
}
network n {
    input 3x8x8
    %s
    conv(8, 3x3) -> relu
    %s
}
"""


def network(block: str = "", top: str = "", body: str = "3 * unit") -> Network:
    return load(BLOCK % (block, top, body)).network()


def tops(keys: list[str], depth: int = 1) -> list[str]:
    return list(dict.fromkeys(".".join(key.split(".")[:depth]) for key in keys))


def made(net: Network) -> list[str]:
    """The keys of the emitted module, which are also those that the graph promises."""
    module = net.module()
    assert promised(net.checked) == state(module)
    assert dump(load_dump(dump(net.checked))) == dump(net.checked)
    return list(module.state_dict())


def test_order_of_use_without_it() -> None:
    assert tops(made(network())) == ["0", "2", "3", "4"]
    assert tops(made(network()), 2)[1:4] == ["2.gate", "2.norms", "2.conv1"]


def test_named_first_then_by_use() -> None:
    keys = made(network("order conv1, norms, se"))
    assert tops(keys, 2)[1:4] == ["2.conv1", "2.norms", "2.gate"]
    assert tops(keys) == ["0", "2", "3", "4"]


def test_positions_and_several_lines() -> None:
    net = network(top='order "4"', body='order "3", head\n3 * unit\nhead: unit\nlast: batch_norm')
    assert tops(made(net)) == ["4", "3", "head", "0", "2", "last"]


def test_a_label_with_dots_orders_each_part() -> None:
    keys = made(network('order "norms.1", gate'))
    assert tops(keys, 3)[1:4] == ["2.norms.1", "2.norms.0", "2.gate.weight"]


def test_templates_in_the_order() -> None:
    net = network(top="let i = 1\norder b{i}, b{i - 1}", body="b0: unit\nb1: unit")
    assert tops(made(net)) == ["b1", "b0", "0"]


def test_copies_of_a_chain_are_written_out_when_they_are_put_in_order() -> None:
    net = network(top="order c2", body="for i in 0..5 { c{i}: conv(8, 3x3) }")
    assert tops(made(net)) == ["c2", "0", "c0", "c1", "c3", "c4"]


def test_a_chain_that_is_put_in_order_keeps_its_computation() -> None:
    body = "a: { %s first: conv(8, 3x3) -> second: batch_norm -> third: conv(8, 1x1) }"
    plain, ordered = network(body=body % ""), network(body=body % "order third, second\n")
    assert tops(made(ordered), 2) == ["0.weight", "a.third", "a.second", "a.first"]
    ours, theirs = ordered.module().eval(), plain.module().eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    image = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(ours(image), theirs(image), rtol=0, atol=0)


def test_blocks_of_two_orders_are_two_classes() -> None:
    body = """
    a: { order third
         first: conv(8, 3x3) -> third: conv(8, 1x1) -> (y => y + y) }
    b: { first: conv(8, 3x3) -> third: conv(8, 1x1) -> (y => y + y) }
    """
    assert tops(made(network(body=body)), 2)[1:] == ["a.third", "a.first", "b.first", "b.third"]


def test_a_shared_layer_has_one_order() -> None:
    assert tops(made(network("order gate, conv1", body="let u = shared unit\nu -> u")), 2)[1:] == [
        "2.gate",
        "2.conv1",
        "2.norms",
    ]


def test_copies_in_a_handed_shortcut_follow_the_order() -> None:
    """Blocks that differ in a child alone share a class, which is handed that child."""
    text = """
    block b(width, stride = 1) {
        order downsample
        residual(downsample: projection) { conv1: conv(width, 3x3, stride = stride) -> bn1: batch_norm }
    }
    network n { input 3x16x16
        a: b(8)
        c: b(8)
        d: b(16, 2) }
    """
    keys = made(load(text).network())
    assert tops(keys, 2) == ["a.downsample", "a.conv1", "a.bn1", "c.conv1", "c.bn1", "d.downsample", "d.conv1", "d.bn1"]


@pytest.mark.parametrize("text", ['order ""', "order a.b", 'order "a b"', "order"])
def test_what_is_no_label_is_refused(text: str) -> None:
    report = load(BLOCK % ("", text, "3 * unit")).check()
    assert report.errors
