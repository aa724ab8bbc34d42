"""The engines by name. A new one is one more line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from resnetdsl.compile.engines.base import Engine
from resnetdsl.compile.engines.inductor.engine import Inductor
from resnetdsl.compile.engines.onnxruntime import OnnxRuntime
from resnetdsl.compile.engines.openvino import OpenVino
from resnetdsl.compile.errors import CompileError, Problem

ALL: tuple[Engine, ...] = (Inductor(), OnnxRuntime(), OpenVino())

ENGINES: Mapping[str, Engine] = MappingProxyType({each.name: each for each in ALL})


def engine(name: str) -> Engine:
    """The engine of that name, or a `CompileError` that lists those that there are."""
    if name not in ENGINES:
        raise CompileError(
            Problem.BAD_OPTION, f"there is no engine `{name}`", f"the engines are {', '.join(ENGINES)}, and auto"
        )
    return ENGINES[name]
