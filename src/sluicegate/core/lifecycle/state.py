"""The state that commands are decided on: the record, the table, and what follows from both.

Rules:
- Only `State.apply` writes it. It reads only the `public` and `gate` parts.
- What is due, who holds a seat, who waits and which application is open follow from the entities of the
  record. Each is looked up here, and no entity is folded twice.
- No command goes through all cases, grants, organizations, persons or credentials: it looks up one here.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple, Self

from sluicegate.core.access.table import Table, fold_in
from sluicegate.core.lifecycle import blocks, registry
from sluicegate.core.lifecycle.agenda import Agenda, What
from sluicegate.core.lifecycle.blocks import StageName, stage_of
from sluicegate.core.lifecycle.docket import Docket
from sluicegate.core.lifecycle.holdings import Holdings
from sluicegate.core.lifecycle.registry import Registry
from sluicegate.core.people.persons import Definition
from sluicegate_record.directives.document import Arrived
from sluicegate_record.entities.case import Case, note_of
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entities.key import PinnedKey
from sluicegate_record.entities.release import Release
from sluicegate_record.entries import (
    Draft,
    Entry,
    cases,
    credentials,
    directives,
    fleet,
    people,
    place_all,
    releases,
)
from sluicegate_record.entries.body import Body, seen
from sluicegate_record.record import Record
from sluicegate_record.terms import durations, kinds


class Nomination(NamedTuple):
    """An organization that the developer hopes for in a stage, by pseudonym; `invited` may apply for it."""

    nomination: str
    release: str
    stage: str
    organization: str
    invited: str | None = None


class Transcript(NamedTuple):
    """What two officers wrote down for an agency: who they are, and how it arrived."""

    officers: tuple[str, ...]
    arrived: Arrived


class PointStatement(NamedTuple):
    """What a point has said of a directive: `enforced` or `restored`, for its document of log size `of`.

    Units: `said_ms` by the point's own clock, `at_ms` by the log's, milliseconds since 1970 UTC.
    """

    says: str
    of: int
    said_ms: int
    seq: int
    at_ms: int


@dataclass(slots=True)
class Point:
    """A declared enforcement point: a surface that has none of our gateways. `stated` is its newest word."""

    name: str
    surface: str
    public: bytes
    owner: str
    at_ms: int
    retired: bool = False
    stated: dict[str, PointStatement] = field(default_factory=dict)
    """Its newest statement for each directive."""


_NO_SEATS: Counter[str] = Counter()


class State:
    """Everything that the commands need, at one size of the log."""

    def __init__(self) -> None:
        self.record = Record()
        self.table = Table()
        self.at_ms = 0
        self.agenda = Agenda()
        self.registry = Registry()
        """Persons, signatories and providers, except what the table holds."""
        self.definitions: dict[str, Definition] = {}
        """The definitions on the record, beside those that every build has."""
        self.spreading: dict[str, None] = {}
        """The directives that have not ended and are not yet noted as in force everywhere, oldest first."""
        self.points: dict[str, Point] = {}
        self.credentials: dict[str, str] = {}
        """The grant of each credential, by credential id."""
        self.provisioned: dict[str, list[str]] = {}
        """The credentials issued under each grant, oldest first."""
        self.granted = Holdings()
        """Every grant."""
        self.reached: dict[str, dict[str, set[str]]] = {}
        """The surfaces on which each model is or was granted, by release and model."""
        self.undescribed: dict[str, None] = {}
        """The holders of grants that the log does not describe: it is of an earlier build."""
        self.keyed = Holdings()
        """The grants under which a credential was issued, in the order of their first ones."""
        self.open_applications: dict[tuple[str, str, str], str] = {}
        """The open case, by organization, release and surface."""
        self.undecided: dict[str, dict[str, None]] = {}
        """The cases about each release that are neither determined nor listed."""
        self.seats: dict[StageName, Counter[str]] = {}
        """Who holds a seat of a stage: organizations, with how many grants and open offers each has."""
        self.waitlists: dict[StageName, dict[str, int]] = {}
        """Waitlisted cases of a stage, in order: by the place in the log at which each came on the list."""
        self.cases_of: dict[str, list[str]] = {}
        """Every case of an applicant, and of an organization, oldest first."""
        self.lists: dict[str, str] = {}
        """The version in use of each screening list."""
        self.nominations: dict[tuple[str, str, str], Nomination] = {}
        """Nominations by release, stage and organization."""
        self.invited: dict[str, set[str]] = {}
        """Who may know of a release because the developer invited them, by release."""
        self.notes: dict[str, dict[str, Any]] = {}
        """Every note, by digest, oldest first."""
        self.remarks: dict[str, list[dict[str, Any]]] = {}
        """The notes about each directive, oldest first."""
        self.transcripts: dict[int, Transcript] = {}
        """What officers wrote down for an agency: positions and directives, by their places in the log."""
        self._docket = Docket(self.transcripts)

    @property
    def size(self) -> int:
        """The log size this state is of."""
        return self.table.size

    @property
    def origin(self) -> str:
        """The log's name."""
        return self.record.origin

    @property
    def log(self) -> str:
        """The log's verifier key. Statements are bound to it."""
        return self.record.log

    @property
    def developer(self) -> str:
        """The party of the officers."""
        return self.record.developer

    @property
    def docket(self) -> Docket:
        """Every case, sorted by what lists and reports ask for."""
        self.settle()
        return self._docket

    @property
    def keys(self) -> Mapping[str, PinnedKey]:
        """Every pinned key, by its id."""
        return self.record.keys

    @property
    def releases(self) -> Mapping[str, Release]:
        """Every release, by name."""
        return self.record.releases

    @property
    def cases(self) -> Mapping[str, Case]:
        """Every case, by id."""
        return self.record.cases

    @property
    def grants(self) -> Mapping[str, Grant]:
        """Every grant, by id."""
        return self.record.grants

    @property
    def directives(self) -> Mapping[str, Directive]:
        """Every directive and drill, by name."""
        return self.record.directives

    @property
    def parties(self) -> frozenset[str]:
        """Every party with a pinned key."""
        return frozenset(key.party for key in self.keys.values())

    def apply(self, entry: Entry) -> None:
        """Fold one entry in. Requires and raises as `Table.apply`."""
        self.table.apply(entry)
        fold_in(_fold, self, entry)
        self.at_ms = entry.at_ms

    def settle(self) -> None:
        """Put the docket in order. Who folds for others calls this last: then no reader changes anything."""
        self._docket.settle(self.record)

    def seated(self, release: str, stage: str) -> AbstractSet[str]:
        """The organizations that hold a seat of a stage now,
        through a grant that has not ended, or an open offer.
        """
        return self.seats.get((release, stage), _NO_SEATS).keys()

    def seats_of(self, release: str, stage: str) -> int | None:
        """How many seats a stage has; None without a limit, 0 if the stage does not exist any more."""
        found = self.releases.get(release)
        body = found.plan.stages.get(stage) if found else None
        return body.seats if body else 0

    def next_offers(self, release: str, stage: str) -> Iterator[str]:
        """The waitlisted cases that can get an offer of a seat now, in order.

        The first ones take the free seats. Further ones are of organizations that have a seat then: these are
        found through the organizations or the list, where there are fewer.
        """
        waiting = self.waitlists.get((release, stage), {})
        seated, seats = self.seated(release, stage), self.seats_of(release, stage)
        free, first, last = len(waiting) if seats is None else seats - len(seated), dict[str, None](), ""
        for last in waiting if free > 0 else ():
            if self._taker(last) not in seated:
                first[self._taker(last)] = None
            yield last
            if len(first) == free:
                break
        further: Iterable[str] = waiting
        if len(seated) < len(waiting):
            cases = (self.cases_of.get(organization, ()) for organization in (*seated, *first))
            further = {name for name in chain.from_iterable(cases) if name in waiting}
        for name in sorted(further, key=waiting.__getitem__):
            is_after = waiting[name] > waiting.get(last, -1)
            if is_after and (self._taker(name) in seated or self._taker(name) in first):
                yield name

    def _taker(self, case: str) -> str:
        """The organization that takes the seat of a case."""
        return self.cases[case].organization or case

    def waitlist(self, stage: StageName) -> dict[str, int]:
        """The waitlist of a stage, to change it."""
        return self.waitlists.setdefault(stage, {})

    def taken(self, stage: StageName) -> Counter[str]:
        """Who holds a seat of a stage, to change it."""
        return self.seats.setdefault(stage, Counter())

    def transcribed_for(self, case: Case) -> tuple[str, ...]:
        """The agencies whose newest position in a case officers wrote down, sorted."""
        said = case.positions.values()
        return tuple(sorted(each.agency for each in said if each.seq in self.transcripts))

    def whose(self, seq: int) -> dict[str, Any]:
        """The fields `transcribed` and `officers` of the position or directive at a place in the log."""
        found = self.transcripts.get(seq)
        return {} if found is None else {"transcribed": found.arrived, "officers": found.officers}

    def party_of(self, grant: str) -> str:
        """The commitment to the dossier that was last agreed to for a grant."""
        party = self.cases[self.grants[grant].dossier].question.party
        assert party is not None
        return party


class Ahead(State):
    """A state with some entries more than are committed; the state below it does not change.

    Only the record, the seats and the waitlists go ahead, and `changed` names what has changed in the record.
    """

    def __init__(self, below: State) -> None:
        vars(self).update(vars(below))
        self.record = below.record.overlay()
        self.seats, self.waitlists = dict(below.seats), dict(below.waitlists)
        self.changed: set[str] = set()
        self._size = below.size
        self._copied: set[int] = set()

    @classmethod
    def of(cls, below: State, drafts: Sequence[Draft], now_ms: int) -> Self:
        """A state with some drafts as they would be: their leaves are not those that they will have."""
        ahead = cls(below)
        for entry in place_all(drafts, seq=below.size, at_ms=now_ms, by="", command=""):
            ahead.apply(entry)
        return ahead

    @property
    def size(self) -> int:
        """The log size this state is of."""
        return self._size

    def apply(self, entry: Entry) -> None:
        """Go one entry ahead. Requires: it is lawful."""
        for before, after in self.record.apply(entry):
            self.changed.add(after.name if isinstance(after, Directive) else after.id)
            follow = _SEATING.get(type(after))
            if follow is not None:
                deque(follow(self, before, after), maxlen=0)
        self._size = entry.size

    def waitlist(self, stage: StageName) -> dict[str, int]:
        """A waitlist of its own."""
        found = super().waitlist(stage)
        if id(found) not in self._copied:
            found = self.waitlists[stage] = dict(found)
            self._copied.add(id(found))
        return found

    def taken(self, stage: StageName) -> Counter[str]:
        """Seats of its own."""
        found = super().taken(stage)
        if id(found) not in self._copied:
            found = self.seats[stage] = Counter(found)
            self._copied.add(id(found))
        return found


def due_ms(state: State, what: What) -> int | None:
    """When something becomes due, from the entity that it is about; None: not any more.

    Requires: that entity has changed since it was put on the agenda.
    """
    case, grant = state.cases.get(what.about), state.grants.get(what.about)
    if case is not None:
        return dict(_due_in(case)).get(what)
    if grant is not None:
        return grant.valid_until_ms if grant.is_live else None
    return _expires_ms(state.directives[what.about])


def _fold(state: State, entry: Entry) -> None:
    touched: dict[StageName, None] = {}
    for before, after in state.record.apply(entry):
        for stage in _FOLLOW[type(after)](state, before, after):
            touched[stage] = None
    fold = _FOLDS.get(type(entry.body))
    if fold is not None:
        touched |= dict.fromkeys(fold(state, entry, entry.body) or ())
    for stage in touched:
        has_offer = any(True for _ in state.next_offers(*stage))
        state.agenda.put(What("/".join(stage), "", "seat"), entry.at_ms if has_offer else None)


# What follows from an entity: the stages whose seats it touches


def _follow_case(state: State, before: Case | None, case: Case) -> Iterator[StageName]:
    state._docket.stale([case.id])
    _follow_times(state, before, case)
    undecided = state.undecided.setdefault(case.question.release, {})
    if case.state in blocks.SETTLED:
        undecided.pop(case.id, None)
    else:
        undecided[case.id] = None
    if before is None:
        for whose in (case.principal, case.organization):
            if whose is not None:
                state.cases_of.setdefault(whose, []).append(case.id)
    if case.kind == kinds.ADMISSION:
        _follow_application(state, before, case)
    if before is not None and before.outcome != case.outcome and case.kind == kinds.TERMS:
        _look_again(state, case.question.release, case.determined_ms or 0)
    yield from _follow_list(state, before, case)


def _follow_list(state: State, before: Case | None, case: Case) -> Iterator[StageName]:
    """Count a case onto its waitlist or off it, and its offer of a seat."""
    listed = before.listed_seq if before is not None else None
    if listed != case.listed_seq:
        _list(state, case)
        yield stage_of(case)
    offered = before is not None and before.state == kinds.OFFERED
    if offered is not (case.state == kinds.OFFERED):
        _seat(state, stage_of(case), case.organization or "", -1 if offered else 1)
        yield stage_of(case)


def _follow_application(state: State, before: Case | None, case: Case) -> None:
    question = case.question
    assert case.organization is not None
    key = (case.organization, question.release or "", question.surface or "")
    if case.state != kinds.DETERMINED:
        state.open_applications[key] = case.id
    elif before is not None and before.state != kinds.DETERMINED:
        state.open_applications.pop(key, None)


def _list(state: State, case: Case) -> None:
    waiting = state.waitlist(stage_of(case))
    if case.listed_seq is None:
        del waiting[case.id]
    else:
        waiting[case.id] = case.listed_seq


def _seat(state: State, stage: StageName, organization: str, by: int) -> None:
    """Count a grant or an open offer in (`by` 1) or out (-1)."""
    taken = state.taken(stage)
    taken[organization] += by
    if taken[organization] <= 0:
        del taken[organization]


def _follow_times(state: State, before: Case | None, case: Case) -> None:
    due = dict(_due_in(case))
    for what, _ in _due_in(before) if before is not None else ():
        if what not in due:
            state.agenda.put(what, None)
    for what, due_ms in due.items():
        state.agenda.put(what, due_ms)
    state.agenda.put(What(case.id, "", "look"), None)


def _due_in(case: Case) -> Iterator[tuple[What, int]]:
    """What becomes due in a case, and when."""
    if case.state == kinds.OFFERED and case.offer_until_ms is not None:
        yield What(case.id, "", "offer"), case.offer_until_ms
    if not case.is_reviewed:
        return
    for agency, timer in case.clocks.items():
        if timer.due_ms is not None:
            yield What(case.id, agency, "silence"), timer.due_ms
            warn = case.procedure.clock.warn if case.procedure.clock is not None else None
            if warn is not None and timer.due_ms != timer.warned_ms:
                yield What(case.id, agency, "warning"), timer.due_ms - durations.milliseconds(warn)
    if case.due_ms is not None and case.asked_ms is None:
        yield What(case.id, "", "whole"), case.due_ms
    if case.reply_by_ms is not None and not case.reply_is_over:
        yield What(case.id, "", "reply"), case.reply_by_ms


def _follow_grant(state: State, before: Grant | None, grant: Grant) -> Iterator[StageName]:
    if before is None:
        state.granted.add(grant, state.cases[grant.case])
        if grant.organization not in state.table.organizations:
            state.undescribed[grant.organization] = None
    row = state.table.grants_by_id[grant.id]
    for model in row.models:
        state.reached.setdefault(row.release, {}).setdefault(model, set()).add(row.surface)
    state.agenda.put(What(grant.id, "", "expiry"), grant.valid_until_ms if grant.is_live else None)
    yield from _follow_seat(state, before, grant)


def _follow_seat(state: State, before: Grant | None, grant: Grant) -> Iterator[StageName]:
    """Count the seat that a grant holds."""
    was_live = before is not None and before.is_live
    if was_live is not grant.is_live:
        stage = (grant.release, grant.stage)
        _seat(state, stage, grant.organization, 1 if grant.is_live else -1)
        yield stage


def _follow_directive(state: State, before: Directive | None, found: Directive) -> Iterator[StageName]:
    state.agenda.put(What(found.name, "", "directive"), _expires_ms(found))
    if found.ended is not None or found.in_force_ms is not None:
        state.spreading.pop(found.name, None)
    else:
        state.spreading.setdefault(found.name)
    yield from ()


def _expires_ms(found: Directive) -> int | None:
    return None if found.ended is not None or found.is_drill else found.document.spec.expires_ms


_SEATING: dict[type, Callable[[State, Any, Any], Iterator[StageName]]] = {
    Case: _follow_list,
    Grant: _follow_seat,
}
_FOLLOW: dict[type, Callable[[State, Any, Any], Iterator[StageName]]] = {
    Case: _follow_case,
    Grant: _follow_grant,
    Directive: _follow_directive,
}


# What is on no entity of the record


def _key_pinned(state: State, entry: Entry, body: releases.KeyPinned) -> None:
    state._docket.stale([case.id for case in state._docket.open_cases()])


def _release_applied(state: State, entry: Entry, body: releases.ReleaseApplied) -> list[StageName]:
    state._docket.stale([case.id for case in state._docket.open_cases(body.release)])
    _look_again(state, body.release, entry.at_ms)
    return [(body.release, stage) for stage in body.terms]


def _stage_opened(state: State, entry: Entry, body: releases.StageOpened) -> None:
    _look_again(state, body.release, entry.at_ms)


def _look_again(state: State, release: str, at_ms: int) -> None:
    """Put on the agenda the cases that a change of terms, their agreement or their opening has set free."""
    undecided = map(state.cases.__getitem__, state.undecided.get(release, ()))
    for case in blocks.set_free(state.record, undecided, at_ms):
        state.agenda.put(What(case.id, "", "look"), at_ms)


def _organization_nominated(state: State, entry: Entry, body: releases.OrganizationNominated) -> None:
    organization = seen(body.organization)
    invited = seen(body.invited)
    found = Nomination(body.nomination, body.release, body.stage, organization, invited)
    state.nominations[body.release, body.stage, organization] = found
    if invited is not None:
        state.invited.setdefault(body.release, set()).add(invited)


def _list_changed(state: State, entry: Entry, body: releases.ListChanged) -> None:
    state.lists[body.name] = body.version


def _record_added(state: State, entry: Entry, body: releases.RecordAdded) -> None:
    note = state.notes[body.digest] = note_of(entry, body)
    if body.about.directive is not None:
        state.remarks.setdefault(body.about.directive, []).append(note)


def _position_recorded(state: State, entry: Entry, body: cases.PositionRecorded) -> None:
    if body.transcribed is not None:
        state.transcripts[entry.seq] = Transcript(body.owners or (body.owner,), body.transcribed)


def _directive_issued(state: State, entry: Entry, body: directives.DirectiveIssued) -> None:
    if body.document.is_transcribed:
        signers = body.signers or (body.signed_by,)
        state.transcripts[entry.seq] = Transcript(signers, body.document.metadata.transcribed)


def _credential_issued(state: State, entry: Entry, body: credentials.CredentialIssued) -> None:
    state.credentials[body.credential] = body.grant
    state.provisioned.setdefault(body.grant, []).append(body.credential)
    if body.grant not in state.keyed:
        grant = state.grants[body.grant]
        state.keyed.add(grant, state.cases[grant.case])


def _organization_described(state: State, entry: Entry, body: people.OrganizationDescribed) -> None:
    state.undescribed.pop(seen(body.described).organization, None)


def _definition_added(state: State, entry: Entry, body: directives.DefinitionAdded) -> None:
    state.definitions[body.definition] = Definition(body.definition, body.statuses, body.source)


def _point_declared(state: State, entry: Entry, body: fleet.PointDeclared) -> None:
    state.points[body.point] = Point(body.point, body.surface, body.public_key, body.owner, entry.at_ms)


def _point_retired(state: State, entry: Entry, body: fleet.PointRetired) -> None:
    state.points[body.point].retired = True


def _point_stated(state: State, entry: Entry, body: fleet.PointStated) -> None:
    stated = PointStatement(body.says, body.size, body.at_ms, entry.seq, entry.at_ms)
    state.points[body.point].stated[body.directive] = stated


def _registry(state: State, entry: Entry, body: Body) -> None:
    registry.FOLDS[type(body)](state.registry, entry, body)


_FOLDS: dict[type[Body], Callable[[State, Entry, Any], list[StageName] | None]] = {
    releases.KeyPinned: _key_pinned,
    releases.ReleaseApplied: _release_applied,
    releases.StageOpened: _stage_opened,
    releases.OrganizationNominated: _organization_nominated,
    releases.ListChanged: _list_changed,
    releases.RecordAdded: _record_added,
    cases.PositionRecorded: _position_recorded,
    directives.DirectiveIssued: _directive_issued,
    credentials.CredentialIssued: _credential_issued,
    people.OrganizationDescribed: _organization_described,
    directives.DefinitionAdded: _definition_added,
    fleet.PointDeclared: _point_declared,
    fleet.PointRetired: _point_retired,
    fleet.PointStated: _point_stated,
    **dict.fromkeys(registry.FOLDS, _registry),
}
