"""The table of a network's layers: `summarise` makes it, `text`, `markdown`, `csv` and `json` write it."""

from resnetdsl.emit.summary.model import Line, Summary, summarise
from resnetdsl.emit.summary.render import as_csv, as_json, as_markdown, as_text

__all__ = ["Line", "Summary", "as_csv", "as_json", "as_markdown", "as_text", "summarise"]
