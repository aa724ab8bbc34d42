"""The half of E02xx that is about values: wrong kinds, impossible arithmetic, numbers out of range."""

from __future__ import annotations

from resnetdsl.diagnostics.model import Code

VALUES = (
    Code(
        id="E0207",
        name="wrong-kind",
        title="expected {wanted}, found {got}",
        label="this is {got}",
        helps=("{where} must be {wanted}", "{hint}"),
        fields=("wanted", "got", "where", "hint"),
        explanation="""
            Every place in a spec takes one kind of value: a number, true or false, a string, a list, a layer or a
            tensor. Nothing is converted silently, because a conversion that was not meant would change the network
            without a sign.

            A layer (`relu`) and its result (`x -> relu`, a tensor) are different kinds.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv("wide", 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                let wide = 16
                conv(wide, 3x3)
            }
            """,
    ),
    Code(
        id="E0208",
        name="not-callable",
        title="{got} cannot be called",
        label="this is {got}",
        fields=("got",),
        explanation="""
            Brackets after a name hand arguments to a block, a shortcut, a network, a built-in layer or a function.
            Other values take none. A product needs its `*`: `2 * width`, never `2(width)`.
            """,
        bad="""
            network tiny {
                input 3x32x32
                let width = 16
                conv(width(2), 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                let width = 16
                conv(width * 2, 3x3)
            }
            """,
    ),
    Code(
        id="E0209",
        name="not-whole",
        title="{what} is not a whole number",
        label="this is {value}",
        roles={"used": "used here, where it must be whole"},
        helps=("say how to round: `floor`, `ceil`, `round`, `//`, or `divisible(v, 8)`",),
        fields=("value", "what"),
        explanation="""
            Channels, kernels, strides and counts are whole numbers. A division that leaves a remainder is an error
            where it stands: rounding silently gives a network whose widths nobody has chosen, and which loads no
            checkpoint.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(15 / 2, 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16 / 2, 3x3)
            }
            """,
    ),
    Code(
        id="E0210",
        name="out-of-range",
        title="{what} is out of range",
        label="{value} is not allowed",
        helps=("it must be at least {minimum}", "it must be at most {maximum}"),
        fields=("what", "value", "minimum", "maximum"),
        explanation="""
            The value is of the right kind, but the layer has no meaning for it: a stride below one, a dropout rate
            above one, a number of channels that is not positive.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(16, 3x3) -> dropout(rate = 1.5)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16, 3x3) -> dropout(rate = 0.5)
            }
            """,
    ),
    Code(
        id="E0211",
        name="bad-operands",
        title="`{op}` does not work on {left} and {right}",
        label="the left side is {left}, the right side {right}",
        helps=("{hint}",),
        fields=("op", "left", "right", "hint"),
        explanation="""
            Arithmetic works on two numbers; on two tensors or layers, or one of them and a number; `+` joins two
            lists and `n * layer` repeats a layer. `A -> B` needs layers on its right.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv("16" - 8, 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16 - 8, 3x3)
            }
            """,
    ),
    Code(
        id="E0212",
        name="division-by-zero",
        title="division by zero",
        label="the right side is zero",
        explanation="""
            The right side of `/`, `//` or `%` is zero here. Inside a block, look at the arguments with which it was
            called: a width that a reduction has already brought to zero is the usual cause.
            """,
        bad="""
            network tiny {
                input 3x32x32
                let groups = 0
                conv(16 // groups, 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                let groups = 2
                conv(16 // groups, 3x3)
            }
            """,
    ),
    Code(
        id="E0213",
        name="index-out-of-range",
        title="index {index} is out of range",
        label="the list has {length:# item}",
        helps=("indices start at 0",),
        fields=("index", "length"),
        explanation="""
            Lists are indexed from 0 up to their length, that excluded. A list that is indexed by stage must be as
            long as there are stages: check with `len`, or loop with `for a, b in zip(...)`.
            """,
        bad="""
            network tiny {
                input 3x32x32
                let widths = [16, 32]
                conv(widths[2], 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                let widths = [16, 32]
                conv(widths[1], 3x3)
            }
            """,
    ),
    Code(
        id="E0215",
        name="cannot-unpack",
        title="cannot take {got:# item} apart into {wanted:# name}",
        label="{got:# item}",
        fields=("wanted", "got"),
        explanation="""
            `let a, b = list` and `for (a, b) in lists` need lists of exactly as many items as there are names. A loop
            over a plain list with two names binds the index and the value: `for i, v in list`.
            """,
        bad="""
            network tiny {
                input 3x32x32
                let width, kernel = [16, 3, 2]
                conv(width, kernel)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                let width, kernel = [16, 3]
                conv(width, kernel)
            }
            """,
    ),
    Code(
        id="E0216",
        name="number-too-large",
        title="this number is too large",
        label="beyond {limit:number}",
        fields=("limit",),
        explanation="""
            Whole numbers are exact and may be large, but not without end, so that `9^9^9` costs no minutes and no
            memory. Nothing in a network needs a number near the limit.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(16 + 9 ^ 9 ^ 9, 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16 + 2 ^ 3, 3x3)
            }
            """,
    ),
    Code(
        id="E0218",
        name="not-a-layer",
        title="expected a layer, found {got}",
        label="this is {got}, and cannot be applied to a tensor",
        helps=("{hint}",),
        fields=("got", "hint", "found", "suggestion"),
        explanation="""
            A line of a body, and each step of a chain `a -> b`, is applied to the running tensor, so it must be a
            layer. Numbers, lists and strings are no layers; a tensor may start a chain, but may not stand in the
            middle of one.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(16, 3x3) -> 16
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16, 3x3) -> relu
            }
            """,
    ),
    Code(
        id="E0219",
        name="layer-where-tensor-needed",
        title="expected a tensor, found {got}",
        label="{got}, not a tensor",
        helps=("`x -> layer` applies a layer to a tensor, and `let a, b = list` takes a list apart",),
        fields=("got",),
        explanation="""
            What a layer is applied to, and what a block returns or a `tap` keeps, must be a tensor or a list of
            tensors. A layer is none: it is a recipe, and only applied to a tensor does it have a result with a shape.
            `conv(64, 3x3)` is a layer, `x -> conv(64, 3x3)` is a tensor.
            """,
        bad="""
            network tiny {
                input 16x32x32
                tap lower = x -> split([8, 8])
                relu
            }
            """,
        good="""
            network tiny {
                input 16x32x32
                let low, _high = x -> split([8, 8])
                tap lower = low
                relu
            }
            """,
    ),
    Code(
        id="E0226",
        name="empty-list",
        title="`{function}` of an empty list has no value",
        label="this list is empty",
        fields=("function",),
        explanation="""
            `min` and `max` of no values, or a sum of no tensors, have no meaning. (`sum` of an empty list of numbers
            is 0.) A comprehension whose condition never holds gives an empty list.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(max([]), 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(max([8, 16]), 3x3)
            }
            """,
    ),
    Code(
        id="E0227",
        name="unknown-choice",
        title="{what} cannot be `{value}`",
        label="not one of its values",
        helps=("did you mean `{suggestion}`?", "it may be {choices}"),
        fields=("what", "value", "choices", "suggestion"),
        explanation="""
            This argument takes one of a few words, and this is none of them. The help lists them.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(16, 3x3, pad_mode = "mirror")
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16, 3x3, pad_mode = "reflect")
            }
            """,
    ),
)
