"""`python -m resnetdsl`, as good as the command."""

from __future__ import annotations

import sys

from resnetdsl.cli.main import main

sys.exit(main())
