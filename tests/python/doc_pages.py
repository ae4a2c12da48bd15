"""The pages of the documentation, and their fenced blocks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@dataclass(frozen=True)
class Block:
    """A fenced block: its page and line, the heading above it, the paragraph before it, its language and its text."""

    page: str
    line: int
    section: str
    lead: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    lines = page.read_text(encoding="utf-8").splitlines()
    section, lead, start, kind, indent = "", "", None, "", 0
    for number, line in enumerate(lines, start=1):
        if line.lstrip().startswith("```"):
            if start is None:
                start, kind, indent = number, line.strip().removeprefix("```"), line.index("`")
            else:
                text = "".join(f"{each[indent:]}\n" for each in lines[start : number - 1])
                yield Block(page.name, start, section, lead.strip(), kind, text)
                start, lead = None, ""
        elif start is None:
            if line.startswith("#"):
                section, lead = line.lstrip("# "), ""
            else:
                lead = f"{lead} {line}" if line else f"{lead} " if lead.endswith(":") else ""
    assert start is None, f"{page.name}:{start}: the block is not closed"


def prose(page: Path) -> str:
    """The page without its blocks."""
    return re.sub(r"```.*?\n```", "", page.read_text(encoding="utf-8"), flags=re.S)
