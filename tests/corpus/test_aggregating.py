"""Inception, Xception, VoVNet, ReXNet and what came after them are timm's: names, weights, counts, outputs."""

from __future__ import annotations

import pytest

from tests.corpus.proving import (
    assert_all_are_here_and_documented,
    assert_same_gradients,
    assert_same_outputs,
    assert_same_state_and_counts,
    names,
    rows,
)

FILES = {
    "inception_v3": "inception",
    "inception_v4": "inception",
    "inception_resnet_v2": "inception",
    "xception": "xception",
    "xception_aligned": "xception",
    "vovnet": "vovnet",
    "hgnet": "hgnet",
    "rexnet": "rexnet",
    "inception_next": "inception_next",
    "fasternet": "fasternet",
    "starnet": "starnet",
    "convmixer": "convmixer",
    "repvit": "repvit",
    "mambaout": "mambaout",
}
COUNTED = {
    "inception_v3": "branches without padding",
    "xception71": "strides between blocks that keep the size",
    "ese_vovnet57b": "gates where stages end",
    "hgnet_small": "gates",
    "rexnetr_300": "widths that are multiples of 16",
    "inception_next_tiny": "bands",
    "fasternet_s": "more blocks",
    "starnet_s4": "more blocks",
    "convmixer_1024_20_ks9_p14": "large patches",
    "mambaout_base_tall_rw": "shares that are no whole number",
    "repvit_m1_5": "gates at every other block",
}
COMPUTED = {
    "inception_v3": "averages that count the border",
    "xception41p": "norms first",
    "legacy_xception": "pools in the branch",
    "ese_vovnet19b_slim_dw": "depthwise layers",
    "hgnetv2_b0": "a factor behind each activation",
    "rexnet_100": "inputs added to some of the channels",
    "inception_next_atto": "shorter bands",
    "fasternet_t0": "partial convolutions",
    "starnet_s050": "products",
    "convmixer_768_32": "patches that keep their size",
    "repvit_m0_9": "branches and two heads",
    "repvit_m1": "norms in the branches",
    "mambaout_femto": "channels last",
    "test_mambaout": "factors for each channel",
}


@pytest.mark.parametrize(("family", "file"), FILES.items())
def test_the_family_is_whole(family: str, file: str) -> None:
    assert_all_are_here_and_documented(family, file)


@pytest.mark.parametrize(
    ("family", "name"),
    [
        pytest.param(family, name, marks=() if name in COUNTED else pytest.mark.slow)
        for family in FILES
        for name in rows(family)
    ],
)
def test_state_and_counts(family: str, name: str) -> None:
    assert_same_state_and_counts(family, name, FILES[family])


@pytest.mark.parametrize("name", [name for family in FILES for name in names(family, tuple(COMPUTED))])
def test_outputs(name: str) -> None:
    family = next(family for family in FILES if name in rows(family))
    assert_same_outputs(family, name, (3, 96, 96), (3, 97, 129), file=FILES[family])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "name"),
    [
        ("inception_v3", "inception_v3"),
        ("xception_aligned", "xception41"),
        ("vovnet", "ese_vovnet19b_slim_dw"),
        ("hgnet", "hgnetv2_b0"),
        ("rexnet", "rexnet_100"),
        ("inception_next", "inception_next_atto"),
        ("mambaout", "test_mambaout"),
    ],
)
def test_gradients(family: str, name: str) -> None:
    assert_same_gradients(family, name, (3, 96, 96), FILES[family], drop_rate=0)
