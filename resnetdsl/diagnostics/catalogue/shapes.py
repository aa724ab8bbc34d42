"""E03xx: tensors whose shapes do not go together, and ops that cannot take what they get."""

from __future__ import annotations

from resnetdsl.diagnostics.catalogue.sizes import SIZES
from resnetdsl.diagnostics.model import Code

JOINTS = (
    Code(
        id="E0301",
        name="branch-mismatch",
        title="the branches of this residual do not match",
        label="the shortcut carries {shortcut}",
        roles={"main": "the residual branch ends as {main}", "shortcut": "the shortcut starts here"},
        helps=("{fix}",),
        fields=("what", "main", "shortcut", "fix", "found", "suggestion"),
        explanation="""
            A residual adds two tensors, the output of its body and that of its shortcut, and a sum needs equal
            shapes. The body has changed the channels or the size, and the shortcut has not followed.

            A shortcut is told its target, so most of them adapt: `projection` is an identity where the shapes agree
            and a strided 1x1 convolution where they do not (option B of He et al. 2015, section 3.3), `zero_padded`
            subsamples and fills the missing channels with zeros (option A). `identity` never adapts. If no change of
            shape was meant, look at the strides, the widths and the padding of the body.
            """,
        bad="""
            network tiny {
                input 16x32x32
                residual(identity) {
                    conv(32, 3x3) -> batch_norm -> relu
                    conv(32, 3x3) -> batch_norm
                }
            }
            """,
        good="""
            network tiny {
                input 16x32x32
                residual(projection) {
                    conv(32, 3x3) -> batch_norm -> relu
                    conv(32, 3x3) -> batch_norm
                }
            }
            """,
    ),
    Code(
        id="E0302",
        name="merge-mismatch",
        title="the operands of `{op}` do not match",
        label="{left} meets {right}",
        roles={"left": "this side is {left}", "right": "this side is {right}"},
        helps=("they differ in {axis}",),
        fields=("op", "left", "right", "axis"),
        explanation="""
            Arithmetic on two tensors needs equal shapes, except that a size of 1 is repeated as often as needed, as
            in PyTorch: a 64x1x1 gate multiplies a 64x56x56 image. `concat` joins along the channels and needs all
            other sizes to be equal.
            """,
        bad="""
            network tiny {
                input 16x32x32
                let a = x -> conv(16, 3x3)
                let b = x -> conv(24, 3x3)
                a + b
            }
            """,
        good="""
            network tiny {
                input 16x32x32
                let a = x -> conv(16, 3x3)
                let b = x -> conv(24, 3x3)
                concat(a, b)
            }
            """,
    ),
    Code(
        id="E0306",
        name="wrong-layout",
        title="this tensor has the wrong layout",
        label="{op} takes {wanted}, and gets {got}",
        fields=("op", "wanted", "got"),
        explanation="""
            Each axis of a tensor has a meaning: channels, height and width of an image (`chw`), tokens and channels
            of a sequence (`nc`), channels alone after `flatten` (`c`). An op that works on images cannot work on a
            flat vector, whatever its length. `tokens`, `flatten`, `reshape` and `permute` go from one layout to
            another.
            """,
        bad="""
            network tiny {
                input 3x32x32
                flatten
                conv(16, 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16, 3x3)
                flatten
            }
            """,
    ),
    Code(
        id="E0307",
        name="linear-on-image",
        title="`linear` cannot take an image",
        label="it gets {shape}, an image with height and width",
        helps=(
            "put `global_avg_pool` in front, as residual networks do, or `flatten`",
            "a 1x1 `conv` mixes the channels of each pixel",
        ),
        fields=("shape",),
        explanation="""
            `linear` works on the channels of a vector. In front of it an image is reduced to one pixel
            (`global_avg_pool`; a Cx1x1 image is taken as a vector of C) or laid out as one long vector (`flatten`),
            which binds the weights to one input size. PyTorch would apply `nn.Linear` to the last axis, the width,
            which is hardly ever meant.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(16, 3x3)
                linear(10)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16, 3x3)
                global_avg_pool
                linear(10)
            }
            """,
    ),
    Code(
        id="E0310",
        name="split-does-not-add-up",
        title="the parts of this split do not add up",
        label="{sizes:plain} do not make {total}",
        helps=("they must add up to the {total} {axis} there are",),
        fields=("sizes", "total", "axis"),
        explanation="""
            `split` cuts a tensor into consecutive parts, and every element belongs to exactly one of them. A number
            of parts must divide the axis; a list of sizes must sum to it.
            """,
        bad="""
            network tiny {
                input 16x32x32
                let a, b = x -> split([8, 4])
                concat(b, a)
            }
            """,
        good="""
            network tiny {
                input 16x32x32
                let a, b = x -> split([8, 8])
                concat(b, a)
            }
            """,
    ),
    Code(
        id="E0311",
        name="slice-out-of-range",
        title="this slice goes beyond the tensor",
        label="{start}..{stop} of {size}",
        helps=("it may go from 0 to {size}",),
        fields=("start", "stop", "size"),
        explanation="""
            A slice `x[a..b]` takes the channels from `a` up to `b`, that excluded. Unlike Python, a slice that
            reaches beyond the end is an error: a network that is silently narrower than it says would be worse.
            """,
        bad="""
            network tiny {
                input 16x32x32
                x[8..24]
            }
            """,
        good="""
            network tiny {
                input 16x32x32
                x[8..16]
            }
            """,
    ),
    Code(
        id="E0312",
        name="reshape-mismatch",
        title="a reshape cannot change the number of elements",
        label="{from_shape} has {have:# element}, {to_shape} has {want}",
        fields=("from_shape", "to_shape", "have", "want"),
        explanation="""
            `reshape` gives the same elements another shape, so both shapes must hold equally many. The batch is not
            part of either.
            """,
        bad="""
            network tiny {
                input 16x4x4
                reshape([16, 15], "nc")
            }
            """,
        good="""
            network tiny {
                input 16x4x4
                reshape([16, 16], "nc")
            }
            """,
    ),
    Code(
        id="E0313",
        name="matmul-mismatch",
        title="these matrices cannot be multiplied",
        label="{left} times {right}",
        roles={"left": "this is {left}", "right": "this is {right}"},
        helps=("the last size of the left must be the last but one of the right (with `transpose = true`, the last)",),
        fields=("left", "right"),
        explanation="""
            A product of matrices sums over the columns of the left and the rows of the right, so there must be
            equally many. Sizes in front of these two are batches and must agree, or be 1.
            """,
        bad="""
            network tiny {
                input 16x4x8
                (x, x) -> matmul
            }
            """,
        good="""
            network tiny {
                input 16x4x8
                (x, x) -> matmul(transpose = true)
            }
            """,
    ),
    Code(
        id="E0314",
        name="shared-input-mismatch",
        title="shared weights cannot serve two shapes",
        label="made for {first:plain}, and used on {now:plain}",
        roles={"first": "first used here"},
        helps=("without `shared`, each use gets weights of its own",),
        fields=("first", "now"),
        explanation="""
            `shared layer` makes one set of weights for all its uses. What a weight's shape depends on, usually the
            number of input channels, must therefore be the same at each use; height and width may differ.
            """,
        bad="""
            network tiny {
                input 8x32x32
                let mix = shared conv(16, 3x3)
                mix -> mix
            }
            """,
        good="""
            network tiny {
                input 16x32x32
                let mix = shared conv(16, 3x3)
                mix -> mix
            }
            """,
    ),
    Code(
        id="E0317",
        name="bad-combination",
        title="these arguments do not go together",
        label="{reason}",
        fields=("reason",),
        explanation="""
            Each argument is fine alone, but together they contradict each other or leave something open.
            """,
        bad="""
            network tiny {
                input 3x32x32
                upsample(scale = 2, size = [48, 48])
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                upsample(size = [48, 48])
            }
            """,
    ),
)

CODES = tuple(sorted((*JOINTS, *SIZES), key=lambda code: code.id))
