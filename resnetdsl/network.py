"""A checked network and what can be made of it: source, a module, an artifact, a table, a diagram.

Each of these is imported when it is first asked for, and torch with the first that needs it.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from resnetdsl.elaborate.values import Value
from resnetdsl.ir.graph import CheckedGraph

if TYPE_CHECKING:
    from torch import Tensor, nn  # noqa: TID251 - for annotations alone

    from resnetdsl.compile.compiler import CompileResult
    from resnetdsl.compile.options import Calibration
    from resnetdsl.compile.plan import Plan
    from resnetdsl.emit.summary import Summary


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a network comes from: name and text of its spec, and after it of what that imports."""

    files: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """The spec's file name."""
        return self.files[0][0]

    @property
    def digest(self) -> str:
        """The SHA-256 of all the text; of a spec without imports, that of its file."""
        whole = "".join(text for _, text in self.files)
        return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Network:
    """A checked network, and all that can be made of it."""

    name: str
    checked: CheckedGraph
    origin: Origin
    overrides: Mapping[str, Value] = field(default_factory=dict)

    @property
    def graph(self) -> Any:
        """The `networkx.MultiDiGraph`: nodes hold a `Node` under `node`, edges their `type`, keyed by port."""
        return self.checked.nx

    def source(self, *, checkpoint_blocks: bool = False) -> str:
        """PyTorch source that needs torch alone.

        With `checkpoint_blocks` training keeps only the inputs of each block, and computes the rest again for the
        backward pass: less memory for more time. NothingToCheckpointError, a ValueError, if there are no blocks.
        """
        from resnetdsl.emit.pytorch.document import Header, emit

        header = Header(PurePath(self.origin.name).name, self.origin.digest)
        return emit(self.checked, header=header, checkpoint_blocks=checkpoint_blocks)

    def module(self, *, checkpoint_blocks: bool = False) -> nn.Module:
        """That source, run: a module with freshly drawn weights, in training mode."""
        from resnetdsl.emit.module import build
        from resnetdsl.emit.pytorch.document import class_name

        return build(self.source(checkpoint_blocks=checkpoint_blocks), class_name(self.checked))

    def dump(self) -> str:
        """The graph as YAML, which `resnetdsl.ir.load.load` reads back."""
        from resnetdsl.ir.dump import dump

        return dump(self.checked)

    def summary(self) -> Summary:
        """The table of layers."""
        from resnetdsl.emit.summary import summarise

        return summarise(self.checked)

    def compile(
        self,
        output: str | Path,
        *,
        device: str = "auto",
        dtype: str = "float32",
        batch: str | int = 1,
        backend: str | None = None,
        mode: str = "latency",
        without: Sequence[str] = (),
        also: Sequence[str] = (),
        layout: str | None = None,
        threads: int | None = None,
        cache: bool = True,
        calibration: Calibration | None = None,
        weights: Mapping[str, Tensor] | str | Path | None = None,
        module: nn.Module | None = None,
        seed: int = 0,
        progress: Callable[[str], None] | None = None,
    ) -> CompileResult:
        """An artifact at `output` (.rnetc), verified against eager PyTorch; `resnetdsl.load_artifact` runs it.

        `batch` is a size or a range, `"1..32"`; `mode` says what is to be fast, `latency` or `throughput`;
        `without` names passes to leave out, `also` those to do that usually are left out; `cache` is whether code
        that was built before may be taken. The weights are those of `module` if it is given, else `weights`, a state
        dict or a checkpoint's file, else random from `seed`. `calibration` says what the scales of `dtype="int8"` are
        measured on: a `resnetdsl.compile.options.Calibration`. Raises CompileError; then nothing is written.
        """
        from resnetdsl.compile.build import chosen, compile_network
        from resnetdsl.compile.options import Provenance

        given = {key: repr(value) for key, value in self.overrides.items()}
        return compile_network(
            self.checked,
            self.module,
            Provenance(self.origin.files, given),
            chosen(
                output,
                device=device,
                dtype=dtype,
                batch=batch,
                backend=backend,
                mode=mode,
                without=without,
                also=also,
                layout=layout,
                threads=threads,
                cache=cache,
                calibration=calibration,
            ),
            weights=weights,
            module=module,
            seed=seed,
            progress=progress,
        )

    def export(
        self,
        output: str | Path,
        to: str = "onnx",
        *,
        batch: str | int | None = None,
        folded: bool = False,
        weights: str | Path | None = None,
        module: nn.Module | None = None,
        seed: int = 0,
    ) -> Path:
        """The network with weights as an ONNX model (`onnx`) or as torch's exported program (`exported-program`).

        The batch is free unless `batch` gives a size or a range. `folded` writes the form for inference, its norms
        in the convolutions; else the model's weights have the names of the checkpoint. The weights are those of
        `module` if it is given, else of the checkpoint `weights`, else random from `seed`. Raises CompileError.
        """
        from resnetdsl.compile.export import Form, export_network

        make = (lambda: copy.deepcopy(module)) if module is not None else self.module
        return export_network(
            self.checked, make, output, Form(to), batch=batch, folded=folded, weights=weights, seed=seed
        )

    def plan(self, **options: Any) -> Plan:
        """What `compile` with these options would do, and what not and why not: printed, it is a table.

        `options` are those of `compile` from `device` to `calibration`. Nothing is compiled, and where `compile` would
        end with an error that says so, `plan.refused` is that error. Raises CompileError for options that are none.
        """
        from resnetdsl.compile.build import chosen
        from resnetdsl.compile.plan import plan

        return plan(self.checked, chosen(**options))

    def render(
        self,
        level: str = "stage",
        format: str = "svg",
        *,
        opened: Iterable[str] = (),
        theme: str = "light",
        direction: str = "down",
        columns: int | None = None,
        scale: float = 2.0,
    ) -> str | bytes:
        """A diagram at level `network`, `stage`, `block` or `op`: text for `svg`, `latex`, `tikz`, `dot`, `mermaid`
        and `html` (a page to explore), bytes for `png` (`scale` pixels a point) and `pdf`.

        `opened` are paths of parts to be opened beyond the level, `theme` a shipped one or a YAML file, `direction`
        `down` or `right`, `columns` how many to cut a picture into. Raises ValueError for what there is none of,
        RenderUnavailable and DiagramTooLarge.
        """
        from resnetdsl.emit.diagram import Direction, find_theme, view
        from resnetdsl.emit.diagram.formats import encode_view
        from resnetdsl.emit.outline import Level

        levels = {each.value: each for each in Level}
        if level not in levels:
            raise ValueError(f"`{level}` is no level: {', '.join(levels)}")
        if not scale > 0:
            raise ValueError(f"a scale is above 0, and not {scale}")
        if format == "html":
            from resnetdsl.emit.viewer import to_html

            return to_html(self.checked, levels[level], opened)
        ways = {"down": Direction.DOWN, "right": Direction.RIGHT}
        if direction not in ways:
            raise ValueError(f"`{direction}` is no direction: down, right")
        drawn = view(self.checked, levels[level], opened)
        return encode_view(drawn, format, find_theme(theme), ways[direction], scale=scale, columns=columns)

    def __repr__(self) -> str:
        from resnetdsl.analysis.costs import totals

        params = totals(self.checked).params
        given = next(node for node in self.checked.nodes() if node.op == "input")
        results = ", ".join(str(self.checked.type(output.source)) for output in self.checked.outputs)
        return f"<Network {self.name}: {given.outputs[0]} to {results}, {params:,} parameters>"

    def _repr_html_(self) -> str:
        """The viewer, in a notebook."""
        from resnetdsl.notebook import frame

        return frame(self.checked)

    def _repr_svg_(self) -> str | None:
        """A picture, for what shows no pages: a printed notebook."""
        from resnetdsl.notebook import picture

        return picture(self)
