"""Weights fit exactly or are refused with a table; files of other kinds are refused without being run."""

from __future__ import annotations

import os
import pickle
from argparse import Namespace
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from resnetdsl.compile.errors import WeightsError
from resnetdsl.compile.weights import load_weights, read_weights
from tests.cli.running import run
from tests.compile.tiny import Tiny

Save = Callable[[dict[str, Tensor], Path], None]


def other() -> dict[str, Tensor]:
    """The weights of another Tiny than any that a test makes."""
    torch.manual_seed(7)
    return {name: torch.rand_like(t) if t.is_floating_point() else t for name, t in Tiny().state_dict().items()}


def same(module: nn.Module, weights: dict[str, Tensor]) -> bool:
    state = module.state_dict()
    return state.keys() == weights.keys() and all(torch.equal(state[name], weights[name]) for name in weights)


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("w.pth", torch.save),
        ("w.pt", lambda weights, path: torch.save({"state_dict": weights, "epoch": 3}, path)),
        ("w.ckpt", lambda weights, path: torch.save({"model": weights}, path)),
        ("w.bin", lambda weights, path: torch.save({f"module.{k}": v for k, v in weights.items()}, path)),
        ("old.pth", lambda weights, path: torch.save(weights, path, _use_new_zipfile_serialization=False)),
        ("w.safetensors", save_file),
        ("compiled.pth", lambda weights, path: torch.save({f"_orig_mod.{k}": v for k, v in weights.items()}, path)),
        ("both.pth", lambda weights, path: torch.save({f"module._orig_mod.{k}": v for k, v in weights.items()}, path)),
        ("other.pth", lambda weights, path: torch.save({f"_orig_mod.module.{k}": v for k, v in weights.items()}, path)),
        (
            "timm.pth.tar",
            lambda weights, path: torch.save(
                {
                    "epoch": 3,
                    "arch": "tiny",
                    "args": Namespace(lr=0.1, model="tiny", sizes=[3, 32, 32]),
                    "state_dict": {name: torch.zeros_like(tensor) for name, tensor in weights.items()},
                    "state_dict_ema": {f"module.{name}": tensor for name, tensor in weights.items()},
                    "metric": 0.7,
                },
                path,
            ),
        ),
        ("ema.pth", lambda weights, path: torch.save({"model": {}, "model_ema": weights}, path)),
    ],
)
def test_the_usual_files(tmp_path: Path, name: str, save: Save) -> None:
    weights, module = other(), Tiny()
    save(weights, tmp_path / name)
    note = load_weights(module, tmp_path / name, "tiny")
    assert same(module, weights)
    assert note.startswith(f"{name} sha256:")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": {f"model.{name}": tensor for name, tensor in state.items()}},
        lambda state: {"state_dict": {f"net.backbone.{name}": tensor for name, tensor in state.items()}},
        lambda state: {f"module._orig_mod.{name}": tensor for name, tensor in state.items()},
        lambda state: {"model_ema": {"n_averaged": torch.tensor(3), **{f"module.{n}": t for n, t in state.items()}}},
        lambda state: {"state_dict": state, "best": np.float64(0.7), "args": Namespace(out=Path("/tmp"))},
    ],
)
def test_what_trainers_put_around_weights(tmp_path: Path, wrap: Callable[[dict[str, Tensor]], object]) -> None:
    path = tmp_path / "w.pth"
    weights, module = other(), Tiny()
    torch.save(wrap(weights), path)
    load_weights(module, path, "tiny")
    assert same(module, weights)


def test_names_that_have_something_else_in_front_are_shown_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save({f"model.{name}x": tensor for name, tensor in Tiny().state_dict().items()}, path)
    with pytest.raises(WeightsError, match=r"model\.conv1\.weightx"):
        load_weights(Tiny(), path, "tiny")


@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr])
def test_weights_that_are_not_dense(tmp_path: Path, layout: torch.layout) -> None:
    path = tmp_path / "w.pth"
    state = Tiny().state_dict()
    torch.save({**state, "fc.weight": state["fc.weight"].to_sparse(layout=layout)}, path)
    with pytest.raises(WeightsError, match=r"not dense: fc\.weight") as caught:
        load_weights(Tiny(), path, "tiny")
    assert "to_dense" in caught.value.help


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"w{suffix}"
    os.mkfifo(path)
    with pytest.raises(WeightsError, match="a device or a pipe"):
        read_weights(path)


def test_counters_of_training_steps_may_be_missing(tmp_path: Path) -> None:
    weights = {name: tensor for name, tensor in other().items() if not name.endswith("num_batches_tracked")}
    save_file(weights, tmp_path / "w.safetensors")
    load_weights(Tiny(), tmp_path / "w.safetensors", "tiny")


def test_half_precision_files_are_widened(tmp_path: Path) -> None:
    weights = {name: t.half() if t.is_floating_point() else t for name, t in other().items()}
    torch.save(weights, tmp_path / "w.pth")
    module = Tiny()
    load_weights(module, tmp_path / "w.pth", "tiny")
    assert torch.equal(module.fc.bias, weights["fc.bias"].float())


def test_a_table_of_what_does_not_fit(tmp_path: Path) -> None:
    weights = other()
    weights["head.weight"] = weights.pop("conv1.weight")
    weights["fc.weight"] = torch.zeros(10, 16)
    weights["fc.bias"] = torch.zeros(10)
    torch.save(weights, tmp_path / "w.pth")
    module = Tiny()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(WeightsError) as caught:
        load_weights(module, tmp_path / "w.pth", "tiny")
    assert str(caught.value) == (
        "the weights in `w.pth` do not fit network `tiny`\n"
        "  missing in the file (1):\n"
        "    conv1.weight  16x3x3x3\n"
        "  not in the network (1):\n"
        "    head.weight  16x3x3x3\n"
        "  of another shape (2):\n"
        "    fc.weight  10x16, the network has 5x16\n"
        "    fc.bias    10, the network has 5\n"
        "  = help: if `fc` is the classifier, the file has 10 classes: `--set classes=N`"
    )
    assert same(module, before)


def test_long_tables_are_cut(tmp_path: Path) -> None:
    torch.save(OrderedDict({f"w{i}": torch.zeros(1) for i in range(500)}), tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="and 490 more") as caught:
        load_weights(Tiny(), tmp_path / "w.pth", "tiny")
    assert len(str(caught.value).splitlines()) < 40


def test_whole_numbers_are_no_weights(tmp_path: Path) -> None:
    weights = other()
    weights["fc.bias"] = torch.zeros(5, dtype=torch.int8)
    torch.save(weights, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="of another type.*\n    fc.bias  int8, the network has float32") as caught:
        load_weights(Tiny(), tmp_path / "w.pth", "tiny")
    assert "classes" not in caught.value.help, "its shape is right"


class Bomb:
    """Unpickling it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, zipped: bool) -> None:
    file, mark = tmp_path / "w.pth", tmp_path / "ran"
    torch.save({"a": Bomb(mark)}, file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match="never loaded"):
        read_weights(file)
    file.write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(WeightsError):
        read_weights(file)
    assert not mark.exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"x", b"\x80\x02.", b"PK\x03\x04" + bytes(50), bytes(1000), b"\xff" * 64])
def test_files_of_other_kinds(tmp_path: Path, suffix: str, content: bytes) -> None:
    file = tmp_path / f"w{suffix}"
    file.write_bytes(content)
    with pytest.raises(WeightsError):
        read_weights(file)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_half_a_file(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"w{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(other(), file)
    whole = file.read_bytes()
    for share in (0.01, 0.3, 0.7, 0.99):
        file.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(WeightsError):
            read_weights(file)


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pth", tmp_path / "none.safetensors"):
        with pytest.raises(WeightsError, match="cannot read"):
            read_weights(path)
    with pytest.raises(WeightsError, match="no file but a folder"):
        read_weights(tmp_path)


def test_other_contents(tmp_path: Path) -> None:
    for content in ([1, 2], {"a": 1, "b": "x"}, {1: torch.zeros(1)}, torch.zeros(3)):
        torch.save(content, tmp_path / "w.pth")
        with pytest.raises(WeightsError):
            read_weights(tmp_path / "w.pth")


def test_a_comparison_that_was_not_made_is_not_told(tmp_path: Path) -> None:
    """Code from the cache, with weights that are no numbers: only made-up ones were compared."""
    spec = tmp_path / "n.rnet"
    spec.write_text("network n {\n    input 3x8x8\n    conv1: conv(4, 3x3) -> relu\n}\n", encoding="utf-8")
    torch.save({"conv1.weight": torch.full((4, 3, 3, 3), torch.nan)}, tmp_path / "nan.pth")
    command = ("compile", spec, "--device", "cpu", "-o", tmp_path / "n.rnetc")
    run(*command)
    assert "was compared with eager for these weights" in run(*command).err
    told = run(*command, "--weights", tmp_path / "nan.pth").err
    assert "its code was in the cache\n" in told
    assert "`conv1.weight` (108)" in told
