"""Python text out of foreign text: literals, identifiers and docstrings that nothing in a spec can break out of."""

from __future__ import annotations

import builtins
import keyword
import math
import re
import textwrap
import unicodedata

from resnetdsl.ir.graph import Value

_MODULE = (
    "T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double "
    "dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half "
    "ipu load_state_dict modules mtia named_buffers named_children named_modules named_parameters parameters "
    "register_backward_hook register_buffer register_forward_hook register_forward_pre_hook "
    "register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook "
    "register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook "
    "register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to "
    "to_empty train training type xpu zero_grad"
)
MODULE_ATTRIBUTES = frozenset(_MODULE.split())
"""What `nn.Module` calls its own: no layer can be an attribute of such a name."""

SEQUENTIAL_ATTRIBUTES = MODULE_ATTRIBUTES | {"append", "extend", "insert", "pop"}

WIDTH = 100
"""The most columns of a line of emitted source."""

IMPORTED = frozenset(
    {"F", "OrderedDict", "Tensor", "grouped_query_attention", "math", "multi_head_attention", "nn", "torch"}
)
"""What emitted source calls by these names, helpers that are functions included: no variable hides it."""

_NEWLINE = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_FAMILIES = {
    "resnet": "ResNet",
    "res2net": "Res2Net",
    "res2next": "Res2NeXt",
    "resnext": "ResNeXt",
    "resnest": "ResNeSt",
    "densenet": "DenseNet",
    "regnet": "RegNet",
    "convnext": "ConvNeXt",
    "nfnet": "NFNet",
    "efficientnet": "EfficientNet",
    "mobilenet": "MobileNet",
    "mobileone": "MobileOne",
    "mixnet": "MixNet",
    "mnasnet": "MNASNet",
    "ghostnet": "GhostNet",
    "darknet": "DarkNet",
    "vovnet": "VoVNet",
    "gernet": "GENet",
    "vgg": "VGG",
    "senet": "SENet",
}
_FAMILY = re.compile("|".join(_FAMILIES))
_TWO_NUMBERS = re.compile("(?<=[0-9])\0(?=[0-9])")
_WORDS = {
    "se": "SE",
    "eca": "ECA",
    "cbam": "CBAM",
    "fpn": "FPN",
    "csp": "CSP",
    "preact": "PreAct",
    "pre": "Pre",
    "mlp": "MLP",
    "relu": "ReLU",
    "silu": "SiLU",
    "gelu": "GELU",
}


def literal(value: Value) -> str:
    """Plain data as Python writes it, strings in double quotes."""
    match value:
        case str():
            return f'"{_escape(value, quotes=True)}"'
        case float():
            return _float(value)
        case tuple():
            return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
        case _:
            return repr(value)


def _float(value: float) -> str:
    if not math.isfinite(value):
        return f'float("{value}")'
    return re.sub(r"e([-+])0+", r"e\1", repr(value)).replace("e+", "e")


def formatted(prefix: str, variable: str) -> str:
    """An f-string: a constant text, then a variable."""
    return f'f"{_escape(prefix, quotes=True).replace("{", "{{").replace("}", "}}")}{{{variable}}}"'


def docstring(text: str, indent: str = "") -> list[str]:
    """The lines of a docstring of any text. The text cannot end it: every quote that could is escaped."""
    paragraphs = re.split(r"\n\s*\n", _NEWLINE.sub("\n", text.strip()))
    lines = [line for paragraph in paragraphs for line in ("", *_fill(paragraph, WIDTH - len(indent)))][1:]
    # Of three quotes or more in a row all but the last are escaped, and so is the last where the docstring would end.
    body = [re.sub(r'""+(?=")', lambda run: '\\"' * len(run[0]), line) for line in lines] or [""]
    if body[-1].endswith('"'):
        body[-1] = f'{body[-1][:-1]}\\"'
    if len(body) == 1 and len(indent + body[0]) + 6 <= WIDTH:
        return [f'{indent}"""{body[0]}"""']
    return [f'{indent}"""{body[0]}', *(indent + line if line else "" for line in body[1:]), f'{indent}"""']


def _fill(paragraph: str, width: int) -> list[str]:
    """A paragraph's lines, escaped; filled anew if one is too long."""
    lines = [_escape(line.expandtabs(4).rstrip(), quotes=False) for line in paragraph.split("\n")]
    if max(map(len, lines)) <= width - 3:
        return lines
    return textwrap.wrap(" ".join(lines), width - 3, break_long_words=False, break_on_hyphens=False)


def _escape(text: str, *, quotes: bool) -> str:
    """Backslashes and whatever does not show, so that a text reads as what it is (no hidden turns of direction)."""
    return "".join(_escaped(char, quotes=quotes) for char in text)


def _escaped(char: str, *, quotes: bool) -> str:
    if char == "\\" or (quotes and char in _ESCAPES):
        return _ESCAPES[char]
    if char != " " and unicodedata.category(char)[0] in "CZ":
        code = ord(char)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return char


def is_plain(name: str) -> bool:
    """Whether this can be written as `module.name`, and means the module of that name."""
    return (
        name.isascii()
        and name.isidentifier()
        and not keyword.iskeyword(name)
        and not name.startswith("_")
        and name not in MODULE_ATTRIBUTES
    )


def variable(name: str) -> str | None:
    """A local variable of this name, or None where that would hide something the source needs."""
    made = re.sub(r"\W", "_", name, flags=re.ASCII).strip("_").lower()
    taken = keyword.iskeyword(made) or keyword.issoftkeyword(made) or hasattr(builtins, made)
    return None if not made.isidentifier() or taken or made in IMPORTED or made in {"self", "i"} else made


def class_name(name: str, fallback: str = "Block") -> str:
    """`preact_bottleneck` as `PreActBottleneck`."""
    words = [word for word in re.split(r"[^0-9A-Za-z]+", name) if word]
    made = _TWO_NUMBERS.sub("_", "\0".join(_capital(word) for word in words)).replace("\0", "")
    if not made or made[0].isdigit():
        made = fallback + made
    return f"{made}_" if keyword.iskeyword(made) or made in IMPORTED or hasattr(builtins, made) else made


def _capital(word: str) -> str:
    """`seresnet50d` as `SEResNet50d`: a word, or a family of networks with something around it."""
    found = _FAMILY.search(word)
    if found is None:
        return _WORDS.get(word) or word[:1].upper() + word[1:]
    front = word[: found.start()]
    after = word[found.end() :]
    return (_WORDS.get(front) or front[:1].upper() + front[1:]) + _FAMILIES[found[0]] + after[:1].upper() + after[1:]


def unique(name: str, taken: set[str]) -> str:
    """The name, numbered where another has it; taken from then on."""
    made, number = name, 1
    while made in taken:
        number += 1
        made = f"{name}_{number}" if name[-1:].isdigit() else f"{name}{number}"
    taken.add(made)
    return made
