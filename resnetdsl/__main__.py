"""The command, also as `python -m resnetdsl`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run a command; the exit code. Ctrl-C while it is still being imported ends it as at any other time."""
    try:
        from resnetdsl.cli.main import main as run
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
