"""How much the slow suite takes on: a part that fits into half an hour, or everything."""

from __future__ import annotations

import os
from typing import Final

EVERYTHING: Final = "RESNETDSL_EVERYTHING" in os.environ
"""Set it to run all seeds, and all networks whatever their size; the corpus by itself is `make corpus`."""
