"""The interactive viewer: `to_html` makes one self-contained page of a network."""

from resnetdsl.emit.viewer.page import to_html

__all__ = ["to_html"]
