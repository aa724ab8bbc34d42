"""YAML to plain data, and no more: mappings, lists, numbers, text. For documents from anywhere.

Built on the parser's events, so nothing is constructed that was not asked for: no tags, no anchors and so no short
document that unfolds to a large one, no dates, and nesting is bounded (libyaml's own loader crashes on deep nesting).
"""

from __future__ import annotations

import re

import yaml

Data = None | bool | int | float | str | list["Data"] | dict[str, "Data"]

MOST_NESTED = 100
_Parser: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?\d{1,4000}\Z", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\d+\.\d*|\.\d+)([eE][-+]?\d+)?\Z", re.ASCII)
_WORDS: dict[str, Data] = {
    "null": None,
    "~": None,
    "": None,
    "true": True,
    "false": False,
    ".inf": float("inf"),
    "-.inf": float("-inf"),
    ".nan": float("nan"),
}


class YamlError(Exception):
    """A text that is not YAML, or is more than plain data; the message names the line."""


def parse(text: str) -> Data:
    """The one document of a text."""
    results: list[Data] = []
    # The collections that are open, innermost last; for a mapping also the key that waits for its value.
    open_ones: list[list[Data] | dict[str, Data]] = [results]
    keys: list[str | None] = [None]
    try:
        for event in yaml.parse(text, Loader=_Parser):
            match event:
                case yaml.ScalarEvent():
                    _place(open_ones[-1], keys, _scalar(event), event)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    _check(event)
                    if len(open_ones) > MOST_NESTED:
                        raise _error("nested too deeply", event)
                    made: list[Data] | dict[str, Data] = {} if isinstance(event, yaml.MappingStartEvent) else []
                    _place(open_ones[-1], keys, made, event)
                    open_ones.append(made)
                    keys.append(None)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    open_ones.pop()
                    keys.pop()
                case yaml.AliasEvent():
                    raise _error("an alias (*name) where plain data is expected", event)
                case yaml.DocumentStartEvent() if results:
                    raise _error("a second document", event)
    except yaml.YAMLError as error:
        raise YamlError(" ".join(str(error).split())) from error
    except UnicodeEncodeError as error:
        raise YamlError("a lone surrogate is no character") from error
    return results[0] if results else None


def _place(
    target: list[Data] | dict[str, Data],
    keys: list[str | None],
    value: Data,
    event: yaml.Event,
) -> None:
    if isinstance(target, list):
        target.append(value)
        return
    key = keys[-1]
    if key is None:
        if not isinstance(value, str):
            raise _error("a key that is no text", event)
        if value in target:
            raise _error(f"the key `{value}` twice", event)
        keys[-1] = value
    else:
        target[key] = value
        keys[-1] = None


def _scalar(event: yaml.ScalarEvent) -> Data:
    _check(event)
    text: str = event.value
    if not event.implicit[0]:  # quoted
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else text


def _check(event: yaml.NodeEvent) -> None:
    if event.anchor is not None:
        raise _error("an anchor (&name) where plain data is expected", event)
    if getattr(event, "tag", None) is not None:
        raise _error("a tag (!name) where plain data is expected", event)


def _error(message: str, event: yaml.Event) -> YamlError:
    mark = event.start_mark
    return YamlError(message if mark is None else f"line {mark.line + 1}: {message}")
