"""Diagnostics drawn: for a terminal, for tools, for code scanning, for a pull request."""
