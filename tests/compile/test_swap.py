"""Other weights into an artifact's file and into a loaded artifact, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

import resnetdsl
from resnetdsl.compile.artifact import Artifact, load_artifact, read_metadata
from resnetdsl.compile.engines import registry
from resnetdsl.compile.errors import ArtifactError, CompileError, Problem, WeightsError
from resnetdsl.compile.metadata import OWN_WEIGHTS
from resnetdsl.compile.recipes import Apply, Leaf
from resnetdsl.compile.swap import other_weights, swap_weights
from tests.cli.running import run
from tests.compile import tiny
from tests.compile.packages import Double, metadata
from tests.compile.plain import Plain, use
from tests.emit.interpreter import randomise

SPEC = tiny.SPEC.format(height=32, width=32, tap="tap features")


@pytest.fixture
def artifact(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    use(monkeypatch, Plain())
    resnetdsl.load(SPEC).network("tiny").compile(tmp_path / "a.rnetc", device="cpu", cache=False)
    return tmp_path / "a.rnetc"


def other() -> nn.Module:
    module = resnetdsl.load(SPEC).network("tiny").module().eval()
    randomise(module, 5)
    return module


def computes(path: Path, module: nn.Module) -> bool:
    x = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        expected: Tensor = module(x)["output"]
    return torch.allclose(load_artifact(path).run(x)["output"], expected, rtol=1e-4, atol=1e-5)


def test_a_file_takes_other_weights(artifact: Path, tmp_path: Path) -> None:
    module = other()
    assert not computes(artifact, module)
    save_file(module.state_dict(), tmp_path / "w.safetensors")
    path, notes = swap_weights(artifact, tmp_path / "w.safetensors", tmp_path / "b.rnetc")
    assert computes(path, module)
    assert notes == ()
    assert not computes(artifact, module)
    swap_weights(artifact, module.state_dict())
    assert computes(artifact, module)


def test_an_artifact_says_what_was_measured_with_which_weights(artifact: Path) -> None:
    before = read_metadata(artifact)
    swap_weights(artifact, other().state_dict())
    after = read_metadata(artifact)
    assert OWN_WEIGHTS in {m.weights for m in before.agreement.measurements}
    assert OWN_WEIGHTS not in {m.weights for m in after.agreement.measurements}
    assert "put in after it was compiled" in after.agreement.notes[-1]
    swap_weights(artifact, other().state_dict())
    assert read_metadata(artifact).agreement == after.agreement


def test_no_code_is_run_for_it(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ENGINES", {})
    swap_weights(artifact, other().state_dict())


def test_the_command(artifact: Path, tmp_path: Path) -> None:
    module = other()
    torch.save(module.state_dict(), tmp_path / "w.pth")
    done = run("swap", artifact, tmp_path / "w.pth", "-o", tmp_path / "b.rnetc")
    assert (done.code, done.out) == (0, "")
    assert "with the weights of" in done.err
    assert computes(tmp_path / "b.rnetc", module)
    assert read_metadata(tmp_path / "b.rnetc").provenance.weights.startswith("w.pth sha256:")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.pop("fc.bias"), "missing in the file (1):\n    fc.bias"),
        (lambda w: w.update({"head": torch.zeros(3)}), "not in the network (1):\n    head"),
        (lambda w: w.update({"fc.bias": torch.zeros(7)}), "fc.bias  7, the network has 5"),
        (lambda w: w.update({"fc.bias": torch.zeros(5, dtype=torch.int64)}), "int64, the network has float32"),
        (lambda w: w.update({"fc.bias": torch.zeros(5, dtype=torch.complex64)}), "complex64, the network has float32"),
    ],
)
def test_what_does_not_fit_changes_nothing(artifact: Path, tmp_path: Path, change: object, words: str) -> None:
    weights = dict(other().state_dict())
    change(weights)  # type: ignore[operator]
    torch.save(weights, tmp_path / "w.pth")
    before = artifact.read_bytes()
    done = run("swap", artifact, tmp_path / "w.pth")
    assert done.code == 2
    assert words in done.err
    assert artifact.read_bytes() == before
    loaded = load_artifact(artifact)
    kept = loaded.run(torch.ones(1, 3, 32, 32))["output"].clone()
    with pytest.raises(WeightsError):
        loaded.load_weights(weights)
    assert torch.equal(loaded.run(torch.ones(1, 3, 32, 32))["output"], kept)


@pytest.mark.parametrize("source", [nn.ReLU(), 5, None])
def test_what_is_no_state_dict(artifact: Path, source: object) -> None:
    with pytest.raises(WeightsError, match="a state dict or a file, not a"):
        load_artifact(artifact).load_weights(source)  # type: ignore[arg-type]


def test_weights_that_are_no_numbers_are_told(artifact: Path, tmp_path: Path) -> None:
    weights = other().state_dict()
    weights["fc.bias"][2] = float("nan")
    save_file(weights, tmp_path / "w.safetensors")
    done = run("swap", artifact, tmp_path / "w.safetensors")
    assert done.code == 0
    assert "no numbers: `fc.bias` (1)" in done.err


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all"])
def test_a_file_that_is_no_artifact(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.rnetc").write_bytes(content)
    done = run("swap", tmp_path / "a.rnetc", tmp_path / "none.pth")
    assert done.code == 2
    assert "is no artifact" in done.err
    assert run("swap", tmp_path / "none.rnetc", tmp_path / "none.pth").code == 2


def test_a_checkpoint_that_is_not_there(artifact: Path, tmp_path: Path) -> None:
    assert "no such file" in run("swap", artifact, tmp_path / "none.pth").err


def test_an_output_of_another_kind(artifact: Path, tmp_path: Path) -> None:
    torch.save(other().state_dict(), tmp_path / "w.pth")
    assert "ends with .rnetc" in run("swap", artifact, tmp_path / "w.pth", "-o", tmp_path / "b.zip").err


def test_recipes_that_cannot_be_followed() -> None:
    broken = metadata(recipes={"a": Apply("reshape", (Leaf("fc.bias"),), ((4,),))})
    with pytest.raises(ArtifactError, match="recipes in this artifact do not fit"):
        other_weights(broken, {"fc.bias": torch.zeros(5)})


@pytest.mark.parametrize(
    "lack",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        RuntimeError("could not create a primitive"),
    ],
)
def test_a_lack_of_memory_is_told(lack: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    double = Double(nn.Identity())

    def run(inputs: list[Tensor]) -> list[Tensor]:
        raise lack

    monkeypatch.setattr(double, "run", run)
    with pytest.raises(ArtifactError, match="not enough memory on this machine to run `tiny`") as caught:
        Artifact(metadata(), double)(torch.rand(1, 3, 32, 32))
    assert caught.value.problem is Problem.NO_MEMORY


@pytest.mark.parametrize("words", ["a fault of ours", "could not create a primitive descriptor for a convolution"])
def test_other_errors_of_an_engine_stay_what_they_are(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    double = Double(nn.Identity())

    def run(inputs: list[Tensor]) -> list[Tensor]:
        raise RuntimeError(words)

    monkeypatch.setattr(double, "run", run)
    with pytest.raises(RuntimeError, match=words):
        Artifact(metadata(), double)(torch.rand(1, 3, 32, 32))


def test_a_lack_of_memory_while_compiling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Plain()
    use(monkeypatch, engine)

    def build(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 80.00 GiB")

    monkeypatch.setattr(engine, "build", build)
    with pytest.raises(CompileError, match="not enough memory on the GPU") as caught:
        resnetdsl.load(SPEC).network("tiny").compile(tmp_path / "a.rnetc", device="cpu", cache=False)
    assert caught.value.problem is Problem.NO_MEMORY
    assert list(tmp_path.iterdir()) == []
