"""Networks written for others to read: ONNX and torch's exported program, from Python and from the command line."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch

import resnetdsl
from resnetdsl.compile import export
from resnetdsl.compile.errors import CompileError
from tests.cli.running import run
from tests.emit.interpreter import randomise

SPEC = """network small(classes = 10) {
    input 3x16x16
    conv1: conv(8, 3x3) -> bn1: batch_norm -> relu
    global_avg_pool
    fc: linear(classes)
}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "small.rnet"
    path.write_text(SPEC, encoding="utf-8")
    return path


def initializers(path: Path) -> set[str]:
    return {tensor.name for tensor in onnx.load(path).graph.initializer if "/" not in tensor.name}


def test_onnx_with_trained_weights_computes_what_the_module_does(spec: Path, tmp_path: Path) -> None:
    module = resnetdsl.load(spec).network("small").module().eval()
    randomise(module)
    torch.save(module.state_dict(), tmp_path / "trained.pth")
    for name, more in (("plain.onnx", ()), ("folded.onnx", ("--folded",))):
        done = run(
            "export",
            str(spec),
            "--to",
            "onnx",
            "-o",
            str(tmp_path / name),
            "--weights",
            str(tmp_path / "trained.pth"),
            *more,
        )
        assert (done.code, done.out) == (0, ""), done.err
        x = torch.randn(5, 3, 16, 16)
        session = onnxruntime.InferenceSession(tmp_path / name, providers=["CPUExecutionProvider"])
        with torch.no_grad():
            torch.testing.assert_close(
                torch.from_numpy(session.run(None, {"input": x.numpy()})[0]), module(x), rtol=1e-4, atol=1e-5
            )
    assert "bn1.running_var" in initializers(tmp_path / "plain.onnx")
    assert not any(name.startswith("bn1") for name in initializers(tmp_path / "folded.onnx"))


def test_an_exported_program_serves_any_batch(spec: Path, tmp_path: Path) -> None:
    net = resnetdsl.load(spec).network("small")
    module = net.module().eval()
    path = net.export(tmp_path / "small.pt2", "exported-program", module=module)
    program = torch.export.load(path).module()
    for batch in (1, 7):
        x = torch.randn(batch, 3, 16, 16)
        with torch.no_grad():
            torch.testing.assert_close(program(x), module(x))


def test_the_module_that_is_given_is_left_as_it_was(spec: Path, tmp_path: Path) -> None:
    net = resnetdsl.load(spec).network("small")
    module = net.module().train()
    net.export(tmp_path / "small.onnx", module=module)
    assert module.training
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_a_model_beyond_a_protobuf_has_its_weights_beside_it(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_MOST_IN_ONE_FILE", 100)
    net = resnetdsl.load(spec).network("small")
    module = net.module().eval()
    path = net.export(tmp_path / "big.onnx", module=module)
    assert sorted(each.name for each in tmp_path.glob("big*")) == ["big.onnx", "big.onnx.data"]
    onnx.checker.check_model(str(path))
    x = torch.randn(2, 3, 16, 16)
    found = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"input": x.numpy()})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(found[0]), module(x), rtol=1e-4, atol=1e-5)


def test_a_batch_may_be_fixed(spec: Path, tmp_path: Path) -> None:
    path = resnetdsl.load(spec).network("small").export(tmp_path / "two.onnx", batch=2)
    dims = onnx.load(path).graph.input[0].type.tensor_type.shape.dim
    assert [dim.dim_value for dim in dims] == [2, 3, 16, 16]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "onnx", "-o", "-"), "writes no text"),
        (("--to", "onnx", "-o", "net.pt2"), "ends with .onnx"),
        (("--to", "exported-program", "--folded"), "never folded"),
        (("--to", "pytorch", "--folded"), "`--folded` means nothing"),
        (("--to", "yaml", "--batch", "3"), "`--batch` means nothing"),
        (("--to", "onnx", "--batch", "none"), "`none` is no batch"),
        (("--to", "onnx", "--weights", "nowhere.pth"), "cannot read the weights"),
    ],
)
def test_wrong_use_is_said_and_nothing_is_written(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("export", str(spec), *arguments)
    assert done.code == 2
    assert said in done.err
    assert [path.name for path in tmp_path.iterdir()] == [spec.name]


def test_a_network_without_an_onnx_form_names_another_way(tmp_path: Path) -> None:
    net = resnetdsl.load("network n {\n    input 3x16x16\n    odd: upsample(scale = 1.5)\n}\n").network("n")
    with pytest.raises(CompileError, match="`n` has no ONNX form: `odd`") as caught:
        net.export(tmp_path / "n.onnx")
    assert "exported-program" in caught.value.help
    assert not list(tmp_path.iterdir())
    net.export(tmp_path / "n.pt2", "exported-program")


def test_equal_seeds_give_equal_models(spec: Path, tmp_path: Path) -> None:
    net = resnetdsl.load(spec).network("small")
    first, second, other = (
        net.export(tmp_path / f"{at}.onnx", seed=seed).read_bytes() for at, seed in enumerate((1, 1, 2))
    )
    assert first == second
    assert first != other
