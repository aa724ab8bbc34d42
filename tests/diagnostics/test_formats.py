"""What tools read: JSON, SARIF and GitHub's workflow commands."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

from resnetdsl.diagnostics.catalogue import CODES
from resnetdsl.diagnostics.model import Edit, Fact, Frame
from resnetdsl.diagnostics.render.github import render_github
from resnetdsl.diagnostics.render.json import render_json
from resnetdsl.diagnostics.render.places import uri
from resnetdsl.diagnostics.render.sarif import render_sarif
from resnetdsl.diagnostics.words import word
from resnetdsl.source import SourceFile
from tests.diagnostics.drawing import drawn, find

FILE = SourceFile("nets/a b.rnet", "network 漢 {\r\n    input 3x4x4\r\n    conv(16, 3x3, strides = 2)\r\n}\r\n")
STRIDES = word(
    Fact(
        "E0203",
        find(FILE, "strides"),
        {"name": "strides", "callee": "conv", "suggestion": "stride"},
        also=(("defined", find(FILE, "conv")),),
        trail=(Frame("network 漢"), Frame("stage a", find(FILE, "input"))),
        fix=(Edit(find(FILE, "strides"), "stride"),),
    )
)
LINT = word(Fact("W0901", FILE.span(FILE.text.index("input"), FILE.text.index("}"))))


def test_json() -> None:
    document = json.loads(render_json([STRIDES, LINT]))
    assert {key: document[key] for key in ("version", "tool", "errors", "warnings")} == {
        "version": 1,
        "tool": "resnetdsl",
        "errors": 1,
        "warnings": 1,
    }
    error, warning = document["diagnostics"]
    where = {"file": "nets/a b.rnet", "line": 3, "column": 19, "end_line": 3, "end_column": 26}
    where |= {"start": FILE.text.index("strides"), "end": FILE.text.index("strides") + 7}
    assert error == {
        "code": "E0203",
        "name": "unknown-argument",
        "severity": "error",
        "title": "`conv` has no argument `strides`",
        "span": where,
        "label": "not an argument of `conv`",
        "secondary": [{"span": error["secondary"][0]["span"], "label": "`conv` is defined here"}],
        "helps": ["did you mean `stride`?"],
        "notes": [],
        "trail": [
            {"text": "network 漢", "call": None},
            {"text": "stage a", "call": error["trail"][1]["call"]},
        ],
        "fix": [{"span": where, "replacement": "stride"}],
        "reference": None,
    }
    assert (error["secondary"][0]["span"]["line"], error["secondary"][0]["span"]["column"]) == (3, 5)
    assert warning["severity"] == "warning"
    assert (warning["span"]["line"], warning["span"]["end_line"]) == (2, 4)
    assert warning["reference"].startswith("He, Zhang")


def test_json_of_nothing() -> None:
    assert json.loads(render_json([]))["diagnostics"] == []


def walk(value: Any, key: str) -> list[Any]:
    """All that stands under a key, however deep."""
    found = []
    if isinstance(value, dict):
        found = [value[key]] if key in value else []
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            found += walk(item, key)
    return found


def test_sarif_has_the_form_that_the_standard_asks_for() -> None:
    document = json.loads(render_sarif([STRIDES, LINT, STRIDES], tool_version="1.2.3"))
    assert document["version"] == "2.1.0"
    assert document["$schema"].startswith("https://")
    (run,) = document["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("resnetdsl", "1.2.3")
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    assert [rule["id"] for rule in driver["rules"]] == ["E0203", "W0901"]
    assert [rule["name"] for rule in driver["rules"]] == ["UnknownArgument", "SingleLayerResidual"]
    for rule in driver["rules"]:
        assert set(rule) <= {"id", "name", "shortDescription", "fullDescription", "help", "defaultConfiguration"}
        assert rule["help"]["text"]
        assert rule["shortDescription"]["text"].endswith(".")
        assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
    for result in run["results"]:
        assert set(result) <= {"ruleId", "ruleIndex", "level", "message", "locations", "relatedLocations", "fixes"}
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        assert len(result["locations"]) == 1
    for region in walk(document, "region") + walk(document, "deletedRegion"):
        assert region["startLine"] >= 1
        assert region["startColumn"] >= 1
        assert (region["endLine"], region["endColumn"]) >= (region["startLine"], region["startColumn"])
        assert region["charOffset"] >= 0
        assert region["charLength"] >= 0
    for where in walk(document, "uri"):
        assert re.fullmatch(r"[A-Za-z0-9._~/%:-]+", where)
    assert [related["id"] for related in run["results"][0]["relatedLocations"]] == [1, 2]
    (fix,) = run["results"][0]["fixes"]
    (change,) = fix["artifactChanges"]
    assert unquote(change["artifactLocation"]["uri"]) == FILE.name
    assert change["replacements"][0]["insertedContent"] == {"text": "stride"}


def test_sarif_rules_of_all_codes() -> None:
    facts = [word(Fact(code, FILE.span(0, 7))) for code in CODES]
    run = json.loads(render_sarif(facts))["runs"][0]
    assert [result["ruleIndex"] for result in run["results"]] == [
        [rule["id"] for rule in run["tool"]["driver"]["rules"]].index(code) for code in CODES
    ]


def test_uris() -> None:
    assert uri("nets/a b#1.rnet") == "nets/a%20b%231.rnet"
    assert uri("/home/me/a.rnet") == "file:///home/me/a.rnet"
    assert uri("../ä.rnet") == "../%C3%A4.rnet"
    assert uri("a\udc80.rnet") == "a%3F.rnet"


def test_github() -> None:
    first, second = render_github([STRIDES, LINT]).splitlines()
    assert first == (
        "::error file=nets/a b.rnet,line=3,endLine=3,col=19,endColumn=25,title=E0203 unknown-argument::"
        "`conv` has no argument `strides`%0Anot an argument of `conv`%0A"
        "nets/a b.rnet:3:5: `conv` is defined here%0Ahelp: did you mean `stride`?%0Ain: network 漢, stage a"
    )
    assert second.startswith("::warning file=nets/a b.rnet,line=2,endLine=4,col=5,title=W0901 single-layer-residual::")


def test_github_escapes() -> None:
    file = SourceFile("50%,a:b\n.rnet", "network\n")
    text = render_github([drawn(file.span(0, 0), "100 %\r\n::error::", title="a: b, c")])
    assert text == (
        "::error file=50%25%2Ca%3Ab\\n.rnet,line=1,endLine=1,col=1,endColumn=1,title=E0201 unknown-name::"
        "a: b, c%0A100 %25%0D%0A::error::\n"
    )
