"""An artifact's file: one uncompressed zip of what it says of itself, its weights, and its engine's files.

    resnetdsl.json         the metadata, first
    weights.safetensors    the leaves of the lowered graph
    code/...               what the engine built

There are no pickles in it, and every byte has a checksum that is held against it before any code is mapped. Nothing
else may be in it.
"""

from __future__ import annotations

import json
import mmap
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from resnetdsl.compile.errors import ArtifactError, Problem
from resnetdsl.compile.files import cannot_write, whole_file
from resnetdsl.compile.metadata import Metadata

SUFFIX = ".rnetc"
METADATA = "resnetdsl.json"
WEIGHTS = "weights.safetensors"
CODE = "code/"
MOST_METADATA = 256 * 2**20

_CODE_NAME = re.compile(r"code/(?!\.)[\w.+-]+(/(?!\.)[\w.+-]+)*", re.ASCII)
_BLOCK = 2**20

_LOCAL_HEADER, _NAME_LENGTH = 30, 26
"""Of what stands before a member in a zip: its size without name and extra, and where the lengths of those are."""

_ALIGNMENT = 64
"""Where in the file the weights begin, so that they can be used where they lie."""

_PADDING = 0xD935
"""The kind of extra field that zips are aligned with."""


def write(path: Path, metadata: Metadata, weights: Mapping[str, Tensor], code: Path) -> None:
    """Write an artifact, whole or not at all. `code` is the folder of the engine's files."""
    from safetensors.torch import save

    with whole_file(path) as temporary:
        try:
            with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
                # `ZipInfo` has a fixed date: an artifact does not tell when it was made.
                archive.writestr(zipfile.ZipInfo(METADATA), metadata.to_json())
                info = zipfile.ZipInfo(WEIGHTS)
                info.extra = _padding(archive.start_dir + _LOCAL_HEADER + len(WEIGHTS))
                archive.writestr(info, save({k: v.cpu() for k, v in weights.items()}))
                for file in sorted(each for each in code.rglob("*") if each.is_file()):
                    info = zipfile.ZipInfo(CODE + file.relative_to(code).as_posix())
                    info.file_size = file.stat().st_size
                    with file.open("rb") as source, archive.open(info, "w") as target:
                        while block := source.read(_BLOCK):
                            target.write(block)
        except OSError as error:
            raise cannot_write(path, error) from error


def read_metadata(path: Path) -> Metadata:
    """What an artifact says of itself, after a check that it is whole. None of its code is run."""
    with _opened(path) as archive:
        metadata = _metadata(archive, path)
        if (damaged := archive.testzip()) is not None:
            raise zipfile.BadZipFile(f"{damaged} is damaged")
    return metadata


@contextmanager
def unpacking(path: Path) -> Iterator[tuple[Metadata, Unpacked]]:
    """An artifact's metadata, to be looked at first, and the rest, which is read when it is asked for."""
    with _opened(path) as archive:
        yield _metadata(archive, path), Unpacked(archive)


def _padding(end: int) -> bytes:
    """An extra field after which a member that would begin at `end` begins at a multiple of the alignment."""
    spare = -(end + 4) % _ALIGNMENT
    return struct.pack("<HH", _PADDING, spare) + bytes(spare)


class Unpacked:
    """The rest of an open artifact."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def weights(self, device: torch.device) -> dict[str, Tensor]:
        """The weights by name. They have been held against their checksum."""
        info = self._archive.getinfo(WEIGHTS)
        member = self._archive.open(info)  # checks the header in front of it
        if info.compress_type != zipfile.ZIP_STORED or self._archive.filename is None:
            raise zipfile.BadZipFile("its weights are compressed")
        # Where the file has them, for nobody changes a file that `whole_file` wrote; written to, a page is copied.
        with member, Path(self._archive.filename).open("rb") as file:
            file.seek(info.header_offset + _NAME_LENGTH)
            start = info.header_offset + _LOCAL_HEADER + sum(struct.unpack("<HH", file.read(4)))
            file.seek(0)
            mapped = mmap.mmap(file.fileno(), start + info.file_size, access=mmap.ACCESS_COPY)
        view = memoryview(mapped)[start:]
        if zlib.crc32(view) != info.CRC:
            raise zipfile.BadZipFile(f"{WEIGHTS} is damaged")
        if start % _ALIGNMENT:  # kernels read aligned numbers
            view = memoryview(bytearray(view))
        return {name: tensor.to(device) for name, tensor in _tensors(view).items()}

    def code(self, folder: Path) -> None:
        """The engine's files into a folder, each held against its checksum."""
        for name in self._archive.namelist():
            if name.startswith(CODE):
                target = folder / name.removeprefix(CODE)
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    with self._archive.open(name) as source, target.open("wb") as file:
                        while block := source.read(_BLOCK):
                            file.write(block)
                except OSError as error:
                    raise cannot_write(target, error) from error


_TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def _tensors(buffer: memoryview) -> dict[str, Tensor]:
    """The tensors of a safetensors file in memory, without a copy of it; its own loader makes one."""
    try:
        length = int.from_bytes(buffer[:8], "little")
        header = json.loads(bytes(buffer[8 : 8 + length]))
        start = 8 + length
        found: dict[str, Tensor] = {}
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            dtype, shape = _TYPES[entry["dtype"]], entry["shape"]
            first, last = entry["data_offsets"]
            if first == last:
                found[name] = torch.empty(shape, dtype=dtype)
            else:
                count = (last - first) // dtype.itemsize
                found[name] = torch.frombuffer(buffer, dtype=dtype, count=count, offset=start + first).reshape(shape)
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise zipfile.BadZipFile(f"its weights cannot be read: {error}") from error
    return found


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise ArtifactError(
            Problem.BAD_ARTIFACT,
            f"`{path}` is no artifact, or not all of one: {error}",
            "copy it again, or compile it again with `resnetdsl compile`",
        ) from error
    except OSError as error:
        raise ArtifactError(
            Problem.BAD_ARTIFACT, f"cannot read `{path}`: {(error.strerror or str(error)).lower()}"
        ) from error


def _metadata(archive: zipfile.ZipFile, path: Path) -> Metadata:
    names = archive.namelist()
    if METADATA not in names or WEIGHTS not in names:
        raise ArtifactError(
            Problem.BAD_ARTIFACT, f"`{path}` was not made by resnetdsl", "make one with `resnetdsl compile`"
        )
    for name in names:
        if name not in {METADATA, WEIGHTS} and _CODE_NAME.fullmatch(name) is None:
            raise ArtifactError(Problem.BAD_ARTIFACT, f"`{path}` holds what no artifact holds: {name!r}")
    if len(set(names)) != len(names):
        raise ArtifactError(Problem.BAD_ARTIFACT, f"`{path}` holds the same name twice")
    size = archive.getinfo(METADATA).file_size
    if size > MOST_METADATA:
        raise ArtifactError(Problem.BAD_ARTIFACT, f"`{path}` has {size} bytes of metadata")
    return Metadata.from_json(archive.read(METADATA).decode("utf-8", errors="replace"))
