"""Words that a reader has to read twice, counted per thousand: `python -m tools.english [--all]`.

Rules:
- Docs written by hand have no listed word.
- Docstrings, and the pages made from the code, may only lose listed words: lower `BUDGETS` when they do.
- Code and quoted output between backticks are not counted.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

GENERATED = "<!-- Made by `make docs`: change tools/reference.py or the code, not this page. -->"
"""The first line of a page that is made from the code."""

BUDGETS = {"docs": 0, "generated pages": 0, "docstrings": 0}
"""How many listed words each kind of text may have."""

LISTED: dict[str, str] = {
    r"whom(?:ever)?": "name the person, or write 'who'",
    r"whoever": "name the person, or write 'anyone who'",
    r"lest": "write 'so that … not'",
    r"nobody": "write 'no one', or say who does not",
    r"told": "write 'notified', 'shown' or 'said', and who does it",
    r"(?:is|are|was) (?-i:none)": "write 'there is no …' or 'is not a …'",
    r"(?:(?-i:none) (?:is|are)|none of (?:theirs|ours|its))": "write 'there is no …'",
    r"(?:there|here|where)(?:of|by|in|upon|with|to|fore)(?<!there)(?<!therefore)": "use the noun",
    r"whence|hence|henceforth|hitherto|ere|forthwith|aforesaid": "write 'so', 'from then on', 'until now'",
    r"(?:so as|in order) to": "write 'to'",
    r"(?:be|were|had) (?:it|they)": "write 'whether it is', 'if it is'",
    r"as ever|in its turn|but for|save for": "write 'as always', 'also', 'without', 'except'",
    r"besides|likewise|anew|afresh|alike": "write 'also', 'in the same way', 'again'",
    r"shall|ought": "write 'must' or 'should'",
    r"borne|bears?": "write 'has' or 'carries'",
    r"(?:comes?|becomes?|came|became) of": "write 'result' or 'happens to'",
    r"at the (?:most|least)": "write 'at most', 'at least'",
    r"as they are|would have it|to be had|in clear": "say what it is",
    r"stands? (?:in|on|beside|there|apart)": "write 'is in', 'is beside'",
    r"nothing (?:but|of|beyond|besides|else)": "write 'only', or what is true",
    r"nothing (?:more|here|in it|that \w+) (?:is|are)": "say what does not happen",
    r"of no (?!one\b|more\b|group\b)\w+": "write 'has no …'",
}
"""Patterns of listed words, in lower case, and what to write."""

INVERTED: dict[str, str] = {
    r"(?:Made|Said|Told|Kept|Held|Given|Taken|Looked|Counted|Asked|Found) (?:by|only|at|in|once)\b[^.]*,": (
        "begin with who does it"
    ),
    r"(?:Nor|Of (?:a|an|the|these|those|what)) [^.]*": "begin with who does it",
}
"""Patterns of sentences that begin with a part that should come later. They match at the start of a sentence.
"""

_PATTERNS = [
    *((re.compile(rf"\b(?:{words})\b", re.IGNORECASE), plain) for words, plain in LISTED.items()),
    *(
        (re.compile(rf"(?:\A|(?<=[.:;!?]\s)|(?<=\n\n)|(?<=- ))(?:{start})"), plain)
        for start, plain in INVERTED.items()
    ),
]
_QUOTED = re.compile(r"^```.*?^```$|``.+?``|`[^`\n]+`", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Hit:
    """A listed word or an inverted sentence: where it is, and what to write."""

    path: Path
    line: int
    words: str
    plain: str

    def __str__(self) -> str:
        """One line, as a compiler reports an error."""
        return f"{self.path}:{self.line}: {self.words!r}: {self.plain}"


@dataclass(frozen=True)
class Text:
    """A text of a file, and the line of the file that it begins on."""

    path: Path
    line: int
    text: str

    @property
    def prose(self) -> str:
        """The text with blanks in place of code and quoted output."""
        return _QUOTED.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), self.text)

    @property
    def words(self) -> int:
        """How many words it has."""
        return len(re.findall(r"[A-Za-z][\w’'-]*", self.prose))

    @property
    def hits(self) -> list[Hit]:
        """The listed words in it, in order."""
        prose = self.prose
        found = [(each.start(), each[0], plain) for one, plain in _PATTERNS for each in one.finditer(prose)]
        return [
            Hit(self.path, self.line + prose.count("\n", 0, at), words.split("\n")[0][:40], plain)
            for at, words, plain in sorted(found)
        ]


def pages(root: Path, *, generated: bool) -> Iterator[Text]:
    """The pages of the docs: those that are made from the code, or those written by hand."""
    for path in sorted([*root.glob("*.md"), *(root / "docs").rglob("*.md")]):
        text = path.read_text(encoding="utf-8")
        if text.startswith(GENERATED) is generated:
            yield Text(path.relative_to(root), 1, text)


def docstrings(root: Path, *folders: str) -> Iterator[Text]:
    """Every docstring in these folders: of modules, classes, functions and attributes."""
    for path in sorted(path for folder in folders for path in (root / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                yield Text(path.relative_to(root), node.lineno, str(node.value.value))


def texts(root: Path) -> dict[str, list[Text]]:
    """Every text that is read, by its kind."""
    return {
        "docs": list(pages(root, generated=False)),
        "generated pages": list(pages(root, generated=True)),
        "docstrings": list(docstrings(root, "src", "record/src", "demo", "tools", "bench")),
    }


def report(root: Path, budgets: dict[str, int], *, show_all: bool = False) -> tuple[list[str], bool]:
    """The listed words of each kind over its budget, or of all kinds; and whether every kind is within it."""
    lines: list[str] = []
    is_within = True
    for kind, read in texts(root).items():
        hits = [hit for text in read for hit in text.hits]
        words = sum(text.words for text in read)
        is_over = len(hits) > budgets[kind]
        is_within = is_within and not is_over
        if show_all or is_over:
            rate = 1000 * len(hits) / max(words, 1)
            lines += map(str, hits)
            counted = f"{len(hits)} listed words in {words}, {rate:.1f} in a thousand"
            lines.append(f"{kind}: {counted}; budget {budgets[kind]}")
    return lines, is_within


if __name__ == "__main__":
    said, is_within = report(Path(), BUDGETS, show_all="--all" in sys.argv[1:])
    sys.stdout.writelines(f"{line}\n" for line in said)
    sys.exit(not is_within)
