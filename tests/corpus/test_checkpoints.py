"""Files as timm and torchvision write them, of every family: made here from their models, read by the real loader.

There is no network to download from; the weights are random.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from resnetdsl.api import find_network, load
from resnetdsl.compile.errors import WeightsError
from resnetdsl.compile.weights import load_weights
from tests.corpus.test_use import QUICK
from tests.networks.comparing import difference, image, randomise
from tests.oracles import timm, torchvision

Write = Callable[[dict[str, Tensor], Path], None]
FORMS: dict[str, tuple[str, Write]] = {
    "timm's hub": ("model.safetensors", save_file),
    "torch": ("weights.pth", torch.save),
    "timm's training": (
        "checkpoint.pth.tar",
        lambda state, path: torch.save({"arch": "n", "epoch": 9, "state_dict": state, "version": 2}, path),
    ),
    "parallel": ("w.pt", lambda state, path: torch.save({"model": {f"module.{k}": v for k, v in state.items()}}, path)),
    "compiled": ("w.bin", lambda state, path: torch.save({f"_orig_mod.{k}": v for k, v in state.items()}, path)),
}


def ours(name: str) -> nn.Module:
    assert find_network(name) is not None
    return load(name).network().module()


@pytest.mark.parametrize(("name", "form"), [(name, list(FORMS)[i % len(FORMS)]) for i, name in enumerate(QUICK)])
def test_timms_files_load(name: str, form: str, tmp_path: Path) -> None:
    file, write = FORMS[form]
    theirs, mine = randomise(timm().create_model(name)).eval(), ours(name)
    write(theirs.state_dict(), tmp_path / file)
    load_weights(mine, tmp_path / file, name)
    for key, value in mine.state_dict().items():
        assert torch.equal(value, theirs.state_dict()[key]), key


@pytest.mark.parametrize("form", FORMS)
def test_torchvisions_files_load_in_every_form(form: str, tmp_path: Path) -> None:
    file, write = FORMS[form]
    theirs, mine = randomise(torchvision().models.resnet18()).eval(), ours("resnet18").eval()
    write(theirs.state_dict(), tmp_path / file)
    load_weights(mine, tmp_path / file, "resnet18")
    with torch.no_grad():
        assert difference(mine(image(3, 65, 97)), theirs(image(3, 65, 97))) < 1e-5


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_types_of_numbers_become_the_modules(kind: torch.dtype, tmp_path: Path) -> None:
    state = {
        k: v.to(kind) if v.is_floating_point() else v for k, v in timm().create_model("resnet18").state_dict().items()
    }
    save_file(state, tmp_path / "w.safetensors")
    mine = ours("resnet18")
    load_weights(mine, tmp_path / "w.safetensors", "resnet18")
    assert all(torch.equal(value, state[key].to(value.dtype)) for key, value in mine.state_dict().items())


def test_a_backbone_takes_a_classifiers_file_only_without_the_head(tmp_path: Path) -> None:
    state = timm().create_model("resnet18").state_dict()
    backbone = load("resnet18").network(taps=True)
    save_file(state, tmp_path / "whole.safetensors")
    with pytest.raises(WeightsError, match=r"(?s)fc\.weight") as refused:
        load_weights(backbone.module(), tmp_path / "whole.safetensors", "resnet18")
    assert "as with `taps`" in refused.value.help
    save_file({key: value for key, value in state.items() if not key.startswith("fc.")}, tmp_path / "body.safetensors")
    load_weights(backbone.module(), tmp_path / "body.safetensors", "resnet18")
