"""HRNet, DLA, SKNet, DPN and GhostNet join what runs side by side, and are timm's: names, weights, counts, outputs."""

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

FAMILIES = ("hrnet", "dla", "sknet", "dpn", "ghostnet")
COUNTED = {
    "hrnet_w18_small_v2": "three exchanges, narrow widths",
    "hrnet_w48_ssld": "no biases in the head",
    "dla60x_c": "deep trees, groups",
    "dla102": "roots that add",
    "skresnext50_32x4d": "every kernel reads all of the input",
    "dpn92": "one convolution for both paths",
    "ghostnetv2_130": "odd shares",
}
COMPUTED = {
    "hrnet_w18_small": "streams",
    "dla46_c": "trees",
    "dla60_res2next": "scales in the leaves",
    "skresnet18": "kernels",
    "dpn48b": "two paths that end apart",
    "ghostnet_050": "ghosts",
    "ghostnetv3_050": "branches and gates",
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_family_is_whole(family: str) -> None:
    assert_all_are_here_and_documented(family)


@pytest.mark.parametrize(
    ("family", "name"),
    [
        pytest.param(family, name, marks=() if name in COUNTED else pytest.mark.slow)
        for family in FAMILIES
        for name in rows(family)
    ],
)
def test_state_and_counts(family: str, name: str) -> None:
    assert_same_state_and_counts(family, name)


@pytest.mark.parametrize("name", [name for family in FAMILIES for name in names(family, tuple(COMPUTED))])
def test_outputs(name: str) -> None:
    family = next(family for family in FAMILIES if name in rows(family))
    second = (3, 65, 97) if family in {"sknet", "dpn"} else (3, 96, 160)
    assert_same_outputs(family, name, (3, 64, 64), second)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "name"),
    [
        ("hrnet", "hrnet_w18_small"),
        ("dla", "dla34"),
        ("sknet", "skresnet18"),
        ("dpn", "dpn48b"),
        ("ghostnet", "ghostnetv3_050"),
    ],
)
def test_gradients(family: str, name: str) -> None:
    assert_same_gradients(family, name, (3, 64, 64), drop_rate=0)
