"""The modules and weights of one class: under which names, in which containers, and how they are reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from resnetdsl.emit.pytorch.parts import stem
from resnetdsl.emit.pytorch.text import MODULE_ATTRIBUTES, formatted, is_plain, literal


@dataclass(slots=True)
class Entry:
    """What has a name. With a `count`, that many copies whose names count on from this one's."""

    code: str
    is_parameter: bool = False
    count: int = 1


@dataclass(slots=True)
class Container:
    """A name that only holds others: a dotted label, or a scope whose nodes its surroundings run."""

    members: dict[str, Entry | Container] = field(default_factory=dict)

    @property
    def is_list(self) -> bool:
        """Whether it reads best as `nn.ModuleList`."""
        names: list[str] = []
        for name, member in self.members.items():
            if isinstance(member, Container) or member.is_parameter:
                return False
            names += _names(name, member.count)
        return bool(names) and sorted(names) == sorted(map(str, range(len(names))))

    def add(self, path: str, entry: Entry) -> None:
        """Enter something by its dotted path; the first use of a name counts."""
        *heads, last = path.split(".")
        at = self
        for head in heads:
            inner = at.members.setdefault(head, Container())
            assert isinstance(inner, Container), "no weights lie within a layer"
            at = inner
        at.members.setdefault(last, entry)

    def reach(self, path: str, base: str = "self") -> str:
        """The expression for what stands at a path."""
        at: Entry | Container = self
        for name in path.split("."):
            assert isinstance(at, Container)
            code = base
            is_list = at is not self and at.is_list
            at = at.members.get(name) or Entry("")
            is_parameter = isinstance(at, Entry) and at.is_parameter
            base = f"{code}[{name}]" if is_list else _read(code, name, is_parameter=is_parameter)
        return base

    def reach_each(self, path: str) -> str:
        """The expression for the copy number `i` of those that begin at a path."""
        head, _, name = path.rpartition(".")
        base = self.reach(head) if head else "self"
        at: Entry | Container = self
        for part in head.split(".") if head else ():
            assert isinstance(at, Container)
            at = at.members[part]
        if isinstance(at, Container) and at is not self and at.is_list:
            return f"{base}[i]"
        return f"getattr({base}, {_numbered(name)})"

    def lines(self, base: str = "self") -> Iterator[str]:
        """The statements of `__init__` that make all of it."""
        for name, member in self.members.items():
            if isinstance(member, Entry):
                yield from _make(base, name, member)
            elif member.is_list:
                yield _assign(base, name, f"nn.ModuleList([{', '.join(member.listed())}])")
            else:
                yield _assign(base, name, "nn.Module()")
                yield from member.lines(_read(base, name))

    def listed(self) -> list[str]:
        """The elements of a list in their order, equal neighbours as one generator."""
        codes: dict[int, str] = {}
        for name, member in self.members.items():
            assert isinstance(member, Entry)
            codes.update((int(each), member.code) for each in _names(name, member.count))
        written: list[str] = []
        at = 0
        while at < len(codes):
            count = 1
            while codes.get(at + count) == codes[at]:
                count += 1
            written += [codes[at]] * count if count < 3 else [f"*({codes[at]} for _ in range({count}))"]
            at += count
        return written


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


def _make(base: str, name: str, entry: Entry) -> Iterator[str]:
    if entry.count > 1:
        yield loop(name, entry.count)
        yield f"    {base}.add_module({_numbered(name)}, {entry.code})"
    elif entry.is_parameter and not is_plain(name):
        if _is_taken(name):
            yield f"{base}._parameters[{literal(name)}] = {entry.code}"
        else:
            yield f"{base}.register_parameter({literal(name)}, {entry.code})"
    else:
        yield _assign(base, name, entry.code)


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
