"""Facts into words. All text of a spec that enters a message passes through here, and leaves it harmless.

A template is `str.format` in look, with a small language of its own after the colon:

    {names}              a list reads "`a`, `b` or `c`"
    {names:and}          the same with "and"
    {sizes:plain}        the same without backticks; a letter or name of an op as it is
    {kernel:size}        (7, 7) reads 7x7
    {count:number}       25557032 reads 25_557_032, as a spec writes it
    {count:# layer}      1 layer, 2 layers; `{count:# branch|branches}` where the plural is no mere s
    {count:many}         the number; the whole template is left out where it is below two
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import Enum
from fractions import Fraction
from string import Formatter

from resnetdsl.diagnostics.model import Code, Diagnostic, Edit, Fact, Frame, Inside, Label, Severity
from resnetdsl.diagnostics.plain import WORD_LIMIT, escape, shorten

# What ops call things by letters or names, and a reader by words or signs.
_LAYOUTS = {
    "chw": "an image (chw)",
    "nc": "tokens (nc)",
    "c": "a vector (c)",
    "c last": "channels as the last axis",
}
_SPOKEN: Mapping[str, Mapping[str, str]] = {
    "axis": {"c": "channels", "h": "height", "w": "width", "n": "tokens"},
    "op": {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "^"},
    "wanted": _LAYOUTS,
    "got": _LAYOUTS,
}
_LIST_LIMIT = 12
_BITS = 128
_POWERS = 10**15


def word(fact: Fact) -> Diagnostic:
    """The diagnostic of a fact: titles, labels and helps of its code, filled in."""
    from resnetdsl.diagnostics.catalogue import CODES  # a spec without mistakes needs none of its words

    code = CODES[fact.code]
    data = _sensible(fact.data)
    primary = Label(fact.span, fill(code.label, data) or "")
    secondary = tuple(
        Label(span, fill(code.roles.get(role, ""), data) or "") for role, span in fact.also if span != fact.span
    )
    if fact.inside is not None:
        primary, secondary = (
            Label(fact.span, _given(fact.inside, code.severity)),
            (replace(primary, span=fact.inside.span), *secondary),
        )
    return Diagnostic(
        code=code,
        title=fill(code.title, data) or code.name.replace("-", " "),
        primary=primary,
        secondary=secondary,
        helps=_fill_all(code.helps, data),
        notes=_fill_all(code.notes, data),
        trail=tuple(Frame(shorten(escape(frame.text)), frame.call) for frame in fact.trail),
        fix=fact.fix or replacement(fact),
    )


def _given(inside: Inside, severity: Severity) -> str:
    callee = shorten(escape(inside.callee))
    if inside.param is not None:
        return f"given as `{inside.param}` to `{callee}`"
    return f"`{callee}` goes wrong inside" if severity is Severity.ERROR else f"inside of this `{callee}`"


_WRITTEN = ("name", "attribute", "found", "value", "metric")


def replacement(fact: Fact) -> tuple[Edit, ...]:
    """What is suggested in place of what is written, where the place of the fact holds just that."""
    suggestion, span = fact.data.get("suggestion"), fact.span
    if not isinstance(suggestion, str) or not suggestion or span.end - span.start > WORD_LIMIT:
        return ()
    for written in (fact.data.get(name) for name in _WRITTEN):
        if not written or written == suggestion:
            continue
        if span.text == written:
            return (Edit(span, suggestion),)
        if span.text == f'"{written}"':
            return (Edit(span, f'"{suggestion}"'),)
        if span.text.endswith(f".{written}"):
            return (Edit(replace(span, start=span.end - len(str(written))), suggestion),)
    return ()


def _sensible(data: Mapping[str, object]) -> Mapping[str, object]:
    """The data without a suggestion to write what is written already."""
    suggestion = data.get("suggestion")
    written = (data.get(name) for name in _WRITTEN)
    return {**data, "suggestion": None} if suggestion is not None and suggestion in written else data


def word_all(facts: Iterable[Fact]) -> tuple[Diagnostic, ...]:
    """Every fact worded, in the order in which a reader meets them: see `sort`."""
    return sort(word(fact) for fact in facts)


def sort(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Files in the order in which they first occur, then by place, whatever the severity."""
    listed = list(diagnostics)
    files: dict[int, int] = {}
    for diagnostic in listed:
        files.setdefault(id(diagnostic.primary.span.file), len(files))

    def key(diagnostic: Diagnostic) -> tuple[int, int, int, str]:
        span = diagnostic.primary.span
        return files[id(span.file)], span.start, span.end, diagnostic.code.id

    return tuple(sorted(listed, key=key))


def fields(template: str) -> tuple[str, ...]:
    """The names that a template fills in."""
    return tuple(name for _, name, _, _ in Formatter().parse(template) if name is not None)


def code_fields(code: Code) -> frozenset[str]:
    """The names that any template of a code fills in."""
    templates = (code.title, code.label, *code.helps, *code.notes, *code.roles.values())
    return frozenset(name for template in templates for name in fields(template))


def fill(template: str, data: Mapping[str, object]) -> str | None:
    """The template with its fields filled, or None where one is lacking."""
    out: list[str] = []
    for literal, name, spec, _ in Formatter().parse(template):
        out.append(literal)
        if name is None:
            continue
        value = data.get(name)
        if value is None:
            return None
        text = _show(name, value, spec or "")
        if text is None:
            return None
        out.append(text)
    return "".join(out)


def _fill_all(templates: tuple[str, ...], data: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(text for template in templates if (text := fill(template, data)))


def _show(name: str, value: object, spec: str) -> str | None:
    if spec.startswith("# "):
        if not isinstance(value, int):
            return _text(value)
        one, _, several = spec[2:].partition("|")
        return f"{_text(value)} {one if value == 1 else several or one + 's'}"
    if spec == "many":
        return _number(value) if isinstance(value, int) and value > 1 else None
    if spec == "number":
        return _number(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        texts = [_text(item) for item in items]
        if spec == "size":
            return "x".join(texts)
        if not texts:
            return None
        return join(texts if spec == "plain" else [f"`{text}`" for text in texts], "or" if not spec else "and")
    if not spec and isinstance(value, str):
        value = _SPOKEN.get(name, {}).get(value, value)
    return _text(value)


def join(texts: list[str], conjunction: str) -> str:
    """`a`, `b` or `c`; a long list ends in how many more there are."""
    if len(texts) > _LIST_LIMIT:
        texts = [*texts[:_LIST_LIMIT], f"{len(texts) - _LIST_LIMIT} more"]
        conjunction = "and"
    if len(texts) == 1:
        return texts[0]
    return f"{', '.join(texts[:-1])} {conjunction} {texts[-1]}"


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return _text(value)
    return f"{value:_}" if 10_000 <= abs(value) <= _POWERS else _digits(value)


def _text(value: object) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _digits(value)
    if isinstance(value, Fraction) and value.denominator != 1:
        return f"{_digits(value.numerator)}/{_digits(value.denominator)}"
    if isinstance(value, Fraction):
        return _digits(value.numerator)
    if isinstance(value, float):
        return f"{value:.12g}"
    return shorten(escape(str(value))) or '""'


def _digits(value: int) -> str:
    # Python refuses to print integers of thousands of digits, and nobody wants to read them.
    if value > _POWERS and value.bit_count() == 1:  # a limit
        return f"2^{value.bit_length() - 1}"
    return str(value) if value.bit_length() <= _BITS else f"about {'-' if value < 0 else ''}2^{value.bit_length() - 1}"
