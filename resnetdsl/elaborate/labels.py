"""What may be the name of a module: it becomes an attribute of an `nn.Module` and a key of the checkpoint."""

from __future__ import annotations

import keyword
import re
from typing import Final

_COMPONENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+")

RESERVED: Final = frozenset(
    [
        "T_destination",
        "add_module",
        "apply",
        "bfloat16",
        "buffers",
        "call_super_init",
        "children",
        "compile",
        "cpu",
        "cuda",
        "double",
        "dump_patches",
        "eval",
        "extra_repr",
        "float",
        "forward",
        "get_buffer",
        "get_extra_state",
        "get_parameter",
        "get_submodule",
        "half",
        "ipu",
        "load_state_dict",
        "modules",
        "mtia",
        "named_buffers",
        "named_children",
        "named_modules",
        "named_parameters",
        "parameters",
        "register_backward_hook",
        "register_buffer",
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
        "register_load_state_dict_post_hook",
        "register_load_state_dict_pre_hook",
        "register_module",
        "register_parameter",
        "register_state_dict_post_hook",
        "register_state_dict_pre_hook",
        "requires_grad_",
        "set_extra_state",
        "set_submodule",
        "share_memory",
        "state_dict",
        "to",
        "to_empty",
        "train",
        "training",
        "type",
        "xpu",
        "zero_grad",
    ]
)
"""Attributes of `nn.Module` that a submodule must not hide. A test holds this list against torch."""

LONGEST: Final = 200


def unfit(label: str) -> str | None:
    """Why a label cannot be a module path, or None if it can. Dots part the components of a path."""
    if len(label) > LONGEST:
        return f"it has {len(label)} characters and at most {LONGEST} are allowed"
    for component in label.split("."):
        if not component:
            return "a part of it is empty"
        if not _COMPONENT.fullmatch(component):
            return "each part between dots must be a word of letters, digits and `_`, or a number"
        if keyword.iskeyword(component):
            return f"`{component}` is a keyword of Python"
        if component.startswith("__"):
            return "names that start with two underscores are Python's own"
        if component in RESERVED:
            return f"`{component}` is an attribute of every `nn.Module`"
    return None
