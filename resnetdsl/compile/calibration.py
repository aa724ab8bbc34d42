"""What an int8 artifact's scales are measured on: images, tensors of files, or noise where neither is given."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from resnetdsl.compile.engines.onnx_form import installed
from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.inputs import InputSpec
from resnetdsl.compile.options import Calibration
from resnetdsl.compile.weights import read_weights

IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}
TENSORS = {".npy", ".pt", ".pth", ".safetensors"}

_FEW = 32
"""Fewer samples than this say little about what a network will see."""


@dataclass(frozen=True, slots=True)
class Samples:
    """`inputs` are (samples, channels, height, width) in float32; `source` says what they are, for people."""

    inputs: Tensor
    source: str
    notes: tuple[str, ...] = ()


def samples(wanted: Calibration, inputs: InputSpec) -> Samples:
    """The samples that are asked for, of the input's middle size. Raises a `CompileError` for what cannot be read."""
    shape = tuple(dim.middle for dim in inputs.dims[1:])
    if wanted.path is None:
        noise = torch.randn((wanted.samples, *shape), generator=torch.Generator().manual_seed(0))
        note = (
            "WARNING: int8 scales were measured on noise, which no network is trained on: accuracy may be lost, and "
            "the agreement says nothing of real images; give some with `--calibration FOLDER`"
        )
        return Samples(noise, f"noise ({wanted.samples} samples)", (note,))
    path = Path(wanted.path)
    files = sample_files(path)
    found = _images(files, wanted, shape) if files[0].suffix.lower() in IMAGES else _tensors(files, wanted, inputs)
    if not torch.isfinite(found).all():
        raise _bad(f"`{wanted.path}` holds numbers that are infinite or none", "calibrate with data as it goes in")
    note = f"int8 scales were measured on {len(found)} samples; a few hundred are usual"
    return Samples(found, f"{path.name} ({len(found)} samples)", (note,) if len(found) < _FEW else ())


def fingerprint(wanted: Calibration, inputs: InputSpec) -> str:
    """Equal for two calibrations if and only if they say of equal samples the same. Files are read, not decoded."""
    shape = tuple(dim.middle for dim in inputs.dims[1:])
    digest = hashlib.sha256(repr((wanted.samples, wanted.mean, wanted.std, wanted.crop, shape)).encode())
    if wanted.path is not None:
        path = Path(wanted.path)
        files = sample_files(path)
        images = files[0].suffix.lower() in IMAGES
        digest.update(f"\0{path.name}\0{installed('pillow') if images else ''}".encode())
        for file in _spread(files, wanted.samples) if images else files:
            try:
                with file.open("rb") as opened:
                    part = hashlib.file_digest(opened, "sha256")
            except OSError as error:
                raise _bad(f"cannot read `{file}`: {(error.strerror or str(error)).lower()}") from error
            digest.update(file.suffix.lower().encode() + part.digest())
    return digest.hexdigest()


def sample_files(path: Path) -> list[Path]:
    """The files to read, all of one kind: those of a folder and the folders in it, in their order by name."""
    try:
        every = [each for each in sorted(path.rglob("*")) if each.is_file()] if path.is_dir() else [path]
        if not path.is_dir():
            path.stat()
    except OSError as error:
        raise _bad(f"cannot read `{path}`: {(error.strerror or str(error)).lower()}") from error
    for kind in (IMAGES, TENSORS):
        if chosen := [each for each in every if each.suffix.lower() in kind]:
            return chosen
    known = ", ".join(sorted(IMAGES | TENSORS))
    raise _bad(f"`{path}` has neither images nor tensors to calibrate with", f"files are told by their names: {known}")


def _spread(files: Sequence[Path], count: int) -> list[Path]:
    """So many of the files, from all parts of the folder: its folders are often classes."""
    if len(files) <= count:
        return list(files)
    return [files[at * len(files) // count] for at in range(count)]


def _images(files: Sequence[Path], wanted: Calibration, shape: tuple[int, ...]) -> Tensor:
    if len(shape) != 3 or shape[0] not in {1, 3}:
        raise _bad(
            f"images have 1 or 3 channels, this network takes {shape[0]}", "give tensors: .npy, .pt, .safetensors"
        )
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise _bad("reading images needs Pillow, which is not installed", "pip install 'resnetdsl[engines]'") from error
    channels, height, width = shape
    mean, std = (_per_channel(values, channels) for values in (wanted.mean, wanted.std))
    found = []
    for file in _spread(files, wanted.samples):
        try:
            with Image.open(file) as opened:
                image = opened.convert("RGB" if channels == 3 else "L")
        except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError) as error:
            raise _bad(f"`{file}` is no image that can be read: {error}", "take it out of the folder") from error
        # The shorter side to what the crop is cut from, as networks of this kind are evaluated.
        scale = max(height / image.height, width / image.width) / wanted.crop
        size = (max(round(image.width * scale), width), max(round(image.height * scale), height))
        image = image.resize(size, Image.Resampling.BICUBIC)
        left, top = (image.width - width) // 2, (image.height - height) // 2
        image = image.crop((left, top, left + width, top + height))
        pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).reshape(height, width, channels)
        found.append((pixels.permute(2, 0, 1).float() / 255 - mean) / std)
    return torch.stack(found)


def _per_channel(values: tuple[float, ...], channels: int) -> Tensor:
    if len(values) not in {1, channels}:
        if channels == 1:  # the usual numbers are those of colours
            return torch.tensor(sum(values) / len(values))
        raise _bad(f"{len(values)} numbers are not one for each of {channels} channels", "give one, or one for each")
    return torch.tensor(values).reshape(-1, 1, 1)


def _tensors(files: Sequence[Path], wanted: Calibration, inputs: InputSpec) -> Tensor:
    parts: list[Tensor] = []
    for file in files:
        for tensor in _READERS[file.suffix.lower()](file):
            batch = tensor.unsqueeze(0) if tensor.dim() == len(inputs.dims) - 1 else tensor
            fits = batch.dim() == len(inputs.dims) and all(
                size in dim for size, dim in zip(batch.shape[1:], inputs.dims[1:], strict=True)
            )
            if not fits or not batch.is_floating_point():
                kind = f"{'x'.join(map(str, tensor.shape))} of {tensor.dtype}".replace("torch.", "")
                raise _bad(
                    f"`{file}` holds a tensor of {kind}, the network takes {inputs}",
                    "calibrate with float inputs as the network gets them, resized and normalised",
                )
            parts.append(batch.float())
    if len({part.shape[1:] for part in parts}) > 1:
        raise _bad(f"the tensors in `{wanted.path}` have different sizes", "calibrate with inputs of one size")
    whole = torch.cat(parts) if parts else torch.empty(0)
    if not len(whole):
        raise _bad(f"`{wanted.path}` holds no samples")
    return whole[torch.arange(min(len(whole), wanted.samples)) * len(whole) // min(len(whole), wanted.samples)]


def _npy(path: Path) -> Iterator[Tensor]:
    import numpy as np

    try:
        yield torch.from_numpy(np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError, TypeError) as error:
        raise _bad(f"`{path}` is no array that can be read: {error}") from error


def _saved(path: Path) -> Iterator[Tensor]:
    if path.suffix.lower() != ".safetensors":
        try:
            found = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises a dozen kinds for a file that is none of its own
            raise _bad(f"`{path}` holds no tensors that can be read") from error
        if isinstance(found, Tensor):
            yield found
            return
    yield from read_weights(path).values()


_READERS: dict[str, Callable[[Path], Iterator[Tensor]]] = {
    ".npy": _npy,
    ".pt": _saved,
    ".pth": _saved,
    ".safetensors": _saved,
}


def _bad(message: str, help: str = "") -> CompileError:
    return CompileError(Problem.BAD_CALIBRATION, message, help)
