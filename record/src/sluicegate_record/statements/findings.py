"""What a party signs about a finding: it reports one, or says something of one that was reported."""

from __future__ import annotations

from typing import Annotated, ClassVar

from sluicegate_record.directives.received import Outsider
from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Exact, Json, Key, form
from sluicegate_record.statements.statement import Statement, check_text, is_hash
from sluicegate_record.terms.findings import KINDS, MISUSE, Axes
from sluicegate_record.terms.plan import ModelDigests

REPORTS, ACKNOWLEDGES, ASKS, GIVES = "reports", "acknowledges", "asks", "gives"
DISPUTES, FIXES, RETESTS = "disputes", "fixes", "retests"
GONE, PERSISTS = "gone", "persists"
"""What a retest found."""
NAME_MAX = 200
KEYS_MAX = 100
"""To how many keys details are sealed, at most."""
_FIELDS = {
    REPORTS: ({"release", "kind", "level", "text"}, {"axes", "model", "tested", "grant", "transcribed"}),
    ACKNOWLEDGES: ({"finding"}, {"text"}),
    ASKS: ({"finding", "text"}, set[str]()),
    GIVES: ({"finding", "text"}, {"transcribed"}),
    DISPUTES: ({"finding", "text"}, set[str]()),
    FIXES: ({"finding", "text"}, {"tested"}),
    RETESTS: ({"finding", "outcome"}, {"text", "tested"}),
}
"""The fields that each word needs, and those that it may have."""
_NAMES = (
    *("release", "finding", "kind", "level", "text", "axes", "model", "tested", "grant"),
    *("transcribed", "outcome"),
)


@form
class SealedDetails(Exact):
    """Details that only the holders of some keys can read: a commitment to them, and the ids of the keys."""

    commitment: str
    keys: tuple[str, ...]


@form
class FindingStatement(Statement):
    """A party's word on a finding; `previous` is the newest one of anyone on it, by its digest.

    One that is reported has no name yet: it is named by the digest of what was signed. `tested` are the
    weights and safeguards on which it was found, that have the fix, or that were tested again.
    """

    TYPE: ClassVar = "urn:sluicegate:finding:v1"

    log: str
    party: str
    says: str
    release: str | None = None
    finding: str | None = None
    kind: str | None = None
    level: str | None = None
    axes: Axes | None = None
    text: str | None = None
    model: str | None = None
    tested: ModelDigests | None = None
    grant: str | None = None
    transcribed: Outsider | None = None
    outcome: str | None = None
    sealed_details: Annotated[SealedDetails | None, Key("sealed")] = None
    previous: str | None = None

    @property
    def subject(self) -> tuple[str, Json]:
        """The release or the finding, by the whole statement."""
        return self.finding or f"{self.release}/finding", self.to_json()

    def check(self) -> None:
        """Check that it says what its word needs, and no more. Raises: BadEnvelope."""
        if self.says not in _FIELDS:
            raise BadEnvelope(f"one of {', '.join(_FIELDS)} expected, found {self.says[:40]!r}")
        needed, allowed = _FIELDS[self.says]
        said = {name for name in _NAMES if getattr(self, name) is not None}
        if not needed <= said <= needed | allowed or (self.previous is None) != (self.says == REPORTS):
            raise BadEnvelope(f"a party that {self.says} a finding says {', '.join(sorted(needed))}")
        if self.text is not None:
            check_text(self.text, "a text")
        for each in (self.level, self.model, self.grant):
            if each is not None:
                check_text(each, "a name", most=NAME_MAX)
        if self.transcribed is not None:
            check_text(self.transcribed.reporter, "who reported it", most=NAME_MAX)
        if self.outcome not in {None, GONE, PERSISTS}:
            raise BadEnvelope(f"{GONE} or {PERSISTS} expected, found {str(self.outcome)[:40]!r}")
        if self.sealed_details is not None:
            _check_sealed(self.sealed_details)
        if self.says == REPORTS:
            self._check_subject()

    def _check_subject(self) -> None:
        """A misuse is about a grant, anything else about a model. Raises: BadEnvelope."""
        if self.kind not in KINDS:
            raise BadEnvelope(f"one of {', '.join(KINDS)} expected, found {str(self.kind)[:40]!r}")
        given = (self.grant is not None, self.model is not None, self.tested is not None)
        is_misuse = self.kind == MISUSE
        if given != (is_misuse, not is_misuse, not is_misuse):
            raise BadEnvelope("a misuse names a grant; any other finding a model, and its digests")


def _check_sealed(sealed: SealedDetails) -> None:
    """Check that details are sealed to some keys, each once. Raises: BadEnvelope."""
    hashes = (sealed.commitment, *sealed.keys)
    is_some = 1 <= len(sealed.keys) <= KEYS_MAX and list(sealed.keys) == sorted(set(sealed.keys))
    if not is_some or not all(map(is_hash, hashes)):
        raise BadEnvelope(f"a commitment, and the ids of 1 to {KEYS_MAX} keys in their order, expected")


def name_of(digest: str) -> str:
    """The name of a finding, by the digest of its report: `finding_` and 32 hex digits."""
    return f"finding_{digest.removeprefix('sha256:')[:32]}"
