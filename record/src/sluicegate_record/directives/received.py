"""How something arrived that others than its author enter: an order, or what someone without a key says."""

from __future__ import annotations

import re
from typing import Literal, Self

from sluicegate_record.form import Exact, Form, Misread, form, shown
from sluicegate_record.terms.text import is_plain

NOTE_MAX = 500
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


@form
class Arrival(Form):
    """How an order arrived: a letter by its digest, a call by a note. `on` is a date such as 2026-06-24."""

    how: Literal["letter", "call", "meeting", "message"]
    on: str
    digest: str | None = None
    note: str | None = None

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read how an order arrived. It has no unknown field.

        Raises: Misread: not of this form; or it has no digest and no note, so no one could find the letter or
                call.
        """
        made = super(Arrival, cls).from_json(value)
        made._check()
        return made

    def _check(self) -> None:
        if self.unknown:
            raise Misread("how, on, digest and note", shown(sorted(self.unknown)))
        if not _DATE.fullmatch(self.on):
            raise Misread("a date such as 2026-06-24", shown(self.on), ("on",))
        if self.digest is not None and not _DIGEST.fullmatch(self.digest):
            raise Misread("sha256: and 64 hex digits", shown(self.digest), ("digest",))
        if self.note is not None and not (1 <= len(self.note) <= NOTE_MAX and is_plain(self.note)):
            raise Misread(f"1 to {NOTE_MAX} characters, none invisible", shown(self.note), ("note",))
        if self.digest is None and self.note is None:
            raise Misread("the digest of the letter, or a note of the call", "neither")


@form
class Outsider(Exact):
    """Someone without a key of this log, and how the developer's staff received what they say."""

    reporter: str
    received: Arrival
