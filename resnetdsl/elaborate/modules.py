"""Files of definitions: what they name, and what they import. Nothing is evaluated before it is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Final

from resnetdsl.diagnostics.model import Sink
from resnetdsl.elaborate import budget
from resnetdsl.elaborate.builtins import BUILTINS
from resnetdsl.elaborate.environment import Env
from resnetdsl.elaborate.meant import nearest
from resnetdsl.elaborate.network import new_run
from resnetdsl.elaborate.run import Context, Run
from resnetdsl.elaborate.targets import unpack
from resnetdsl.elaborate.values import POISON, Closure, DefinedLayer, Layer, OpLayer, Value, describe
from resnetdsl.ir.graph import Graph
from resnetdsl.ops.registry import OPS
from resnetdsl.paths import is_shipped, library_dir, specs_dir
from resnetdsl.source import SourceFile, Span
from resnetdsl.syntax import ast
from resnetdsl.syntax.parser import parse
from resnetdsl.syntax.reading import read_source

_DEFINITION = re.compile(r"^(?:block|shortcut|network|stem|head|let)\s+([A-Za-z_]\w*)", re.MULTILINE)
_NO_NAMES: Final = frozenset({"input", "param"})  # ops with a statement of their own


@dataclass(slots=True)
class Module:
    """A file: its tree, its names, and the networks among them in the order of the text."""

    file: SourceFile
    tree: ast.File
    env: Env
    networks: dict[str, ast.Definition | ast.Instance] = field(default_factory=dict)
    imports: dict[str, Span] = field(default_factory=dict)


@cache
def library() -> Env:
    """The names that every spec sees: ops, functions, `none`, and the library's definitions, parsed when needed."""
    file = SourceFile("<builtin>", "")
    names: dict[str, Value] = {"none": None, **BUILTINS}
    names |= {name: OpLayer(Span(file, 0, 0), op) for name, op in OPS.items() if name not in _NO_NAMES}
    env = Env(names=names).child()
    loaders: dict[Path, Module] = {}

    def definition(path: Path, name: str) -> Value:
        if path not in loaders:
            loaders[path] = _library_module(path, env)
        return loaders[path].env.value(name)

    for path in sorted(library_dir().glob("*.rnet")):
        for name in _DEFINITION.findall(path.read_text(encoding="utf-8")):
            env.lazy[name] = partial(definition, path, name)
    return env


def _library_module(path: Path, parent: Env) -> Module:
    """A file of the library. Its mistakes are ours, and a test sees to it that there are none."""
    sink = Sink()
    file = SourceFile(f"library/{path.name}", path.read_text(encoding="utf-8"), shipped=True)
    module = Loader(sink, None).module(file, parse(file, sink), None, parent)
    if sink.facts:
        raise AssertionError(f"the library does not parse: {sink.facts[0]}")
    return module


def project_root(path: Path) -> Path:
    """The folder that imports may not leave: the nearest one above with a project's mark, or the file's own."""
    folder = path.resolve().parent
    for above in (folder, *folder.parents):
        if (above / ".git").exists() or (above / "pyproject.toml").exists():
            return above
    return folder


class Loader:
    """Loads a file and what it imports, each once."""

    def __init__(self, sink: Sink, root: Path | None) -> None:
        self.sink = sink
        self.root = root
        self.run: Run = new_run(sink, Graph(""))
        self._modules: dict[Path, Module | None] = {}
        self._loading: list[Path] = []

    def main(self, file: SourceFile, path: Path | None) -> Module:
        """The file that the user named; one that imports itself is a cycle."""
        if path is not None:
            self._loading.append(path.resolve())
        return self.module(file, parse(file, self.sink), path)

    def module(self, file: SourceFile, tree: ast.File, path: Path | None, parent: Env | None = None) -> Module:
        """The names of a parsed file. `path` is where it stands, for imports relative to it."""
        module = Module(file, tree, Env(parent or library()))
        places: dict[str, Span] = {}
        for item in tree.items:
            if isinstance(item, ast.Import):
                self._import(module, item, path, places)
        for item in tree.items:
            match item:
                case ast.Definition() | ast.Instance():
                    if self._new(item.name, item.name_span, places):
                        module.env.lazy[item.name] = self._lazy(item, module.env)
                        if item.kind is ast.DefinitionKind.NETWORK:
                            module.networks[item.name] = item
                case ast.Let():
                    self._let(module, item, places)
                case ast.Import():
                    pass
        return module

    def imported(self) -> tuple[SourceFile, ...]:
        """The files that imports have loaded."""
        return tuple(module.file for module in self._modules.values() if module is not None)

    def paths(self) -> tuple[Path, ...]:
        """The files that imports name, those among them that could not be read."""
        return tuple(self._modules)

    def path(self, file: SourceFile) -> Path | None:
        """Where a file that was imported stands."""
        return next((path for path, module in self._modules.items() if module and module.file is file), None)

    def tree(self, file: SourceFile) -> ast.File | None:
        """The tree of a file that was imported."""
        found = (module.tree for module in self._modules.values() if module is not None and module.file is file)
        return next(found, None)

    def _new(self, name: str, span: Span, places: dict[str, Span]) -> bool:
        """Whether a name is free in the file; taken, it is reported."""
        if name in places:
            self.run.report("E0202", span, also=(("first", places[name]),), name=name)
            return False
        places[name] = span
        return True

    def _lazy(self, item: ast.Definition | ast.Instance, env: Env) -> _Once:
        if isinstance(item, ast.Definition):
            layer = DefinedLayer(item.name_span, Closure(item, env))
            return _Once(lambda: layer, self.run, item.name, item.name_span, env.parent)
        return _Once(lambda: self._instance(item, env), self.run, item.name, item.name_span, env.parent)

    def _instance(self, item: ast.Instance, env: Env) -> Value:
        """The layer that `network a = e` names."""
        value = self.run.evaluator(item.value, Context(env))
        if value is POISON:
            return POISON
        is_network = isinstance(value, DefinedLayer) and value.definition.syntax.kind is ast.DefinitionKind.NETWORK
        if item.kind is ast.DefinitionKind.NETWORK and not is_network:
            return self.run.report("E0223", item.value.span, name=item.name, got=describe(value))
        if not isinstance(value, Layer):
            return self.run.report("E0218", item.value.span, got=describe(value), hint=None)
        return value

    def _let(self, module: Module, item: ast.Let, places: dict[str, Span]) -> None:
        if len(item.targets) == 1 and item.targets[0].name is not None:
            name = item.targets[0].name
            if self._new(name, item.targets[0].span, places):
                module.env.lazy[name] = _Once(
                    lambda: self.run.evaluator(item.value, Context(module.env)),
                    self.run,
                    name,
                    item.span,
                    module.env.parent,
                )
            return
        inner = Context(module.env.child())
        once = _Once(lambda: self.run.evaluator(item.value, Context(module.env)), self.run, "", item.span, None)
        unpack(self.run, item.targets, once(), item.value.span, inner)
        for name, part in inner.env.names.items():
            if self._new(name, item.span, places):
                module.env.names[name] = part

    # --- imports ---

    def _import(self, module: Module, item: ast.Import, path: Path | None, places: dict[str, Span]) -> None:
        target = self._find(item, path)
        defined = {each.name for each in module.tree.items if isinstance(each, ast.Definition | ast.Instance)}
        other = self._load(target, item) if target is not None else None
        if item.names:
            names = [(name.alias or name.name, name.name, name.span) for name in item.names]
        elif other is not None:
            names = [(name, name, item.span) for name in other.env.lazy if name not in other.imports]
        else:
            names = []
            module.env.unknown = True
        for bound, name, span in names:
            if not self._new(bound, span, places):
                continue
            module.imports[bound] = span
            module.env.names[bound] = POISON
            if other is not None and other.env.find(name) is other.env:
                del module.env.names[bound]
                module.env.lazy[bound] = partial(other.env.value, name)
            elif other is not None:
                near = nearest(name, [*other.env.lazy, *other.env.names])
                self.run.report("E0704", span, name=name, module=item.module, suggestion=near)
                if near is not None and near not in defined:
                    module.env.names.setdefault(near, POISON)  # what was meant is used below, and that is no mistake

    def _find(self, item: ast.Import, path: Path | None) -> Path | None:
        """The file that an import means; None after a message."""
        if not item.is_path:
            for folder in (specs_dir(), library_dir()):
                if (folder / f"{item.module}.rnet").is_file():
                    return folder / f"{item.module}.rnet"
            known = [found.stem for folder in (specs_dir(), library_dir()) for found in folder.glob("*.rnet")]
            self.run.report("E0701", item.module_span, name=item.module, suggestion=nearest(item.module, known))
            return None
        here = path.parent if path is not None else Path.cwd()
        root = self.root or here
        if "\0" in item.module:
            self._unreadable(item, "a path cannot hold a NUL character")
            return None
        try:
            target = (here / item.module).resolve()
        except (OSError, RuntimeError):
            self._unreadable(item, "its links lead round and round")
            return None
        if not target.is_relative_to(root.resolve()):
            self.run.report("E0702", item.module_span, path=item.module, root=root.name)
            return None
        return target

    def _unreadable(self, item: ast.Import, reason: str | None) -> None:
        self.run.report("E0705", item.module_span, path=item.module, reason=reason or "it cannot be opened")

    def _load(self, path: Path, item: ast.Import) -> Module | None:
        if path in self._loading:
            cycle = [*self._loading[self._loading.index(path) :], path]
            self.run.report("E0703", item.module_span, cycle=" -> ".join(part.name for part in cycle))
            return None
        if path not in self._modules:
            if len(self._loading) > budget.DEPTH:
                self._unreadable(item, f"it is the end of a chain of more than {budget.DEPTH} imports")
                return None
            self._loading.append(path)
            self._modules[path] = self._read(path, item)
            self._loading.pop()
        return self._modules[path]

    def _read(self, path: Path, item: ast.Import) -> Module | None:
        within = path.relative_to(self.root) if self.root and path.is_relative_to(self.root) else path
        try:
            if not path.is_file():
                self._unreadable(item, "there is no such file")
                return None
            file = read_source(path, str(within), self.sink)
        except OSError as problem:
            self._unreadable(item, problem.strerror)
            return None
        if file is None:
            return None
        if is_shipped(path):
            file = replace(file, shipped=True)
        return self.module(file, parse(file, self.sink), path)


@dataclass(slots=True, eq=False)
class _Once:
    """The value of a lazy name. While it is being made it means what it meant outside, as in `let conv = conv(...)`;
    if it meant nothing there, it is defined by itself."""

    make: Callable[[], Value]
    run: Run
    name: str
    span: Span
    outer: Env | None
    busy: bool = False

    def __call__(self) -> Value:
        if self.busy:
            before = self.outer.find(self.name) if self.outer is not None else None
            return before.value(self.name) if before else self.run.report("E0229", self.span, name=self.name)
        meter = self.run.meter
        if meter.nesting >= budget.NESTING:
            return self.run.report("E0502", self.span, depth=budget.NESTING + 1, limit=budget.NESTING)
        self.busy = True
        meter.nesting += 1
        try:
            with budget.roomy():
                return self.make()
        except budget.OverBudget:
            return POISON
        finally:
            self.busy = False
            meter.nesting -= 1
