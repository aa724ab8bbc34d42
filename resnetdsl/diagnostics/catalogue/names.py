"""E02xx: names that mean nothing, arguments that do not fit, values of the wrong kind."""

from __future__ import annotations

from resnetdsl.diagnostics.catalogue.values import VALUES
from resnetdsl.diagnostics.model import Code

NAMES = (
    Code(
        id="E0201",
        name="unknown-name",
        title="unknown name `{name}`",
        label="nothing of this name is in reach",
        roles={"again": "nor here", "bound": "`{suggestion}` is bound here"},
        helps=("did you mean `{suggestion}`?", "{hint}"),
        notes=("it is used in {count:many} places",),
        fields=("name", "suggestion", "hint", "count"),
        explanation="""
            A name means, in this order: a `let` or loop variable of the same body, a parameter of the definition,
            something that this file defines or imports, a block of the standard library, a built-in layer or
            function. This one is none of these.

            Definitions may be used before they are written, but a `let` holds only from its line on. A `let` inside a
            `{ ... }` body is not seen outside it; the bodies of `for` and `if` are no such border.
            """,
        bad="""
            network tiny {
                input 3x32x32
                con(16, 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16, 3x3)
            }
            """,
    ),
    Code(
        id="E0202",
        name="duplicate-definition",
        title="`{name}` is defined twice",
        label="defined again here",
        roles={"first": "first defined here"},
        fields=("name",),
        explanation="""
            One file gives one name two meanings. Which of them a use would get could only depend on the order of the
            file, so neither is preferred. Rename one of them; to change a block of the library for one network, give
            it arguments or an instance of its own (`block wide = basic(width = 128)`).
            """,
        bad="""
            block unit(width) { conv(width, 3x3) }
            block unit(width) { conv(width, 1x1) }

            network tiny {
                input 3x32x32
                unit(16)
            }
            """,
        good="""
            block unit(width) { conv(width, 3x3) }
            block mixer(width) { conv(width, 1x1) }

            network tiny {
                input 3x32x32
                unit(16) -> mixer(16)
            }
            """,
    ),
    Code(
        id="E0203",
        name="unknown-argument",
        title="`{callee}` has no argument `{name}`",
        label="not an argument of `{callee}`",
        roles={"defined": "`{callee}` is defined here"},
        helps=("did you mean `{suggestion}`?", "{hint}", "it takes {accepted:and}"),
        fields=("name", "callee", "suggestion", "hint", "accepted"),
        explanation="""
            A named argument must be one of the parameters of what is called. Names follow PyTorch in snake case and
            in the singular where PyTorch has it so: `stride`, `kernel`, `groups`, `dilation`.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(16, 3x3, strides = 2)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16, 3x3, stride = 2)
            }
            """,
    ),
    Code(
        id="E0204",
        name="missing-argument",
        title="`{callee}` needs an argument `{name}`",
        label="{kind} is given no `{name}`",
        roles={"defined": "`{callee}` is defined here"},
        fields=("name", "callee", "kind"),
        explanation="""
            A parameter without a default has no value to fall back on, so every use must give it, by position or by
            name.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(16)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16, 3x3)
            }
            """,
    ),
    Code(
        id="E0205",
        name="too-many-arguments",
        title="too many arguments for `{callee}`",
        label="`{callee}` takes {most:# argument}, and {given} are given",
        roles={"defined": "`{callee}` is defined here"},
        fields=("callee", "most", "given"),
        explanation="""
            More values are given by position than there are parameters. Often a list was meant: `[2, 2]` or `2x2` is
            one argument, `2, 2` is two.
            """,
        bad="""
            block unit(width) { conv(width, 3x3) }

            network tiny {
                input 3x32x32
                unit(16, 2)
            }
            """,
        good="""
            block unit(width, stride = 1) { conv(width, 3x3, stride = stride) }

            network tiny {
                input 3x32x32
                unit(16, 2)
            }
            """,
    ),
    Code(
        id="E0206",
        name="duplicate-argument",
        title="argument `{name}` is given twice",
        label="given again here",
        roles={"first": "first given here"},
        fields=("name",),
        explanation="""
            One parameter gets two values: its name stands twice in the call, or it is named although a value by
            position has already filled it.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(16, 3x3, stride = 1, stride = 2)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16, 3x3, stride = 2, dilation = 1)
            }
            """,
    ),
    Code(
        id="E0214",
        name="no-attribute",
        title="{owner} has no `{attribute}`",
        label="no such attribute",
        helps=("did you mean `{suggestion}`?", "{hint}"),
        fields=("attribute", "owner", "suggestion", "hint"),
        explanation="""
            After a point stands a property of a value. An image has `channels`, `height` and `width`, and every
            tensor has its `shape`; a layer has none, because its sizes are known only once it is applied to a tensor.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(x.chanels * 8, 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(x.channels * 8, 3x3)
            }
            """,
    ),
    Code(
        id="E0220",
        name="misplaced-statement",
        title="{what} cannot stand {where}",
        label="not allowed here",
        fields=("what", "where"),
        explanation="""
            `input`, `stem`, `stage`, `head` and `expect` describe a network and stand in a network's body only. `in`
            and `out` name the inputs and outputs of a block and stand directly in its body. What a branch or a loop
            may hold is what may stand around it.
            """,
        bad="""
            block unit(width) {
                input 3x32x32
                conv(width, 3x3)
            }

            network tiny {
                input 3x32x32
                unit(16)
            }
            """,
        good="""
            block unit(width) {
                conv(width, 3x3)
            }

            network tiny {
                input 3x32x32
                unit(16)
            }
            """,
    ),
    Code(
        id="E0221",
        name="no-input",
        title="network `{name}` has no input",
        label="no `input` line {where}",
        roles={"late": "it comes only here"},
        helps=("start the body with `input 3x224x224`: channels, height and width",),
        fields=("name", "where"),
        explanation="""
            Shapes are worked out while a spec is read, from the input on, so a network must say what it receives
            before its first layer. The batch is always free and is not written.
            """,
        bad="""
            network tiny {
                conv(16, 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16, 3x3)
            }
            """,
    ),
    Code(
        id="E0222",
        name="duplicate-input",
        title="this network already has an input",
        label="a second `input`",
        roles={"first": "the first one is here"},
        explanation="""
            A network receives one tensor. Branches of a network start from a name for it (`let image = x`), not from
            a second `input` line.
            """,
        bad="""
            network tiny {
                input 3x32x32
                input 3x64x64
                conv(16, 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x64x64
                conv(16, 3x3)
            }
            """,
    ),
    Code(
        id="E0223",
        name="not-a-network",
        title="network `{name}` is given {got}",
        label="this is {got}, not a network",
        helps=("`network {name} = ...` names an instance of another network; a body goes in `{{ ... }}`",),
        fields=("name", "got"),
        explanation="""
            `network a = b(...)` makes a network out of another by giving it arguments, so `b` must be a network. To
            make one out of layers, write a body: `network a { input 3x224x224 ... }`.
            """,
        bad="""
            network tiny = relu
            """,
        good="""
            network tiny {
                input 3x32x32
                relu
            }
            """,
    ),
    Code(
        id="E0224",
        name="wrong-number-of-inputs",
        title="`{callee}` takes {wanted:# input}, and gets {got}",
        label="receives {got:# tensor}",
        roles={"defined": "`{callee}` is defined here"},
        fields=("callee", "wanted", "got"),
        explanation="""
            Most layers take one tensor. A block with an `in a, b` line, and ops such as `matmul`, take several: hand
            them over as `(a, b) -> layer`. A block whose `out` line names several tensors returns a list of them,
            which `let a, b = ...` takes apart.
            """,
        bad="""
            network tiny {
                input 16x32x32
                matmul
            }
            """,
        good="""
            network tiny {
                input 16x32x32
                (x, x) -> matmul
            }
            """,
    ),
    Code(
        id="E0225",
        name="unknown-metric",
        title="`{metric}` cannot be expected",
        label="not a metric",
        helps=("did you mean `{suggestion}`?", "the metrics are {accepted:and}"),
        fields=("metric", "suggestion", "accepted"),
        explanation="""
            `expect` checks a property that can be computed from the graph alone: the number of parameters or of
            multiply-accumulates, the sizes of what is kept, depth, receptive field, the shape of the output.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(16, 3x3)
                expect parameters == 432
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16, 3x3)
                expect params == 432
            }
            """,
    ),
    Code(
        id="E0228",
        name="needs-arguments",
        title="network `{name}` cannot be built without arguments",
        label="needs {missing:and}",
        helps=("give them: `network my_{name} = {name}(...)`, or `--set` on the command line",),
        fields=("name", "missing"),
        explanation="""
            Some parameters of this network have no default, so it is a family of networks and not one. Make an
            instance with `network name = family(...)`, or give the values on the command line with `--set
            parameter=value`.
            """,
        bad="A network whose parameters have no default, asked for by name: `resnetdsl summary nets.rnet --net net`.",
        bad_is_spec=False,
        good="""
            network family(width) {
                input 3x32x32
                conv(width, 3x3)
            }

            network tiny = family(16)
            """,
    ),
    Code(
        id="E0229",
        name="circular-definition",
        title="`{name}` is defined by itself",
        label="finding its value leads back here",
        fields=("name",),
        explanation="""
            Names of a file may be used before they are written, since each gets its value when it is first asked for.
            The value of this one needs the value of another, and that one needs this. A definition with a body may
            well use itself: it is expanded only when it is called, and its arguments can end the recursion.
            """,
        bad="""
            let width = depth * 2
            let depth = width // 2
            network tiny {
                input 3x32x32
                conv(width, 3x3)
            }
            """,
        good="""
            let width = depth * 2
            let depth = 8
            network tiny {
                input 3x32x32
                conv(width, 3x3)
            }
            """,
    ),
    Code(
        id="E0230",
        name="requirement-not-met",
        title="{message}",
        label="this call does not meet a requirement",
        roles={"demanded": "required here"},
        fields=("message",),
        explanation="""
            A definition may say with `require` what it needs of its arguments: that a count is positive, that an
            option is one of those that it knows. The message is the author's. It points at the call whose arguments
            do not meet it.
            """,
        bad="""
            block twice(width, stride) {
                require stride == 1 or stride == 2, "the stride of `twice` is 1 or 2"
                conv(width, 3x3, stride = stride)
            }
            network tiny {
                input 3x32x32
                twice(16, 3)
            }
            """,
        good="""
            block twice(width, stride) {
                require stride == 1 or stride == 2, "the stride of `twice` is 1 or 2"
                conv(width, 3x3, stride = stride)
            }
            network tiny {
                input 3x32x32
                twice(16, 2)
            }
            """,
    ),
)

CODES = tuple(sorted((*NAMES, *VALUES), key=lambda code: code.id))
