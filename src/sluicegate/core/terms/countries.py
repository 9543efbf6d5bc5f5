"""Countries by their two letters in ISO 3166, as the time zone database lists them; and Kosovo.

Two letters that are not a country would cover no one, and let no one in.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

from sluicegate.core.terms.nearest import nearest

OWN = {"XK": "Kosovo"}
"""Codes that ISO 3166 leaves to its users, and that everyone uses."""

ALIASES = {"uk": "GB", "usa": "US", "el": "GR"}
"""Two or three letters that people write for a country and ISO 3166 does not."""


@cache
def names() -> Mapping[str, str]:
    """The English name of each country, by its code."""
    table = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {**OWN, **dict(rows)}


def meant(word: str) -> str:
    """The code that was probably meant: that of a country with this name, as `UK` or `Norway`; or empty."""
    codes = {each.casefold(): code for code, name in names().items() for each in (code, name)} | ALIASES
    text = word.casefold()
    return codes.get(text) or codes.get(nearest(text, codes), "")
