"""E05xx: every spec ends; these are the ends that nobody meant."""

from __future__ import annotations

from resnetdsl.diagnostics.model import Code

CODES = (
    Code(
        id="E0501",
        name="too-many-nodes",
        title="this network has too many layers",
        label="more than {limit:number} layers are reached here",
        helps=("`--set` can give smaller depths, if they are parameters",),
        fields=("count", "limit"),
        explanation="""
            A spec that writes little can ask for much: a repeat of a repeat multiplies. The limit lies far above the
            deepest published networks, and a spec that passes it has most likely a digit or a loop too many.
            """,
        bad="""
            network tiny {
                input 3x8x8
                1_000_000 * (1_000 * relu)
            }
            """,
        good="""
            network tiny {
                input 3x8x8
                10 * (10 * relu)
            }
            """,
    ),
    Code(
        id="E0502",
        name="expansion-too-deep",
        title="this recursion does not end",
        label="expanded more than {limit} deep here",
        helps=("a block that uses itself needs an argument that shrinks and an `if` that stops it",),
        fields=("depth", "limit"),
        explanation="""
            Blocks and functions may use themselves, and are expanded while the spec is read. Each use must come
            nearer to an end: pass a smaller count down and stop at zero. This one has come deeper than any network
            needs.
            """,
        bad="""
            block tower(depth) { relu -> tower(depth + 1) }

            network tiny {
                input 3x8x8
                tower(3)
            }
            """,
        good="""
            block tower(depth) {
                relu
                if depth > 1 { tower(depth - 1) }
            }

            network tiny {
                input 3x8x8
                tower(3)
            }
            """,
    ),
    Code(
        id="E0503",
        name="list-too-long",
        title="this {what} is too long",
        label="it would have {length:number} {unit}, and {limit:number} are allowed",
        fields=("length", "limit", "what", "unit"),
        explanation="""
            Lists and ranges hold widths, depths and branches; thousands of items are plenty. The limit keeps a typing
            mistake from filling the memory.
            """,
        bad="""
            network tiny {
                input 3x8x8
                conv(len([i for i in 0..10_000_000_000]), 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x8x8
                conv(len([i for i in 0..10]), 3x3)
            }
            """,
    ),
    Code(
        id="E0504",
        name="too-much-work",
        title="this spec takes too long to work out",
        label="given up here, after {limit:number} steps",
        helps=("look for a loop in a loop, or for a function that calls itself twice",),
        fields=("limit",),
        explanation="""
            Everything that a spec computes is counted, layers or not, so that the answer always comes in a moment.
            Real specs use a small part of the allowance; what passes it is a loop over too large a range or a
            recursion that branches.
            """,
        bad="""
            network tiny {
                input 3x8x8
                let total = 0
                for i in 0..10_000 { for j in 0..10_000 { for k in 0..10_000 { let total = total + i * j * k } } }
                conv(8 + total * 0, 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x8x8
                let total = 0
                for i in 0..10 { for j in 0..10 { let total = total + i * j } }
                conv(8 + total * 0, 3x3)
            }
            """,
    ),
    Code(
        id="E0505",
        name="tensor-too-large",
        title="a tensor of {shape} is too large",
        label="{limit:number} values are allowed in one tensor or weight",
        fields=("shape", "limit"),
        explanation="""
            No machine has memory for a tensor of this shape, or for a layer with weights of it; beyond a few times the
            limit PyTorch cannot even describe it. A digit too many, or a width that is multiplied in a loop, is the
            usual cause.
            """,
        bad="""
            network tiny {
                input 3x8x8
                conv(2_000_000_000, 101x101)
            }
            """,
        good="""
            network tiny {
                input 3x8x8
                conv(2_000, 101x101)
            }
            """,
    ),
)
