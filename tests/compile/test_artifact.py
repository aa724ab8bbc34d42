"""What an artifact says of itself, and what is refused: damaged ones, foreign ones, and inputs that do not fit."""

from __future__ import annotations

import copy
import json
import os
import pickle
import re
import struct
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from resnetdsl.compile.artifact import Artifact, _check_here, load_artifact, read_metadata
from resnetdsl.compile.container import METADATA, MOST_MEMBERS, WEIGHTS
from resnetdsl.compile.errors import ArtifactError, CompileError, Problem
from resnetdsl.compile.machine import Machine
from resnetdsl.compile.metadata_json import from_text, to_text
from resnetdsl.compile.options import Precision
from resnetdsl.compile.recipes import Leaf
from tests.compile.packages import Double, metadata, package, setting
from tests.compile.tiny import Tiny

ENTRY = b'{"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}'
"""Of a tensor that is not there."""


def refused(path: Path) -> CompileError:
    with pytest.raises(ArtifactError) as caught:
        load_artifact(path)
    assert str(caught.value)
    return caught.value


# --- metadata ---


def test_metadata_survives_the_round_trip() -> None:
    meta = metadata()
    assert from_text(to_text(meta)) == meta
    assert from_text(to_text(meta)).sha256 == meta.sha256


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def paths(value: object, at: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    found = [at] if at else []
    if isinstance(value, dict):
        found += [path for key, inner in value.items() for path in paths(inner, (*at, key))]
    if isinstance(value, list):
        found += [path for place, inner in enumerate(value) for path in paths(inner, (*at, place))]
    return found


@given(st.data())
def test_metadata_with_anything_in_it_is_read_or_refused(data: st.DataObject) -> None:
    document = json.loads(to_text(metadata()))
    *way, last = data.draw(st.sampled_from(paths(document)))
    owner = document
    for step in way:
        owner = owner[step]
    if data.draw(st.booleans()):
        del owner[last]
    else:
        owner[last] = data.draw(json_values)
    try:
        from_text(json.dumps(document))
    except ArtifactError as error:
        assert error.problem is Problem.BAD_ARTIFACT  # noqa: PT017


@given(st.text() | json_values.map(json.dumps))
def test_metadata_that_is_something_else_is_refused(text: str) -> None:
    with pytest.raises(ArtifactError):
        from_text(text)


def test_metadata_of_a_later_format() -> None:
    text = to_text(metadata()).replace('"version": 3', '"version": 4')
    with pytest.raises(ArtifactError, match="format 4"):
        from_text(text)


def test_a_changed_spec_is_noticed() -> None:
    text = to_text(metadata()).replace("network tiny {", "network tyni {")
    with pytest.raises(ArtifactError, match="not the one that it was compiled from"):
        from_text(text)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("network", "\ud800", "no JSON"),
        ("agreement", {"measurements": [], "tolerance": float("nan"), "notes": []}, "no JSON"),
        ("agreement", {"measurements": [], "tolerance": float("inf"), "notes": []}, "no JSON"),
        ("device", "toaster", "toaster"),
        ("outputs", [], "no outputs"),
        ("input", [], "impossible input"),
        ("input", [{"name": "batch", "low": 1, "high": 2**70, "step": 1}], "impossible input"),
    ],
)
def test_metadata_that_json_can_hold_and_nothing_can_be_made_of(field: str, value: object, words: str) -> None:
    document = {**json.loads(to_text(metadata())), field: value}
    with pytest.raises(ArtifactError, match=words):
        from_text(json.dumps(document))


def test_metadata_nested_without_end() -> None:
    with pytest.raises(ArtifactError):
        from_text("[" * 200_000)


# --- the archive ---


def test_reading_metadata_runs_nothing(tmp_path: Path) -> None:
    assert read_metadata(package(tmp_path / "a.rnetc")) == metadata()


@pytest.mark.parametrize("content", [b"", b"PK", b"#!/bin/sh\n", bytes(10_000), b"PK\x05\x06" + bytes(18)])
def test_files_of_other_kinds(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.rnetc"
    path.write_bytes(content)
    assert refused(path).problem is Problem.BAD_ARTIFACT


def test_no_file(tmp_path: Path) -> None:
    assert "no such file" in str(refused(tmp_path / "a.rnetc"))
    assert "it is a folder" in str(refused(tmp_path))


def test_every_shortened_package_is_refused(tmp_path: Path) -> None:
    whole = package(tmp_path / "a.rnetc").read_bytes()
    cut = tmp_path / "cut.rnetc"
    for length in range(0, len(whole), 97):
        cut.write_bytes(whole[:length])
        assert refused(cut).problem is Problem.BAD_ARTIFACT


def test_a_changed_byte_is_noticed_before_any_code_is_loaded(tmp_path: Path) -> None:
    path = package(tmp_path / "a.rnetc", **{"code/a.wrapper.so": bytes(100_000)})
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "`code/a.wrapper.so` in it is damaged" in str(refused(path))


def test_packages_of_others(tmp_path: Path) -> None:
    foreign = tmp_path / "a.rnetc"
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("model/archive_format", "pt2")
    assert "not made by resnetdsl" in str(refused(foreign))
    with zipfile.ZipFile(foreign, "a") as archive:
        archive.writestr(METADATA, to_text(metadata()))
    assert "not made by resnetdsl" in str(refused(foreign))


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "a.rnetc"
    os.mkfifo(pipe)
    assert "a device or a pipe" in str(refused(pipe))
    assert "a device or a pipe" in str(refused(Path("/dev/zero")))


HEADERS = re.compile(rb"PK(?:\x01\x02|\x03\x04|\x05\x06)")
TABLE = b"PK\x01\x02"


def test_whatever_bit_of_its_structure_is_wrong_it_is_read_right_or_refused(tmp_path: Path) -> None:
    whole = package(tmp_path / "a.rnetc", **{"code/a.bin": b"abc"}).read_bytes()
    path = tmp_path / "b.rnetc"
    expected = metadata()
    read = 0
    for header in HEADERS.finditer(whole):
        for place in range(header.start(), min(header.end() + 42, len(whole))):
            changed = bytearray(whole)
            changed[place] ^= 1 << place % 8
            path.write_bytes(changed)
            try:
                assert read_metadata(path) == expected
                read += 1
            except ArtifactError as error:
                assert error.problem is Problem.BAD_ARTIFACT  # noqa: PT017
    assert read, "of dates and rights nothing depends"


@pytest.mark.parametrize(
    ("field", "format", "value"), [(8, "<H", 1), (10, "<H", 8), (10, "<H", 14), (24, "<I", 1 << 31)]
)
@pytest.mark.parametrize("member", [0, 1, 2])
def test_members_that_claim_to_be_more_than_they_are(
    tmp_path: Path, field: int, format: str, value: int, member: int
) -> None:
    """Encrypted, compressed in two ways, and of two gigabytes."""
    path = package(tmp_path / "a.rnetc", **{"code/a.bin": b"abc"})
    content = bytearray(path.read_bytes())
    entry = [found.start() for found in re.finditer(re.escape(TABLE), content)][member]
    struct.pack_into(format, content, entry + field, value)
    path.write_bytes(content)
    words = "is not whole" if field == 24 else "compressed or encrypted"
    assert words in str(refused(path))
    with pytest.raises(ArtifactError, match=words):
        read_metadata(path)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = package(tmp_path / "a.rnetc")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("code/bomb", bytes(2**24))
    assert "compressed or encrypted" in str(refused(path))


def test_a_member_that_the_table_has_lost(tmp_path: Path) -> None:
    path = package(tmp_path / "a.rnetc", **{"code/a": b"1", "code/b": b"2"})
    with zipfile.ZipFile(path, "a") as archive:
        del archive.filelist[2]
        archive._didModify = True  # type: ignore[attr-defined]
    assert "`code/b` does not stand where it should" in str(refused(path))


def test_more_files_than_an_artifact_has(tmp_path: Path) -> None:
    path = package(tmp_path / "a.rnetc", **{f"code/{at}": b"" for at in range(MOST_MEMBERS)})
    assert f"it holds {MOST_MEMBERS + 2} files" in str(refused(path))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_twice(tmp_path: Path) -> None:
    path = package(tmp_path / "a.rnetc")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(WEIGHTS, b"")
    assert "the same name twice" in str(refused(path))


@pytest.mark.parametrize(
    "member", ["data/weights/weight_0", "code/../evil", "../../evil", "code//x", "/code/x", "code/.x", "extra/a"]
)
def test_packages_with_more_than_an_artifact_holds(tmp_path: Path, member: str) -> None:
    assert "holds what no artifact holds" in str(refused(package(tmp_path / "a.rnetc", **{member: b"cos\nsystem\n."})))


def test_metadata_that_would_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resnetdsl.compile.container.MOST_METADATA", 100)
    assert "bytes of metadata" in str(refused(package(tmp_path / "a.rnetc")))


@pytest.mark.parametrize(
    ("engine", "words"), [("onednn", "its graph cannot be read"), ("inductor", "PyTorch cannot load")]
)
def test_a_package_without_code(tmp_path: Path, engine: str, words: str) -> None:
    assert words in str(refused(package(tmp_path / "a.rnetc", to_text(metadata(engine=engine)))))


def test_weights_that_are_not_those_of_the_code(tmp_path: Path) -> None:
    path = package(tmp_path / "a.rnetc", to_text(metadata(recipes={"conv1.weight": Leaf("conv1.weight")})))
    assert "lacks weights" in str(refused(path))


@pytest.mark.parametrize(
    "weights",
    [
        b"",
        b"\xff" * 8,
        b"\x02" + bytes(7) + b"[]",
        (len(ENTRY) + 1).to_bytes(8, "little") + ENTRY + b" ",
    ],
)
def test_weights_that_are_none(tmp_path: Path, weights: bytes) -> None:
    assert "its weights cannot be read" in str(refused(package(tmp_path / "a.rnetc", weights=weights)))


# --- the machine ---


@pytest.mark.parametrize(
    ("machine", "problem"),
    [
        (Machine("Plan9", "x86_64"), Problem.OTHER_MACHINE),
        (replace(Machine.this("cpu"), machine="m68k"), Problem.OTHER_MACHINE),
        (replace(Machine.this("cpu"), gpu="9.0"), Problem.OTHER_MACHINE),
    ],
)
def test_artifacts_of_other_machines(tmp_path: Path, machine: Machine, problem: Problem) -> None:
    error = refused(package(tmp_path / "a.rnetc", to_text(metadata(machine=machine))))
    assert error.problem is problem
    assert "compile it again" in error.help


@pytest.mark.parametrize(
    ("engine", "precision", "refuses"),
    [
        ("inductor", Precision.FLOAT32, True),
        ("onednn", Precision.BFLOAT16, True),
        ("openvino", Precision.INT8, True),
        ("onednn", Precision.FLOAT32, False),
        ("onnxruntime", Precision.FLOAT32, False),
        ("openvino", Precision.FLOAT32, False),
    ],
)
def test_artifacts_of_processors_with_more_instructions(engine: str, precision: Precision, refuses: bool) -> None:
    more = replace(Machine.this("cpu"), flags=("avx4096",))
    made = metadata(engine=engine, machine=more, setting=setting(precision=precision), versions={})
    with pytest.raises(ArtifactError, match="avx4096") if refuses else nullcontext():
        _check_here(made, any_torch=False)


def test_artifacts_of_other_versions_of_torch(tmp_path: Path) -> None:
    path = package(tmp_path / "a.rnetc", to_text(metadata(versions={"torch": "1.2.3"})))
    error = refused(path)
    assert error.problem is Problem.OTHER_TORCH
    assert "1.2.3" in str(error)
    with pytest.raises(ArtifactError, match="cannot be read"):  # it goes on to the code, of which there is none
        load_artifact(path, any_torch=True)


def test_artifacts_for_cuda_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    error = refused(package(tmp_path / "a.rnetc", to_text(metadata(setting=setting(device="cuda")))))
    assert error.problem is Problem.NO_CUDA


def test_what_a_processor_lacks_is_nothing_to_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (9, 0))
    more = replace(Machine.this("cuda"), flags=("avx4096",))
    here = setting(device="cuda", precision=Precision.BFLOAT16)
    _check_here(metadata(engine="cudnn", machine=more, setting=here, versions={}), any_torch=False)
    with pytest.raises(ArtifactError, match="avx4096"):
        _check_here(metadata(engine="inductor", machine=more, setting=here, versions={}), any_torch=False)
    with pytest.raises(ArtifactError, match=r"compute capability 8\.0, this one has 9\.0"):
        _check_here(metadata(machine=replace(more, gpu="8.0"), setting=here, versions={}), any_torch=False)


# --- running ---


def on_card(monkeypatch: pytest.MonkeyPatch, current: int = 0) -> list[object]:
    """A CUDA whose current device has a number; what devices were made the current one."""
    entered: list[object] = []

    def device(which: object) -> AbstractContextManager[None]:
        entered.append(which)
        return nullcontext()

    monkeypatch.setattr(torch.cuda, "current_device", lambda: current)
    monkeypatch.setattr(torch.cuda, "device", device)
    return entered


def test_an_artifact_belongs_to_the_device_that_it_was_loaded_on(monkeypatch: pytest.MonkeyPatch) -> None:
    entered = on_card(monkeypatch, current=1)
    taken: list[Tensor] = []

    class Runner:
        def run(self, inputs: list[Tensor]) -> list[Tensor]:
            taken.extend(inputs)
            return [inputs[0]]

    artifact = Artifact(metadata(setting=setting(device="cuda"), outputs=("y",)), Runner())  # type: ignore[arg-type]
    with FakeTensorMode():
        x = torch.empty((2, 3, 64, 32), device="cuda:1", memory_format=torch.channels_last)
        artifact(x)
        assert entered == [torch.device("cuda", 1)], "kernels are launched on the current device"
        with pytest.raises(ArtifactError, match="was loaded on cuda:1, this tensor is on cuda:0") as caught:
            artifact(torch.empty(2, 3, 64, 32, device="cuda:0"))
    assert 'x.to("cuda:1")' in caught.value.help
    assert taken[0].stride() == x.stride(), "no copy of ours before the engine's"


@pytest.fixture
def artifact() -> Artifact:
    return Artifact(metadata(), Double(Tiny().eval()))


def test_outputs_have_their_names(artifact: Artifact) -> None:
    x = torch.rand(2, 3, 64, 32)
    found = artifact.run(x)
    assert list(found) == ["output", "features"]
    assert found["output"].shape == (2, 5)
    called = artifact(x)
    assert isinstance(called, dict)
    assert called.keys() == found.keys()
    assert "batch 1..8" in repr(artifact)


def test_one_output_is_a_tensor() -> None:
    artifact = Artifact(metadata(outputs=("output",)), Double(torch.nn.Sequential(torch.nn.ReLU())))
    assert isinstance(artifact(torch.rand(1, 3, 32, 32)), torch.Tensor)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (torch.rand(3, 32, 32), "unsqueeze"),
        (torch.rand(9, 3, 32, 32), "batch 9"),
        (torch.rand(0, 3, 32, 32), "batch 0"),
        (torch.rand(1, 3, 50, 50), "h 50, not 32..96 step 32"),
        (torch.rand(1, 3, 32, 32).half(), "float16"),
        (torch.zeros(1, 3, 32, 32, dtype=torch.int64), "int64"),
        (torch.rand(1, 3, 32, 32, device="meta"), "is on meta"),
        (torch.rand(1, 3, 32, 32).to_sparse(), "takes a dense tensor, this one is torch.sparse_coo"),
        (torch.nested.nested_tensor([torch.rand(3, 32, 32)]), "takes a dense tensor, this one is nested"),
        ([1, 2], "not `list`"),
        (None, "not `NoneType`"),
    ],
)
def test_inputs_that_do_not_fit(artifact: Artifact, x: torch.Tensor, words: str) -> None:
    with pytest.raises(ArtifactError, match=words) as caught:
        artifact(x)
    assert caught.value.problem is Problem.BAD_INPUT


def test_a_tensor_whose_numbers_lie_with_the_other_sign() -> None:
    """As `x.conj().imag` has them: what reads the memory itself would compute something else."""
    artifact = Artifact(metadata(outputs=("output",)), Reading())
    x = torch._neg_view(torch.ones(1, 3, 32, 32))
    assert x.is_neg()
    assert float(artifact.run(x)["output"].sum()) == -3 * 32 * 32


class Reading:
    def run(self, inputs: list[Tensor]) -> list[Tensor]:
        return [torch.from_numpy(inputs[0].numpy().copy())]

    def swap(self, weights: object) -> None:
        pass


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, pickle.dumps])
def test_an_artifact_is_not_copied(artifact: Artifact, take: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="use `load_artifact` where it is wanted"):
        take(artifact)


def test_the_type_follows_the_precision() -> None:
    artifact = Artifact(metadata(setting=setting(precision=Precision.BFLOAT16)), Double(Tiny().eval().bfloat16()))
    assert artifact.run(torch.rand(1, 3, 32, 32).bfloat16())["output"].dtype is torch.bfloat16
