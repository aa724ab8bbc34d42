"""What every op's tests need: the real thing built from an op's `Call`, and the oracles that it is held against.

    check(Conv(), {"out_channels": 8, "kernel": 3}, TensorType.image(3, 32, 32))

compares shapes, weights and MACs with what torch says of the module that the emitted source would make.
Everything runs on meta tensors, so sizes are free.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import resnetdsl.ops as ops_package
from resnetdsl.emit import onnx as onnx_emitter
from resnetdsl.ir.graph import Value
from resnetdsl.ir.types import TensorType
from resnetdsl.ops.base import REQUIRED, Call, Expression, Inference, Kind, Module, Op, Parameter
from resnetdsl.ops.onnx import OPSET, NotInOnnxError, Onnx

HELPERS = Path(ops_package.__file__).parent / "helpers"
BATCH = 2


def complete(op: Op, given: Mapping[str, object]) -> dict[str, Value]:
    """Attributes as the elaborator hands them over: defaults filled in, `3` as `(3, 3)` where it is a size."""
    unknown = set(given) - {param.name for param in op.params}
    assert not unknown, f"{op.name} has no parameter {unknown}"
    attrs: dict[str, Value] = {}
    for param in op.params:
        value = given.get(param.name, param.default)
        assert value is not REQUIRED, f"{op.name} needs {param.name}"
        whole = isinstance(value, int) and not isinstance(value, bool)
        match param.kind:
            case Kind.SIZE if whole:
                value = (value, value)
            case Kind.PADDING if whole:
                value = (value,) * 4
            case Kind.PADDING if isinstance(value, tuple) and len(value) == 2:
                value = (value[0], value[0], value[1], value[1])
            case Kind.FLOAT | Kind.INIT if whole:
                value = float(value)  # type: ignore[arg-type]
            case _:
                pass
        attrs[param.name] = value  # type: ignore[assignment]
    return attrs


def namespace(helper: str | None) -> dict[str, object]:
    """The names that emitted source has in reach: torch's, and what the helper's file defines."""
    names: dict[str, object] = {"torch": torch, "nn": nn, "F": F, "math": math}
    if helper is not None:
        text = (HELPERS / f"{helper}.py").read_text(encoding="utf-8")
        check_helper(text)
        exec(compile(text, f"{helper}.py", "exec"), names)
    return names


def check_helper(text: str) -> None:
    """A helper is pasted into emitted source: no imports but torch's and the standard library's."""
    allowed = {"import torch", "from torch import nn", "from torch import Tensor, nn", "import math"}
    allowed |= {"import torch.nn.functional as F", "from __future__ import annotations"}
    allowed |= {"import functools", "from typing import Any", "from collections.abc import Callable, Iterator"}
    allowed |= {"from contextlib import AbstractContextManager, contextmanager, nullcontext"}
    allowed |= {"from torch.utils.checkpoint import checkpoint"}
    body = ast.parse(text).body
    imports = {ast.unparse(item) for item in body if isinstance(item, (ast.Import, ast.ImportFrom))}
    assert imports <= allowed, imports - allowed
    defined = [item for item in body if isinstance(item, (ast.ClassDef, ast.FunctionDef))]
    assert defined
    assert all(map(ast.get_docstring, defined))


class Applied(nn.Module):
    """An `Expression` as a module: its operands are the arguments of `forward`."""

    def __init__(self, template: str, names: dict[str, object]) -> None:
        super().__init__()
        self.template = template
        self.names = names

    def forward(self, *operands: Tensor) -> Tensor | Sequence[Tensor]:
        variables = [f"x{i}" for i in range(len(operands))]
        text = self.template.format(*variables, all=", ".join(variables))
        return eval(text, self.names | dict(zip(variables, operands, strict=True)))  # type: ignore[no-any-return]


class Free(nn.Module):
    """A `Parameter` as a module. Its weight is the module itself: in a checkpoint its name is the node's path."""

    def __init__(self, value: str) -> None:
        super().__init__()
        self.value = nn.Parameter(eval(value, namespace(None)))

    def forward(self) -> Tensor:
        return self.value


def render(call: Module) -> str:
    """The constructor call as source text."""
    arguments = [repr(value) for value in call.args] + [f"{name}={value!r}" for name, value in call.kwargs]
    return f"{call.target}({', '.join(arguments)})"


def build(call: Call) -> nn.Module:
    """The module that a call makes, on torch's current default device (`with torch.device("meta")`)."""
    match call:
        case Module(helper=helper):
            module = eval(render(call), namespace(helper))
            assert isinstance(module, nn.Module)
            return module
        case Expression(template, helper):
            return Applied(template, namespace(helper))
        case Parameter(value):
            return Free(value)


def tensors(types: Sequence[TensorType], batch: int = BATCH, device: str = "meta") -> list[Tensor]:
    """Random operands, with a batch unless they are weights."""
    return [torch.randn((*((batch,) if kind.batched else ()), *kind.shape), device=device) for kind in types]


def results(module: nn.Module, operands: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The outputs, one or several, as a tuple."""
    out = module(*operands)
    return (out,) if isinstance(out, Tensor) else tuple(out)


def run(op: Op, attrs: Mapping[str, Value], inputs: Sequence[TensorType], batch: int = BATCH) -> tuple[Tensor, ...]:
    """What torch makes of it, on the meta device. Attributes must be complete."""
    with torch.device("meta"), torch.no_grad():
        return results(build(op.call(attrs, tuple(inputs))).eval(), tensors(inputs, batch))


def check(op: Op, given: Mapping[str, object], *inputs: TensorType) -> Inference:
    """Hold everything an op claims against torch; returns the inference for further assertions."""
    attrs = complete(op, given)
    inference = op.infer(attrs, inputs)
    assert inference.faults == (), inference.faults
    assert inference.outputs is not None
    with torch.device("meta"), torch.no_grad():
        call = op.call(attrs, inputs)
        module = build(call).eval()
        found = results(module, tensors(inputs))
        with FlopCounterMode(display=False) as counter:
            results(module, tensors(inputs, batch=1))
    expected = [((BATCH,) if out.batched else ()) + out.shape for out in inference.outputs]
    assert [tuple(out.shape) for out in found] == expected
    for out in inference.outputs:
        assert len(out.axes) == len(out.shape), out
    check_weights(op, attrs, inputs, module)
    assert op.macs(attrs, inputs, inference.outputs) * 2 == counter.get_total_flops()
    check_onnx(op, attrs, inputs)
    return inference


MOST_ELEMENTS = 2**20
"""Operands with more numbers are not computed with."""


def check_onnx(op: Op, attrs: Mapping[str, Value], inputs: tuple[TensorType, ...]) -> None:
    """What ONNX Runtime computes from an op's ONNX form is what torch computes, at free batch, height and width."""
    if sum(kind.numel for kind in inputs) > MOST_ELEMENTS or op.name == "input":
        return
    torch.manual_seed(0)
    module = build(op.call(attrs, inputs)).eval()
    if any(parameter.numel() > MOST_ELEMENTS for parameter in module.parameters()):
        return
    state = module.state_dict()
    with torch.no_grad():
        for name, leaf in state.items():
            if leaf.is_floating_point():
                leaf.copy_(torch.rand(leaf.shape) + 0.5 if name.endswith("running_var") else torch.randn(leaf.shape))
        operands = [each.abs() + 0.5 if op.name == "power" else each for each in tensors(inputs, device="cpu")]
        expected = results(module, operands)
    names = tuple(f"x{at}" for at in range(len(inputs)))
    try:
        g = Onnx("op", "op", names, resizable=True)
        found = op.onnx(attrs, inputs, g)
        free = {"h", "w", "n"}
    except NotInOnnxError:
        g = Onnx("op", "op", names)
        free = set()
        try:
            found = op.onnx(attrs, inputs, g)
        except NotInOnnxError:
            assert op.name in {"conv_transpose", "upsample"}
            return
    outputs = (found,) if isinstance(found, str) else found
    steps = [onnx_emitter._step(step, {}) for step in g.steps]
    steps += [onnx.helper.make_node("Identity", [name], [f"y{at}"]) for at, name in enumerate(outputs)]
    told = [
        onnx.helper.make_tensor_value_info(
            name,
            onnx.TensorProto.FLOAT,
            [
                *(["batch"] if kind.batched else []),
                *(f"{name}_{a}{at}" if a in free else kind.shape[at] for at, a in enumerate(kind.axes)),
            ],
        )
        for name, kind in zip(names, inputs, strict=True)
    ]
    weights = (
        {f"op.{name}": leaf for name, leaf in state.items()} if not isinstance(module, Free) else {"op": module.value}
    )
    initial = [onnx.numpy_helper.from_array(leaf.detach().numpy(), name) for name, leaf in weights.items()]
    graph = onnx.helper.make_graph(
        steps,
        "op",
        told,
        [onnx.helper.make_empty_tensor_value_info(f"y{at}") for at in range(len(outputs))],
        [*initial, *map(onnx_emitter._constant, g.constants)],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    actual = session.run(None, {name: x.numpy() for name, x in zip(names, operands, strict=True)})
    for one, other in zip(actual, expected, strict=True):
        # The largest of nothing but padding is minus infinity to torch, the least float to the others.
        found, wanted = (torch.nan_to_num(x, nan=math.nan, posinf=math.inf) for x in (torch.from_numpy(one), other))
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4, equal_nan=True)


def agree(op: Op, given: Mapping[str, object], *inputs: TensorType) -> None:
    """An op has a fault if and only if torch refuses the same on the CPU; and if neither does, `check` holds.

    Rules that are the language's own, not torch's, are passed over: an even kernel without padding (E0308) and
    what the op says no source can be written for (E0317).
    """
    attrs = complete(op, given)
    codes = {fault.code for fault in op.infer(attrs, inputs).faults}
    if codes & {"E0308", "E0317"}:
        return
    if not codes:
        check(op, given, *inputs)
    assert torch_refuses(op, attrs, inputs) == bool(codes), (codes, attrs, inputs)


def torch_refuses(op: Op, attrs: Mapping[str, Value], inputs: tuple[TensorType, ...]) -> bool:
    """Whether building or calling the real module fails, or leaves nothing of the tensor."""
    try:
        found = results(build(op.call(attrs, inputs)), tensors(inputs, device="cpu"))
    except (ValueError, RuntimeError, NotImplementedError):
        return True
    return any(out.numel() == 0 for out in found)


def check_weights(op: Op, attrs: Mapping[str, Value], inputs: tuple[TensorType, ...], module: nn.Module) -> None:
    """Names, shapes, kinds and order of the checkpoint's leaves."""
    parameters = dict(module.named_parameters())
    claimed = [(w.name, w.shape, w.trainable, w.dtype) for w in op.weights(attrs, inputs)]
    actual = [
        (name, tuple(leaf.shape), name in parameters, str(leaf.dtype).removeprefix("torch."))
        for name, leaf in module.state_dict().items()
    ]
    if isinstance(module, Free):  # its only leaf has no name of its own
        claimed = [(name or "value", *rest) for name, *rest in claimed]  # type: ignore[misc]
    assert claimed == actual
    for init in op.initialise(attrs):
        assert init.weight in parameters, init
        with torch.no_grad():
            getattr(nn.init, init.function)(parameters[init.weight], **dict(init.kwargs))
