"""Graphs as ONNX models: valid, with the checkpoint's names, and equal to torch at every size that they serve.

Each op's own form is held against torch over the grids of tests/ops; here it is whole networks.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

import resnetdsl
from resnetdsl.compile.lower.pipeline import lower
from resnetdsl.compile.recipes import evaluate_all
from resnetdsl.compile.verify import Reference
from resnetdsl.emit.onnx import InexpressibleError, onnx_model
from resnetdsl.ir.graph import Graph
from resnetdsl.network import Network
from resnetdsl.paths import specs_dir
from tests.compile.lowering import network
from tests.emit.interpreter import randomise

FAMILIES = sorted(path.stem for path in specs_dir().glob("*.rnet"))
OFTEN = ("cifar", "mobilenetv3")
"""The families that are checked each time; the others with the slow tests."""


def model_of(
    net: Network, module: nn.Module, sizes: tuple[int | str, ...], graph: Graph | None = None
) -> onnx.ModelProto:
    state = module.state_dict()
    return onnx_model(graph or net.checked, sizes, lambda name: state[name].numpy().tobytes())


def run(model: onnx.ModelProto, x: torch.Tensor) -> dict[str, np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"input": x.numpy()}), strict=True))


def agrees(net: Network, size: tuple[int, int, int] | None = None, batch: int = 2) -> onnx.ModelProto:
    """The model with random weights and statistics computes what the module computes, and every checker takes it."""
    module = net.module().eval()
    randomise(module)
    shape = net.checked.node(0).outputs[0].shape if size is None else size
    free = tuple(
        ("channels", "height", "width")[at] if range is not None else shape[at]
        for at, range in enumerate(net.checked.input_ranges)
    )
    model = model_of(net, module, ("batch", *free))
    onnx.checker.check_model(model, full_check=True)
    x = torch.randn(batch, *shape, generator=torch.Generator().manual_seed(1))
    names = tuple(output.name for output in net.checked.outputs)
    reference = Reference(module, names)
    expected = reference(x)
    found = run(model, x)
    assert tuple(found) == names
    for at, ((name, one), other) in enumerate(zip(found.items(), expected, strict=True)):
        assert one.shape == tuple(other.shape), name
        largest = np.abs(other.numpy()).max()
        if np.abs(one - other.numpy()).max() > 1e-4 * largest + 1e-30:  # then both are rounded, or the model is wrong
            truth = reference.exact()(x.double())[at].numpy()
            assert np.abs(one - truth).max() <= 2 * np.abs(other.numpy() - truth).max() <= 1e-3 * largest, name
    return model


def smallest(family: str) -> Network:
    """The network of a family with the fewest nodes."""
    spec = resnetdsl.load(specs_dir() / f"{family}.rnet")
    graphs = spec.check().graphs
    sizes = {name: len(graph) for name, graph in graphs.items() if graph is not None}
    return spec.network(min(sizes, key=lambda name: (sizes[name], name)))


@pytest.mark.parametrize(
    "family", [pytest.param(name, marks=() if name in OFTEN else pytest.mark.slow) for name in FAMILIES]
)
def test_each_family_equals_torch(family: str) -> None:
    agrees(smallest(family))


def test_the_weights_have_the_names_of_the_checkpoint() -> None:
    net = resnetdsl.load("resnet18").network("resnet18")
    module = net.module().eval()
    model = model_of(net, module, ("batch", 3, 224, 224))
    state = {name: tuple(leaf.shape) for name, leaf in module.state_dict().items() if "num_batches" not in name}
    found = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer if "/" not in tensor.name}
    assert found == state


def test_equal_graphs_give_equal_bytes() -> None:
    net = network("    conv(4, 3x3) -> batch_norm -> relu\n    global_avg_pool -> linear(2)")
    first, second = (
        onnx_model(net.checked, ("batch", 3, 16, 16)).SerializeToString(deterministic=True) for _ in range(2)
    )
    assert first == second


def test_without_values_the_weights_lie_outside() -> None:
    net = network("    conv(4, 3x3)\n    global_avg_pool -> linear(2)")
    model = onnx_model(net.checked, (1, 3, 16, 16))
    outside = {tensor.name for tensor in model.graph.initializer if tensor.external_data}
    assert outside == {"0.weight", "2.weight", "2.bias"}
    assert not any(tensor.raw_data for tensor in model.graph.initializer)


@pytest.mark.parametrize("size", [(3, 32, 32), (3, 64, 96), (3, 96, 32)])
def test_one_model_serves_a_range_of_sizes(size: tuple[int, int, int]) -> None:
    text = """network n {
    input 3, 32..96 step 32, 32..96 step 32
    conv(8, 3x3, stride = 2, pad = "same") -> batch_norm -> relu
    tap early
    conv(8, 3x3, stride = 2) -> upsample(scale = 2)
    max_pool(3x3, stride = 2, pad = 1) -> tokens -> layer_norm -> linear(6)
    reduce_mean(axes = "n", keep = false)
    }"""
    agrees(resnetdsl.load(text).network("n"), size)


def test_a_network_with_taps_and_one_tensor_that_leaves_twice() -> None:
    net = network("    conv(4, 3x3) -> relu\n    tap features")
    found = agrees(net)
    assert [output.name for output in found.graph.output] == [output.name for output in net.checked.outputs]


def test_the_input_itself_may_be_an_output() -> None:
    agrees(network("    tap image\n    conv(4, 3x3)"))


def test_shared_layers_have_one_weight() -> None:
    net = network("    let same = shared conv(3, 3x3)\n    same -> same")
    assert len([tensor for tensor in agrees(net).graph.initializer if "/" not in tensor.name]) == 1


def test_the_lowered_form_equals_torch_and_has_no_norms() -> None:
    net = network(
        "    conv(8, 3x3) -> batch_norm -> relu\n    conv(8, 3x3) -> batch_norm\n    global_avg_pool -> linear(4)"
    )
    module = net.module().eval()
    randomise(module)
    lowered = lower(net.checked)
    values = evaluate_all(lowered.recipes, module.state_dict(), torch.float32, torch.device("cpu"))
    model = onnx_model(lowered.graph, ("batch", 3, 16, 16), lambda name: values[name].numpy().tobytes())
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
    x = torch.randn(3, 3, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(run(model, x)["output"]), module(x), rtol=1e-4, atol=1e-4)


def test_what_onnx_cannot_say_is_said_with_its_place() -> None:
    net = network("    odd: upsample(scale = 1.5)")
    with pytest.raises(InexpressibleError, match=r"`odd`: ONNX has no `upsample` like this: .*not whole"):
        onnx_model(net.checked, (1, 3, 16, 16))
