"""Networks as backbones: features at strides 4 to 32, and output strides of 8 and 16, against timm's `features_only`.

timm renames what it takes out of a network (`stages_0` for `stages.0`), and weights go over by such names.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from resnetdsl.api import find_network, load
from resnetdsl.spec import SpecError
from tests.corpus.proving import TABLE
from tests.everything import EVERYTHING
from tests.networks.comparing import difference, image, randomise, spec, state
from tests.oracles import timm

LARGEST = 100_000_000
"""Networks of more parameters differ from smaller ones in numbers alone."""
ROWS = [line.split(",") for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]
FAMILY = {name: family for family, name, *_ in ROWS}
SIZES = {name: tuple(map(int, size.split("x"))) for _, name, _, _, size in ROWS}
SMALL = [name for _, name, params, *_ in ROWS if int(params) <= LARGEST]

NO_FEATURES = {
    "ghostnet": "timm takes the first group of blocks of each stride, and not the last",
    "repghost": "timm takes the first group of blocks of each stride, and not the last",
    "inception_v4": "timm takes the first join of stride 4, and not the last",
    "xception": "timm takes them behind the activation that follows",
    "xception_aligned": "timm takes them inside the blocks that have the stride",
    "mambaout": "timm's have their channels last",
    "convmixer": "all of it has the stride of its patches",
}
"""Families whose features are other tensors."""
WITHOUT_STRIDES = {
    "densenet",
    "dla",
    "dpn",
    "fasternet",
    "hgnet",
    "hrnet",
    "inception_resnet_v2",
    "inception_v3",
    "legacy_senet",
    "mambaout",
    "metaformer",
    "repghost",
    "repvit",
    "starnet",
    "tresnet",
    "vgg",
    "vovnet",
}
"""Families whose strides timm cannot take away."""
EVEN = {"dla", "hrnet", "tresnet"}
"""Families whose sums need sides that halve."""
OTHERWISE = {
    "mobileone": "timm does not dilate its convolutions",
    "gernet": "timm forgets the dilation in front of a stage without a stride",
    "test_byobnet": "timm forgets the dilation in front of a stage without a stride",
    **dict.fromkeys(
        ("resnet50_mlp", "resnet50_clip", "resnet101_clip", "resnet50x4_clip", "regnetv"),
        "timm keeps or drops the mean of a projection by the dilation before it",
    ),
    "bat_resnext26ts": "its blocks of 8x8 places are others where the image is larger",
    "resnest50d_1s4x24d": "timm drops the mean in front of a convolution, and dilates that as if it were behind it",
    "resnest50d_4s2x40d": "timm drops the mean in front of a convolution, and dilates that as if it were behind it",
    "mobilenetv4_hybrid": "timm leaves the stride of keys and values, which are no part of the trunk",
    "efficientnet_blur": "timm drops the filter with the stride",
    "mobilenetv4_conv_blur": "timm drops the filter with the stride",
}
"""Networks that timm dilates in another way, by how their names begin."""

SAMPLE = {
    "resnet18": (8, 16),
    "resnet10t": (8,),
    "resnetaa34d": (8,),
    "resnetblur18": (16,),
    "resnetv2_18d": (8,),
    "res2net50_26w_4s": (),
    "regnetx_002": (16,),
    "repvgg_a0": (8,),
    "resnest14d": (16,),
    "cs3darknet_focus_s": (8,),
    "convnext_atto": (8,),
    "convnextv2_atto": (),
    "test_nfnet": (8,),
    "mobilenetv2_035": (8,),
    "tf_efficientnetv2_b0": (16,),
    "tf_mixnet_s": (8,),
    "mobilenetv3_small_050": (8,),
    "mobilenetv4_conv_small_035": (16,),
    "densenet121": (),
    "poolformer_s12": (),
    "dla46x_c": (),
    "dpn48b": (),
    "skresnet18": (8,),
    "ese_vovnet19b_slim_dw": (),
    "hgnetv2_b0": (),
    "rexnet_100": (16,),
    "inception_next_atto": (8,),
    "fasternet_t0": (),
    "starnet_s050": (),
    "hrnet_w18_small": (),
    "legacy_seresnet18": (),
}
"""A network or two of each family, with output strides, for the fast suite."""


def strides(name: str) -> tuple[int, ...]:
    """The output strides at which timm's network must be ours."""
    dilates = FAMILY[name] not in WITHOUT_STRIDES and not name.startswith(tuple(OTHERWISE))
    return (8, 16) if dilates and not name.startswith("legacy") else ()


QUICK = [(name, stride) for name, more in SAMPLE.items() for stride in (32, *more)]
ALL = [
    (name, stride)
    for name in SMALL
    if FAMILY[name] not in NO_FEATURES
    for stride in (32, *strides(name))
    if (name, stride) not in QUICK
][:: 1 if EVERYTHING else 4]


def flat(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.replace(".", "_"): value for key, value in weights.items()}


def listed(found: dict[str, Tensor] | Tensor) -> list[Tensor]:
    return list(found.values()) if isinstance(found, dict) else [found]


def taken(into: nn.Module, weights: dict[str, Tensor]) -> nn.Module:
    into.load_state_dict({key: weights[key.replace(".", "_")] for key in into.state_dict()}, strict=True)
    return into.eval()


@pytest.mark.parametrize(("name", "stride"), [*QUICK, *(pytest.param(*case, marks=pytest.mark.slow) for case in ALL)])
def test_features_are_timms(name: str, stride: int) -> None:
    wanted = {} if stride == 32 else {"output_stride": stride}
    streams = {"feature_location": ""} if FAMILY[name] == "hrnet" else {}  # else its head widens them
    full = randomise(timm().create_model(name))
    known = getattr(full.feature_info, "info", full.feature_info)
    places = tuple(place for place, each in enumerate(known) if each["module"])
    theirs = timm().create_model(name, features_only=True, out_indices=places, **wanted, **streams)
    path = find_network(name)
    assert path is not None
    network = spec(path.stem).network(name, taps=True, **wanted)
    ours = network.module()
    assert flat(dict(state(ours))) == flat(dict(state(theirs)))  # type: ignore[arg-type]
    weights = flat(full.state_dict())
    size = SIZES[name] if name == "bat_resnext26ts" else (3, 96, 160) if FAMILY[name] in EVEN else (3, 97, 161)
    with torch.no_grad():
        found = listed(taken(ours, weights)(image(*size)))
        expected = taken(theirs, weights)(image(*size))
    worst = max(difference(mine, other) for mine, other in zip(found, expected[-len(found) :], strict=True))
    if worst >= 1e-5:  # rounding, in a deep network?
        with torch.no_grad():
            found = listed(ours.double()(image(*size).double()))
            expected = theirs.double()(image(*size).double())
        worst = max(difference(mine, other) for mine, other in zip(found, expected[-len(found) :], strict=True))
        assert worst < 1e-9
    reductions = [each for each in theirs.feature_info.reduction() if each >= 4]
    assert [network.checked.type(output.source).stride[0] for output in network.checked.outputs] == reductions[
        -len(found) :
    ]


@pytest.mark.parametrize(
    ("name", "features"),
    [("resnet34", (4, 8, 16, 32)), ("preresnet110", (1, 2, 4)), ("repvgg_a0", (2, 32))],
)
@pytest.mark.parametrize("stride", [1, 2, 4, 8, 16])
def test_dilation_fills_in_what_strides_skip(name: str, features: tuple[int, ...], stride: int) -> None:
    """Every pixel of the plain network is one of the dilated network's, however many strides have become dilation.

    That is so where windows are odd. An even one has its middle between two pixels, and `same` moves it, as in timm.
    """
    path = find_network(name)
    assert path is not None
    plain = spec(path.stem).network(name, taps=features)
    dilated = spec(path.stem).network(name, taps=features, output_stride=stride)
    whole, full = randomise(plain.module()).eval(), dilated.module().eval()
    full.load_state_dict(whole.state_dict(), strict=True)
    with torch.no_grad():
        few, many = whole(image(3, 64, 96)), full(image(3, 64, 96))
    assert list(few) == list(many)
    for key, each in few.items():
        step = many[key].shape[-1] // each.shape[-1]
        assert step == max(1, 2 ** int(key[1:]) // stride)
        assert difference(many[key][..., ::step, ::step], each) < 1e-5


@pytest.mark.parametrize(("file", "name"), [("timm_resnet", "resnet26"), ("xception", "xception41")])
def test_the_whole_network_takes_an_output_stride(file: str, name: str) -> None:
    """The classifier behind it reads the same number of channels."""
    theirs = timm().create_model(name, output_stride=8)
    ours = spec(file).network(name, output_stride=8).module()
    randomise(theirs).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    with torch.no_grad():
        assert difference(ours.eval()(image(3, 97, 97)), theirs(image(3, 97, 97))) < 1e-5


def test_taps_have_the_names_of_feature_pyramids() -> None:
    network = load("resnet18").network(taps=[8, 32])
    assert [output.name for output in network.checked.outputs] == ["c3", "c5"]
    assert "fc" not in {node.path.partition(".")[0] for node in network.checked.nodes()}
    assert list(network.module()(image(3, 64, 64))) == ["c3", "c5"]


STREAMS = """
block exchange { in fine, coarse
    out [fine + resize_to(coarse, fine), coarse + (fine -> avg_pool(2))] }

network streams {
    input 3x32x32
    conv(8, 3x3, stride = 2)
    [here, here -> conv(8, 3x3, stride = 2)]
    exchange
    head { let fine, _coarse = here
           fine -> global_avg_pool -> linear(10) }
}
"""


@pytest.mark.parametrize(("options", "side"), [({}, 8), ({"output_stride": 2}, 16)])
def test_streams_side_by_side_are_features_each(options: dict[str, int], side: int) -> None:
    graph = load(STREAMS).network(taps=[2, 4], **options).checked
    assert [(output.name, graph.type(output.source).shape) for output in graph.outputs] == [
        ("c1", (8, 16, 16)),
        ("c2", (8, side, side)),
    ]
    assert {graph.node(output.source.node).op for output in graph.outputs} == {"add"}


def test_only_what_the_taps_need_is_built() -> None:
    network = load("resnet18").network(taps=[4, 8])
    heads = {node.path.partition(".")[0] for node in network.checked.nodes()}
    assert {"layer1", "layer2"} <= heads
    assert not {"layer3", "layer4", "fc"} & heads
    assert {scope.path for scope in network.checked.scopes} & {"layer2"}
    assert not {scope.path for scope in network.checked.scopes} & {"layer3", "layer4"}
    assert network.module()(image(3, 64, 64))["c3"].shape == (1, 128, 8, 8)


def test_one_stride_gives_one_tensor() -> None:
    assert load("resnet18").network(taps=16).module()(image(3, 64, 64)).shape == (1, 256, 4, 4)


BACKBONE = """
from resnet import resnet18

network detector(channels = 64) {
    input 3x64x96
    let c3, c4, c5 = x -> backbone: resnet18(taps = [8, 16, 32], output_stride = %d)
    let small = c5 -> reduce: conv(channels, 1x1)
    let middle = c4 -> conv: conv(channels, 1x1)
    tap fine = c3 -> lateral: conv(channels, 1x1)
    middle + resize_to(small, middle) -> head: conv(2, 1x1)
}
"""


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_a_backbone_inside_a_network(stride: int) -> None:
    network = load(BACKBONE % stride).network()
    sizes = {output.name: network.checked.type(output.source).shape for output in network.checked.outputs}
    assert sizes == {"fine": (64, 8, 12), "output": (2, 64 // min(stride, 16), 96 // min(stride, 16))}
    keys = list(network.module().state_dict())
    assert "backbone.layer4.1.bn2.weight" in keys
    assert not any("fc" in key for key in keys)


def test_strides_count_from_the_networks_own_input() -> None:
    text = """
    from resnet import resnet18
    network n {
        input 3x128x128
        conv(3, 3x3, stride = 2)
        let c2, c5 = here -> inner: resnet18(taps = [4, 32], output_stride = 8)
        tap c2 = c2
        c5
    }
    """
    graph = load(text).network().checked
    assert {output.name: graph.type(output.source).stride for output in graph.outputs} == {
        "c2": (8, 8),
        "output": (16, 16),
    }


def test_a_parameter_of_its_own_comes_first() -> None:
    text = """
    network n(taps = 3, output_stride = 1) {
        input 3x32x32
        conv(8 * taps, 3x3, stride = output_stride)
    }
    """
    graph = load(text).network("n", taps=2, output_stride=4).checked
    assert graph.type(graph.outputs[0].source).shape == (16, 8, 8)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"taps": [3]}, "E0607"),
        ({"taps": [2, 64]}, "E0607"),
        ({"taps": []}, "E0207"),
        ({"taps": "all"}, "E0207"),
        ({"taps": [4.5]}, "E0209"),
        ({"taps": [0]}, "E0210"),
        ({"output_stride": 0}, "E0210"),
        ({"output_stride": "8"}, "E0207"),
        ({"output_stride": 2.5}, "E0209"),
    ],
)
def test_what_cannot_be_asked(options: dict[str, object], code: str) -> None:
    with pytest.raises(SpecError) as caught:
        load("resnet18").network(**options)  # type: ignore[arg-type]
    assert [found.code.id for found in caught.value.diagnostics] == [code]


@pytest.mark.parametrize("stride", [2**31 - 1, 10**12, 7])
def test_output_strides_beyond_all_change_nothing(stride: int) -> None:
    plain, asked = load("resnet18").network(), load("resnet18").network(output_stride=stride)
    if stride != 7:
        assert asked.source() == plain.source()
    assert state(asked.module()) == state(plain.module())


def test_dilation_has_an_end() -> None:
    text = "network n { input 3x8x8\n for i in 0..60 { conv(8, 3x3, stride = 2) } }"
    with pytest.raises(SpecError) as caught:
        load(text).network(output_stride=1)
    assert {found.code.id for found in caught.value.diagnostics} == {"E0210"}
    assert len(caught.value.diagnostics) == 1


def test_taps_and_expectations_do_not_meet() -> None:
    text = """
    network n {
        input 3x32x32
        stage a: conv(8, 3x3, stride = 2)
        head { classifier(10) }
        expect output == 10
    }
    network backbone = n(taps = [2])
    """
    report = load(text).check()
    assert not report.diagnostics, str(report)
