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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from resnetdsl.compile.errors import ArtifactError, Problem
from resnetdsl.compile.files import cannot_write, whole_file
from resnetdsl.compile.metadata import Metadata
from resnetdsl.compile.metadata_json import from_text, to_text

SUFFIX = ".rnetc"
METADATA = "resnetdsl.json"
WEIGHTS = "weights.safetensors"
CODE = "code/"
MOST_METADATA = 256 * 2**20
MOST_MEMBERS = 1000

_CODE_NAME = re.compile(r"code/(?!\.)[\w.+-]+(/(?!\.)[\w.+-]+)*", re.ASCII)
_BLOCK = 2**20

_SIGNATURE, _LOCAL_HEADER, _NAME_LENGTH = b"PK\3\4", 30, 26
"""Of what stands before a member in a zip: how it begins, its size without name and extra, and where the lengths of
those are.
"""

_ENCRYPTED = 1

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
                archive.writestr(zipfile.ZipInfo(METADATA), to_text(metadata))
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


def read_metadata(path: str | Path) -> Metadata:
    """What an artifact says of itself, after a check that it is whole. None of its code is run."""
    found = Unpacked(Path(path))
    metadata = found.metadata()
    found.check()
    return metadata


def _padding(end: int) -> bytes:
    """An extra field after which a member that would begin at `end` begins at a multiple of the alignment."""
    spare = -(end + 4) % _ALIGNMENT
    return struct.pack("<HH", _PADDING, spare) + bytes(spare)


class Unpacked:
    """An artifact's file, mapped into memory. What is taken of it is held against its checksum when it is taken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._members = _members(path)
        names = self._members.keys()
        if not {METADATA, WEIGHTS} <= names:
            raise ArtifactError(
                Problem.BAD_ARTIFACT, f"`{path}` was not made by resnetdsl", "make one with `resnetdsl compile`"
            )
        for name in names - {METADATA, WEIGHTS}:
            if _CODE_NAME.fullmatch(name) is None:
                raise _refusal(path, f"it holds what no artifact holds: {name!r}")

    def metadata(self) -> Metadata:
        """What it says of itself."""
        if (size := self._members[METADATA].end - self._members[METADATA].start) > MOST_METADATA:
            raise _refusal(self._path, f"it has {size} bytes of metadata")
        return from_text(str(self._bytes(METADATA), "utf-8", errors="replace"))

    def weights(self, device: torch.device) -> dict[str, Tensor]:
        """The weights by name, on the CPU where the file has them: nobody changes one that `whole_file` wrote, and
        pages that are written to are copied.
        """
        view = self._bytes(WEIGHTS)
        if self._members[WEIGHTS].start % _ALIGNMENT:  # kernels read aligned numbers
            view = memoryview(bytearray(view))
        try:
            return {name: tensor.to(device) for name, tensor in _tensors(view).items()}
        except _UnreadableError as error:
            raise _refusal(self._path, f"its weights cannot be read: {error}") from error

    def code(self, folder: Path) -> None:
        """The engine's files into a folder."""
        for name in self._members:
            if name.startswith(CODE):
                target = folder / name.removeprefix(CODE)
                content = self._bytes(name)
                try:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content)
                except OSError as error:
                    raise cannot_write(target, error) from error

    def check(self) -> None:
        """Hold everything against its checksum."""
        for name in self._members:
            self._bytes(name)

    def _bytes(self, name: str) -> memoryview:
        member = self._members[name]
        view = member.file[member.start : member.end]
        if zlib.crc32(view) != member.checksum:
            raise _refusal(self._path, f"`{name}` in it is damaged")
        return view


@dataclass(frozen=True, slots=True)
class _Member:
    """Where the bytes of a member lie in the file."""

    file: memoryview
    start: int
    end: int
    checksum: int


def _members(path: Path) -> dict[str, _Member]:
    """All of an artifact, in its order, as `write` has it: uncompressed, one behind the other from the first byte up
    to the table of contents.

    So nothing can be larger than the file is, lie over something else, or have been lost without being missed.
    """
    if path.exists() and not path.is_file():  # to open a pipe is to wait for who writes to it
        raise _refusal(path, "it is a folder" if path.is_dir() else "it is no file but a device or a pipe")
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            infos, table = archive.infolist(), archive.start_dir
            view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    except MemoryError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ArtifactError(Problem.BAD_ARTIFACT, f"cannot read `{path}`: {reason}") from error
    except Exception as error:  # zipfile has no kind of its own for all that may be wrong in a table
        raise _refusal(path, str(error)) from error
    if len(infos) > MOST_MEMBERS:
        raise _refusal(path, f"it holds {len(infos)} files")
    found: dict[str, _Member] = {}
    end = 0
    for info in infos:
        if info.filename in found:
            raise _refusal(path, f"it holds the same name twice: {info.filename!r}")
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & _ENCRYPTED:
            raise _refusal(
                path, f"`{info.filename}` in it is compressed or encrypted, which an artifact's files are not"
            )
        header = view[info.header_offset : info.header_offset + _LOCAL_HEADER]
        if info.header_offset != end or header[:4] != _SIGNATURE:
            raise _refusal(path, f"`{info.filename}` does not stand where it should")
        start = end + _LOCAL_HEADER + sum(struct.unpack_from("<HH", header, _NAME_LENGTH))
        end = start + info.file_size
        if end > table:
            raise _refusal(path, f"`{info.filename}` in it is not whole")
        found[info.filename] = _Member(view, start, end, info.CRC)
    if end != table:
        raise _refusal(path, "there is more in it than its table of contents tells")
    return found


def _refusal(path: Path, why: str) -> ArtifactError:
    help = "copy it again, or compile it again with `resnetdsl compile`"
    return ArtifactError(Problem.BAD_ARTIFACT, f"`{path}` is no artifact, or not all of one: {why}", help)


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


class _UnreadableError(ValueError):
    """Weights that are no safetensors file."""


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
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError, OverflowError) as error:
        raise _UnreadableError(str(error)) from error
    return found
