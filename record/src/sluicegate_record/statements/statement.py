"""The one way to write and read a statement.

Rules:
- A statement is a form. Its fields are the predicate. Its subjects are the things that it binds by digest.
- A statement is read only if it is exactly what we would have written: the same fields, in canonical form.
- A statement may say when it was signed. Then no one can keep it back for long, and enter it when it suits.
"""

from __future__ import annotations

import re
from typing import ClassVar, Self

from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Exact, Json, Misread, Time, codec_of, form, replace
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms.text import REASON_MAX, is_plain

KEPT_MS = 30 * DAY_MS
"""How long after it was signed a statement may be entered."""
AHEAD_MS = 3_600_000
"""How far the clock of who signs may be ahead of the log's."""
UNTIMELY = "a statement that was signed more than 30 days before it is entered, or after that"
SIGNED_AT = b'"signedAt"'
_TIME = codec_of(Time | None)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


@form
class Statement(Exact):
    """What someone signs. `TYPE` is its predicate type; `signed_at_ms` when it was signed, if it says so."""

    TYPE: ClassVar[str]

    signed_at_ms: Time | None = None

    @property
    def subject(self) -> tuple[str, Json]:
        """The name of what it is about, and the JSON whose digest it binds."""
        raise NotImplementedError

    @property
    def subjects(self) -> dict[str, str]:
        """What it is about: SHA-256 in 64 hex digits, by name."""
        name, bound = self.subject
        return {name: canonical.digest(bound).removeprefix("sha256:")}

    def check(self) -> None:
        """Check what the types of the fields do not say. Raises: BadEnvelope."""

    def payload(self) -> bytes:
        """The bytes to sign: the in-toto statement, in canonical JSON."""
        return dsse.statement(self.subjects, self.TYPE, self.to_json())

    def payload_at(self, signed_ms: int) -> bytes:
        """The bytes to sign, which say that they are signed at a time. Units: milliseconds since 1970 UTC.

        Raises: BadEnvelope: no reader would accept it.
        """
        made = replace(self, signed_at_ms=signed_ms).payload()
        type(self).read(Envelope(dsse.PAYLOAD_TYPE_INTOTO, made, ()))
        return made

    @classmethod
    def read(cls, envelope: Envelope) -> Self:
        """The statement in an envelope. This does not check the signatures.

        Raises: BadEnvelope: another statement, or one that we would have written differently.
        """
        predicate = dsse.parse_statement(envelope, cls.TYPE).predicate
        try:
            made = cls.from_json(predicate)
        except Misread as error:
            raise BadEnvelope(f"a statement that cannot be read: {error.message}") from error
        made.check()
        if envelope.payload != made.payload():
            raise BadEnvelope("a statement whose subject does not fit, or that is not in canonical form")
        return made


def is_timely(envelope: Envelope, at_ms: int) -> bool:
    """Whether a statement may be entered at a time, by what it says of when it was signed.

    Units: `at_ms` milliseconds since 1970 UTC. Raises: BadEnvelope: not a statement.
    """
    stated_ms = signed_ms(envelope)
    return stated_ms is None or stated_ms - AHEAD_MS <= at_ms <= stated_ms + KEPT_MS


def signed_ms(envelope: Envelope) -> int | None:
    """When a statement says that it was signed, milliseconds since 1970 UTC; None if it does not say it.

    Raises: BadEnvelope: not a statement, or not a time.
    """
    if SIGNED_AT not in envelope.payload:
        return None
    stated = dsse.parse_statement(envelope, dsse.predicate_type(envelope)).predicate.get("signedAt")
    try:
        stated_ms: int | None = _TIME.read(stated)
    except Misread as error:
        raise BadEnvelope(
            f"a statement that was signed at {error.found}, {error.expected} expected"
        ) from error
    return stated_ms


def check_text(text: str, what: str, *, least: int = 1, most: int = REASON_MAX) -> None:
    """Check a text that people read. Units: characters. Raises: BadEnvelope."""
    if len(text) > most or len(text.strip()) < least or not is_plain(text):
        raise BadEnvelope(f"{what}: text of at most {most} characters, none of them invisible, expected")


def is_hash(text: str) -> bool:
    """Whether a text is 64 lower-case hex digits."""
    return _HASH.fullmatch(text) is not None
