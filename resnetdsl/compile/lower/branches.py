"""Convolutions of one tensor that are summed become one convolution (RepVGG, Ding et al., 2021; MobileOne, RepGhost).

Pattern: a sum, of two terms or of sums that nothing else reads, in which several terms read one tensor x: a `conv` of
x, a `batch_norm` or `scale` of x, x itself beside one of these. Convolution is linear in its kernel, so kernels that
are moved at the same stride can be laid over one another and added. A smaller kernel is padded with zeros to where it
stands in the larger; a norm, and x itself, are a kernel of one pixel with its factor, or one, on the diagonal.

Only for kernels that pad with zeros, and only where the sum does not cost more multiplications than its terms.
"""

from __future__ import annotations

from dataclasses import dataclass

from resnetdsl.compile.lower.affine import affine
from resnetdsl.compile.lower.lowered import Lowered, Pass
from resnetdsl.compile.lower.rewrite import Draft, Rewriter
from resnetdsl.compile.recipes import Apply, Full, Recipe, add, multiply, reshape
from resnetdsl.ir.graph import Source
from resnetdsl.ops.attrs import flag, integer
from resnetdsl.ops.geometry import Pads, Pair, pair, resolve_pads


@dataclass(frozen=True, slots=True)
class Term:
    """A branch as a convolution of x: its kernel as it is, and what else a convolution has.

    `path` names it; `node` is the op that goes when it is merged, None for x itself.
    """

    path: str
    node: Draft | None
    kernel: Pair
    pads: Pads
    dilation: Pair
    weight: Recipe
    bias: Recipe | None

    @property
    def reach(self) -> Pair:
        return self.dilation[0] * (self.kernel[0] - 1), self.dilation[1] * (self.kernel[1] - 1)

    @property
    def size(self) -> int:
        return self.kernel[0] * self.kernel[1]


def apply(lowered: Lowered) -> Lowered:
    rewriter = Rewriter(lowered, PASS.name)
    for root in [*rewriter.nodes.values()]:
        if root.id in rewriter.nodes and _is_sum(rewriter, root) and not _inner(rewriter, root):
            _merge(rewriter, root)
    return rewriter.finish()


def _is_sum(rewriter: Rewriter, node: Draft) -> bool:
    """An addition of images of one size, where nothing is stretched."""
    return node.op == "add" and all(
        each == node.outputs[0] and each.batched and each.is_image for each in rewriter.input_types(node)
    )


def _inner(rewriter: Rewriter, node: Draft) -> bool:
    """Whether it is a term of a larger sum."""
    reader = rewriter.only_reader(node.id)
    return reader is not None and _is_sum(rewriter, reader)


def _terms(rewriter: Rewriter, root: Draft) -> list[Source]:
    found: list[Source] = []
    for source in root.inputs:
        node = rewriter.nodes[source.node]
        inner = _is_sum(rewriter, node) and rewriter.only_reader(node.id) is root
        found += _terms(rewriter, node) if inner else [source]
    return found


def _merge(rewriter: Rewriter, root: Draft) -> None:
    terms = _terms(rewriter, root)
    convs = [rewriter.nodes[each.node] for each in terms if rewriter.nodes[each.node].op == "conv"]
    merged: list[Source] = []
    for first in convs:
        if first.id not in rewriter.nodes or Source(first.id) in merged:
            continue
        x, groups, stride = first.inputs[0], integer(first.attrs, "groups"), pair(first.attrs, "stride")
        # x itself may be there more than once.
        found = [(each, _as_term(rewriter, each, x, groups, stride)) for each in terms]
        members = [term for _, term in found if term is not None]
        taken = {each for each, term in found if term is not None}
        if len(members) < 2 or Source(first.id) not in taken:
            continue
        names = ", ".join(each.path for each in members)
        whole = _hull(members)
        if isinstance(whole, str):
            rewriter.note(names, "summed branches not merged", whole)
            continue
        one = _convolution(rewriter, first, members, whole)
        terms = [Source(one.id), *(each for each in terms if each not in taken)]
        merged.append(Source(one.id))
        rewriter.note(names, f"summed branches merged into one {whole[0][0]}x{whole[0][1]} convolution")
    if merged:
        _sum(rewriter, root, terms)


def _as_term(rewriter: Rewriter, source: Source, x: Source, groups: int, stride: Pair) -> Term | None:
    """A term of the sum as a convolution of x with these groups and this stride, if it is one."""
    node = rewriter.nodes[source.node]
    channels = rewriter.type(x).shape[0]
    same = stride == (1, 1) and rewriter.type(source).shape[0] == channels
    eye = Apply("kernel_identity", (), (channels, groups, (1, 1)))
    if source == x:
        return Term(node.path, None, (1, 1), (0, 0, 0, 0), (1, 1), eye, None) if same else None
    if rewriter.only_reader(node.id) is None:
        return None
    if node.op == "conv" and node.inputs[0] == x:
        alike = integer(node.attrs, "groups") == groups and pair(node.attrs, "stride") == stride
        return _conv_term(rewriter, node) if alike else None
    found = affine(rewriter, node) if node.op in {"batch_norm", "scale"} else None
    if found is None or found.operand != x or found.scale is None or not same:
        return None
    weight = multiply(eye, reshape(found.scale, channels, 1, 1, 1))
    return Term(node.path, node, (1, 1), (0, 0, 0, 0), (1, 1), weight, found.shift)


def _conv_term(rewriter: Rewriter, node: Draft) -> Term | None:
    kernel, stride, dilation = (pair(node.attrs, name) for name in ("kernel", "stride", "dilation"))
    pads = resolve_pads(node.attrs["pad"], kernel, stride, dilation)
    if pads == "same" or (any(pads) and node.attrs["pad_mode"] != "zeros"):
        return None
    bias = rewriter.leaf(node, "bias") if flag(node.attrs, "bias") else None
    return Term(node.path, node, kernel, pads, dilation, rewriter.leaf(node, "weight"), bias)


Hull = tuple[Pair, Pads, Pair]


def _hull(terms: list[Term]) -> Hull | str:
    """Kernel, padding and dilation of a convolution that all fit into, or why there is none."""
    kernel, pads, dilation = [], [], []
    for axis in (0, 1):
        steps = {term.dilation[axis] for term in terms if term.kernel[axis] > 1} or {1}
        if len(steps) > 1:
            return "their dilations differ"
        step = steps.pop()
        before = max(term.pads[2 * axis] for term in terms)
        after = max(term.reach[axis] - term.pads[2 * axis] for term in terms)
        reach = before + after
        # What the padding adds beyond what the kernel takes must agree, or the sizes agree by chance alone.
        grown = {term.pads[2 * axis] + term.pads[2 * axis + 1] - term.reach[axis] for term in terms}
        if len(grown) > 1:
            return "their sizes agree for this input alone"
        end = grown.pop() + reach - before
        if end < 0 or reach % step or any((before - term.pads[2 * axis]) % step for term in terms):
            return "their kernels do not lie over one another"
        kernel.append(reach // step + 1)
        pads += [before, end]
        dilation.append(step)
    if kernel[0] * kernel[1] > sum(term.size for term in terms):
        return "one kernel around them all would cost more"
    return (kernel[0], kernel[1]), (pads[0], pads[1], pads[2], pads[3]), (dilation[0], dilation[1])


def _convolution(rewriter: Rewriter, first: Draft, terms: list[Term], whole: Hull) -> Draft:
    kernel, pads, dilation = whole
    weight: Recipe | None = None
    bias: Recipe | None = None
    for term in terms:
        top, left = ((pads[2 * axis] - term.pads[2 * axis]) // dilation[axis] for axis in (0, 1))
        around = (left, kernel[1] - term.kernel[1] - left, top, kernel[0] - term.kernel[0] - top)
        placed = Apply("pad", (term.weight,), (around,)) if any(around) else term.weight
        weight = placed if weight is None else add(weight, placed)
        if term.bias is not None:
            bias = term.bias if bias is None else add(bias, term.bias)
    attrs = {**first.attrs, "kernel": kernel, "pad": pads, "dilation": dilation, "bias": bias is not None}
    attrs["pad_mode"] = "zeros"
    weights = {"weight": weight or Full((), 0.0)} | ({} if bias is None else {"bias": bias})
    return rewriter.succeed(first, attrs, weights)


def _sum(rewriter: Rewriter, root: Draft, terms: list[Source]) -> None:
    """Put the sum of these terms in the place of the old one."""
    whole = terms[0]
    for term in terms[1:]:
        whole = rewriter.source(rewriter.add("add", {}, (whole, term), root, root.path))
    rewriter.replace(root, whole)


PASS = Pass("branches", "merge convolutions of one tensor that are summed into one", apply)
