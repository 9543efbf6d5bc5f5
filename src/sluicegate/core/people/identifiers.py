"""Identifiers of organizations: LEIs, and numbers in a public register of companies.

Rules:
- Wherever a list has a legal name, it may have an identifier: `lei:…`, or `registry:US-DE 0012345`.
- Two identifiers are the same whatever their case, spaces, dashes, and zeros before a number: a spreadsheet
  drops those.
- An LEI has check digits (ISO 17442), so that a typing error in one is refused. A number in a register has
  none: it counts only together with its register.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

from sluicegate.core.terms import countries

LEI = "lei"
REGISTRY = "registry"
LEI_EXPECTED = "an LEI: 18 letters and digits, and two check digits that fit them (ISO 17442)"
REGISTRY_EXPECTED = "a register's country or state and the number in it, such as US-DE 0012345 or GB 00012345"
REMAINDER = 1
"""What an LEI leaves when it is divided by 97, its letters read as numbers from 10 on."""
_LEI = re.compile(r"[0-9A-Z]{18}[0-9]{2}")
_REGISTRATION = re.compile(r"([A-Z]{2})(-[A-Z0-9]{1,3})?[ :]+([A-Z0-9][A-Z0-9 ./-]{0,59})")
_SIGNS = re.compile(r"[ ./-]")


def lei(text: str) -> str:
    """An LEI in the form that all its spellings have. Raises: ValueError: it is no LEI."""
    found = re.sub(r"[ -]", "", _upper(text))
    if not _LEI.fullmatch(found) or int("".join(str(int(each, 36)) for each in found)) % 97 != REMAINDER:
        raise ValueError(LEI_EXPECTED)
    return found


def registration(text: str) -> str:
    """A number in a register, in the form that all its spellings have.

    Raises: ValueError: it names no register of a country, or no number.
    """
    found = _REGISTRATION.fullmatch(_upper(text))
    if found is None or found[1] not in countries.names():
        raise ValueError(REGISTRY_EXPECTED)
    number = _SIGNS.sub("", found[3])
    return f"{found[1]}{found[2] or ''} {number.lstrip('0') or '0'}"


KINDS: Mapping[str, Callable[[str], str]] = {LEI: lei, REGISTRY: registration}
"""The kinds of identifiers, and what brings one into its form. A column of a list has the same name."""
EXPECTED: Mapping[str, str] = {LEI: LEI_EXPECTED, REGISTRY: REGISTRY_EXPECTED}


def listed(kind: str, text: str) -> str:
    """An identifier in the form of a list of names. Raises: ValueError."""
    return f"{kind}:{KINDS[kind](text)}"


def key(name: str) -> str | None:
    """The common form of all spellings of an identifier in a list; None if it is a name."""
    prefix, colon, text = name.partition(":")
    kind = prefix.strip().lower()
    try:
        return listed(kind, text) if colon and kind in KINDS else None
    except ValueError:
        return None


def _upper(text: str) -> str:
    """NFKC, in capitals, with plain dashes and single spaces."""
    plain = (
        "-" if unicodedata.category(each) == "Pd" else each for each in unicodedata.normalize("NFKC", text)
    )
    return " ".join("".join(plain).upper().split())
