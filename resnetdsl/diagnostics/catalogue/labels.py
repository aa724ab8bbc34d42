"""E04xx: names of modules that clash or cannot be."""

from __future__ import annotations

from resnetdsl.diagnostics.model import Code

CODES = (
    Code(
        id="E0401",
        name="path-collision",
        title="two layers are called `{path}`",
        label="this one takes a name that is taken",
        roles={"first": "the first one is here"},
        helps=("{hint}", "give one of them another label, or write `shared` if both are to use the same weights"),
        fields=("path", "hint"),
        explanation="""
            Labels become module paths, and a path is a key of the checkpoint: two layers of one name would write to
            one entry. In a loop, make the label depend on the loop variable (`conv{i}: ...`). One layer that is used
            twice with the same weights is written `let name = shared layer`.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv1: conv(16, 3x3) -> relu
                conv1: conv(16, 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv1: conv(16, 3x3) -> relu
                conv2: conv(16, 3x3)
            }
            """,
    ),
    Code(
        id="E0402",
        name="bad-label",
        title="`{label}` cannot be the name of a module",
        label="{reason}",
        fields=("label", "reason"),
        explanation="""
            A label becomes a path of modules, `layer1.0.conv1`, whose parts are identifiers or numbers. Parts that
            are empty, hold other characters, or are the name of something that every module has, cannot be keys of a
            checkpoint.
            """,
        bad="""
            network tiny {
                input 3x32x32
                "my conv": conv(16, 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                "my.conv": conv(16, 3x3)
            }
            """,
    ),
    Code(
        id="E0403",
        name="duplicate-tap",
        title="two outputs are called `{name}`",
        label="tapped again here",
        roles={"first": "this tensor has the name already"},
        helps=("in a loop, make the name depend on it: `tap c{{i}}`",),
        fields=("name",),
        explanation="""
            A tap makes a tensor an output of the network under a name, and each name stands for one tensor. The name
            `output` is taken by the network's last tensor.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(16, 3x3)
                tap features
                conv(16, 3x3)
                tap features
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16, 3x3)
                tap early
                conv(16, 3x3)
                tap late
            }
            """,
    ),
    Code(
        id="E0404",
        name="half-labelled-choice",
        title="`{label}` names one arm of this choice and not the other",
        label="the layer of the other arm would be named by its position",
        roles={"label": "this label belongs to one arm alone"},
        helps=("put the choice in parentheses: `{label}: (a if c else b)`",),
        fields=("label",),
        explanation="""
            A label binds more tightly than `if`: in `bn: norm(init = 0) if zero else norm` only the first arm is called
            `bn`, and the other silently takes its position in the chain for a name, which is hardly ever meant. Put the
            choice in parentheses after the label, or label both arms. Where the other arm is `none`, nothing is left
            to name.
            """,
        bad="""
            network tiny(zero = false) {
                input 3x32x32
                conv1: conv(16, 3x3)
                bn1: batch_norm(init = 0) if zero else batch_norm
            }
            """,
        good="""
            network tiny(zero = false) {
                input 3x32x32
                conv1: conv(16, 3x3)
                bn1: (batch_norm(init = 0) if zero else batch_norm)
            }
            """,
    ),
)
