"""What an op says of its torch call, as a function: its module or its expression, made ready to be called."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnetdsl.emit.pytorch.helpers import source
from resnetdsl.ops.base import Expression, Module


def module(call: Module, path: str, weights: Mapping[str, Tensor]) -> nn.Module:
    """The module of a call with its weights, which are not copied."""
    make = eval(call.target, dict(_namespace(call.helper)))  # noqa: S307 - an op's own text
    with torch.device("meta"):
        made: nn.Module = make(*call.args, **dict(call.kwargs))
    made.load_state_dict({name: weights[f"{path}.{name}"] for name in made.state_dict()}, assign=True)
    if any(tensor.is_meta for tensor in [*made.parameters(), *made.buffers()]):
        # It has constants that are no weights: those must be computed.
        made = make(*call.args, **dict(call.kwargs))
        made.load_state_dict({name: weights[f"{path}.{name}"] for name in made.state_dict()}, assign=True)
    return made.requires_grad_(False).eval()


def expression(call: Expression, operands: int) -> Callable[..., Any]:
    """An expression as a function of so many operands."""
    names = [f"x{at}" for at in range(operands)]
    text = re.sub(r"\{(\d+)\}", r"x\1", call.template).replace("{all}", ", ".join(names))
    return eval(f"lambda {', '.join(names)}: {text}", dict(_namespace(call.helper)))  # type: ignore[no-any-return]  # noqa: S307


@cache
def _namespace(helper: str | None) -> Mapping[str, Any]:
    """The names that a call may use: torch's, and those of a helper's file."""
    names: dict[str, Any] = {"torch": torch, "nn": nn, "F": F, "math": math, "Tensor": Tensor}
    if helper is not None:
        exec(compile(source(helper), f"<{helper}>", "exec"), names)  # noqa: S102 - our own file
    return names
