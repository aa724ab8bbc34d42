"""What people write who come from PyTorch: each mistake is told once, at its place, with the way out."""

from __future__ import annotations

import pytest

from resnetdsl.api import load
from tests.checks.looking import body, report

BODIES = {
    # names
    "nn.Conv2d(64, 3)": ("E0201", "unknown name `nn.Conv2d`", "did you mean `conv`?"),
    "torch.cat([x, x])": ("E0201", "unknown name `torch.cat`", "did you mean `concat`?"),
    "torch.nn.functional.relu(x)": ("E0201", "unknown name `torch.nn.functional.relu`", "did you mean `relu`?"),
    "self.conv1(x)": ("E0201", "unknown name `self.conv1`", "nothing is stored"),
    "nn.Sequential(relu, relu)": ("E0201", "unknown name `nn.Sequential`", "with `->`"),
    "ReLU": ("E0201", "unknown name `ReLU`", "did you mean `relu`?"),
    "MaxPool2d(2)": ("E0201", "unknown name `MaxPool2d`", "did you mean `max_pool`?"),
    'mean(x, "hw")': ("E0201", "unknown name `mean`", "did you mean `reduce_mean`?"),
    "bn": ("E0201", "unknown name `bn`", "did you mean `batch_norm`?"),
    "for i in range(3) { relu }": ("E0201", "unknown name `range`", "`0..n`"),
    "conv(8, 3x3, pad = same)": ("E0201", "unknown name `same`", 'did you mean `"same"`?'),
    # arguments
    "conv(8, 3, padding = 1)": ("E0203", "no argument `padding`", "did you mean `pad`?"),
    "conv(8, 3, in_channels = 3)": ("E0203", "no argument `in_channels`", "is known from the tensor"),
    "relu(inplace = true)": ("E0203", "no argument `inplace`", "nothing is changed in place"),
    "softmax(dim = 1)": ("E0203", "no argument `dim`", 'axis = "c"'),
    "upsample(scale_factor = 2)": ("E0203", "no argument `scale_factor`", "did you mean `scale`?"),
    "basic(planes = 64)": ("E0203", "no argument `planes`", "did you mean `width`?"),
    "conv(3, 64, 3)": ("E0308", "an even kernel", "the channels that come in are not written: `conv(64, ...)`"),
    "conv(3, 65, 3, pad = 0)": ("E0304", "the kernel is larger", "the channels that come in are not written"),
    "batch_norm(64)": ("E0210", "`eps` of `batch_norm` is out of range", "at most 1"),
    "expect flops <= 4G": ("E0225", "`flops` cannot be expected", "did you mean `macs`?"),
    # tensors and layers
    "x + conv(3, 3x3)": ("E0211", "`+` does not work", "apply the layer first"),
    "concat(x, relu)": ("E0211", "`concat` does not work", "apply the layer first"),
    "x.flatten()": ("E0214", "has no `flatten`", "`x -> flatten`"),
    "x.view(3)": ("E0214", "has no `view`", "`x -> reshape`"),
    "x.size(1)": ("E0214", "has no `size`", "did you mean `shape`?"),
    "[relu, silu]": ("E0218", "found a list of 2", "follow one another with `->`"),
    'basic(3, act = "relu", norm = none)': ("E0218", "found a string", "without quotes: `relu`"),
    "for i in 3 { relu }": ("E0207", "found the number 3", "`0..3`"),
    # syntax
    "if true: relu": ("E0101", "unexpected `:`", "did you mean `{`?"),
    "x[0:2]": ("E0101", "unexpected `:`", "did you mean `..`?"),
    "stage layer1 { relu }": ("E0101", "unexpected `{`", "did you mean `layer1: {`?"),
    "let i = 0\ni += 1": ("E0101", "unexpected `=`", "did you mean `let i = i + …`?"),
    "expect params == 25,557": ("E0101", "unexpected `557`", "did you mean `25_557`?"),
    "let residual = relu": ("E0101", "unexpected keyword `residual`", "did you mean `residual_`?"),
    "let 2a = 3": ("E0105", "`2a` is not a number", "numbers look like"),
    "conv(8, 3X3)": ("E0105", "`3X3` is not a number", "did you mean `3x3`?"),
    "relu; silu": ("E0106", "`;` has no meaning here", "the end of a line"),
    "true ? relu : silu": ("E0106", "`?` has no meaning here", "`a if c else b`"),
    "conv(8, 3\u04453)": ("E0106", "has no meaning here", "did you mean `x`?"),
    "conv(8\uff0c 3x3)": ("E0106", "has no meaning here", "did you mean `,`?"),
    "relu \u2013> silu": ("E0106", "`\u2013>` has no meaning here", "did you mean `->`?"),
    "relu => silu": ("W0804", "`relu` hides a name", "`->` puts layers in sequence"),
}


@pytest.mark.parametrize("line", BODIES)
def test_a_line_of_a_body(line: str) -> None:
    code, title, way_out = BODIES[line]
    found = report(body(*line.split("\n"), input="3x32x32")).diagnostics
    first = next(each for each in found if each.code.id == code)
    assert {each.code.id for each in found} == {code}, [each.title for each in found]
    assert title in first.title
    assert any(way_out in help for help in first.helps), first.helps


FILES = {
    "from resnet import *\nnetwork a = resnet18": ("E0101", "did you mean `import resnet`?"),
    'import "resnet"\nnetwork a = resnet18': ("E0101", "did you mean `import resnet`?"),
    "from blocks.rnet import unit\nnetwork a = unit": ("E0101", 'did you mean `from "blocks.rnet"`?'),
    "network mine = resnet(basic, [1, 1])\n": ("E0201", "it is in a shipped spec: `from resnet import resnet`"),
    "network n {\n relu\n input 3x8x8\n}": ("E0221", "start the body with"),
    "network n {\n input 1x3x8x8\n relu\n}": ("E0207", "the batch is free"),
    "block b(for = 1) { relu }\nnetwork n {\n input 3x8x8\n b\n}": ("E0101", "did you mean `for_`?"),
    "network n:\n    input 3x8x8\n": ("E0101", "did you mean `{`?"),
}


@pytest.mark.parametrize("text", FILES)
def test_a_file(text: str) -> None:
    code, way_out = FILES[text]
    first = load(text).check().diagnostics[0]
    assert first.code.id == code
    assert any(way_out in help for help in first.helps), first.helps


def test_where_a_late_input_stands() -> None:
    (late,) = load("network n {\n    relu\n    input 3x8x8\n}\n").check().diagnostics
    assert late.primary.text == "no `input` line above"
    assert [(label.span.line, label.text) for label in late.secondary] == [(3, "it comes only here")]


def test_inputs_by_name_in_a_network_are_one_mistake() -> None:
    found = load("network n {\n    in a, b\n    a + b\n}\n").check().diagnostics
    assert [each.code.id for each in found] == ["E0220"]


def test_a_name_of_ones_own_comes_before_what_torch_means() -> None:
    assert not report("let F = 3\n" + body("conv(F, 3x3)")).diagnostics
