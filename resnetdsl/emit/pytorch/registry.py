"""The modules and weights of one class: under which names, in which containers, and how they are reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from resnetdsl.emit.pytorch.parts import stem
from resnetdsl.emit.pytorch.text import MODULE_ATTRIBUTES, formatted, is_plain, literal

COPY = "layer"
"""What a loop calls one of its copies."""


@dataclass(slots=True)
class Member:
    """What has a name: a module or a weight, made by `code`; or, without, a name that only holds others.

    Such is a dotted label, and a scope whose nodes its surroundings run. With a `count` it stands for that many copies
    whose names count on from this one's. One that `runs` calls its members one behind the other.
    """

    code: str = ""
    is_parameter: bool = False
    count: int = 1
    runs: bool = False
    members: dict[str, Member] = field(default_factory=dict)
    _is_list: bool | None = None

    @property
    def is_list(self) -> bool:
        """Whether it reads best as `nn.ModuleList`: its members are modules, numbered from 0 in order."""
        if self._is_list is None:
            whole = not any(member.is_parameter for member in self.members.values())
            names = [each for name, member in self.members.items() for each in _names(name, member.count)]
            self._is_list = whole and not self.code and bool(names) and names == [str(at) for at in range(len(names))]
        return self._is_list

    def add(self, path: str, member: Member) -> None:
        """Enter something by its dotted path; the first use of a name counts."""
        *heads, last = path.split(".")
        at = self
        for head in heads:
            at._is_list = None
            at = at.members.setdefault(head, Member())
        at._is_list = None
        at.members.setdefault(last, member)

    def run(self, path: str) -> None:
        """What is numbered below this path is only ever called in order."""
        at = self._reach(path)[1]
        at.runs = at.is_list

    def is_run(self, path: str) -> bool:
        return bool(path) and self._reach(path)[1].runs

    def arrange(self, order: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        """Put the names that are listed for a path in front, as they are listed."""
        for path, names in order:
            at: Member | None = self
            for name in path.split(".") if path else ():
                at = at.members.get(name) if at is not None else None
            if at is not None:
                listed = [name for name in names if name in at.members]
                at.members = {name: at.members[name] for name in dict.fromkeys((*listed, *at.members))}
                at._is_list = None

    def reach(self, path: str) -> str:
        """The expression for what stands at a path."""
        return self._reach(path)[0]

    def each(self, path: str, count: int) -> tuple[str, str]:
        """The head of a loop over so many copies that begin at a path, and what it calls a copy.

        TorchScript goes through a list and through all children, and knows no attribute whose name is made up.
        """
        head, _, name = path.rpartition(".")
        base, at = self._reach(head) if head else ("self", self)
        if at is not self and at.is_list:
            first, all_of_them = int(name), sum(member.count for member in at.members.values())
            part = "" if count == all_of_them else f"[{first}:{first + count}]"
            return f"for {COPY} in {base}{part}:", COPY
        if [other for other, member in at.members.items() if not member.is_parameter] == [name]:
            return f"for {COPY} in {base}.children():", COPY
        return loop(name, count), f"getattr({base}, {_numbered(name)})"

    def _reach(self, path: str) -> tuple[str, Member]:
        base, at = "self", self
        for name in path.split("."):
            listed = at is not self and at.is_list
            at = at.members[name]
            base = f"{base}[{name}]" if listed else _read(base, name, is_parameter=at.is_parameter)
        return base, at

    def lines(self, base: str = "self") -> Iterator[str]:
        """The statements of `__init__` that make all of it."""
        for name, member in self.members.items():
            if member.code:
                yield from _make(base, name, member)
            else:
                yield _assign(base, name, member.expression())
            yield from member._below(_read(base, name))

    def _below(self, base: str) -> Iterator[str]:
        """What stands below it and is no part of its own expression."""
        if not self.is_list:
            yield from self.lines(base)
            return
        for name, member in self.members.items():
            yield from member._below(f"{base}[{name}]")

    def expression(self) -> str:
        """What makes it; of a list equal neighbours as one generator."""
        if self.code or not self.is_list:
            return self.code or "nn.Module()"
        codes: dict[int, str] = {}
        for name, member in self.members.items():
            code = member.expression()
            codes.update((int(each), code) for each in _names(name, member.count))
        written: list[str] = []
        at = 0
        while at < len(codes):
            count = 1
            while codes.get(at + count) == codes[at]:
                count += 1
            written += [codes[at]] * count if count < 3 else [f"*({codes[at]} for _ in range({count}))"]
            at += count
        if self.runs:
            return f"nn.Sequential({', '.join(written)})"
        if len(written) == 1 and len(codes) > 1:
            return f"nn.ModuleList{written[0].removeprefix('*')}"
        return f"nn.ModuleList([{', '.join(written)}])"


def _names(name: str, count: int) -> list[str]:
    if count == 1:
        return [name]
    first = int(name[len(stem(name)) :])
    return [f"{stem(name)}{first + i}" for i in range(count)]


def _numbered(name: str) -> str:
    return formatted(stem(name), "i") if stem(name) else "str(i)"


def loop(name: str, count: int) -> str:
    """The head of a loop over copies whose names count on from this one."""
    first = int(name[len(stem(name)) :])
    return f"for i in range({first}, {first + count}):" if first else f"for i in range({count}):"


def _make(base: str, name: str, member: Member) -> Iterator[str]:
    if member.count > 1:
        yield loop(name, member.count)
        yield f"    {base}.add_module({_numbered(name)}, {member.code})"
    elif member.is_parameter and not is_plain(name):
        if _is_taken(name):
            yield f"{base}._parameters[{literal(name)}] = {member.code}"
        else:
            yield f"{base}.register_parameter({literal(name)}, {member.code})"
    else:
        yield _assign(base, name, member.code)


def _assign(base: str, name: str, code: str) -> str:
    if is_plain(name):
        return f"{base}.{name} = {code}"
    if _is_taken(name):
        return f"{base}._modules[{literal(name)}] = {code}"
    return f"{base}.add_module({literal(name)}, {code})"


def _read(base: str, name: str, *, is_parameter: bool = False) -> str:
    if is_plain(name):
        return f"{base}.{name}"
    if _is_taken(name):
        return f"{base}.{'_parameters' if is_parameter else '_modules'}[{literal(name)}]"
    return f"getattr({base}, {literal(name)})"


def _is_taken(name: str) -> bool:
    """A name that `nn.Module` would not give to a layer."""
    return name in MODULE_ATTRIBUTES or name.startswith("_")
