"""Python text out of foreign text: literals, identifiers and docstrings that nothing in a spec can break out of."""

from __future__ import annotations

import builtins
import keyword
import math
import re
import unicodedata

from resnetdsl.ir.graph import Value

MODULE_ATTRIBUTES = frozenset(
    """T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches
    eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict
    modules mtia named_buffers named_children named_modules named_parameters parameters register_backward_hook
    register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook
    register_module register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
    set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu zero_grad""".split()
)
"""What `nn.Module` calls its own: no layer can be an attribute of such a name."""

SEQUENTIAL_ATTRIBUTES = MODULE_ATTRIBUTES | {"append", "extend", "insert", "pop"}

IMPORTED = frozenset({"F", "OrderedDict", "Tensor", "math", "nn", "torch"})

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_WORDS = {
    "resnet": "ResNet",
    "resnext": "ResNeXt",
    "densenet": "DenseNet",
    "regnet": "RegNet",
    "convnext": "ConvNeXt",
    "wideresnet": "WideResNet",
    "senet": "SENet",
    "se": "SE",
    "eca": "ECA",
    "cbam": "CBAM",
    "preact": "PreAct",
    "resnest": "ResNeSt",
    "nfnet": "NFNet",
    "mlp": "MLP",
    "ffn": "FFN",
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
    lines = [
        _escape(line.rstrip(), quotes=False)
        for line in re.split(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", text.strip())
    ]
    body = [line.replace('"""', '\\"\\"\\"') for line in lines]
    if body[-1].endswith('"'):
        body[-1] = f'{body[-1][:-1]}\\"'
    if len(body) == 1:
        return [f'{indent}"""{body[0]}"""']
    return [f'{indent}"""{body[0]}', *(indent + line if line else "" for line in body[1:]), f'{indent}"""']


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
    made = "".join(_capital(word) for word in words)
    if not made or made[0].isdigit():
        made = fallback + made
    return f"{made}_" if keyword.iskeyword(made) or made in IMPORTED or hasattr(builtins, made) else made


def _capital(word: str) -> str:
    stem = word.rstrip("0123456789")
    digits = word[len(stem) :]
    return (_WORDS.get(stem) or stem[:1].upper() + stem[1:]) + digits


def unique(name: str, taken: set[str]) -> str:
    """The name, numbered where another has it; taken from then on."""
    made, number = name, 1
    while made in taken:
        number += 1
        made = f"{name}_{number}" if name[-1:].isdigit() else f"{name}{number}"
    taken.add(made)
    return made
