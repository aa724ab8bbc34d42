"""E07xx: specs that take from other specs."""

from __future__ import annotations

from resnetdsl.diagnostics.model import Code

_BLOCKS = """
    block unit(width) { conv(width, 3x3) -> relu }
    """

CODES = (
    Code(
        id="E0701",
        name="no-such-import",
        title="there is nothing to import as `{name}`",
        label="not found",
        helps=("did you mean `{suggestion}`?", "`resnetdsl list` shows the specs that come with resnetdsl"),
        fields=("name", "suggestion"),
        explanation="""
            `import name` takes a spec that comes with resnetdsl. `from "file.rnet" import a, b` takes names from a
            file, whose path is relative to the file that imports.
            """,
        bad="""
            import resnte

            network tiny {
                input 3x32x32
                conv(16, 3x3)
            }
            """,
        good="""
            import resnet

            network tiny = resnet18
            """,
    ),
    Code(
        id="E0702",
        name="import-outside-root",
        title="`{path}` lies outside the project",
        label="files are imported from inside `{root}` only",
        helps=("copy the file into the project",),
        fields=("path", "root"),
        explanation="""
            A spec may be written by somebody else, so checking it must not read files all over the disk: imports stay
            inside the project's root, the directory of the spec that was named, unless `--root` says otherwise. Links
            that lead out of it count as outside.
            """,
        bad="""
            from "../outside.rnet" import unit

            network tiny {
                input 3x32x32
                unit(16)
            }
            """,
        good="""
            from "blocks.rnet" import unit

            network tiny {
                input 3x32x32
                unit(16)
            }
            """,
        files={"blocks.rnet": _BLOCKS},
    ),
    Code(
        id="E0703",
        name="import-cycle",
        title="these files import each other",
        label="{cycle}",
        helps=("move what both need into a third file",),
        fields=("cycle",),
        explanation="""
            A file that imports itself, directly or through others, has no order in which it could be read.
            """,
        bad="""
            from "circle.rnet" import unit

            network tiny {
                input 3x32x32
                unit(16)
            }
            """,
        good="""
            from "blocks.rnet" import unit

            network tiny {
                input 3x32x32
                unit(16)
            }
            """,
        files={
            "blocks.rnet": _BLOCKS,
            "circle.rnet": """
                from "circle.rnet" import unit as other

                block unit(width) { conv(width, 3x3) -> other }
                """,
        },
    ),
    Code(
        id="E0704",
        name="name-not-in-import",
        title="`{module}` defines no `{name}`",
        label="not defined there",
        helps=("did you mean `{suggestion}`?",),
        fields=("name", "module", "suggestion"),
        explanation="""
            The file is there, but nothing of this name is defined in it. What a file itself imports, it does not pass
            on.
            """,
        bad="""
            from "blocks.rnet" import unti

            network tiny {
                input 3x32x32
                unti(16)
            }
            """,
        good="""
            from "blocks.rnet" import unit

            network tiny {
                input 3x32x32
                unit(16)
            }
            """,
        files={"blocks.rnet": _BLOCKS},
    ),
    Code(
        id="E0705",
        name="unreadable-import",
        title="`{path}` cannot be read",
        label="{reason}",
        fields=("path", "reason"),
        explanation="""
            There is no such file, or it is a directory, is not text in UTF-8, is too large for a spec, or may not be
            read by this user.
            """,
        bad="""
            from "bloks.rnet" import unit

            network tiny {
                input 3x32x32
                unit(16)
            }
            """,
        good="""
            from "blocks.rnet" import unit

            network tiny {
                input 3x32x32
                unit(16)
            }
            """,
        files={"blocks.rnet": _BLOCKS},
    ),
)
