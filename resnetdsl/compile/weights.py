"""Trained weights from a file into a module: all of them, exactly, or a table of what does not fit."""

from __future__ import annotations

import argparse
import hashlib
import pickle
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PosixPath
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from resnetdsl.compile.errors import WeightsError
from resnetdsl.compile.lower.lowered import weights_of
from resnetdsl.compile.memory import is_lack_of_memory
from resnetdsl.compile.metadata import Shape
from resnetdsl.ir.graph import Graph

_ROWS = 10
_WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model", "model_state_dict")
"""Keys under which training scripts keep the weights beside an optimiser's state. The mean of them over the last steps
comes first, as in timm: it is what is published of a training."""
_PREFIXES = ("module.", "_orig_mod.")
"""What DataParallel and `torch.compile` put in front of every name."""
_AVERAGED = "n_averaged"
"""What `torch.optim.swa_utils.AveragedModel` counts beside its `module.`, as torchvision's trainings save it."""


_FORMS = "weights come as .safetensors, or as `torch.save(model.state_dict(), FILE)` writes them (.pth, .pt)"
_PARAMETRIZED = re.compile(r"\.parametrizations\.|\.weight_(g|v|orig|mask)$")
_PLAIN = (
    "weight norm, spectral norm, pruning and other parametrizations are no part of a network: "
    "torch.nn.utils.parametrize.remove_parametrizations, remove_weight_norm or prune.remove leave what they make"
)
_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")

_SURPLUS = (
    "the network lacks nothing: where it is a part of that of the file, as with `taps`, save the file without the rest"
)


Weights = Mapping[str, Tensor] | str | Path
"""A state dict, or a checkpoint's file."""


def load_weights(module: nn.Module, source: Weights, network: str) -> str:
    """Fill `module` from a state dict, a .safetensors file or a PyTorch checkpoint; what to note of its origin."""
    found, name, origin = given(source)
    fit_weights(module, found, name, network)
    return origin


def given(source: object) -> tuple[Mapping[str, Tensor], str, str]:
    """Weights by name, what to call where they come from, and what to note of that."""
    if isinstance(source, Mapping):
        return source, "the state dict", ""
    if not isinstance(source, str | Path):
        kind = type(source).__name__
        raise WeightsError(f"weights are a state dict or a file, not a `{kind}`", "pass module.state_dict()")
    path = Path(source)
    return read_weights(path), f"`{path.name}`", signature(path)


def signature(path: Path) -> str:
    """What an artifact says of the file that its weights come from."""
    return f"{path.name} sha256:{_sha256(path)}"


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name. Nothing but tensors is unpickled."""
    if path.exists() and not path.is_file():  # to open a pipe is to wait for who writes to it
        raise WeightsError(
            f"the weights `{path}` are no file but a {'folder' if path.is_dir() else 'device or a pipe'}"
        )
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise WeightsError(f"cannot read the weights `{path}`: {(error.strerror or str(error)).lower()}") from error
    loaded: object = _safetensors(path) if path.suffix == ".safetensors" else _checkpoint(path)
    if not isinstance(loaded, Mapping):
        raise WeightsError(
            f"`{path}` holds no weights by name but a {type(loaded).__name__}", "save model.state_dict(), not the model"
        )
    for wrapper in _WRAPPERS:
        if isinstance(inner := loaded.get(wrapper), Mapping):
            loaded = inner
            break
    strays = [str(key) for key, value in loaded.items() if not isinstance(key, str) or not isinstance(value, Tensor)]
    if strays:
        raise WeightsError(f"`{path}` holds other things than weights: {_some(strays)}", "save model.state_dict()")
    found = {str(key): value for key, value in loaded.items()}
    if all(key.startswith(_PREFIXES[0]) for key in found if key != _AVERAGED):
        found.pop(_AVERAGED, None)
    while prefix := next((each for each in _PREFIXES if found and all(key.startswith(each) for key in found)), None):
        found = {key.removeprefix(prefix): value for key, value in found.items()}
    return found


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise WeightsError("the package safetensors is not installed", "pip install 'resnetdsl[torch]'") from error
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"`{path}` is no safetensors file, or not all of one: {error}", _FORMS) from error


def _checkpoint(path: Path) -> object:
    try:
        with torch.serialization.safe_globals(_plain_data()):
            loaded: object = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        kind = _GLOBAL.search(str(error))
        what = f"it holds a `{kind[1]}`" if kind else "it is damaged, or holds objects"
        raise WeightsError(
            f"`{path}` is no checkpoint of weights alone: {what}, which is never loaded",
            "save model.state_dict() with torch.save, or use safetensors",
        ) from error
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, AttributeError, IndexError, TypeError) as error:
        if is_lack_of_memory(error):
            raise
        raise WeightsError(f"`{path}` is no PyTorch checkpoint, or not all of one", _FORMS) from error
    return loaded


def _plain_data() -> list[Any]:
    """What trainings keep beside the weights and is names and values alone: options, paths, numbers of NumPy."""
    numbers = [type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "u1", "?")]
    scalar = np.float64(0).__reduce__()[0]  # the function that makes one
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    return [argparse.Namespace, PosixPath, np.dtype, *numbers, *((scalar, name) for name in names)]


def leaves(module: nn.Module) -> dict[str, Shape]:
    """The weights of a module as its state dict has them."""
    return {name: Shape(tuple(tensor.shape), _plain(tensor.dtype)) for name, tensor in module.state_dict().items()}


def leaves_of(graph: Graph) -> dict[str, Shape]:
    """The weights of a network as its graph has them."""
    return {name: Shape(weight.shape, weight.dtype) for name, weight in weights_of(graph)}


def fit_weights(module: nn.Module, found: Mapping[str, Tensor], file: str, network: str) -> None:
    """Copy the weights in if every name and shape agrees; else change nothing and say what does not."""
    wanted = leaves(module)
    fitting = check_fit(wanted, unwrapped(wanted, found), file, network)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name in fitting:
                tensor.copy_(fitting[name])


def check_fit(wanted: Mapping[str, Shape], found: Mapping[str, object], file: str, network: str) -> dict[str, Tensor]:
    """All the weights that are wanted, or a `WeightsError` with a table of what does not fit.

    Counters of training steps may be missing: evaluation has no use for them, and old checkpoints lack them.
    """
    given = {name: tensor for name, tensor in found.items() if isinstance(tensor, Tensor)}
    if strays := [str(name) for name in found if name not in given]:
        raise WeightsError(f"{file} holds other things than tensors: {_some(strays)}")
    if sparse := [name for name, tensor in given.items() if not is_lazy(tensor) and tensor.layout is not torch.strided]:
        raise WeightsError(f"{file} holds weights that are not dense: {_some(sparse)}", "store tensor.to_dense()")
    if empty := [name for name, tensor in given.items() if is_lazy(tensor) or tensor.is_meta]:
        raise WeightsError(f"{file} holds weights without values (`meta`): {_some(empty)}", "fill them first")
    return _fitting(wanted, given, file, network)


def unwrapped(wanted: Mapping[str, Shape], given: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The weights without what an owner puts in front of every name, as a LightningModule its `model.`; as they are
    where they would not be the network's then either.
    """
    found = given
    while not found.keys() & wanted.keys():
        heads = {str(name).partition(".")[0] for name in found}
        if len(heads) != 1 or not all("." in str(name) for name in found):
            return given
        found = {name.partition(".")[2]: tensor for name, tensor in found.items()}
    return found


def _fitting(wanted: Mapping[str, Shape], found: Mapping[str, Tensor], file: str, network: str) -> dict[str, Tensor]:
    counters = {name: torch.zeros((), dtype=torch.int64) for name in wanted if name.endswith("num_batches_tracked")}
    missing = [name for name in wanted if name not in found and name not in counters]
    unexpected = [name for name in found if name not in wanted]
    there = {name: leaf for name, leaf in wanted.items() if name in found}
    other = [name for name, leaf in there.items() if tuple(found[name].shape) != leaf.shape]
    typed = [
        name
        for name, leaf in there.items()
        if name not in other and found[name].is_floating_point() != leaf.is_floating
    ]
    if missing or unexpected or other or typed:
        parts = [
            _table("missing in the file", missing, [str(wanted[name]) for name in missing]),
            _table("not in the network", unexpected, [_size(found[name]) for name in unexpected]),
            _table("of another shape", other, [f"{_size(found[n])}, the network has {wanted[n]}" for n in other]),
            _table(
                "of another type",
                typed,
                [f"{_plain(found[n].dtype)}, the network has {wanted[n].dtype}" for n in typed],
            ),
        ]
        table = "\n".join(part for part in parts if part)
        advice = _advice(other, found) if missing or other or typed else _SURPLUS
        if any(_PARAMETRIZED.search(name) for name in unexpected):
            advice = _PLAIN
        raise WeightsError(f"the weights in {file} do not fit network `{network}`\n{table}", advice)
    return counters | dict(found)


def not_finite(weights: Mapping[str, Tensor]) -> tuple[str, ...]:
    """What to say of weights that are infinite or no numbers: training that failed, or a type that is too narrow."""
    bad = {name: int((~torch.isfinite(tensor)).sum()) for name, tensor in weights.items()}
    bad = {name: count for name, count in bad.items() if count}
    if not bad:
        return ()
    named = ", ".join(f"`{name}` ({count})" for name, count in [*bad.items()][:3])
    more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
    return (f"weights that are infinite or no numbers: {named}{more}",)


def _table(title: str, names: list[str], sizes: list[str]) -> str:
    if not names:
        return ""
    width = max(len(name) for name in names[:_ROWS])
    rows = [f"    {name:<{width}}  {size}" for name, size in zip(names[:_ROWS], sizes[:_ROWS], strict=True)]
    if len(names) > _ROWS:
        rows.append(f"    and {len(names) - _ROWS} more")
    return "\n".join([f"  {title} ({len(names)}):", *rows])


def _advice(other: list[str], found: Mapping[str, Tensor]) -> str:
    """The commonest mistake is another number of classes: only the classifier differs, in its first dimension."""
    owners = {name.rpartition(".")[0] for name in other}
    rows = {found[name].shape[0] for name in other if found[name].dim()}
    if len(owners) == 1 and len(rows) == 1:
        return f"if `{owners.pop()}` is the classifier, the file has {rows.pop()} classes: `--set classes=N`"
    return "check that the file belongs to this network; `resnetdsl summary` lists its weights"


def _size(tensor: Tensor) -> str:
    return str(Shape(tuple(tensor.shape), _plain(tensor.dtype)))


def _plain(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
