"""The engines by name. A new one is one more line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from resnetdsl.compile.engines.base import Engine
from resnetdsl.compile.engines.cudnn.engine import Cudnn
from resnetdsl.compile.engines.inductor.engine import Inductor
from resnetdsl.compile.engines.onednn.engine import OneDnn
from resnetdsl.compile.engines.onnxruntime import OnnxRuntime
from resnetdsl.compile.engines.openvino import OpenVino
from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.options import Backend, Layout, Precision

USUAL: tuple[Engine, ...] = (OneDnn(), Cudnn(), Inductor())
"""What comes with PyTorch: taken where no engine is asked for, the first that can serve."""

ALL: tuple[Engine, ...] = (*USUAL, OnnxRuntime(), OpenVino())

ENGINES: Mapping[str, Engine] = MappingProxyType({each.name: each for each in ALL})


def engine(name: str) -> Engine:
    """The engine of that name, or a `CompileError` that lists those that there are."""
    if name not in ENGINES:
        raise CompileError(
            Problem.BAD_OPTION, f"there is no engine `{name}`", f"the engines are {', '.join(ENGINES)}, and auto"
        )
    return ENGINES[name]


def engine_for(
    backend: Backend | None, device: str, precision: Precision, layout: Layout | None = None
) -> Engine | None:
    """The engine that is asked for, or the usual one; None where the fastest is to be found.

    A `CompileError` where the one that is asked for cannot serve.
    """
    if backend is None:
        return next((each for each in USUAL if unfit(each, device, precision, layout) is None), None)
    if backend is Backend.AUTO:
        return None
    found = engine(backend.value)
    if (lack := unfit(found, device, precision, layout)) is not None:
        raise CompileError(Problem.NO_ENGINE, f"the engine `{found.name}` cannot be used here: {lack}")
    return found


def unfit(engine: Engine, device: str, precision: Precision, layout: Layout | None = None) -> str | None:
    """Why an engine cannot be used here for this, in words that end with what to do; None if it can."""
    if (lack := engine.lacking(device, precision)) is not None:
        return lack
    known = engine.layouts(device)
    if layout is None or layout in known.choices:
        return None
    others = [
        each.name for each in ALL if layout in each.layouts(device).choices and each.lacking(device, precision) is None
    ]
    way_out = "leave out `--layout`" + (f", or use `--backend {others[0]}`" if others else "")
    if known.usual is None:
        return f"no layout can be asked of it: {known.why}; {way_out}"
    return f"its images are {known.usual.value}, {known.why}; {way_out}"
