"""Blocks that are computed again for the backward pass: the same training in less memory."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import resnetdsl
from resnetdsl.emit.pytorch.cuts import cuts
from resnetdsl.emit.pytorch.document import NothingToCheckpointError
from tests.cli.running import run

SPEC = """
block wide(width) {
    residual(projection) { conv(width, 3x3) -> batch_norm -> relu -> dropout(0.3) -> conv(width, 3x3) -> batch_norm }
    relu
}

network tiny {
    input 3x16x16
    stem { conv(8, 3x3) -> batch_norm -> relu }
    stage layer1: 2 * basic(8, drop = 0.2)
    stage layer2: bottleneck(8) -> wide(32) -> wide(32)
    head { global_avg_pool -> linear(5) }
}
"""


def network(name: str) -> resnetdsl.Network:
    if name == "tiny":
        return resnetdsl.load(SPEC).network()
    return resnetdsl.load(name).network()


def pair(name: str) -> tuple[nn.Module, nn.Module]:
    """A network as it is, and with its blocks checkpointed; the same weights, none of them at zero."""
    net = network(name)
    plain, checkpointed = net.module(), net.module(checkpoint_blocks=True)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.02)
    checkpointed.load_state_dict(plain.state_dict(), strict=True)
    return plain, checkpointed


def step(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """One step of training; all gradients, the input's too, the result and the state after it."""
    torch.manual_seed(1)
    x = x.clone().requires_grad_()
    out = module(x)
    out.square().mean().backward()
    found = {"output": out.detach(), "input": x.grad}
    found |= {f"grad {name}": parameter.grad for name, parameter in module.named_parameters()}
    return {name: tensor.clone() for name, tensor in (found | module.state_dict()).items() if tensor is not None}


# Chains, gates, drop path, dense blocks whose layers are the cuts, and blocks of several weights.
NETWORKS = {
    "tiny": (4, 3, 16, 16),
    "resnet18": (2, 3, 64, 64),
    "preresnet110": (2, 3, 32, 32),
    "densenet121": (2, 3, 64, 64),
    "mobilenetv2_100": (2, 3, 64, 64),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_training_is_the_same(name: str) -> None:
    plain, checkpointed = pair(name)
    assert list(plain.state_dict()) == list(checkpointed.state_dict())
    x = torch.randn(NETWORKS[name])
    for _ in range(2):
        expected, found = step(plain, x), step(checkpointed, x)
        assert expected.keys() == found.keys()
        for key, tensor in expected.items():
            torch.testing.assert_close(
                found[key], tensor, rtol=1e-5, atol=1e-6, msg=lambda text, key=key: f"{key}: {text}"
            )
    counts = {int(value) for key, value in checkpointed.state_dict().items() if key.endswith("num_batches_tracked")}
    assert counts == {2}


@pytest.mark.parametrize("name", ["tiny", "resnet18"])
def test_outside_of_training_nothing_is_computed_twice(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, checkpointed = pair(name)
    module = sys.modules[type(checkpointed).__module__]
    monkeypatch.setattr(module, "checkpoint", lambda *_, **__: pytest.fail("checkpointed without a need"))
    x = torch.randn(NETWORKS[name])
    with torch.no_grad():
        torch.testing.assert_close(checkpointed.eval()(x), plain.eval()(x))


def kept(module: nn.Module, x: Tensor) -> int:
    """The bytes that autograd keeps for the backward pass, those of the blocks' inputs included."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}
    found: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    hooks = [
        each.register_forward_pre_hook(lambda _, inputs: [pack(i) for i in inputs] and None) for each in blocks(module)
    ]
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        module(x)
    for hook in hooks:
        hook.remove()
    return sum(found.values())


def blocks(module: nn.Module) -> Iterator[nn.Module]:
    return (each for each in module.modules() if hasattr(type(each).forward, "__wrapped__"))


@pytest.mark.parametrize(("name", "share"), [("preresnet110", 0.35), ("resnet50", 0.4), ("densenet121", 0.7)])
def test_memory_is_saved(name: str, share: float) -> None:
    net = network(name)
    size = 32 if name.startswith("pre") else 64
    x = torch.randn(2, 3, size, size)
    plain, checkpointed = kept(net.module(), x), kept(net.module(checkpoint_blocks=True), x)
    assert checkpointed < share * plain


def test_the_cuts_are_the_outermost_blocks() -> None:
    assert cuts(network("resnet18").checked) == {f"layer{i}.{j}" for i in range(1, 5) for j in (0, 1)}
    dense = cuts(network("densenet121").checked)
    assert "features.denseblock1.denselayer1" in dense
    assert "features.denseblock1" not in dense


def test_a_copy_of_the_module_is_its_own() -> None:
    _, checkpointed = pair("tiny")
    copied = copy.deepcopy(checkpointed)
    step(copied, torch.randn(NETWORKS["tiny"]))
    assert all(parameter.grad is None for parameter in checkpointed.parameters())


def test_a_network_without_blocks() -> None:
    with pytest.raises(NothingToCheckpointError, match="vgg16"):
        network("vgg16").module(checkpoint_blocks=True)
    done = run("export", "vgg16", "--to", "pytorch", "--checkpoint-blocks")
    assert (done.code, done.out) == (2, "")
    assert "`vgg16` has no blocks" in done.err


def test_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    assert run("export", "resnet18", "--to", "pytorch", "--checkpoint-blocks", "-o", path).code == 0
    assert path.read_text(encoding="utf-8").count("    @recomputed\n") == 1
    assert "recomputed" not in run("export", "resnet18", "--to", "pytorch").out
    done = run("export", "resnet18", "--to", "yaml", "--checkpoint-blocks")
    assert done.code == 2
    assert "is for `--to pytorch`" in done.err


# What Dynamo and the partitioner make of it; what Inductor then does with the graph, the slow suite looks at.
@pytest.mark.parametrize("backend", ["aot_eager_decomp_partition", pytest.param("inductor", marks=pytest.mark.slow)])
def test_compiled_training_is_the_same_too(backend: str) -> None:
    plain, checkpointed = pair("tiny")
    for module in (*plain.modules(), *checkpointed.modules()):
        if type(module).__name__ in {"Dropout", "DropPath"}:
            module.p = 0.0  # type: ignore[assignment]
    x = torch.randn(NETWORKS["tiny"])
    expected = step(plain, x)
    found = step(torch.compile(checkpointed, fullgraph=True, backend=backend), x)
    found = {key.replace("_orig_mod.", ""): tensor for key, tensor in found.items()}
    for key, tensor in expected.items():
        torch.testing.assert_close(found[key], tensor, rtol=1e-3, atol=1e-4)


# --- with what else trains ---


def mixed_step(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    with torch.autocast("cpu", torch.bfloat16):
        return step(module, x)


@pytest.mark.parametrize("name", ["tiny", "resnet18"])
def test_mixed_precision_trains_the_same(name: str) -> None:
    """The second time runs under the autocast of the first, though the backward pass is outside of it."""
    plain, checkpointed = pair(name)
    x = torch.randn(NETWORKS[name]).contiguous(memory_format=torch.channels_last)
    for module in (plain, checkpointed):
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def run(module: nn.Module) -> dict[str, Tensor]:
        torch.manual_seed(1)
        with torch.autocast("cpu", torch.bfloat16):
            loss = module(x).square().mean()
        loss.backward()
        found = {f"grad {key}": parameter.grad for key, parameter in module.named_parameters()}
        return {key: leaf.clone() for key, leaf in (found | module.state_dict()).items() if leaf is not None}

    expected, found = run(plain), run(checkpointed)
    assert expected.keys() == found.keys()
    for key, tensor in expected.items():
        assert torch.equal(found[key], tensor), key


def test_compiled_mixed_precision_trains_the_same() -> None:
    plain, checkpointed = pair("tiny")
    for module in (*plain.modules(), *checkpointed.modules()):
        if type(module).__name__ in {"Dropout", "DropPath"}:
            module.p = 0.0  # type: ignore[assignment]
    x = torch.randn(NETWORKS["tiny"])
    compiled = torch.compile(checkpointed, fullgraph=True, backend="aot_eager_decomp_partition")
    expected, found = mixed_step(plain, x), mixed_step(compiled, x)
    found = {key.replace("_orig_mod.", ""): tensor for key, tensor in found.items()}
    for key, tensor in expected.items():
        torch.testing.assert_close(found[key], tensor, rtol=0.05, atol=0.02)


def test_distributed_training_reduces_each_gradient_once() -> None:
    plain, checkpointed = pair("tiny")
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        wrapped = nn.parallel.DistributedDataParallel(checkpointed)
        x = torch.randn(NETWORKS["tiny"])
        for _ in range(2):
            expected, found = step(plain, x), step(wrapped, x)
        found = {key.replace("module.", "", 1): tensor for key, tensor in found.items()}
        for key, tensor in expected.items():
            torch.testing.assert_close(found[key], tensor, rtol=1e-5, atol=1e-6)
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.parametrize("training", [False, True])
def test_it_can_be_exported(training: bool) -> None:
    plain, checkpointed = pair("resnet18")
    x = torch.randn(NETWORKS["resnet18"])
    exported = torch.export.export(checkpointed.train(training), (x,)).module()
    torch.testing.assert_close(exported(x), plain.train(training)(x), rtol=1e-4, atol=1e-5)
