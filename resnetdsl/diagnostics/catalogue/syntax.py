"""E01xx: the text is no spec."""

from __future__ import annotations

from resnetdsl.diagnostics.model import Code

CODES = (
    Code(
        id="E0101",
        name="unexpected-token",
        title="unexpected {found}",
        label="expected {expected}",
        helps=("did you mean `{suggestion}`?", "{hint}"),
        notes=("this was read as part of {doing}",),
        fields=("found", "expected", "doing", "suggestion", "hint"),
        explanation="""
            The text up to here reads as a spec, but nothing that may follow it starts like this.

            A line ends a statement, except inside `()` and `[]`, after an operator, a comma, `=` or `->`, and before
            a line that starts with `->`. An expression that should go on in the next line therefore needs an operator
            at the end of the first, or parentheses around the whole.
            """,
        bad="""
            network tiny {
                input 3x32x32
                let = 16
                conv(16, 3x3)
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
        id="E0102",
        name="unclosed-bracket",
        title="`{bracket}` is never closed",
        label="its partner should stand here at the latest",
        roles={"opened": "opened here"},
        fields=("bracket",),
        explanation="""
            A `(`, `[` or `{` has no partner. The message points at the bracket which opened and at the first place
            where it is clear that the partner is missing; the right place to close it lies between the two.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(16, 3x3
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
        id="E0103",
        name="unexpected-end",
        title="the file ends in the middle of {doing}",
        label="expected {expected}",
        fields=("doing", "expected"),
        explanation="""
            The file stops before the statement does: an operator has no right side, or a definition has no body. A
            file that was cut off while it was copied looks like this too.
            """,
        bad="""
            network tiny
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16, 3x3)
            }
            """,
    ),
    Code(
        id="E0104",
        name="misspelt-keyword",
        title="`{found}` is no keyword",
        label="did you mean `{suggestion}`?",
        fields=("found", "suggestion"),
        explanation="""
            A statement starts with a word that is not a keyword but is very near to one. The rest of the statement
            was read as if the keyword stood there, so that the mistakes after it are found in the same run.
            """,
        bad="""
            netwrok tiny {
                input 3x32x32
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
        id="E0105",
        name="bad-number",
        title="`{text}` is not a number",
        label="not a number",
        helps=(
            "did you mean `{suggestion}`?",
            "numbers look like `64`, `25_557_032`, `0.5`, `1e-5` or `4.1G`, and sizes like `3x3`",
        ),
        fields=("text", "suggestion"),
        explanation="""
            The text starts like a number and goes on like something else. A number has digits with single underscores
            between them, at most one point, at most one exponent and at most one of the suffixes `k`, `M`, `G`, `T`.
            A size such as `3x224x224` is whole numbers with `x` between them. A name never starts with a digit.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(16q, 3x3)
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
        id="E0106",
        name="bad-character",
        title="`{char}` has no meaning here",
        label="this is not part of the language",
        roles={"again": "nor is this"},
        helps=("did you mean `{suggestion}`?", "{hint}"),
        notes=("it stands in {count:many} places",),
        fields=("char", "suggestion", "hint", "count"),
        explanation="""
            No word, number or operator of the language contains this character. Characters that look like ASCII and
            are not (typographic quotes, a long dash, a no-break space) often come from a word processor or a PDF.
            Inside comments and strings any text is fine.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(16, 3x3) ?
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                conv(16, 3x3)  # really?
            }
            """,
    ),
    Code(
        id="E0107",
        name="unclosed-string",
        title="this string is never closed",
        label='the `"` at its start has no partner on this line',
        helps=('a string ends on the line on which it starts; write a line break in it as `\\n`, a quote as `\\"`',),
        explanation="""
            A string starts with `"` and must end with `"` on the same line. Inside it, `\\"` is a quote, `\\\\` a
            backslash, `\\n` a line break, and `{expression}` is replaced by a value; `{{` and `}}` are plain braces.
            """,
        bad="""
            network tiny {
                input 3x32x32
                "stem.conv: conv(16, 3x3)
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                "stem.conv": conv(16, 3x3)
            }
            """,
    ),
    Code(
        id="E0108",
        name="unmatched-bracket",
        title="this `{bracket}` closes nothing",
        label="no bracket is open here",
        roles={"opened": "the nearest open bracket is this one"},
        fields=("bracket",),
        explanation="""
            A closing bracket stands where no bracket of its kind is open: one too many was typed, or the one that it
            should close was deleted or is of another kind.
            """,
        bad="""
            network tiny {
                input 3x32x32
                conv(16, 3x3))
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
        id="E0109",
        name="nested-too-deeply",
        title="this is nested more than {limit} deep",
        label="the limit is passed here",
        helps=("give the inner parts names with `let`, or make them blocks",),
        fields=("limit",),
        explanation="""
            Brackets, bodies and operators may stand inside each other, but not without end: the limit is far above
            what anybody writes, and keeps generated or hostile text from exhausting the stack.
            """,
        bad="network tiny {\n    input 3x32x32\n    conv(" + "(" * 1000 + "16" + ")" * 1000 + ", 3x3)\n}",
        good="""
            network tiny {
                input 3x32x32
                conv(((16)), 3x3)
            }
            """,
    ),
    Code(
        id="E0110",
        name="not-text",
        title="this file is not text",
        label="{reason}",
        helps=("a spec is plain text in UTF-8",),
        fields=("reason",),
        explanation="""
            A spec is UTF-8 text. This file holds bytes that are not, most often because it is not a spec at all (a
            checkpoint, an image, an archive) or because it was saved in another encoding; an editor can save it again
            as UTF-8.
            """,
        bad="A checkpoint or an image given in place of a spec, or a spec saved as UTF-16.",
        bad_is_spec=False,
        good="""
            network tiny {
                input 3x32x32
                conv(16, 3x3)
            }
            """,
    ),
    Code(
        id="E0111",
        name="file-too-large",
        title="this file is too large to be a spec",
        label="it has {size:number} bytes, and a spec may have {limit:number}",
        helps=("write what repeats as a `for` or as a block, and split the file with `from ... import`",),
        fields=("size", "limit"),
        explanation="""
            Files beyond the limit are not read at all, so that a wrong path never costs minutes. A spec grows with
            the number of ideas in a network, not with its depth: the whole of ResNet-152 takes the same lines as
            ResNet-18.
            """,
        bad="A file of many megabytes.",
        bad_is_spec=False,
        good="""
            network tiny {
                input 3x32x32
                100 * conv(16, 3x3)
            }
            """,
    ),
    Code(
        id="E0112",
        name="nothing-defined",
        title="this file defines nothing",
        label="no network, block, shortcut, `let` or import in it",
        helps=("start with `network name {{ input 3x224x224 ... }}`, or with `resnetdsl new`",),
        explanation="""
            The file is empty or holds comments alone. That is legal nowhere, because it is never what was meant: a
            wrong file was named, or an editor had not yet saved.
            """,
        bad="""
            # a network to come
            """,
        good="""
            # a network at last
            network tiny {
                input 3x32x32
                conv(16, 3x3)
            }
            """,
    ),
    Code(
        id="E0113",
        name="too-many-tokens",
        title="this file is too long to be a spec",
        label="it has more than {limit:number} words, numbers and signs",
        helps=("write what repeats as a `for` or as a block, and split the file with `from ... import`",),
        fields=("limit",),
        explanation="""
            The file is text, and has more words than any spec needs: it was generated, or is no spec. Loops, blocks
            and imports say the same in less, and are read faster.
            """,
        bad="A file in which every layer of a large network has a line of its own, a hundred times over.",
        bad_is_spec=False,
        good="""
            network tiny {
                input 3x32x32
                100 * conv(16, 3x3)
            }
            """,
    ),
    Code(
        id="E0114",
        name="wrong-opening",
        title="this `{bracket}` was to be `{suggestion}`",
        label="`{closer}` closes it",
        roles={"closed": "this closes it"},
        fields=("bracket", "suggestion", "closer"),
        explanation="""
            A body stands in `{ ... }`, arguments in `( ... )`, a list in `[ ... ]`. Here the closing bracket is of
            another kind than what opens, and from what stands between them it is the opening one that is wrong; a
            `:` opens no body.
            """,
        bad="""
            network tiny {
                input 3x32x32
                stem [
                    conv(16, 3x3)
                }
            }
            """,
        good="""
            network tiny {
                input 3x32x32
                stem {
                    conv(16, 3x3)
                }
            }
            """,
    ),
    Code(
        id="E0115",
        name="unopened-body",
        title="a `{{` is missing",
        label="here the body begins",
        roles={"closed": "this `}}` closes it"},
        explanation="""
            The body of a network, block, loop or condition stands in `{ ... }`. The closing bracket is there, and the
            line that is indented like it opens none.
            """,
        bad="""
            network tiny
                input 3x32x32
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
)
