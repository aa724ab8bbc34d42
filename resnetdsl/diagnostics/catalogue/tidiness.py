"""W08xx: nothing is wrong, but something is not as it was meant."""

from __future__ import annotations

from resnetdsl.diagnostics.model import Code

CODES = (
    Code(
        id="W0801",
        name="unused-binding",
        title="`{name}` is never used",
        label="bound here and used nowhere",
        helps=("remove it, or call it `_{name}` to keep it",),
        fields=("name",),
        explanation="""
            A `let` or a loop variable gives a name to something that nothing refers to. Often the use has a slip:
            another name, or the running tensor `x`, stands where this one was meant. A name that starts with `_` may
            stay unused.
            """,
        bad="""
            network tiny {
                input 3x32x32
                let width = 16
                conv(24, 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                let width = 16
                conv(width, 3x3)
            }
            """,
    ),
    Code(
        id="W0802",
        name="unused-parameter",
        title="parameter `{name}` of `{owner}` is never used",
        label="changing it changes nothing",
        helps=("remove it, or call it `_{name}` if a caller has to be able to give it",),
        fields=("name", "owner"),
        explanation="""
            A caller that gives this argument expects an effect, and there is none. Usually a value in the body was
            left fixed: a stride of 1 where `stride` was meant.
            """,
        bad="""
            block unit(width, stride = 1) { conv(width, 3x3) }

            network tiny {
                input 3x32x32
                unit(16)
            }
            """,
        good="""
            block unit(width, stride = 1) { conv(width, 3x3, stride = stride) }

            network tiny {
                input 3x32x32
                unit(16)
            }
            """,
    ),
    Code(
        id="W0803",
        name="dead-layer",
        title="this layer has no effect on any output",
        label="`{op}` is computed, and its result never reaches an output",
        notes=("it is `{path}` in the network",),
        fields=("op", "path"),
        explanation="""
            The layer is part of the network and may have weights, but no output depends on it: those weights get no
            gradient, and a compiler throws the layer away. Either a connection is missing, or it can go. A tensor
            that is wanted for its own sake becomes an output with `tap name`.
            """,
        bad="""
            network tiny {
                input 3x32x32
                let probe = x -> conv(16, 3x3)
                conv(probe.channels, 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                let probe = x -> conv(16, 3x3)
                probe -> conv(probe.channels, 3x3)
            }
            """,
    ),
    Code(
        id="W0804",
        name="shadows-builtin",
        title="`{name}` hides {what}",
        label="from here on it means this",
        helps=("{hint}",),
        fields=("name", "what", "hint"),
        explanation="""
            The name already means something in the language or in its library. The new meaning wins, which is legal,
            but a reader who knows the old one is misled, and so is whoever uses the old one below.
            """,
        bad="""
            let max = 16

            network tiny {
                input 3x32x32
                conv(max, 3x3)
            }
            """,
        good="""
            let most = 16

            network tiny {
                input 3x32x32
                conv(most, 3x3)
            }
            """,
    ),
    Code(
        id="W0805",
        name="unused-import",
        title="`{name}` is imported and never used",
        label="imported here",
        helps=("remove it",),
        fields=("name",),
        explanation="""
            Nothing in this file uses what is imported here. A reader looks for the use, and the other file is read
            for nothing.
            """,
        bad="""
            from "blocks.rnet" import unit

            network tiny {
                input 3x32x32
                conv(16, 3x3)
            }
            """,
        good="""
            from "blocks.rnet" import unit

            network tiny {
                input 3x32x32
                unit(16)
            }
            """,
        files={"blocks.rnet": "block unit(width) { conv(width, 3x3) -> relu }"},
    ),
    Code(
        id="W0806",
        name="order-of-nothing",
        title="`order` speaks of `{name}`, and no layer is called that",
        label="no label in reach is this",
        helps=("did you mean `{suggestion}`?", "name the layers by their labels, or by their positions in quotes"),
        fields=("name", "suggestion"),
        explanation="""
            An `order` puts the layers of a body in the order in which a checkpoint has them. A name that no layer has
            changes nothing, and the layer that was meant stays where its first use puts it. Layers that some networks
            lack, such as a gate that may be `none`, can be named.
            """,
        bad="""
            network tiny {
                input 3x32x32
                order normm, conv1
                conv1: conv(16, 3x3) -> norm: batch_norm
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                order norm, conv1
                conv1: conv(16, 3x3) -> norm: batch_norm
            }
            """,
    ),
)
