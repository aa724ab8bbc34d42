"""resnetdsl: a textual language for residual networks, and its compiler.

import resnetdsl

spec = resnetdsl.load("resnet50")          # a path, a shipped network's name, or the text itself
print(spec.check())                        # every mistake, pointed at in the text
net = spec.network("resnet50", classes=10)
module = net.module()                      # a torch.nn.Module with torchvision's keys
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resnetdsl.version import VERSION

__version__ = VERSION

if TYPE_CHECKING:
    from resnetdsl.api import load
    from resnetdsl.compile.artifact import load_artifact
    from resnetdsl.compile.errors import CompileError
    from resnetdsl.network import Network
    from resnetdsl.spec import Report, Spec, SpecError

__all__ = ["CompileError", "Network", "Report", "Spec", "SpecError", "__version__", "load", "load_artifact"]

_HOMES = {
    "Network": "resnetdsl.network",
    "load": "resnetdsl.api",
    "load_artifact": "resnetdsl.compile.artifact",
    "CompileError": "resnetdsl.compile.errors",
    "Report": "resnetdsl.spec",
    "Spec": "resnetdsl.spec",
    "SpecError": "resnetdsl.spec",
}


def __getattr__(name: str) -> Any:
    """Parts are imported when they are first asked for: `import resnetdsl` costs nothing and never imports torch."""
    if name in _HOMES:
        from importlib import import_module

        from resnetdsl.collector import seldom

        with seldom:  # else all that torch is made of is looked through on the way
            return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext resnetdsl` makes the cell magic `%%rnet` known."""
    from resnetdsl.notebook import load as load_magic

    load_magic(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext resnetdsl` takes it away again."""
    from resnetdsl.notebook import unload

    unload(shell)
