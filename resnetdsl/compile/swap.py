"""Other weights for an artifact: from a checkpoint, by the recipes that the artifact keeps, to what its code takes.

No code is run, so an artifact takes weights on any machine, also on one that it was not compiled for.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from resnetdsl.compile import container
from resnetdsl.compile.errors import ArtifactError, Problem, WeightsError
from resnetdsl.compile.files import check_output, work_folder
from resnetdsl.compile.memory import enough_memory
from resnetdsl.compile.metadata import Metadata
from resnetdsl.compile.recipes import evaluate_all
from resnetdsl.compile.surroundings import usual
from resnetdsl.compile.weights import Weights, check_fit, given, not_finite, unwrapped


@usual()
def swap_weights(path: str | Path, source: Weights, output: str | Path | None = None) -> tuple[Path, tuple[str, ...]]:
    """Write an artifact with other weights, in its own place where `output` is not given. Where, and what to know.

    Raises a `WeightsError` with a table of what does not fit, and `ArtifactError`; then nothing is written.
    """
    path = Path(path)
    target = path if output is None else Path(output)
    with work_folder() as work, enough_memory("exchange the weights"):
        found = container.Unpacked(path)
        metadata = found.metadata()
        check_output(target, container.SUFFIX, path.stat().st_size)
        found.code(work)
        weights, origin = other_weights(metadata, source, torch.device("cpu"))
        container.write(target, metadata.with_weights(origin), weights, work)
    return target, not_finite(weights)


def other_weights(
    metadata: Metadata, source: object, device: torch.device | None = None
) -> tuple[dict[str, Tensor], str]:
    """The weights that an artifact's code takes, made of a checkpoint, and what to note of their origin."""
    if metadata.quantised is not None:
        raise WeightsError(
            "an int8 artifact keeps its weights: the scales inside were measured with them",
            "compile it again with `--dtype int8 --weights FILE`",
        )
    found, name, origin = given(source)
    fitting = check_fit(metadata.checkpoint, unwrapped(metadata.checkpoint, found), name, metadata.network)
    setting = metadata.setting
    try:
        return evaluate_all(metadata.recipes, fitting, setting.dtype, device or setting.torch_device), origin
    except (KeyError, RuntimeError, TypeError, ValueError, IndexError, ArithmeticError) as error:
        if isinstance(error, torch.cuda.OutOfMemoryError) or "memory" in str(error):
            raise
        raise ArtifactError(
            Problem.BAD_ARTIFACT,
            f"the recipes in this artifact do not fit its own checkpoint: {str(error).splitlines()[0]}",
            "compile it again with `resnetdsl compile`",
        ) from error
