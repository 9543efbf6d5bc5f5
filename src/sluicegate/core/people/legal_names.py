"""Legal names: which spellings mean the same organization, and the tags by which entries tell them apart.

Rules:
- Spellings of one name differ only in case, width and spaces: they have the same `name_key`.
- Names that also differ in quotes, dashes and other punctuation have the same *bare* name. A list of one
  office and a file of another one differ in that, so this is what a directive goes by.
- A letter is never replaced by another one: one that only looks the same is pointed out, and names no one.
- An organization may also be listed by an identifier (`core.people.identifiers`), and by several names at
  once, one a line: any of them is it.
- Entries have tags, not names. The key of a tag is a secret of the log.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sluicegate.core.people import identifiers

_DROPPED = "'`\"\u02b9\u02bb\u02bc\u02bd\u02c8.\u00b7\u2022"
"""Beside quotes: what is left out between letters."""
_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "LISU")
"""Alphabets that have letters of one form."""
_LATIN_FORM = str.maketrans(
    "\u0430\u0435\u0456\u0458\u043e\u0440\u0441\u0443\u0445\u0455\u0501\u051b\u051d\u04bb"
    "\u0432\u043a\u043c\u043d\u0442\u0433\u043f\u0437"
    "\u03b1\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03b2\u03b7\u03bc\u03b6"
    "\u0585\u057d\u0570\u0578\u0561",
    "aeijopcyxsdqwhbkmhtrn3aeikvoptuxbhuzouhnw",
)
"""Small letters of other alphabets by the Latin ones that they, or their capitals, look like."""
_WORD = re.compile(r"\w+")


def name_key(name: str) -> str:
    """The common form of all spellings of one legal name: NFKC, without case, single spaces."""
    plain = name if name.isascii() else unicodedata.normalize("NFKC", name)
    return " ".join(plain.casefold().split())


def bare_key(name: str) -> str:
    """The bare form of a name: `name_key`, without punctuation.

    It is the same for a name and for the `name_key` of it. A name that has only punctuation keeps it.
    """
    key = name_key(name)
    if key.isascii() and key.replace(" ", "").isalnum():
        return key
    folded = "".join(map(_folded, key.replace(" \u0301", "")))
    return " ".join(folded.split()) or key


@cache
def _folded(letter: str) -> str:
    kind = unicodedata.category(letter)
    if letter in _DROPPED or kind in {"Pi", "Pf", "Cf"}:
        return ""
    if letter == "&":
        return " and "
    return " " if kind[0] in "PZ" or kind == "Sk" else letter


def look_alikes(name: str) -> str:
    """The letters of a name that are in a word of another alphabet, each once."""
    found: dict[str, None] = {}
    for word in _WORD.findall(name) if not name.isascii() else ():
        by_alphabet: dict[str, list[str]] = {}
        for letter in word:
            by_alphabet.setdefault(_alphabet(letter), []).append(letter)
        by_alphabet.pop("", None)
        if len(by_alphabet) > 1:
            usual = max(by_alphabet, key=lambda each: (len(by_alphabet[each]), each == "LATIN"))
            for alphabet, letters in by_alphabet.items():
                found.update(dict.fromkeys(letters if alphabet != usual else ()))
    return "".join(found)


@cache
def _alphabet(letter: str) -> str:
    alphabet = unicodedata.name(letter, "").partition(" ")[0]
    return alphabet if alphabet in _ALPHABETS else ""


def latin_form(name: str) -> str:
    """What a name looks like to a reader of Latin letters: to find what was meant, never to decide by."""
    return bare_key(name).translate(_LATIN_FORM)


def names_of(listed: str) -> list[str]:
    """The names by which a list has one organization: its legal name, other names, identifiers."""
    return listed.split("\n")


def tag_key(log: Ed25519PrivateKey) -> bytes:
    """The secret that keys the tags of legal names, 32 bytes; derived from the log's key, and not stored."""
    return HKDF(SHA256(), 32, None, b"sluicegate:v1:names").derive(log.private_bytes_raw())


def list_key(log: Ed25519PrivateKey) -> bytes:
    """The secret that salts the commitments to the names on lists, 32 bytes; derived as that of the tags."""
    return HKDF(SHA256(), 32, None, b"sluicegate:v1:lists").derive(log.private_bytes_raw())


def salt(key: bytes, release: str, name: str) -> bytes:
    """The salt of the commitment to a name on a list of a release, 32 bytes.

    It is always the same: so a plan that is applied again says the same, and another list of the release
    shows which names are new.
    """
    return hmac.digest(key, f"{release}\n{name}".encode(), "sha256")


def tags(key: bytes, name: str) -> tuple[str, ...]:
    """The tags of a legal name in entries, each 32 hex digits: of its key, then of its bare form.

    One tag, if they are the same. Names that share a tag are taken for one.
    """
    return tuple(_tag(key, each) for each in dict.fromkeys((name_key(name), bare_key(name))))


def listed_tags(key: bytes, name: str) -> tuple[str, ...]:
    """The tags of what a list has: of a legal name, or the one of an identifier.

    Only a list, and what an organization states of itself beside its legal name, are read in this way: a
    legal name in the form of an identifier is a name.
    """
    identifier = identifiers.key(name)
    return tags(key, name) if identifier is None else (_tag(key, "\n" + identifier),)


def _tag(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex()[:32]
