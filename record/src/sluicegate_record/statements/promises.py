"""What a party signs about what it promises: that it makes, keeps, changes or breaks a promise."""

from __future__ import annotations

from typing import ClassVar

from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Json, Time, form
from sluicegate_record.statements.about import About
from sluicegate_record.statements.statement import Statement, check_text

MAKES, KEEPS, CHANGES, BREAKS = "makes", "keeps", "changes", "breaks"
PROMISE_MAX = 500
"""How many characters the text of a promise may have, or what follows by default."""
NO_SUBJECT = About()
_ABOUT = (set[str](), {"release"}, {"release", "stage"}, {"case"}, {"directive"})
_FIELDS = {
    MAKES: ({"text", "due_ms"}, {"default", "about"}),
    KEEPS: ({"promise"}, {"text", "previous"}),
    CHANGES: ({"promise", "reason", "text", "due_ms"}, {"default", "previous"}),
    BREAKS: ({"promise", "reason"}, {"previous"}),
}
"""The fields that each word needs, and those that it may have."""


@form
class Promising(Statement):
    """A party's word on a promise of its own. `previous` is its last word on it, by its digest.

    One that is made has no name yet: it is named by the digest of what was signed. `due_ms` is when its
    last day is over, `default` what follows if it is not kept.
    """

    TYPE: ClassVar = "urn:sluicegate:promise:v1"

    log: str
    party: str
    says: str
    promise: str | None = None
    text: str | None = None
    due_ms: Time | None = None
    default: str | None = None
    about: About = NO_SUBJECT
    reason: str | None = None
    previous: str | None = None

    @property
    def subject(self) -> tuple[str, Json]:
        """The party and its promise, by the whole statement."""
        return f"{self.party}/{self.promise or 'promise'}", self.to_json()

    def check(self) -> None:
        """Check that it says what its word needs, and no more. Raises: BadEnvelope."""
        if self.says not in _FIELDS:
            raise BadEnvelope(f"one of {', '.join(_FIELDS)} expected, found {self.says[:40]!r}")
        needed, allowed = _FIELDS[self.says]
        names = ("promise", "text", "due_ms", "default", "reason", "previous")
        said = {name for name in names if getattr(self, name) is not None}
        about = set(self.about.to_json())
        if not needed <= said <= needed | allowed or (about and "about" not in allowed):
            more = ", ".join(sorted(needed)).replace("due_ms", "due")
            raise BadEnvelope(f"a party that {self.says} a promise says {more}")
        if about not in _ABOUT:
            raise BadEnvelope("a promise about a release or a stage of it, a case or a directive expected")
        for text in (self.text, self.default):
            if text is not None:
                check_text(text, "a promise", most=PROMISE_MAX)
        if self.reason is not None:
            check_text(self.reason, "a reason")


def name_of(digest: str) -> str:
    """The name of a promise, by the digest of what made it: `promise_` and 32 hex digits."""
    return f"promise_{digest.removeprefix('sha256:')[:32]}"
