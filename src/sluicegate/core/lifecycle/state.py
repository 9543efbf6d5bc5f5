"""The state the rules look at: a fold of the ledger, like the table it holds.

Rules:
- `State.apply` is the only writer, and reads `public` and `gate` parts alone.
- What a case asks is its *question*: JSON that binds release, stage, terms, models, surface and party.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sluicegate.core import canonical, events
from sluicegate.core.events import Entry
from sluicegate.core.quorum import Rule
from sluicegate.core.table import Table, fold_in


@dataclass(frozen=True, slots=True)
class Key:
    """A pinned key: `owner` holds it and speaks for `party` (an agency, or the developer)."""

    keyid: str
    public: bytes
    owner: str
    party: str


@dataclass(slots=True)
class Release:
    """A release and its plan in force. `agreed` holds those of its terms that every agency signed.

    Terms that go out of force are no longer agreed: coming back to them asks again.
    """

    name: str
    plan: dict[str, Any]
    terms: dict[str, str]
    agreed: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A position on the record."""

    agency: str
    owner: str
    position: str
    reason: str
    digest: str
    seq: int
    at_ms: int


@dataclass(slots=True)
class Case:
    """A question put to parties. `positions` holds the newest of each party, `history` all of them."""

    id: str
    kind: str
    question: dict[str, Any]
    rule: Rule
    opened_by: str
    seq: int
    at_ms: int
    organization: str | None
    state: str = "in_review"
    outcome: str | None = None
    grant: str | None = None
    positions: dict[str, Recorded] = field(default_factory=dict)
    history: list[Recorded] = field(default_factory=list)


@dataclass(slots=True)
class Issued:
    """A directive on the record. `lift` is the newest case about lifting it."""

    name: str
    issuer: str
    document: dict[str, Any]
    seq: int
    at_ms: int
    lifted: bool = False
    lift: str | None = None


class State:
    """Everything the rules know, at one size of the log."""

    def __init__(self) -> None:
        self.table = Table()
        self.at_ms = 0
        self.origin = ""
        self.log = ""
        """The log's verifier key: what statements are bound to."""
        self.developer = ""
        self.keys: dict[str, Key] = {}
        self.releases: dict[str, Release] = {}
        self.cases: dict[str, Case] = {}
        self.directives: dict[str, Issued] = {}
        self.credentials: dict[str, str] = {}
        """Grant by credential id."""
        self.open_applications: dict[tuple[str, str, str], str] = {}
        """Case by organization, release, surface."""
        self.holders: dict[tuple[str, str], set[str]] = {}
        """Grants by release and stage."""

    @property
    def size(self) -> int:
        """The log size this state is of."""
        return self.table.size

    @property
    def parties(self) -> frozenset[str]:
        """Every party with a pinned key."""
        return frozenset(key.party for key in self.keys.values())

    def apply(self, entry: Entry) -> None:
        """Fold one entry in. Requires and raises as `Table.apply`."""
        self.table.apply(entry)
        fold = _FOLDS.get(entry.type)
        if fold is not None:
            fold_in(fold, self, entry)
        self.at_ms = entry.at_ms

    def seated(self, release: str, stage: str, now_ms: int) -> frozenset[str]:
        """The organizations that hold a seat of a stage: those with a grant that has not expired."""
        grants = (self.table.grants_by_id[grant] for grant in self.holders.get((release, stage), ()))
        return frozenset(
            grant.organization
            for grant in grants
            if grant.valid_until_ms is None or grant.valid_until_ms > now_ms
        )


def _log_started(state: State, entry: Entry) -> None:
    state.origin, state.developer = entry.public["origin"], entry.public["developer"]
    state.log = entry.public["vkey"]


def _key_pinned(state: State, entry: Entry) -> None:
    public = entry.public
    state.keys[public["keyid"]] = Key(
        public["keyid"], canonical.unb64(public["publicKey"]), public["owner"], public["party"]
    )


def _release_applied(state: State, entry: Entry) -> None:
    name = entry.public["release"]
    plan = entry.public["plan"] if entry.public["announced"] else entry.gate_value("plan")
    before = state.releases.get(name)
    terms = dict(entry.public["terms"])
    agreed = before.agreed.intersection(terms.values()) if before else set()
    state.releases[name] = Release(name, plan, terms, agreed)


def _case_opened(state: State, entry: Entry) -> None:
    public = entry.public
    admission = public["kind"] == "admission"
    organization = entry.gate_value("organization") if admission else None
    case = Case(
        public["case"],
        public["kind"],
        public["question"],
        public["rule"],
        entry.by,
        entry.seq,
        entry.at_ms,
        organization,
    )
    state.cases[case.id] = case
    if organization is not None:
        state.open_applications[organization, public["release"], public["surface"]] = case.id
    if case.kind == "lift":
        state.directives[case.question["directive"]].lift = case.id


def _position_recorded(state: State, entry: Entry) -> None:
    public = entry.public
    said = Recorded(
        public["agency"],
        public["owner"],
        public["position"],
        public["reason"],
        public["digest"],
        entry.seq,
        entry.at_ms,
    )
    case = state.cases[public["case"]]
    case.positions[said.agency] = said
    case.history.append(said)


def _case_waitlisted(state: State, entry: Entry) -> None:
    state.cases[entry.public["case"]].state = "waitlisted"


def _case_determined(state: State, entry: Entry) -> None:
    case = state.cases[entry.public["case"]]
    case.state, case.outcome = "determined", entry.public["outcome"]
    question = case.question
    if case.organization is not None:
        del state.open_applications[case.organization, question["release"], question["surface"]]
    if case.kind == "terms" and case.outcome == "approved":
        state.releases[question["release"]].agreed.add(question["terms"])


def _grant_approved(state: State, entry: Entry) -> None:
    public = entry.public
    state.cases[public["case"]].grant = public["grant"]
    state.holders.setdefault((public["release"], public["stage"]), set()).add(public["grant"])


def _credential_issued(state: State, entry: Entry) -> None:
    state.credentials[entry.public["credential"]] = entry.public["grant"]


def _directive_issued(state: State, entry: Entry) -> None:
    public = entry.public
    state.directives[public["directive"]] = Issued(
        public["directive"], public["issuer"], public["document"], entry.seq, entry.at_ms
    )


def _directive_lifted(state: State, entry: Entry) -> None:
    state.directives[entry.public["directive"]].lifted = True


_FOLDS: dict[str, Callable[[State, Entry], None]] = {
    events.LOG_STARTED: _log_started,
    events.KEY_PINNED: _key_pinned,
    events.RELEASE_APPLIED: _release_applied,
    events.CASE_OPENED: _case_opened,
    events.POSITION_RECORDED: _position_recorded,
    events.CASE_WAITLISTED: _case_waitlisted,
    events.CASE_DETERMINED: _case_determined,
    events.GRANT_APPROVED: _grant_approved,
    events.CREDENTIAL_ISSUED: _credential_issued,
    events.DIRECTIVE_ISSUED: _directive_issued,
    events.DIRECTIVE_LIFTED: _directive_lifted,
}
