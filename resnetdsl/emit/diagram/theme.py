"""Colours of a diagram, from a YAML file: a shipped one (`light`, `dark`, `paper`, `colour-blind`) or a user's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import yaml

from resnetdsl.diagnostics.plain import escape
from resnetdsl.elaborate.meant import nearest

_SHIPPED = Path(__file__).parent / "themes"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_MOST_BYTES = 100_000


class ThemeError(ValueError):
    """What is wrong with a theme, and what would be right."""


@dataclass(frozen=True, slots=True)
class Tint:
    """What a box is filled with, and the line around it."""

    fill: str
    line: str


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as `#rrggbb`, under the names that the YAML has."""

    page: str
    ink: str
    faint: str
    wire: str
    identity: str
    projection: str
    frame: Tint
    block: Tint
    input: Tint
    weighted: Tint
    learned: Tint
    resizing: Tint
    joining: Tint
    plain: Tint
    added: Tint
    removed: Tint
    changed: Tint


_TINTS = frozenset(field.name for field in fields(Theme) if field.type == "Tint")


def shipped_themes() -> tuple[str, ...]:
    """The names of the themes that come with resnetdsl."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.yaml")))


@cache
def shipped_theme(name: str) -> Theme:
    """A theme by its name."""
    return read_theme((_SHIPPED / f"{name}.yaml").read_text(encoding="utf-8"), name)


def find_theme(name: str) -> Theme:
    """A shipped theme by its name, or one from a YAML file. Raises ThemeError."""
    if name in shipped_themes():
        return shipped_theme(name)
    path = Path(name)
    if path.suffix not in (".yaml", ".yml") and not path.is_file():
        near = nearest(name, shipped_themes())
        hint = f"did you mean `{near}`?" if near else f"there are {', '.join(shipped_themes())}, or give a YAML file"
        raise ThemeError(f"no theme is called `{escape(name)}`: {hint}")
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ThemeError(f"{path} is too large for a theme")
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise ThemeError(f"cannot read {path}: {problem.strerror or problem}") from problem
    except UnicodeDecodeError as problem:
        raise ThemeError(f"{path} is no text in UTF-8") from problem
    return read_theme(text, str(path))


def read_theme(text: str, name: str) -> Theme:
    """A theme from YAML. What it leaves out is as in the theme that its `base` names, by default `light`."""
    try:
        given = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as problem:
        mark = getattr(problem, "problem_mark", None)
        at = f":{mark.line + 1}:{mark.column + 1}" if mark is not None else ""
        what = getattr(problem, "problem", None) or "it cannot be read"
        raise ThemeError(f"{name}{at}: this is no YAML: {what}") from problem
    if not isinstance(given, dict):
        raise ThemeError(f"{name}: a theme is a mapping of names to colours, such as `page: '#ffffff'`")
    known = [field.name for field in fields(Theme)]
    for key in given:
        if key not in (*known, "base"):
            near = nearest(str(key), [*known, "base"])
            raise ThemeError(
                f"{name}: nothing is called `{key}`: "
                + (f"did you mean `{near}`?" if near else f"there are {', '.join(known)}")
            )
    values = _base(given, name, known)
    for key in known:
        if key in given:
            values[key] = _tint(name, key, given[key], values) if key in _TINTS else _colour(name, key, given[key])
    return Theme(**values)  # type: ignore[arg-type]


def _base(given: Mapping[str, object], name: str, known: list[str]) -> dict[str, str | Tint]:
    if "base" not in given and all(key in given for key in known):
        return {}
    base = given.get("base", "light")
    if base not in shipped_themes():
        raise ThemeError(f"{name}: `base` is one of {', '.join(shipped_themes())}, not `{base}`")
    theme = shipped_theme(str(base))
    return {key: getattr(theme, key) for key in known}


def _tint(name: str, key: str, value: object, values: Mapping[str, str | Tint]) -> Tint:
    if not isinstance(value, dict) or not value or not value.keys() <= {"fill", "line"}:
        raise ThemeError(f"{name}: `{key}` has a `fill` and a `line`: {key}: {{ fill: '#ffffff', line: '#000000' }}")
    before = values.get(key)
    fill = value.get("fill", before.fill if isinstance(before, Tint) else None)
    line = value.get("line", before.line if isinstance(before, Tint) else None)
    return Tint(_colour(name, f"{key}.fill", fill), _colour(name, f"{key}.line", line))


def _colour(name: str, key: str, value: object) -> str:
    if isinstance(value, str) and _COLOUR.fullmatch(value):
        return value.lower()
    hint = "; in YAML a colour needs quotes, `#` begins a comment" if value is None else ""
    raise ThemeError(f"{name}: `{key}` is a colour such as '#1e3a8a', not `{value}`{hint}")
