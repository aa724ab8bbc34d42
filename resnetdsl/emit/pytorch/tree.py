"""Which scopes of a graph become modules: each scope with a module path of its own, where that is possible.

A scope may stand for a module if the weights made in it are just those whose names start with its path,
and if its nodes can run together. Labels may make either untrue; such a scope dissolves into the one around it,
whose `forward` then runs its nodes one by one.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from resnetdsl.emit.pytorch.leaves import Leaf
from resnetdsl.ir.graph import Graph, Scope, ScopeKind, Source

_OWN = {ScopeKind.STAGE, ScopeKind.BLOCK, ScopeKind.SHORTCUT, ScopeKind.GROUP}
_DEFINED = {ScopeKind.BLOCK, ScopeKind.SHORTCUT}


@dataclass(eq=False, slots=True)
class Site:
    """A place where a module runs: a scope. `inputs` and `outputs` are the tensors that cross its border.

    `named` is the scope that tells what it is: the block that a label stands for, where there is one. A shared module
    has several sites, all but the first of which run it `again`.
    """

    scope: Scope
    named: Scope
    parent: Site | None
    depth: int
    nodes: list[int] = field(default_factory=list)
    children: list[Site] = field(default_factory=list)
    inputs: dict[Source, None] = field(default_factory=dict)
    outputs: dict[Source, None] = field(default_factory=dict)
    again: bool = False
    first: int = -1
    last: int = -1
    count: int = 0

    @property
    def path(self) -> str:
        return self.scope.path

    def chain(self) -> Iterator[Site]:
        """This site and those around it, from the inside out."""
        at: Site | None = self
        while at is not None:
            yield at
            at = at.parent


Item = int | Site
"""What a module's `forward` runs: a node or another module."""


class Tree:
    """The sites of a graph, outermost first, and the site of each node."""

    def __init__(self, graph: Graph, leaves: list[Leaf]) -> None:
        self.graph = graph
        self.leaves = leaves
        self.operands = [graph.inputs(id) for id in range(len(graph))]
        self._dissolved: set[str] = set()
        self.live = self._live()
        self.dissolve(set())

    # --- which scopes ---

    def _build(self) -> bool:
        """Make the sites; False if some had to be dissolved."""
        site_of_scope: list[Site] = []
        self.sites: list[Site] = []
        seen: set[str] = set()
        for scope in self.graph.scopes:
            around = None if scope.parent is None else site_of_scope[scope.parent]
            if around is not None and not self._wanted(scope, around):
                site_of_scope.append(around)
                if scope.kind in _DEFINED and around.scope.kind not in _DEFINED and scope.path == around.path:
                    around.named = scope
                continue
            site = Site(scope, scope, around, 0 if around is None else around.depth + 1)
            site.again = site.path in seen
            seen.add(site.path)
            site_of_scope.append(site)
            self.sites.append(site)
        self.site_of = [site_of_scope[node.scope] for node in self.graph.nodes()]
        for id, site in enumerate(self.site_of):
            if not self.leaves[id].is_input:
                site.nodes.append(id)
        self._count()
        wrong = self._misplaced() | self._apart() | self._dead()
        wrong = wrong or self._entangled()
        self._dissolved |= wrong
        return not wrong

    def _wanted(self, scope: Scope, around: Site) -> bool:
        inside = scope.path.startswith(f"{around.path}." if around.path else "") and scope.path != around.path
        return scope.kind in _OWN and inside and scope.path not in self._dissolved

    def _count(self) -> None:
        """Children, and the range of node numbers of each site; sites without nodes are dropped."""
        for site in reversed(self.sites):
            spans = [(id, id, 1) for id in (site.nodes[:1] + site.nodes[-1:])]
            spans += [(child.first, child.last, 0) for child in site.children]
            site.count = len(site.nodes) + sum(child.count for child in site.children)
            if site.count:
                site.first = min(first for first, _, _ in spans)
                site.last = max(last for _, last, _ in spans)
                if site.parent is not None:
                    site.parent.children.append(site)
            site.children.reverse()
        self.sites = [site for site in self.sites if site.count or site.parent is None]

    def _misplaced(self) -> set[str]:
        """Paths of modules that hold a weight made outside of them, or lack one made inside."""
        paths = {site.path for site in self.sites if site.path}
        wrong: set[str] = set()
        for id, site in enumerate(self.site_of):
            if not self.leaves[id].weighted:
                continue
            path = self.graph.node(id).path
            around = [each.path for each in site.chain() if each.path]
            wrong.update(each for each in around if not path.startswith(f"{each}."))
            heads = (path[:at] for at, char in enumerate(path) if char == ".")
            wrong.update(head for head in heads if head in paths and head not in around)
            if path in paths:
                wrong.add(path)
        return wrong

    def _dead(self) -> set[str]:
        """Paths of modules of which no result is used: their weights are kept, but nothing runs them."""
        living: set[int] = set()
        for id in self.live:
            for site in self.site_of[id].chain():
                if _identity(site) in living:
                    break
                living.add(_identity(site))
        return {site.path for site in self.sites if site.parent is not None and _identity(site) not in living}

    def _apart(self) -> set[str]:
        """Paths of shared modules that are called from two different modules."""
        around: dict[str, str] = {}
        return {
            site.path
            for site in self.sites
            if site.parent is not None and around.setdefault(site.path, site.parent.path) != site.parent.path
        }

    def _entangled(self) -> set[str]:
        """Paths of modules that would have to wait for a result that itself waits for them."""
        wrong: set[str] = set()
        for site in self.sites:
            if all(child.last - child.first + 1 == child.count for child in site.children):
                continue
            ordered = self.order(site)
            placed = {id(item) for item in ordered if isinstance(item, Site)}
            stuck = [child for child in site.children if id(child) not in placed]
            wrong.update(child.path for child in stuck if child.last - child.first + 1 != child.count)
        return wrong

    def dissolve(self, paths: set[str]) -> None:
        """Give up these modules and start again."""
        self._dissolved |= paths
        while not self._build():
            pass
        self._borders()

    # --- order ---

    def order(self, site: Site) -> list[Item]:
        """What the site runs, operands before their users, otherwise in the order of the spec."""
        items: list[Item] = [*site.nodes, *site.children]
        items.sort(key=_first)
        if all(child.last - child.first + 1 == child.count for child in site.children):
            return items
        return self._sorted(site, items)

    def _sorted(self, site: Site, items: list[Item]) -> list[Item]:
        place = {_first(item): number for number, item in enumerate(items)}
        item_of: dict[int, int] = {}
        for id in range(site.first, site.last + 1):
            chain = list(self.site_of[id].chain())
            if site in chain and not self.leaves[id].is_input:
                at = chain.index(site)
                item_of[id] = place[id if at == 0 else chain[at - 1].first]
        needs: list[set[int]] = [set() for _ in items]
        users: list[set[int]] = [set() for _ in items]
        for id, number in item_of.items():
            for source in self.operands[id]:
                other = item_of.get(source.node, number)
                if other != number:
                    needs[number].add(other)
                    users[other].add(number)
        ready = [number for number, those in enumerate(needs) if not those]
        done: list[Item] = []
        while ready:
            number = heapq.heappop(ready)
            done.append(items[number])
            for user in users[number]:
                needs[user].discard(number)
                if not needs[user]:
                    heapq.heappush(ready, user)
        return done

    # --- borders ---

    def _borders(self) -> None:
        """What each site reads and returns, for the nodes that matter to a result."""
        for id, site in enumerate(self.site_of):
            if id in self.live:
                self._read(id, site)
        for output in self.graph.outputs:
            self._leave(output.source, self.sites[0])

    def _read(self, id: int, site: Site) -> None:
        for source in self.operands[id]:
            inner = self.site_of[source.node] if not self.leaves[source.node].is_input else self.sites[0]
            around = set(map(_identity, inner.chain()))
            for each in site.chain():
                if _identity(each) in around:
                    break
                each.inputs.setdefault(source)
            self._leave(source, site)

    def _leave(self, source: Source, reader: Site) -> None:
        """The tensor leaves every site around its maker that is not around its reader."""
        if self.leaves[source.node].is_input:
            return
        around = set(map(_identity, reader.chain()))
        for each in self.site_of[source.node].chain():
            if _identity(each) in around:
                break
            each.outputs.setdefault(source)

    def _live(self) -> set[int]:
        """The nodes that a result depends on."""
        live: set[int] = set()
        waiting = [output.source.node for output in self.graph.outputs]
        while waiting:
            id = waiting.pop()
            if id not in live:
                live.add(id)
                waiting.extend(source.node for source in self.operands[id])
        return live


def _identity(site: Site) -> int:
    return id(site)


def _first(item: Item) -> int:
    return item if isinstance(item, int) else item.first
