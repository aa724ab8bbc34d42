"""The second compile of an equal spec builds nothing; what is wrong with a cache costs the cache and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import resnetdsl
from resnetdsl.compile.artifact import load_artifact
from resnetdsl.compile.cache import LIMIT, Cache, cache_limit
from resnetdsl.compile.compiler import CompileResult
from resnetdsl.compile.errors import CompileError, Problem
from resnetdsl.compile.verify import MADE_UP_WEIGHTS, OWN_WEIGHTS
from resnetdsl.paths import cache_dir
from tests.compile import tiny
from tests.compile.plain import Plain, use

Compile = Callable[..., CompileResult]
SPEC = tiny.SPEC.format(height=32, width=32, tap="tap features")


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Plain:
    made = Plain()
    use(monkeypatch, made)
    monkeypatch.setenv("RESNETDSL_CACHE_DIR", str(tmp_path / "cache"))
    return made


def compiled(folder: Path, spec: str = SPEC, **options: object) -> CompileResult:
    (folder / "out").mkdir(exist_ok=True)
    return resnetdsl.load(spec).network("tiny").compile(folder / "out" / "a.rnetc", device="cpu", **options)  # type: ignore[arg-type]


def entries(folder: Path) -> list[Path]:
    return sorted((folder / "cache").glob("v1/??/*/entry.json"))


def test_the_second_compile_builds_nothing(plain: Plain, tmp_path: Path) -> None:
    first, second = compiled(tmp_path), compiled(tmp_path)
    assert (first.cached, second.cached) == (False, True)
    assert len(plain.graphs) == 1
    assert second.notes == first.notes == ("built plainly",)
    assert {m.weights for m in second.agreement.measurements} == {OWN_WEIGHTS, MADE_UP_WEIGHTS}
    x = torch.rand(1, 3, 32, 32)
    assert load_artifact(second.path).run(x)["output"].shape == (1, 5)


def test_where_something_stands_in_a_text_makes_no_difference(plain: Plain, tmp_path: Path) -> None:
    compiled(tmp_path)
    assert compiled(tmp_path, f"\n\n# a remark\n{SPEC}").cached


def test_other_weights_come_into_the_same_code(plain: Plain, tmp_path: Path) -> None:
    compiled(tmp_path, seed=1)
    found = compiled(tmp_path, seed=2)
    assert found.cached
    torch.manual_seed(2)
    module = resnetdsl.load(SPEC).network("tiny").module().eval()
    x = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        expected = module(x)["output"]
    torch.testing.assert_close(load_artifact(found.path).run(x)["output"], expected)


def test_the_weights_of_an_artifact_are_its_own_after_verifying(plain: Plain, tmp_path: Path) -> None:
    first = load_artifact(compiled(tmp_path).path)
    second = load_artifact(compiled(tmp_path).path)
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(first.run(x)["output"], second.run(x)["output"])


@pytest.mark.parametrize(
    "options",
    [
        {"batch": 2},
        {"dtype": "bfloat16"},
        {"mode": "throughput"},
        {"without": ["fold-after"]},
        {"layout": "contiguous"},
        {"threads": 3},
        {"spec": SPEC.replace("linear(5)", "linear(6)")},
        {"spec": SPEC.replace("fc:", "head:")},
    ],
)
def test_other_options_are_built_anew(plain: Plain, tmp_path: Path, options: dict[str, object]) -> None:
    compiled(tmp_path)
    assert not compiled(tmp_path, **options).cached  # type: ignore[arg-type]


def test_other_versions_and_surroundings_are_built_anew(
    plain: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled(tmp_path)
    plain.release = "2.0"
    assert not compiled(tmp_path).cached
    monkeypatch.setenv("CXXFLAGS", "-O0")
    assert not compiled(tmp_path).cached
    monkeypatch.setattr("resnetdsl.compile.machine._cpu_flags", lambda: ("avx4096",))
    assert not compiled(tmp_path).cached


def test_without_a_cache(plain: Plain, tmp_path: Path) -> None:
    compiled(tmp_path, cache=False)
    assert entries(tmp_path) == []
    compiled(tmp_path)
    assert not compiled(tmp_path, cache=False).cached


def damage_code(entry: Path) -> None:
    (entry.parent / "code" / "sub" / "graph").write_text("9", encoding="ascii")


def cut_code(entry: Path) -> None:
    (entry.parent / "code" / "sub" / "graph").write_bytes(b"")


def lose_code(entry: Path) -> None:
    (entry.parent / "code" / "sub" / "graph").unlink()


def damage_record(entry: Path) -> None:
    document = json.loads(entry.read_text(encoding="utf-8"))
    document["record"]["measured"][0]["shape"] = None
    entry.write_text(json.dumps(document), encoding="utf-8")


def not_json(entry: Path) -> None:
    entry.write_text("{", encoding="utf-8")


def other_json(entry: Path) -> None:
    entry.write_text("[1]", encoding="utf-8")


def nested_without_end(entry: Path) -> None:
    entry.write_text("[" * 100_000, encoding="utf-8")


def no_text(entry: Path) -> None:
    entry.write_bytes(b"\xff\xfe\x00")


@pytest.mark.parametrize(
    "damage",
    [damage_code, cut_code, lose_code, damage_record, not_json, other_json, nested_without_end, no_text],
)
def test_a_damaged_entry_is_built_anew(plain: Plain, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    compiled(tmp_path)
    (entry,) = entries(tmp_path)
    damage(entry)
    assert not compiled(tmp_path).cached
    assert compiled(tmp_path).cached


def test_a_folder_that_cannot_be_written(plain: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESNETDSL_CACHE_DIR", "/proc/none")
    for _ in range(2):
        found = compiled(tmp_path)
        assert not found.cached
        assert found.notes[0].startswith("the cache `/proc/none` cannot be used: no such file")
        assert len(found.notes) == 2


@pytest.mark.parametrize(
    "error",
    [OSError(28, "No space left on device"), shutil.Error([("a", "b", "[Errno 28] No space left on device")])],
)
def test_a_disk_that_is_full(plain: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    def full(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("resnetdsl.compile.cache.shutil.copytree", full)
    found = compiled(tmp_path)
    assert not found.cached
    assert "could not be kept in the cache" in found.notes[-1]
    assert "no space left on device" in found.notes[-1]
    assert entries(tmp_path) == []
    assert [path.name for path in (tmp_path / "cache" / "v1").iterdir() if path.name.startswith(".new")] == []


def test_two_compiles_at_once_build_once(plain: Plain, tmp_path: Path) -> None:
    plain.seconds = 0.5
    found: list[bool] = []
    phases: list[str] = []

    def run(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        found.append(compiled(folder, progress=phases.append).cached)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False, True]
    assert len(plain.graphs) == 1
    assert "waiting for another compilation of this network" in phases


def test_a_failed_build_leaves_nothing(plain: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise CompileError(Problem.BACKEND_FAILED, "the compiler died")

    monkeypatch.setattr(plain, "build", fail)
    with pytest.raises(CompileError, match="died"):
        compiled(tmp_path)
    assert entries(tmp_path) == []
    monkeypatch.undo()


def test_what_does_not_agree_is_not_kept(plain: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = plain.open

    def wrong(*arguments: object) -> object:
        running = before(*arguments)  # type: ignore[arg-type]
        run = running.run
        monkeypatch.setattr(running, "run", lambda inputs: [tensor + 1 for tensor in run(inputs)])
        return running

    monkeypatch.setattr(plain, "open", wrong)
    with pytest.raises(CompileError, match="differs from eager"):
        compiled(tmp_path)
    assert entries(tmp_path) == []


# --- the folder itself ---


def filled(cache: Cache, tmp_path: Path, key: str, size: int) -> None:
    code = tmp_path / f"code-{key}"
    code.mkdir()
    (code / "file").write_bytes(bytes(size))
    cache.keep(key, code, {})


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "v1", 2500)
    cache.root.mkdir()
    for at, key in enumerate(("aa1", "bb2")):
        filled(cache, tmp_path, key, 1000)
        os.utime(cache._entry(key) / "entry.json", (at, at))
    (tmp_path / "into").mkdir()
    assert cache.take("aa1", tmp_path / "into", dict) == {}  # now it is the one used last
    filled(cache, tmp_path, "cc3", 1000)
    assert [path.name for path in sorted(cache.root.glob("??/*")) if path.is_dir()] == ["aa1", "cc3"]


def test_what_a_killed_process_left_goes(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "v1", 2500)
    for name in (".new-old", ".new-now"):
        (cache.root / name / "entry").mkdir(parents=True)
    os.utime(cache.root / ".new-old", (1, 1))
    filled(cache, tmp_path, "aa1", 10)
    assert sorted(path.name for path in cache.root.iterdir()) == [".new-now", "aa"]


def test_an_entry_larger_than_the_cache_does_not_stay(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "v1", 500)
    cache.root.mkdir()
    filled(cache, tmp_path, "aa1", 1000)
    assert list(cache.root.glob("??/*")) == []


@pytest.mark.parametrize(
    ("text", "size"),
    [("", LIMIT), ("0", 0), ("500M", 500 * 2**20), ("1.5g", 3 * 2**29), ("2Gi", 2**31), ("7kb", 7168)],
)
def test_sizes(monkeypatch: pytest.MonkeyPatch, text: str, size: int) -> None:
    monkeypatch.setenv("RESNETDSL_CACHE_SIZE", text)
    assert cache_limit() == size


@pytest.mark.parametrize("text", ["many", "G", "1e999", "-", "5X"])
def test_sizes_that_are_none(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("RESNETDSL_CACHE_SIZE", text)
    with pytest.raises(CompileError, match="no size"):
        cache_limit()


def test_no_size_is_no_cache(plain: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESNETDSL_CACHE_SIZE", "0")
    compiled(tmp_path)
    assert not compiled(tmp_path).cached


def test_it_is_where_everything_is_that_can_be_made_again(
    plain: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`doctor` looks there, and `bench --cold` gives a process a folder of its own by the same name."""
    monkeypatch.setenv("RESNETDSL_CACHE_DIR", str(tmp_path / "another"))
    assert not compiled(tmp_path).cached
    assert [*cache_dir().iterdir()] == [tmp_path / "another" / "v1"]


# --- weights that are no numbers ---


def broken(value: float) -> nn.Module:
    module = resnetdsl.load(SPEC).network("tiny").module()
    with torch.no_grad():
        module.conv1.weight[0, 0, 0, 0] = value  # type: ignore[operator,union-attr,index]
    return module


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_told(plain: Plain, tmp_path: Path, value: float) -> None:
    found = compiled(tmp_path, module=broken(value))
    assert "infinite or no numbers: `conv1.weight` (1)" in found.notes[0]
    assert {m.weights for m in found.agreement.measurements} == {MADE_UP_WEIGHTS}
    assert "not all finite" in found.agreement.notes[0]
