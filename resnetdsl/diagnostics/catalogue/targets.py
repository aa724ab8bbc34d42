"""E10xx: targets, the YAML files that say what a network is compiled for."""

from __future__ import annotations

from resnetdsl.diagnostics.model import Code

CODES = (
    Code(
        id="E1001",
        name="target-not-yaml",
        language="yaml",
        title="this target is no YAML: {reason}",
        label="here",
        fields=("reason",),
        explanation="""
            A target is a small YAML document: a name, a colon, a space and a value on each line. The message is that of
            the YAML parser, and what it complains of may have begun on the line before.
            """,
        bad="""
            device: cpu
            dtype float32
            """,
        good="""
            device: cpu
            dtype: float32
            """,
    ),
    Code(
        id="E1002",
        name="target-not-plain",
        language="yaml",
        title="{what} in a target",
        label="no plain value",
        helps=("write the value itself",),
        fields=("what",),
        explanation="""
            A target holds plain settings. Anchors, aliases, tags and further documents are parts of YAML that can build
            more than what is written, so they are not read.
            """,
        bad="""
            device: &here cpu
            """,
        good="""
            device: cpu
            """,
    ),
    Code(
        id="E1003",
        name="target-not-settings",
        language="yaml",
        title="a target is a table of settings, and this is {got}",
        label="not a setting",
        helps=("write a setting and its value: `device: cpu`",),
        fields=("got",),
        explanation="""
            The document is a YAML mapping, from the names of settings to their values. A list, a single value and an
            empty file are none.
            """,
        bad="""
            - device: cpu
            """,
        good="""
            device: cpu
            """,
    ),
    Code(
        id="E1004",
        name="unknown-setting",
        language="yaml",
        title="a target has no setting `{name}`",
        label="not a setting",
        helps=("did you mean `{suggestion}`?",),
        notes=("the settings are {known:and}",),
        fields=("name", "suggestion", "known"),
        explanation="""
            The settings of a target are `description`, `device`, `dtype`, `layout`, `batch`, `mode`, `backend`,
            `threads` and `passes`, and for `dtype: int8` also `calibration`, `samples`, `crop`, `mean`, `std` and
            `keep_float`. None of them must be there; what a target leaves out has its usual value.
            """,
        bad="""
            device: cpu
            dtypes: float32
            """,
        good="""
            device: cpu
            dtype: float32
            """,
    ),
    Code(
        id="E1005",
        name="setting-twice",
        language="yaml",
        title="`{name}` is set twice",
        label="set again",
        roles={"first": "first set here"},
        helps=("remove one of them",),
        fields=("name",),
        explanation="""
            YAML itself would take the last of two values without a word, and somebody would look for the reason why the
            first has no effect.
            """,
        bad="""
            batch: 1
            batch: 8
            """,
        good="""
            batch: 8
            """,
    ),
    Code(
        id="E1006",
        name="unknown-choice-of-setting",
        language="yaml",
        title="`{name}` cannot be `{value}`",
        label="not one of {choices}",
        helps=("did you mean `{suggestion}`?",),
        fields=("name", "value", "choices", "suggestion"),
        explanation="""
            The setting takes one of a few words, as the command line's option of its name does. Types and layouts have
            PyTorch's names: `float32` and `bfloat16`, `channels_last`.
            """,
        bad="""
            dtype: fp32
            """,
        good="""
            dtype: float32
            """,
    ),
    Code(
        id="E1007",
        name="bad-count-in-target",
        language="yaml",
        title="`{name}` cannot be `{value}`",
        label="{wanted}",
        fields=("name", "value", "wanted"),
        explanation="""
            A batch is a size or a range with both ends included, the smaller first: `8` or `1..32`. Threads and samples
            are counted in whole numbers. `crop` is a share, `mean` and `std` are numbers of images whose pixels go from
            0 to 1, and `std` is divided by.
            """,
        bad="""
            batch: 32..1
            threads: 0
            """,
        good="""
            batch: 1..32
            threads: 1
            """,
    ),
    Code(
        id="E1008",
        name="wrong-kind-of-setting",
        language="yaml",
        title="`{name}` takes {wanted}, and this is {got}",
        label="{got}",
        helps=("write `{example}`",),
        fields=("name", "wanted", "got", "example"),
        explanation="""
            Settings are single values. `passes` is a table of passes that are on or off; `mean`, `std` and `keep_float`
            may be lists.
            """,
        bad="""
            device: [cpu, cuda]
            passes: on
            """,
        good="""
            device: cpu
            passes: {norms: on}
            """,
    ),
    Code(
        id="E1009",
        name="unknown-pass",
        language="yaml",
        title="there is no pass `{name}`",
        label="not a pass",
        helps=("did you mean `{suggestion}`?",),
        notes=("the passes are {known:and}",),
        fields=("name", "suggestion", "known"),
        explanation="""
            Under `passes` stand the passes over the graph that are not to have their usual value, with `on` or `off`.
            `resnetdsl compile --plan` shows the passes and what each would do.
            """,
        bad="""
            passes:
              norm: off
            """,
        good="""
            passes:
              norms: off
            """,
    ),
    Code(
        id="E1010",
        name="conflicting-settings",
        language="yaml",
        title="`{name}: {value}` does not go with `{other}: {found}`",
        label="{reason}",
        roles={"other": "set here"},
        helps=("{help}",),
        fields=("name", "value", "other", "found", "reason", "help"),
        explanation="""
            Each of the two is fine alone, and together they describe nothing that can be compiled: OpenVINO and 8-bit
            integers are for CPUs.
            """,
        bad="""
            device: cuda
            dtype: int8
            """,
        good="""
            device: cpu
            dtype: int8
            """,
    ),
    Code(
        id="E1011",
        name="setting-of-another-type",
        language="yaml",
        title="`{name}` is for `dtype: int8`",
        label="means nothing here",
        roles={"dtype": "the type is another"},
        helps=("write `dtype: int8`, or leave it out",),
        fields=("name",),
        explanation="""
            `calibration`, `samples`, `crop`, `mean`, `std` and `keep_float` say what the scales of 8-bit integers are
            measured on, and which layers have none. No other type has scales.
            """,
        bad="""
            dtype: bfloat16
            calibration: photos
            """,
        good="""
            dtype: int8
            calibration: photos
            """,
    ),
)
