"""The cache of the parse tables: used where it is good, replaced where it is not, and never needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from resnetdsl.paths import cache_dir, grammar_text, is_shipped, library_dir
from resnetdsl.syntax import tables
from resnetdsl.syntax.parser import build_tables


def the_file(folder: Path) -> Path:
    (path,) = folder.glob("tables-*.json")
    return path


def test_the_second_time_nothing_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESNETDSL_CACHE_DIR", str(tmp_path / "new"))
    first = tables.load(grammar_text(), build_tables)

    def never(_grammar: str) -> tables.Tables:
        raise AssertionError("built again")

    assert tables.load(grammar_text(), never) == first


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"\xff", b'{"states": 1}', b"[" * 100_000])
def test_a_damaged_cache_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setenv("RESNETDSL_CACHE_DIR", str(tmp_path))
    good = tables.load(grammar_text(), build_tables)
    the_file(tmp_path).write_bytes(content)
    assert tables.load(grammar_text(), build_tables) == good
    assert the_file(tmp_path).read_bytes() != content


def test_a_cache_that_cannot_be_written_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "a file"
    place.write_text("")
    monkeypatch.setenv("RESNETDSL_CACHE_DIR", str(place / "below"))
    assert tables.load(grammar_text(), build_tables).starts


def test_a_changed_grammar_has_its_own_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESNETDSL_CACHE_DIR", str(tmp_path))
    tables.load(grammar_text(), build_tables)
    tables.load(grammar_text() + "\n// changed\n", build_tables)
    assert len(list(tmp_path.glob("tables-*.json"))) == 2


def test_tables_do_not_depend_on_the_run(tmp_path: Path) -> None:
    """Lark keeps sets; the numbering of the states must not follow the hashes of a process."""
    script = "from resnetdsl.syntax.parser import parse_expression as p; from resnetdsl.source import SourceFile as F\n"
    script += "from resnetdsl.diagnostics.model import Sink as S; print(p(F('', 'a(1) -> b'), S()))"
    written = []
    for seed in ("1", "2"):
        env = {"PYTHONHASHSEED": seed, "RESNETDSL_CACHE_DIR": str(tmp_path / seed)}
        subprocess.run([sys.executable, "-c", script], env=env, check=True, capture_output=True)
        written.append(the_file(tmp_path / seed).read_bytes())
    assert written[0] == written[1]


def test_lark_is_not_imported_where_the_tables_are_known(tmp_path: Path) -> None:
    script = """
import sys
from resnetdsl.diagnostics.model import Sink
from resnetdsl.source import SourceFile
from resnetdsl.syntax.parser import parse_expression

parse_expression(SourceFile("", "a"), Sink())
print("lark" in sys.modules)
"""
    env = {"RESNETDSL_CACHE_DIR": str(tmp_path)}
    runs = [subprocess.run([sys.executable, "-c", script], env=env, check=True, capture_output=True) for _ in range(2)]
    assert [run.stdout.strip() for run in runs] == [b"True", b"False"]


def test_places(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "network" in grammar_text()
    assert is_shipped(library_dir() / "blocks.rnet")
    assert not is_shipped(Path(__file__))
    monkeypatch.delenv("RESNETDSL_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_dir() == Path("/somewhere/resnetdsl")
