"""Every code there is, one file an area. A code, once published, keeps its id and its meaning.

How facts fill the words (`fields` of each code): `wanted`, `got` and `where` are noun phrases with their article
("a number", "the `kernel` of `conv`"), and so are `what` and `doing` ("a list of arguments"); `where` of E0220 brings
its preposition ("in a block"); names, operators and numbers come bare, since the templates put the backticks; `reason`
is a clause without a capital or a full stop; an `axis` may be its letter; shapes are `TensorType` or text
(`64x28x28`). An unknown field is None or absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from inspect import cleandoc
from types import MappingProxyType

from resnetdsl.diagnostics.catalogue import (
    budgets,
    files,
    labels,
    literature,
    names,
    promises,
    shapes,
    syntax,
    targets,
    tidiness,
)
from resnetdsl.diagnostics.model import Code

AREAS: tuple[tuple[str, tuple[Code, ...]], ...] = (
    ("Syntax", syntax.CODES),
    ("Names and values", names.CODES),
    ("Shapes", shapes.CODES),
    ("Labels", labels.CODES),
    ("Budgets", budgets.CODES),
    ("Promises", promises.CODES),
    ("Files", files.CODES),
    ("Tidiness", tidiness.CODES),
    ("Lints of the literature", literature.CODES),
    ("Targets", targets.CODES),
)


def _clean(code: Code) -> Code:
    """The catalogue is indented to be read; what users see is not."""
    return replace(
        code,
        explanation=cleandoc(code.explanation),
        bad=cleandoc(code.bad) + "\n",
        good=cleandoc(code.good) + "\n",
        files=MappingProxyType({name: cleandoc(text) + "\n" for name, text in code.files.items()}),
    )


CODES: Mapping[str, Code] = MappingProxyType({code.id: _clean(code) for _, codes in AREAS for code in codes})
