"""The catalogue as Markdown: a page for each code and an index, for the documentation."""

from __future__ import annotations

from resnetdsl.diagnostics.catalogue import AREAS, CODES
from resnetdsl.diagnostics.explain import example_text
from resnetdsl.diagnostics.model import Code

_INTRODUCTION = """\
Everything that `resnetdsl check` can say of a spec, and `resnetdsl compile` of a target. A code keeps its meaning for
ever; `resnetdsl explain CODE` shows the same text on a terminal. Codes with `E` are errors, those with `W` are
warnings."""


def page(code: str) -> str:
    """The Markdown page of a code's id."""
    found = CODES[code]
    parts = [f"# {found.id} {found.name}", f"*{found.severity.value}* · `{found.name}`", found.explanation]
    parts += ["## Wrong", _fence(found.bad, found.language) if found.bad_is_spec else found.bad.strip()]
    parts += ["## Right", _fence(found.good, found.language)]
    for name, text in found.files.items():
        parts += [f"`{name}`:", _fence(text)]
    if found.reference:
        parts += ["## Reference", found.reference]
    return "\n\n".join(parts) + "\n"


def index() -> str:
    """The list of all codes by area, linked to their pages."""
    parts = ["# Diagnostics", _INTRODUCTION]
    for title, codes in AREAS:
        rows = [f"| [{code.id}]({file_name(code)}) | `{code.name}` | {_gist(code)} |" for code in codes]
        parts += [f"## {title}", "\n".join(("| code | name | in short |", "| --- | --- | --- |", *rows))]
    return "\n\n".join(parts) + "\n"


def file_name(code: Code) -> str:
    """The name of a code's page, which the index links to."""
    return f"{code.id}.md"


def docs_pages() -> dict[str, str]:
    """Every page by its file name, the index among them."""
    pages = {"index.md": index()}
    return pages | {file_name(code): page(code.id) for code in CODES.values()}


def _gist(code: Code) -> str:
    """The first sentence of the explanation."""
    paragraph = " ".join(CODES[code.id].explanation.split("\n\n", maxsplit=1)[0].split())
    sentence, stop, _ = paragraph.partition(". ")
    return (sentence + "." if stop else sentence).replace("|", "\\|")


def _fence(text: str, language: str = "rnet") -> str:
    return f"```{language}\n{example_text(text)}\n```"
