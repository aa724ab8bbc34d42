"""The issue's list of bad input: each gets an error or works, in little time and memory, and never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.bounded import CPU_SECONDS, RSS_MEGABYTES, Answer, ask

NET = "network n {{\n    input 3x8x8\n    {}\n}}\n"
FINE = NET.format("conv(8, 3x3)")


def net(*lines: str) -> str:
    return NET.format("\n    ".join(lines))


def judge(answer: Answer, record: pytest.FixtureRequest | None = None) -> Answer:
    """Whatever the answer, it is one: no crash, no hang, no full memory, no bug of ours."""
    assert answer.code in {0, 1, 2}, f"{answer.code}: {answer.err[-2000:]}"
    assert answer.seconds < CPU_SECONDS
    assert answer.megabytes < RSS_MEGABYTES, f"{answer.megabytes:.0f} MB"
    assert "Traceback" not in answer.err
    assert len(answer.out) + len(answer.err) < 1_000_000
    if answer.code:
        assert "error[" in answer.err
    return answer


def check(path: Path, data: bytes, record_property: object) -> Answer:
    path.write_bytes(data)
    answer = judge(ask("check", path, cwd=path.parent))
    if callable(record_property):
        record_property("cpu_seconds", round(answer.seconds, 2))
        record_property("megabytes", round(answer.megabytes))
    return answer


def wrong(text: str, code: str) -> tuple[bytes, str]:
    return text.encode(), code


BYTES = {
    "empty": (b"", "E0112"),
    "only blanks": (b" \n\t\n\r\n \f", "E0112"),
    "only a comment": (b"# nothing\n", "E0112"),
    "only a mark": (b"\xef\xbb\xbf", "E0112"),
    "binary": (bytes(range(256)) * 1000, "E0110"),
    "an ELF file": (Path(sys.executable).resolve().read_bytes()[:500_000], "E0110"),
    "zeros": (b"\0" * 900_000, "E0110"),
    "UTF-16": (FINE.encode("utf-16"), "E0110"),
    "UTF-16 without a mark": (FINE.encode("utf-16-le"), "E0110"),
    "invalid UTF-8": (FINE.encode() + b"# \xff\n", "E0110"),
    "overlong UTF-8": (FINE.encode() + b"# \xc0\xaf\n", "E0110"),
    "a surrogate": (FINE.encode() + b"# \xed\xa0\x80\n", "E0110"),
    "cut UTF-8": (FINE.encode() + b"# \xe2\x82", "E0110"),
    "an escape": (FINE.encode() + b"# \x1b[2J\n", "E0110"),
}

LONG = {
    "parentheses": wrong(f"let a = {'(' * 10_000}1{')' * 10_000}\n", "E0109"),
    "parentheses that stay open": wrong(f"let a = {'(' * 10_000}1\n", "E0109"),
    "lists": wrong(f"let a = {'[' * 10_000}{']' * 10_000}\n", "E0109"),
    "bodies": wrong(net("{ " * 10_000 + "relu" + " }" * 10_000), "E0109"),
    "residuals": wrong(net("residual { " * 10_000 + "relu" + " }" * 10_000), "E0109"),
    "closing brackets": wrong("}" * 100_000, "E0108"),
    "minus signs": wrong(f"let a = {'-' * 10_000}1\n", "E0109"),
    "quotes": wrong('"' * 100_001, "E0107"),
    "a name of a megabyte": wrong(f"let a = {'x' * 900_000}\n", "E0201"),
    "a number of a megabyte": wrong(f"let a = {'9' * 900_000}\nnetwork n {{ input 3x8x8\nconv(a, 3x3) }}", "E0105"),
    "a list of 10^6": wrong(f"let a = [{'1,' * 10**6}]\n", "E0111"),
    "a list of 10^5": wrong(f"let a = [{'1,' * 200_000}]\n", "E0113"),
    "arguments": wrong(net(f"conv({'1,' * 10_000})"), "E0205"),
    "a string of a megabyte": wrong(net(f'"{"x" * 900_000}": relu'), "E0402"),
    "a comment of a megabyte": wrong(f"## {'x' * 900_000}\n" + FINE, ""),
    "a chain of lets": wrong("".join(f"let a{i} = a{i + 1}\n" for i in range(20_000)) + "let a20000 = 1\n"
                             + net("conv(a0, 3x3)"), "E0502"),
    "mistakes": wrong(net(*["cnv(8, 3x3)"] * 10_000), "E0201"),
    "broken lines": wrong("network n {\n" + "conv(8 3x3\n" * 10_000 + "}\n", "E01"),
    "networks": wrong("".join(f"network n{i} {{ input 3x8x8\nrelu }}\n" for i in range(3_000)), ""),
    "one name": wrong("block b { relu }\n" * 10_000, "E0202"),
}  # fmt: skip

BUDGETS = {
    "a repeat": wrong(net("1000000000 * basic(64)"), "E0501"),
    "a repeat of nothing": wrong(net("1000000000 * identity"), "E0501"),
    "a repeat in a repeat": wrong(net("1000 * (1000 * (1000 * basic(3)))"), "E0501"),
    "a repeat 10^30 times": wrong(net("10^30 * relu"), "E0216"),
    "a repeat -1 times": wrong(net("-1 * relu"), "E0"),
    "a split into 10^9 parts": wrong(net("let a = split(x, parts = 10^9)", "conv(len(a), 3x3)"), "E0210"),
    "splits into 10^5 parts": wrong(net("for i in 0..10^4 { let a = split(x, parts = 10^5) }", "relu"), "E0"),
    "a tower of powers": wrong(net("conv(2^10^10, 3x3)"), "E0216"),
    "a power of a power": wrong(net("conv((2^60)^60, 3x3)"), "E0216"),
    "a huge exponent": wrong(net("conv(10^10^18, 3x3)"), "E0216"),
    "a tiny power": wrong(net("conv(0.5^(10^18), 3x3)"), "E0"),
    "infinity": wrong(net("dropout(1e308 * 1e308)"), "E0"),
    "a list from a range": wrong(net("let a = [0..10^12]", "conv(len(a), 3x3)"), "E0503"),
    "a list of 10^12": wrong(net("let a = [i for i in 0..10^12]", "conv(len(a), 3x3)"), "E0503"),
    "a loop of 10^12": wrong(net("for i in 0..10^12 { relu }"), "E0503"),
    "a list from a product": wrong(net("let a = 10^9 * [1, 2]", "conv(len(a), 3x3)"), "E0503"),
    "a list of lists of lists": wrong(
        "let f = (s) => [s, s, s, s, s, s, s, s, s, s]\n"
        + net("let g = f(f(f(f(f(f(f(f(f(1)))))))))", "if g == g { relu }"), "E0503"),
    "a string of strings": wrong(
        'let f = (s) => "{s}{s}{s}{s}{s}{s}{s}{s}{s}{s}"\n'
        + net('let g = f(f(f(f(f(f(f(f(f("x")))))))))', '"{g}": relu'), "E0503"),
    "a block of itself": wrong("block b(n) { b(n + 1) }\n" + net("b(0)"), "E0502"),
    "a block of two of itself": wrong("block b(n) { b(n + 1) -> b(n + 2) }\n" + net("b(0)"), "E0502"),
    "2^50 blocks": wrong("block b(n) { if n < 50 { b(n + 1) -> b(n + 1) } }\n" + net("b(0)"), "E0504"),
    "a function of itself": wrong("let f = (n) => f(n + 1)\n" + net("conv(f(0), 3x3)"), "E0502"),
    "2^60 calls": wrong("let f = (n) => f(n - 1) + f(n - 1) if n > 0 else 1\n" + net("conv(f(60), 3x3)"), "E050"),
    "calls at the top": wrong("let f = (n) => f(n - 1) + f(n - 1) if n > 0 else 1\nlet a, b = [f(60), 1]\n" + FINE,
                              "E050"),
    "a value of itself": wrong("let a = b\nlet b = a\n" + net("conv(a, 3x3)"), "E0229"),
    "a network of itself": wrong("network a = b\nnetwork b = a\n", "E0229"),
    "loops in loops": wrong(net("for i in 0..10^5 { for j in 0..10^5 { let q = i } }", "relu"), "E0504"),
    "an input of 10^6": wrong("network n {\n    input 3, 8..10^6, 8..10^6\n    conv(8, 3x3)\n}\n", "E0604"),
    "an input of 10^12": wrong("network n {\n    input 3, 8..10^12, 8..10^12\n    conv(8, 3x3)\n}\n", "E0"),
    "channels of 10^18": wrong(net("conv(10^18, 1x1)"), "?"),
    "a kernel of 10^9": wrong(net("conv(8, [10^9, 10^9], pad = 10^9)"), "?"),
    "a concat of 10^5": wrong(net("concat([relu for i in 0..90000])"), ""),
    "a division by zero": wrong(net("conv(1 / 0, 3x3)"), "E0212"),
}  # fmt: skip


@pytest.mark.parametrize("case", BYTES)
def test_bytes(case: str, tmp_path: Path, record_property: object) -> None:
    data, code = BYTES[case]
    answer = check(tmp_path / "a.rnet", data, record_property)
    assert f"error[{code}]" in answer.err


@pytest.mark.parametrize("case", [*LONG, *BUDGETS])
def test_text(case: str, tmp_path: Path, record_property: object) -> None:
    data, code = (LONG | BUDGETS)[case]
    answer = check(tmp_path / "a.rnet", data, record_property)
    assert f"[{code}" in answer.err or (not code and answer.code == 0) or code == "?", answer.err[:2000]


@pytest.mark.parametrize("command", ["check", "fmt", "summary", "list"])
def test_100_megabytes(command: str, tmp_path: Path) -> None:
    path = tmp_path / "big.rnet"
    with path.open("wb") as stream:
        stream.truncate(100_000_000)  # sparse: it takes no room on the disk
    for answer in (judge(ask(command, path)), judge(ask(command, "-", stdin=path))):
        assert answer.code == 2
        assert "error[E0111]" in answer.err
        assert answer.megabytes < 100


def test_an_endless_file() -> None:
    for path in ("/dev/zero", "/dev/urandom"):
        answer = judge(ask("check", path))
        assert answer.code == 2


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n\r", "\n\f"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_endings_of_lines(ending: str, mark: str, tmp_path: Path) -> None:
    path = tmp_path / "a.rnet"
    path.write_bytes((mark + FINE.replace("\n", ending)).encode())
    answer = judge(ask("check", path))
    assert answer.code == (0 if "\n" in ending else answer.code)
    path.write_bytes((mark + FINE.replace("conv", "cnv").replace("\n", ending)).encode())
    answer = judge(ask("check", path))
    assert answer.code == 1
    if ending == "\r\n":
        assert "a.rnet:3:5" in answer.err


def test_tabs(tmp_path: Path) -> None:
    path = tmp_path / "a.rnet"
    path.write_text(FINE.replace("    ", "\t"))
    assert judge(ask("check", path)).code == 0


@pytest.mark.parametrize("command", ["summary", "export --to pytorch", "export --to yaml", "render --format dot"])
def test_the_largest_network_is_written_within_bounds(command: str, tmp_path: Path) -> None:
    path = tmp_path / "a.rnet"
    path.write_text(net("3000 * basic(8)"))
    judge(ask(*command.split(), path, "-o", tmp_path / "out"))


# --- imports ---


def imports(tmp_path: Path, target: str) -> Answer:
    root = tmp_path / "project"
    (root / "nets").mkdir(parents=True)
    (root / "pyproject.toml").write_text("")
    (tmp_path / "secret.rnet").write_text("block b { relu }\n")
    path = root / "nets" / "a.rnet"
    path.write_text(f'from "{target}" import b\n\nnetwork n {{\n    input 3x8x8\n    b\n}}\n')
    return judge(ask("check", path, cwd=root))


@pytest.mark.parametrize("target", ["a.rnet", "./a.rnet", "../nets/a.rnet", "../nets/../nets/./a.rnet"])
def test_a_file_that_imports_itself(target: str, tmp_path: Path) -> None:
    answer = imports(tmp_path, target)
    assert answer.code == 1
    assert "error[E0703]" in answer.err


@pytest.mark.parametrize(
    "target",
    [
        "../../secret.rnet",
        "../../../../../../../../../etc/passwd",
        "/etc/passwd",
        "//etc/passwd",
        "nets/../../../secret.rnet",
    ],
)
def test_imports_from_outside(target: str, tmp_path: Path) -> None:
    answer = imports(tmp_path, target)
    assert answer.code == 1
    assert "error[E0702]" in answer.err
    assert "root:" not in answer.err


def test_a_link_that_leads_outside(tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "nets").mkdir(parents=True)
    (root / "nets" / "in.rnet").symlink_to(tmp_path / "secret.rnet")
    (root / "nets" / "folder").symlink_to(tmp_path)
    (tmp_path / "secret.rnet").write_text("block b { relu }\n")
    (root / "pyproject.toml").write_text("")
    for target in ("in.rnet", "folder/secret.rnet"):
        path = root / "nets" / "a.rnet"
        path.write_text(f'from "{target}" import b\n\nnetwork n {{\n    input 3x8x8\n    b\n}}\n')
        answer = judge(ask("check", path))
        assert answer.code == 1
        assert "error[E0702]" in answer.err


def test_a_link_that_leads_round(tmp_path: Path) -> None:
    (tmp_path / "b.rnet").symlink_to(tmp_path / "c.rnet")
    (tmp_path / "c.rnet").symlink_to(tmp_path / "b.rnet")
    path = tmp_path / "a.rnet"
    path.write_text('from "b.rnet" import b\n' + FINE)
    answer = judge(ask("check", path))
    assert answer.code == 1
    assert "error[E070" in answer.err


@pytest.mark.parametrize(
    "target",
    [
        "",
        ".",
        "..",
        "x" * 5000,
        "x/" * 3000 + "y",
        "nosuch.rnet",
        "a.rnet/b",
        "\\u0000",
        "%00",
        "~/x",
        "file:///etc/passwd",
    ],
)
def test_imports_of_nothing(target: str, tmp_path: Path) -> None:
    answer = imports(tmp_path, target)
    assert answer.code == 1
    assert "error[E0" in answer.err


def test_imports_of_odd_files(tmp_path: Path) -> None:
    (tmp_path / "binary.rnet").write_bytes(bytes(range(256)))
    (tmp_path / "folder.rnet").mkdir()
    os.mkfifo(tmp_path / "pipe.rnet")
    with (tmp_path / "big.rnet").open("wb") as stream:
        stream.truncate(100_000_000)
    (tmp_path / "wrong.rnet").write_text("block b { cnv }\nblock {{\n")
    for name in ("binary", "folder", "pipe", "big", "wrong"):
        path = tmp_path / "a.rnet"
        path.write_text(f'from "{name}.rnet" import b\n\nnetwork n {{\n    input 3x8x8\n    b\n}}\n')
        answer = judge(ask("check", path))
        assert answer.code == 1, name


def test_a_long_chain_of_imports(tmp_path: Path) -> None:
    for i in range(300):
        (tmp_path / f"f{i}.rnet").write_text(f'from "f{i + 1}.rnet" import b\n')
    (tmp_path / "f300.rnet").write_text("block b { relu }\n")
    (tmp_path / "a.rnet").write_text('from "f0.rnet" import b\n' + net("b"))
    judge(ask("check", tmp_path / "a.rnet"))


def test_a_large_web_of_imports(tmp_path: Path) -> None:
    """Each file imports all that follow: 2^30 ways through them, and each file is read once."""
    for i in range(30):
        lines = [f'from "f{j}.rnet" import b{j}\n' for j in range(i + 1, 31)]
        (tmp_path / f"f{i}.rnet").write_text("".join(lines) + f"block b{i} {{ relu }}\n")
    (tmp_path / "f30.rnet").write_text("block b30 { relu }\n")
    (tmp_path / "a.rnet").write_text('from "f0.rnet" import b0\n' + net("b0"))
    assert judge(ask("check", tmp_path / "a.rnet")).code == 0


def test_it_does_not_matter_who_asks(tmp_path: Path) -> None:
    """The bounds hold for a process with a small stack, too."""
    path = tmp_path / "a.rnet"
    for text in ("block b(n) { b(n + 1) }\n" + net("b(0)"), "let f = (n) => f(n + 1)\n" + net("conv(f(0), 3x3)")):
        path.write_text(text)
        line = f'ulimit -s 4096; exec "{sys.executable}" -m resnetdsl check "{path}"'
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stderr
