"""One slip of the keyboard is one message, and it is told where the slip is."""

from __future__ import annotations

import pytest

from resnetdsl.diagnostics.model import Diagnostic
from tests.soundness.slips import slips

TEXT = """\
## A network of one's own.
block unit(width, stride = 1, act = relu, shortcut = projection) {
    residual(downsample: shortcut) {
        conv1: conv(width, 3x3, stride = stride) -> bn1: batch_norm -> act
        conv2: conv(width, 3x3) -> bn2: batch_norm
    }
    act
}

block gate(reduction = 16) {
    let hidden = max(x.channels // reduction, 8)
    identity * (global_avg_pool -> fc1: conv(hidden, 1x1) -> relu -> fc2: conv(x.channels, 1x1) -> sigmoid)
}

let widths = [16, 32, 64]

network small(depths = [2, 2, 2], classes = 10, gated = true) {
    input 3x32x32

    stem { conv1: conv(16, 3x3) -> bn1: batch_norm -> relu }
    for i, n in depths {
        stage layer{i + 1}: n * unit(widths[i], stride = 2 if first and i > 0 else 1)
        if gated { gate(8) }
        else { identity }
    }
    let pre = here -> relu
    pre + (pre -> conv(64, 1x1) -> batch_norm -> relu -> conv(64, 1x1))
    head {
        global_avg_pool
        fc: linear(classes)
    }
}

network deep = small([3, 3, 3]) { expect output == 10 }
"""


def lines(found: Diagnostic) -> list[int]:
    """The lines that a message points at."""
    return [label.span.line for label in (found.primary, *found.secondary)]


@pytest.mark.parametrize("seeds", [range(250), pytest.param(range(250, 5000), marks=pytest.mark.slow)])
def test_a_slip_is_one_message_where_it_is(seeds: range) -> None:
    """Not each of them can be: two tokens that changed places are two mistakes, and a name has uses far away."""
    told = [(made, errors) for made, errors in slips(TEXT, seeds) if errors]
    assert len(told) > len(seeds) * 0.9
    several = [made for made, errors in told if len(errors) > 1 and made.kind != "swap"]
    assert len(several) <= len(told) * 0.02, [(made.line, made.kind) for made in several]
    assert max(len(errors) for _, errors in told) <= 4
    far = [made for made, errors in told if all(abs(line - made.line) > 1 for each in errors for line in lines(each))]
    assert len(far) <= len(told) * 0.03, [(made.line, made.kind) for made in far]
