"""E06xx: what a spec promises of itself and does not keep."""

from __future__ import annotations

from resnetdsl.diagnostics.model import Code

CODES = (
    Code(
        id="E0601",
        name="expectation-failed",
        title="`{metric}` is not what is expected",
        label="it is {actual:number}, not `{op} {expected:number}`",
        helps=("that is {difference}",),
        fields=("metric", "op", "expected", "actual", "difference"),
        explanation="""
            An `expect` line states a property of the network, mostly a published count, and the network as written
            has another. Either the spec departs from the paper, or the count is of another variant.

            A number with a suffix (`4.1G`) stands for everything that rounds to it. `macs` counts
            multiply-accumulates of convolutions and matrix products; some papers call these FLOPs, others count two
            FLOPs for each.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(16, 3x3)
                expect params == 448
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16, 3x3, bias = true)
                expect params == 448
            }
            """,
    ),
    Code(
        id="E0602",
        name="breaks-in-range",
        title="this breaks inside the range of the input",
        label="with an input of {size:size}: {reason}",
        helps=("narrow the range or raise its step, or make the layer independent of the size",),
        fields=("size", "reason"),
        explanation="""
            A dimension of the input that is given as a range, `64..512 step 32`, promises that the spec holds for
            every size in it. The sizes are tried while checking, and this one fails. Sums of a branch that was
            reduced and enlarged again fail where a size is odd.
            """,
        bad="""
            network tiny {
                input 3, 4..16 step 4, 4..16 step 4
                conv(16, 7x7, pad = 0)
            }
            """,
        good="""
            network tiny {
                input 3, 8..16 step 4, 8..16 step 4
                conv(16, 7x7, pad = 0)
            }
            """,
    ),
    Code(
        id="E0603",
        name="weights-change-with-size",
        title="the weights of `{path}` depend on the size of the input",
        label="{first} at one size, {second} with an input of {size:size}",
        helps=("`global_avg_pool` in front of it makes it independent of the size",),
        fields=("path", "first", "second", "size"),
        explanation="""
            A network has one set of weights for every input size it promises. Here the shape of a weight is worked
            out from the height or width of a tensor, so each size would need weights of its own and a checkpoint
            could serve one size only.
            """,
        bad="""
            network tiny {
                input 3, 16..32 step 16, 16..32 step 16
                conv(16, 3x3)
                flatten -> linear(16)
            }
            """,
        good="""
            network tiny {
                input 3, 16..32 step 16, 16..32 step 16
                conv(16, 3x3)
                global_avg_pool -> linear(16)
            }
            """,
    ),
    Code(
        id="E0604",
        name="range-too-large",
        title="these ranges hold too many sizes to check",
        label="{sizes:number} sizes, and {limit:number} can be checked",
        helps=("a larger `step` promises less, and is usually what is meant: `64..512 step 32`",),
        fields=("sizes", "limit"),
        explanation="""
            A range in `input` is a promise about every size in it, and the promise is checked. Height and width that
            vary independently multiply.
            """,
        bad="""
            network tiny {
                input 3, 8..1_000_000, 8..1_000_000
                conv(16, 3x3)
            }
            """,
        good="""
            network tiny {
                input 3, 8..32 step 8, 8..32 step 8
                conv(16, 3x3)
            }
            """,
    ),
    Code(
        id="E0605",
        name="bad-range",
        title="this range is not possible",
        label="{reason}",
        helps=("write it as `low..high step n`",),
        fields=("low", "high", "step", "reason"),
        explanation="""
            A range in `input` includes both ends, so the way from the lower to the upper must be a whole number of
            steps, both must be positive, and the upper may not lie below the lower.
            """,
        bad="""
            network tiny {
                input 3, 64..32 step 8, 32
                conv(16, 3x3)
            }
            """,
        good="""
            network tiny {
                input 3, 32..64 step 8, 32
                conv(16, 3x3)
            }
            """,
    ),
    Code(
        id="E0606",
        name="structure-changes-with-size",
        title="the network has other layers at other sizes",
        label="it is another network with an input of {size:size}",
        helps=("decide by channels or by `stride`, which do not depend on the input's size",),
        fields=("size",),
        explanation="""
            A decision while elaborating depends on the height or width of a tensor, and comes out differently inside
            the range that `input` promises. One compiled artifact cannot be two networks. Library shortcuts decide by
            stride and channels for this reason.
            """,
        bad="""
            network tiny {
                input 3, 16..32 step 16, 16..32 step 16
                conv(16, 3x3)
                if x.height > 20 { max_pool(2x2) }
            }
            """,
        good="""
            network tiny {
                input 3, 16..32 step 16, 16..32 step 16
                conv(16, 3x3)
                if x.channels > 8 { max_pool(2x2) }
            }
            """,
    ),
    Code(
        id="E0607",
        name="no-such-feature",
        title="`{name}` has no feature of stride {stride}",
        label="asked for here",
        helps=("it has features of stride {has:and}",),
        fields=("name", "stride", "has"),
        explanation="""
            `taps` gives the last tensor of each stride that a network's stem and stages come to, without the head.
            Strides are those that the spec says, whatever `output_stride` makes of them. A network whose stem goes to
            stride 4 at once has no tensor of stride 2.
            """,
        bad="""
            network tiny {
                input 3x32x32
                stem { conv(16, 3x3, stride = 2) }
                head { classifier(10) }
            }

            network backbone = tiny(taps = [2, 4])
            """,
        good="""
            network tiny {
                input 3x32x32
                stem { conv(16, 3x3, stride = 2) }
                head { classifier(10) }
            }

            network backbone = tiny(taps = [2])
            """,
    ),
)
