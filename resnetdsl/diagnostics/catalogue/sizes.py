"""The half of E03xx about the sizes of one tensor: what divides, what fits, what is left."""

from __future__ import annotations

from resnetdsl.diagnostics.model import Code

SIZES = (
    Code(
        id="E0303",
        name="groups-do-not-divide",
        title="the groups do not divide the {which} channels",
        label="{channels} channels in {groups:# group}",
        fields=("channels", "groups", "which"),
        explanation="""
            A grouped convolution cuts its input channels and its output channels into equally many equal parts, so
            the number of groups must divide both; a group norm cuts what it normalises. A depthwise convolution has
            as many groups as input channels: `groups = x.channels`.
            """,
        bad="""
            network tiny {
                input 16x32x32
                conv(32, 3x3, groups = 3)
            }
            """,
        good="""
            network tiny {
                input 16x32x32
                conv(32, 3x3, groups = 4)
            }
            """,
    ),
    Code(
        id="E0304",
        name="kernel-larger-than-input",
        title="the kernel is larger than what it slides over",
        label="kernel {kernel:size} over {axis} {size:size}, padding included",
        helps=("{hint}", "reduce less before it, take a larger input, or pad"),
        fields=("kernel", "size", "axis", "hint"),
        explanation="""
            The window does not fit into the padded input even once, so there is no output. The network usually has
            one reduction too many for its input: five strides of 2 leave 1 pixel of 32.
            """,
        bad="""
            network tiny {
                input 3x4x4
                conv(16, 7x7, pad = 0)
            }
            """,
        good="""
            network tiny {
                input 3x8x8
                conv(16, 7x7, pad = 0)
            }
            """,
    ),
    Code(
        id="E0305",
        name="vanished-dimension",
        title="nothing is left of the {axis}",
        label="the result would be {shape:size}",
        fields=("axis", "shape"),
        explanation="""
            The result would have a size of zero or less in one of its axes: a padding that takes away all there is,
            or a number of channels that has come down to none.
            """,
        bad="""
            network tiny {
                input 3x2x2
                conv_transpose(16, 1x1, 1, pad = 1)
            }
            """,
        good="""
            network tiny {
                input 3x3x3
                conv_transpose(16, 1x1, 1, pad = 1)
            }
            """,
    ),
    Code(
        id="E0308",
        name="even-kernel-needs-padding",
        title="an even kernel needs a padding of its own",
        label="`pad` is not given for a kernel of {kernel:size}",
        helps=("{hint}", 'say it: `pad = 0`, `pad = 1`, or `pad = "same"`, which pads one more at the end'),
        fields=("kernel", "hint"),
        explanation="""
            Without `pad`, a convolution pads half its kernel on every side, which keeps the size. An even kernel has
            no half on either side: any choice shifts the image or changes its size, so the spec must choose.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(16, 2x2, stride = 2)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16, 2x2, stride = 2, pad = 0)
            }
            """,
    ),
    Code(
        id="E0309",
        name="padding-too-large",
        title="the padding is too large",
        label="a padding of {pad:size} is more than {limit:size}",
        helps=("{why}",),
        fields=("pad", "limit", "why"),
        explanation="""
            A pooling window may lie in the padding with half of its kernel at most, or some windows would hold no
            pixel at all; and a reflection can repeat no more than what is there. To pad further, put a `pad` layer in
            front.
            """,
        bad="""
            network tiny {
                input 3x32x32
                max_pool(2x2, pad = 2)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                max_pool(2x2, pad = 1)
            }
            """,
    ),
    Code(
        id="E0315",
        name="no-such-axis",
        title="there is no axis `{axis:plain}` here",
        label="the axes are `{axes}`",
        helps=("`c` is channels, `h` height, `w` width, `n` tokens",),
        fields=("axis", "axes"),
        explanation="""
            Axes are named by letters: an image has `chw`, a sequence of tokens `nc`, a vector `c`. The batch is not
            among them. This tensor has no axis of the given name.
            """,
        bad="""
            network tiny {
                input 3x32x32
                softmax(axis = "n")
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                softmax(axis = "c")
            }
            """,
    ),
    Code(
        id="E0316",
        name="not-divisible",
        title="{what} cannot be divided by {by}",
        label="{value} is no multiple of {by}",
        fields=("what", "value", "by"),
        explanation="""
            This op cuts an axis into equal parts, so its size must be a multiple of their number. Earlier widths,
            strides or the input size have to change, or the number of parts.
            """,
        bad="""
            network tiny {
                input 10x32x32
                pixel_shuffle(2)
            }
            """,
        good="""
            network tiny {
                input 12x32x32
                pixel_shuffle(2)
            }
            """,
    ),
)
