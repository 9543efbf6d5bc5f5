"""Which keys of a JSON text are those of its own object, and not of one within it. No value is parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator

STRING = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")([ \t\n\r]*+:)?', re.DOTALL)
"""A string, and the colon after one that is a key."""


def at_top(text: bytes, pattern: re.Pattern[bytes]) -> Iterator[re.Match[bytes]]:
    """The matches of a pattern whose keys are the object's own.

    Requires: a match is a key, with its value if that is a string: it begins and ends outside strings.

    INVARIANT: `at` is outside strings, and so is where a key begins; the text between them, without its
               strings, opens and closes exactly the levels that it shows.
    """
    depth = at = 0
    for key in pattern.finditer(text):
        between = text[at : key.start()]
        if between.find(b'"') >= 0:
            between = STRING.sub(b"", between)
        depth += sum(map(between.count, (b"{", b"["))) - sum(map(between.count, (b"}", b"]")))
        if depth == 1:
            yield key
        at = key.end()
