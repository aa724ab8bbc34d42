"""Writes docs/errors/, a page for each diagnostic code, and docs/reference/, from what the program knows of itself.

`python docs/generate.py` writes the pages and removes those that have no source any more; `--check` only says whether
that would change anything.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reference_pages import reference_pages

from resnetdsl.diagnostics.pages import docs_pages

DOCS = Path(__file__).resolve().parent


def changes(folder: Path, pages: dict[str, str]) -> list[str]:
    """The names of the pages that are missing, not current or of no code."""
    present = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    return sorted(name for name in present.keys() | pages.keys() if present.get(name) != pages.get(name))


def write(folder: Path, pages: dict[str, str]) -> list[str]:
    """Make the folder hold exactly these pages; returns the names of those that changed."""
    folder.mkdir(exist_ok=True)
    changed = changes(folder, pages)
    for name in changed:
        if name in pages:
            (folder / name).write_text(pages[name], encoding="utf-8", newline="\n")
        else:
            (folder / name).unlink()
    return changed


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write docs/errors/ and docs/reference/ from the program itself.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is not current")
    checking = parser.parse_args(arguments).check
    stale: list[str] = []
    for folder, pages in (("errors", docs_pages()), ("reference", reference_pages())):
        changed = changes(DOCS / folder, pages) if checking else write(DOCS / folder, pages)
        stale += [f"{folder}/{name}" for name in changed]
    if stale and checking:
        print(f"docs/ is not current ({', '.join(stale)}): run `python docs/generate.py`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
