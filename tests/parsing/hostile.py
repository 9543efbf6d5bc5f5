"""The worst inputs that were found within each bound, by search and by hand: a generator each."""

from __future__ import annotations

import json
from collections.abc import Callable

from sluicegate.bounds import ACT_BODY_MAX, ANNEXES_MAX, DOCUMENT_BYTES_MAX, ORGANIZATION_CHARACTERS_MAX


def filled(motif: str, size: int, begin: str = "", end: str = "") -> str:
    """A motif again and again, `size` bytes in all at most."""
    return begin + motif * ((size - len((begin + end).encode())) // len(motif.encode())) + end


YAML: dict[str, Callable[[int], str]] = {
    "nested": lambda size: "[" * (size // 2) + "]" * (size // 2),
    "nested maps": lambda size: filled("{", size),
    "as deep as may be": lambda size: filled("[" * 31 + "]" * 31 + ",", size, "[", "]"),
    "dashes": lambda size: filled("- " * 31 + "\n", size),
    "flat": lambda size: filled("a,", size, "[", "]"),
    "question marks": lambda size: filled("?\n", size),
    "the same key": lambda size: filled("a: 1\n", size),
    "lists as keys": lambda size: filled("? [a]\n: b\n", size),
    "escapes": lambda size: filled("\\u0041", size, '"', '"'),
    "halves of characters": lambda size: filled('"\\ud800": "\\ud800"\n', size),
    "comments": lambda size: filled("#\n", size),
    "directives": lambda size: filled("%A\n", size),
    "blocks": lambda size: filled("- |\n a\n", size),
    "empty lines": lambda size: filled("a\n\n", size),
}
ORGANIZATIONS = {name: made(ORGANIZATION_CHARACTERS_MAX) for name, made in YAML.items()}
DOCUMENTS = {name: made(DOCUMENT_BYTES_MAX) for name, made in YAML.items()}
JSON = {
    "lists and objects": lambda size: filled("[],{},", size, "[", "0]"),
    "numbers": lambda size: filled("1,", size, "[", "0]"),
    "texts": lambda size: filled('"",', size, "[", "0]"),
    "nested": lambda size: filled("[", size),
    "escapes": lambda size: filled("\\u0041", size, '["', '"]'),
    "keys": lambda size: "{" + ",".join(f'"{at}":0' for at in range(size // 12)) + "}",
}
BODIES = {name: made(ACT_BODY_MAX) for name, made in JSON.items()}
LONG_BODIES = {name: made(ANNEXES_MAX) for name, made in JSON.items()}
MARKS = "\u0316\u05b0\u0345\u0301"
"""Marks of four classes, in no order: to normalize n of them takes the square of n."""


def marks(count: int) -> str:
    """A name of so many combining marks."""
    return "a" + MARKS * (count // len(MARKS))


def submission(organization: str) -> bytes:
    """The body of an application."""
    asked = {"release": "r", "stage": "s", "surface": "api", "organization": organization}
    return json.dumps(asked).encode()
