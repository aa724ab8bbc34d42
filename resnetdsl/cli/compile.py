"""Compile a network ahead of time into one file, verified against eager PyTorch, that runs without its spec."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resnetdsl.cli.calibration import add_calibration, calibration
from resnetdsl.cli.interrupt import interruptible
from resnetdsl.cli.output import UsageError, put, say, width, write
from resnetdsl.cli.progress import Progress
from resnetdsl.cli.specs import add_spec, network
from resnetdsl.cli.targets import add_target, settle

if TYPE_CHECKING:
    from resnetdsl.compile.compiler import CompileResult
    from resnetdsl.compile.plan import Plan

NAME = "compile"
HELP = "compile a network into a verified artifact"
_EXTRA = {"torch": "PyTorch", "numpy": "NumPy"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_spec(parser)
    parser.add_argument("-o", "--output", metavar="FILE.rnetc", help="the artifact; NETWORK.rnetc by default")
    add_target(parser)
    add_calibration(parser)
    parser.add_argument(
        "--weights", metavar="FILE", help="a checkpoint: .safetensors, .pth or .pt; random weights by default"
    )
    parser.add_argument("--seed", type=int, default=0, help="for random weights")
    parser.add_argument("--no-cache", action="store_true", help="build the code anew, and do not keep it")
    parser.add_argument(
        "--plan", action="store_true", help="print what would be done and what not and why not; nothing is compiled"
    )
    parser.add_argument(
        "--emit",
        metavar="FOLDER|-",
        help="write the graph after each pass, as YAML, to a folder or to standard output; nothing is compiled",
    )


def run(args: argparse.Namespace) -> int:
    from resnetdsl.compile.errors import CompileError
    from resnetdsl.compile.progress import counting

    settings: dict[str, Any] = settle(args)
    settings["cache"] = not args.no_cache
    found = network(args)
    try:
        asked = calibration(args, settings["dtype"], settings.pop("calibration", None))
        if args.plan or args.emit is not None:
            plan = found.plan(calibration=asked, **settings)
            _show(args, plan)
            if plan.refused is not None:
                raise plan.refused
            return 0
        with interruptible(), Progress.on_stderr(quiet=args.quiet) as progress, counting(progress.count):
            progress.phase("starting PyTorch")
            result = found.compile(
                args.output or f"{found.name}.rnetc",
                calibration=asked,
                weights=args.weights,
                seed=args.seed,
                progress=progress.phase,
                **settings,
            )
    except CompileError as problem:
        raise UsageError(problem.message, problem.help, kind=problem.problem.value) from problem
    except ModuleNotFoundError as problem:
        if problem.name not in _EXTRA:
            raise
        help = "pip install 'resnetdsl[torch]'"
        message = f"compiling needs {_EXTRA[problem.name]}, which is not installed"
        raise UsageError(message, help, kind="no-torch") from problem
    _tell(args, found.name, result)
    return 0


def _show(args: argparse.Namespace, plan: Plan) -> None:
    if args.plan:
        put("\n".join(plan.lines(width())) + "\n")
    if args.emit == "-":
        for name, text in plan.emit():
            put(f"# --- {name} ---\n{text}")
    elif args.emit is not None:
        folder = Path(args.emit)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            reason = problem.strerror or str(problem)
            raise UsageError(f"cannot make the folder {folder}: {reason}", kind="cannot-write") from problem
        for name, text in plan.emit():
            write(str(folder / f"{name}.yaml"), text)
            say(args, f"wrote {folder / name}.yaml")


def _tell(args: argparse.Namespace, name: str, result: CompileResult) -> None:
    from resnetdsl.compile.lower.lowered import missed
    from resnetdsl.compile.metadata import OWN_WEIGHTS

    metadata = result.metadata
    size = Path(result.path).stat().st_size / 2**20
    took = sum(result.seconds.values())
    say(
        args,
        f"wrote {result.path} ({size:.0f} MiB): {name} on {metadata.device} in {metadata.precision.value}, "
        f"input {metadata.input}",
    )
    agreement = result.agreement
    if metadata.quantised is not None:
        say(args, str(metadata.quantised))
    else:
        say(
            args,
            f"agrees with eager PyTorch: largest difference {agreement.absolute:.1e}, {agreement.relative:.1e} of the "
            f"largest output, in {len(agreement.measurements)} runs",
        )
    for trial in metadata.trials:
        say(args, f"  {trial}" + (" (taken)" if trial.engine == metadata.engine else ""))
    unfolded = sum(step.what == "`batch_norm` not folded" for step in missed(result.steps))
    if unfolded:
        say(args, f"note: {unfolded} norm{'s' * (unfolded > 1)} could not be folded: `--plan` says which and why")
    for note in (*result.notes, *agreement.notes):
        say(args, f"note: {note}")
    if result.cached:
        own = any(each.weights == OWN_WEIGHTS for each in agreement.measurements) or metadata.quantised is not None
        say(args, "its code was in the cache" + ", and was compared with eager for these weights" * own)
    say(args, f"took {took:.0f} s ({', '.join(f'{phase} {seconds:.0f}' for phase, seconds in result.seconds.items())})")
    say(args, f'run it: resnetdsl.load_artifact("{result.path}")(images)')
