"""Entries of the ledger: their three parts, their leaf, and how commands become entries.

Rules:
- A leaf is RFC 8785 JSON of `{v, seq, at, type, stream, by, id, public, gate, sealed}`.
- For `gate` and `sealed` the leaf holds commitments only, one per field:
  HMAC-SHA256(32-byte salt, tag || body), where tag is "sluicegate:v1:<part>:<field>:".
- `by`, `stream` and `id` are pseudonyms: they name no applicant and no person.
- A leaf has at most 65,535 bytes.
- Types and fields are only added. A reader that meets an unknown version or type stops.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sluicegate_record.errors import InvalidInput, VerificationFailed
from sluicegate_record.log import canonical, times

VERSION = 1
LEAF_BYTES_MAX = 65_535
GATE_BYTES_MAX = 16 * 1024 * 1024
"""How much the gate part of an entry may hold: one that no answer of the feed carries stops every gateway."""
SALT_BYTES = 32

LOG_STARTED = "log.started"
KEY_PINNED = "key.pinned"
RELEASE_APPLIED = "release.applied"
STAGE_OPENED = "stage.opened"
ORGANIZATION_NOMINATED = "organization.nominated"
LIST_CHANGED = "list.changed"
RECORD_ADDED = "record.added"
CASE_OPENED = "case.opened"
CASE_RECEIVED = "case.received"
CASE_WARNED = "case.warned"
CASE_ESCALATED = "case.escalated"
CASE_SILENT = "case.silent"
CASE_ANSWERED = "case.answered"
CASE_SCREENED = "case.screened"
CASE_PROCEEDED = "case.proceeded"
CASE_WAITLISTED = "case.waitlisted"
CASE_OFFERED = "case.offered"
CASE_RESUMED = "case.resumed"
CASE_REPLIED = "case.replied"
CASE_DETERMINED = "case.determined"
POSITION_RECORDED = "position.recorded"
GRANT_APPROVED = "grant.approved"
GRANT_PROVEN = "grant.proven"
GRANT_AMENDED = "grant.amended"
GRANT_SUSPENDED = "grant.suspended"
GRANT_RESUMED = "grant.resumed"
GRANT_ENDED = "grant.ended"
GRANT_REINSTATED = "grant.reinstated"
GRANT_FALLBACK_CHOSEN = "grant.fallback_chosen"
CREDENTIAL_ISSUED = "credential.issued"
CREDENTIAL_REVOKED = "credential.revoked"
CREDENTIAL_ATTESTED = "credential.attested"
ORGANIZATION_DESCRIBED = "organization.described"
MEMBERS_REGISTERED = "members.registered"
MEMBERS_REMOVED = "members.removed"
STATUS_CLAIMED = "status.claimed"
STATUS_REVOKED = "status.revoked"
SIGNATORY_PINNED = "signatory.pinned"
SIGNATORY_RETIRED = "signatory.retired"
PROVIDER_REGISTERED = "provider.registered"
PROVIDER_REMOVED = "provider.removed"
DEFINITION_ADDED = "definition.added"
DIRECTIVE_ISSUED = "directive.issued"
DIRECTIVE_CONFIRMED = "directive.confirmed"
DIRECTIVE_LIFTED = "directive.lifted"
DIRECTIVE_EXPIRED = "directive.expired"
DRILL_REPORTED = "drill.reported"
DIRECTIVE_IN_FORCE = "directive.in_force"
POINT_DECLARED = "point.declared"
POINT_RETIRED = "point.retired"
POINT_STATED = "point.stated"

TYPES = frozenset(
    {
        LOG_STARTED,
        KEY_PINNED,
        RELEASE_APPLIED,
        STAGE_OPENED,
        ORGANIZATION_NOMINATED,
        LIST_CHANGED,
        RECORD_ADDED,
        CASE_OPENED,
        CASE_RECEIVED,
        CASE_WARNED,
        CASE_ESCALATED,
        CASE_SILENT,
        CASE_ANSWERED,
        CASE_SCREENED,
        CASE_PROCEEDED,
        CASE_WAITLISTED,
        CASE_OFFERED,
        CASE_RESUMED,
        CASE_REPLIED,
        CASE_DETERMINED,
        POSITION_RECORDED,
        GRANT_APPROVED,
        GRANT_PROVEN,
        GRANT_AMENDED,
        GRANT_SUSPENDED,
        GRANT_RESUMED,
        GRANT_ENDED,
        GRANT_REINSTATED,
        GRANT_FALLBACK_CHOSEN,
        CREDENTIAL_ISSUED,
        CREDENTIAL_REVOKED,
        CREDENTIAL_ATTESTED,
        ORGANIZATION_DESCRIBED,
        MEMBERS_REGISTERED,
        MEMBERS_REMOVED,
        STATUS_CLAIMED,
        STATUS_REVOKED,
        SIGNATORY_PINNED,
        SIGNATORY_RETIRED,
        PROVIDER_REGISTERED,
        PROVIDER_REMOVED,
        DEFINITION_ADDED,
        DIRECTIVE_ISSUED,
        DIRECTIVE_CONFIRMED,
        DIRECTIVE_LIFTED,
        DIRECTIVE_EXPIRED,
        DRILL_REPORTED,
        DIRECTIVE_IN_FORCE,
        POINT_DECLARED,
        POINT_RETIRED,
        POINT_STATED,
    }
)


class Entropy:
    """Fresh bytes for one command, drawn from one random seed, so that `decide` stays a function.

    Requires: `seed` is 32 random bytes, used for one command and then forgotten.
    """

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._drawn = 0

    def bytes(self) -> bytes:
        """The next 32 bytes."""
        self._drawn += 1
        return hmac.new(self._seed, self._drawn.to_bytes(4, "big"), hashlib.sha256).digest()

    def name(self, prefix: str) -> str:
        """A new pseudonym, such as `case_6n3v…`: 80 random bits."""
        return f"{prefix}_{base64.b32encode(self.bytes()[:10]).decode().lower()}"


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens a commitment: the salt and the canonical JSON it was made over."""

    salt: bytes
    body: bytes

    def value(self) -> Any:
        """The committed value."""
        return canonical.loads(self.body)

    def commitment(self, part: str, name: str) -> str:
        """The commitment to this opening as field `name` of `part`, as lower-case hex."""
        tag = f"sluicegate:v{VERSION}:{part}:{name}:".encode()
        return hmac.new(self.salt, tag + self.body, hashlib.sha256).hexdigest()


def opening(value: canonical.Json, entropy: Entropy) -> Opening:
    """Commit to `value` under a fresh salt."""
    return Opening(entropy.bytes(), canonical.dumps(value))


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before the writer has given it its place and time."""

    type: str
    stream: str
    public: Mapping[str, Any] = field(default_factory=dict)
    gate: Mapping[str, Opening] = field(default_factory=dict)
    sealed: Mapping[str, Opening] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry with its openings.

    Units: `seq` counts from 0 and is the leaf index; `at_ms` milliseconds since 1970 UTC.
    """

    seq: int
    at_ms: int
    type: str
    stream: str
    by: str
    id: str
    public: Mapping[str, Any]
    gate: Mapping[str, Opening]
    sealed: Mapping[str, Opening]
    leaf: bytes

    @property
    def size(self) -> int:
        """The smallest log size that holds this entry."""
        return self.seq + 1

    def committed(self, part: str) -> frozenset[str]:
        """The fields of a part that the leaf commits to."""
        leaf: Any = canonical.loads(self.leaf)
        return frozenset(leaf[part])

    def gate_value(self, name: str) -> Any:
        """The value of gate field `name`.

        Raises: VerificationFailed: the field has no opening here.
        """
        opened = self.gate.get(name)
        if opened is None:
            raise VerificationFailed(f"entry {self.seq} ({self.type}) came without its gate part {name!r}")
        return opened.value()


def place(draft: Draft, *, seq: int, at_ms: int, by: str, command: str) -> Entry:
    """Give a draft its place in the log.

    Raises: InvalidInput: the leaf would be larger than 65,535 bytes, or the gate part than GATE_BYTES_MAX.
    """
    carried = sum(len(opened.body) for opened in draft.gate.values())
    if carried > GATE_BYTES_MAX:
        raise InvalidInput(
            f"a {draft.type} entry with {carried} bytes for gateways, expected at most {GATE_BYTES_MAX}; "
            "name fewer"
        )
    leaf = canonical.dumps(
        {
            "v": VERSION,
            "seq": seq,
            "at": times.format_time(at_ms),
            "type": draft.type,
            "stream": draft.stream,
            "by": by,
            "id": command,
            "public": dict(draft.public),
            "gate": _commitments("gate", draft.gate),
            "sealed": _commitments("sealed", draft.sealed),
        }
    )
    if len(leaf) > LEAF_BYTES_MAX:
        raise InvalidInput(
            f"a {draft.type} entry of {len(leaf)} bytes, expected at most {LEAF_BYTES_MAX}; make it smaller"
        )
    return Entry(
        seq, at_ms, draft.type, draft.stream, by, command, draft.public, draft.gate, draft.sealed, leaf
    )


def read(
    leaf: bytes, gate: Mapping[str, Opening] | None = None, sealed: Mapping[str, Opening] | None = None
) -> Entry:
    """Read a leaf back, checking every opening given against its commitment.

    Openings may be missing (an auditor has none); one that is given must fit.
    Raises: NotCanonical; VerificationFailed: not an entry, an unknown version, or a wrong opening.
    """
    value = canonical.loads(leaf, max_bytes=LEAF_BYTES_MAX)
    if not isinstance(value, dict) or type(value.get("v")) is not int:
        raise VerificationFailed("a leaf that is not an entry: expected an object with a version 'v'")
    if value["v"] != VERSION:
        raise VerificationFailed(
            f"an entry of version {value['v']!r}, expected {VERSION}; update this program"
        )
    for name, kind in _FIELDS.items():
        if type(value.get(name)) is not kind:
            raise VerificationFailed(f"an entry whose {name!r} is not of type {kind.__name__}")
    openings = {"gate": gate or {}, "sealed": sealed or {}}
    for part, given in openings.items():
        _check_openings(part, given, value[part], value["seq"])
    return Entry(
        value["seq"],
        times.parse_time(value["at"]),
        value["type"],
        value["stream"],
        value["by"],
        value["id"],
        value["public"],
        openings["gate"],
        openings["sealed"],
        leaf,
    )


_FIELDS: dict[str, type] = {
    "seq": int,
    "at": str,
    "type": str,
    "stream": str,
    "by": str,
    "id": str,
    "public": dict,
    "gate": dict,
    "sealed": dict,
}


def _commitments(part: str, openings: Mapping[str, Opening]) -> dict[str, str]:
    return {name: opened.commitment(part, name) for name, opened in openings.items()}


def _check_openings(part: str, given: Mapping[str, Opening], committed: Mapping[str, str], seq: int) -> None:
    for name, opened in given.items():
        if committed.get(name) != opened.commitment(part, name):
            raise VerificationFailed(f"entry {seq}: {part} part {name!r} does not open its commitment")


def place_all(drafts: Sequence[Draft], *, seq: int, at_ms: int, by: str, command: str) -> list[Entry]:
    """Give a command's drafts consecutive places from `seq`."""
    return [place(draft, seq=seq + i, at_ms=at_ms, by=by, command=command) for i, draft in enumerate(drafts)]
