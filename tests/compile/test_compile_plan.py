"""What `--plan` and `--emit` show before anything is compiled."""

from __future__ import annotations

from pathlib import Path

import pytest

from resnetdsl.compile.artifact import load_artifact
from resnetdsl.compile.build import chosen
from resnetdsl.compile.errors import CompileError
from resnetdsl.compile.lower.pipeline import PASSES
from resnetdsl.compile.options import Layout
from resnetdsl.ir.load import load
from tests.cli.running import run
from tests.compile.lowering import network

BODY = """
    conv(4, 3x3) -> bn1: batch_norm -> relu -> drop: dropout
    let pre = x -> bn2: batch_norm -> relu
    residual(identity) { conv(4, 1x1) -> bn3: batch_norm }
    relu
    bn4: batch_norm
    conv(4, 3x3)
"""


def text(**options: object) -> str:
    return str(network(BODY).plan(device="cpu", **options))


def test_it_tells_what_is_done_and_what_is_not() -> None:
    found = text()
    assert "fold-after    `batch_norm` folded into the `conv` before it, 2 times: bn1, bn3" in found
    assert "`dropout` left out: drop" in found
    _, missed = found.split("to be expected, and not done:")
    assert "`batch_norm` not folded: bn4" in missed
    assert "zeros are padded in front of `conv`" in " ".join(missed.split())
    assert "bn1" not in missed


def test_every_pass_is_told_of() -> None:
    found = text(without=["branches"])
    assert all(f"\n  {each.name} " in found for each in PASSES)
    assert "branches      left out: not wanted" in found


BESIDE = "relu -> concat(conv(2, 1x1) -> relu, conv(2, 1x1) -> tanh)"


def test_a_pass_that_does_not_pay_is_done_when_it_is_asked_for() -> None:
    net = network(BESIDE, size="8x16x16")
    told = " ".join(str(net.plan(device="cpu")).split())
    assert "parallel left out: on no engine" in told
    assert told.count("`--with parallel` has it done") == 1
    assert "merged into one and a split" in str(net.plan(device="cpu", also=["parallel"]))
    assert "norms         left out: on onnxruntime it does not pay" in str(
        net.plan(device="cpu", backend="onnxruntime")
    )
    assert "norms         nothing" in str(net.plan(device="cpu", backend="onnxruntime", also=["norms"]))


def test_a_pass_cannot_be_asked_for_and_left_out() -> None:
    with pytest.raises(CompileError, match="`parallel` is asked for and left out"):
        chosen(without=["parallel"], also=["parallel"])
    with pytest.raises(CompileError, match="no pass `parallels`"):
        chosen(also=["parallels"])


def test_the_decisions_are_told() -> None:
    found = text(batch="1..8", dtype="bfloat16", threads=2, mode="throughput")
    for words in (
        "batch 1..8",
        "cpu, 2 threads",
        "bfloat16",
        "throughput",
        "onednn; its code",
    ):
        assert words in found


def test_a_network_in_which_all_is_done_ends_there() -> None:
    assert "not done" not in str(network("conv(4, 3x3) -> batch_norm").plan(device="cpu"))


def test_it_fits_into_the_terminal() -> None:
    plan = network(BODY).plan(device="cpu")
    assert max(map(len, plan.lines(60))) <= 60


def test_emit_gives_the_graph_after_each_pass() -> None:
    stages = dict(network(BODY).plan(device="cpu").emit())
    again = ("fold-after", "fold-before", "branches")  # branches were merged
    names = [each.name for each in PASSES if not each.unpaid]
    names[6:6] = again
    assert list(stages) == ["00-checked", *(f"{at:02}-{name}" for at, name in enumerate(names, 1))]
    sizes = [len(load(each)) for each in stages.values()]
    assert sizes[0] > sizes[1] > sizes[4]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"without": ["folding"]}, "no pass `folding`"),
        ({"layout": "nhwc"}, "`nhwc` is no layout"),
        ({"dtype": "float8"}, "`float8` is no dtype"),
        ({"device": "tpu"}, "`tpu` is no device"),
        ({"backend": "tvm"}, "`tvm` is no backend"),
        ({"mode": "fast"}, "`fast` is no mode"),
        ({"threads": 0}, "`0` is no number of threads"),
        ({"threads": "two"}, "`two` is no number of threads"),
    ],
)
def test_options_that_are_none(options: dict[str, object], words: str) -> None:
    with pytest.raises(CompileError, match=words) as caught:
        chosen(**options)  # type: ignore[arg-type]
    assert caught.value.help


def test_the_command_line(tmp_path: Path) -> None:
    spec = tmp_path / "n.rnet"
    spec.write_text(f"network n {{\n    input 3x16x16{BODY}}}\n", encoding="utf-8")
    done = run("compile", str(spec), "--plan", "--emit", str(tmp_path / "stages"))
    assert done.code == 0
    assert "n: 13 ops" in done.out
    assert min(path.name for path in (tmp_path / "stages").iterdir()) == "00-checked.yaml"
    assert not list(tmp_path.glob("*.rnetc"))
    assert "# --- 04-fold-after ---" in run("compile", str(spec), "--emit", "-").out
    failed = run("compile", str(spec), "--plan", "--without", "folding")
    assert failed.code == 2
    assert "no pass `folding`" in failed.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--backend", "openvino", "--dtype", "float16"), "the engine `openvino` cannot be used here"),
        (("--dtype", "int8", "--layout", "contiguous"), "no engine can make `n` for cpu in int8"),
        (("--dtype", "int8", "--calibration", "nowhere"), "cannot read `nowhere`"),
    ],
)
def test_a_plan_of_what_would_be_refused_ends_as_that_would(
    tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    spec = tmp_path / "n.rnet"
    spec.write_text(f"network n {{\n    input 3x16x16{BODY}}}\n", encoding="utf-8")
    command = ("compile", spec, "--device", "cpu", "-o", tmp_path / "n.rnetc", *options)
    planned, compiled = run(*command, "--plan"), run(*command)
    assert planned.code == compiled.code == 2
    assert told in planned.err
    assert planned.err == compiled.err.split("starting PyTorch\n")[-1]
    assert "n: 13 ops" in planned.out, "the rest of the plan is of use all the same"


# --- how images lie ---


@pytest.mark.parametrize(
    ("backend", "layout", "words"),
    [
        (None, None, "channels_last, in which a convolution of 1x1 is a product of the image as it lies"),
        ("onednn", "channels_last", "channels_last, as asked"),
        ("inductor", None, "channels_last, in which oneDNN's convolutions are fastest"),
        ("inductor", "contiguous", "contiguous, as asked"),
        (None, "contiguous", "contiguous, as asked"),
        ("onnxruntime", None, "the engine's own: it lays images out anew for its kernels, in blocks of channels"),
        ("openvino", None, "the engine's own: it lays images out as each of its kernels wants them"),
        ("auto", None, "as the engine has it"),
    ],
)
def test_the_layout_is_told_with_its_reason(backend: str | None, layout: str | None, words: str) -> None:
    assert f"layout {words}" in " ".join(text(backend=backend, layout=layout).split())


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        ("onednn", "its images are channels_last, in which"),
        ("onnxruntime", "no layout can be asked of it: it lays images out anew"),
        ("openvino", "no layout can be asked of it"),
    ],
)
def test_a_layout_that_an_engine_has_not(backend: str, words: str, tmp_path: Path) -> None:
    net = network(BODY)
    output = tmp_path / "n.rnetc"
    with pytest.raises(CompileError, match=words) as caught:
        net.compile(output, device="cpu", backend=backend, layout="contiguous")
    assert "leave out `--layout`, or use `--backend inductor`" in caught.value.message
    assert not output.exists()
    assert words in " ".join(str(net.plan(device="cpu", backend=backend, layout="contiguous")).split())


def test_the_fastest_is_found_among_those_that_have_the_layout() -> None:
    net = network(BODY)
    assert "the fastest of inductor, to be measured" in str(net.plan(device="cpu", backend="auto", layout="contiguous"))
    assert "inductor; its code" in str(net.plan(device="cpu", layout="contiguous"))


def test_an_artifact_says_how_its_images_lie(tmp_path: Path) -> None:
    for backend, layout in (("onednn", Layout.CHANNELS_LAST), ("onnxruntime", None), ("openvino", None)):
        made = network(BODY).compile(tmp_path / f"{backend}.rnetc", device="cpu", backend=backend)
        assert load_artifact(made.path).metadata.setting.layout is layout


def test_in_int8_the_cache_is_asked_for_weights_that_a_plan_has_not() -> None:
    told = " ".join(str(network(BODY).plan(device="cpu", dtype="int8", backend="openvino")).split())
    assert "whether its code is in the cache depends on the weights and the samples" in told
