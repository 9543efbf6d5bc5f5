"""The state the rules look at: a fold of the ledger, like the table it holds.

Rules:
- `State.apply` is the only writer, and reads `public` and `gate` parts alone.
- What a case asks is its *question*, which binds release, stage, terms, models, surface and party.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from sluicegate.core.access.table import Table, fold_in, plan_in
from sluicegate.core.lifecycle import registry
from sluicegate.core.lifecycle.agenda import Agenda, What
from sluicegate.core.lifecycle.case import UNTIMED, Case, Clock, Recorded
from sluicegate.core.lifecycle.registry import Registry
from sluicegate.core.people.persons import Definition
from sluicegate_record.directives.document import Document
from sluicegate_record.log import canonical, events, times
from sluicegate_record.log.events import Entry
from sluicegate_record.statements.question import Question
from sluicegate_record.terms import durations, kinds
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.plan import Plan, Procedure
from sluicegate_record.terms.rule import Rule

Stage: TypeAlias = tuple[str, str]
"""A release and one of its stages, by name."""
ENDED = frozenset({"expired", "removed", "surrendered"})


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

    Terms that go out of force are no longer agreed: coming back to them asks again. `within` holds, for terms
    in force that are provably tighter than others that were agreed, those others.
    """

    name: str
    plan: Plan
    terms: dict[str, str]
    agreed: set[str] = field(default_factory=set)
    within: dict[str, frozenset[str]] = field(default_factory=dict)

    def answers(self, stage: str, terms: str) -> bool:
        """Whether a case about these terms still answers the stage as it is in force."""
        current = self.terms.get(stage)
        return current is not None and (terms == current or terms in self.within.get(current, ()))


class Former(NamedTuple):
    """The document of a directive that another took the place of, `replaced_seq` and `replaced_ms` says when.

    Units: `replaced_ms` milliseconds since 1970 UTC.
    """

    directive: str
    document: Document
    seq: int
    replaced_seq: int
    replaced_ms: int


@dataclass(slots=True)
class Issued:
    """A directive on the record, or a drill.

    `lifts` are the cases about lifting it, oldest first, `parts` the parts lifted; `lifted` says that it has
    ended, and `ended` how: `lifted`, `replaced` or `expired`; `history` holds the documents it replaced.
    `in_force_ms` is when it came to be in force everywhere, by the entry `in_force_seq`; None until noted.
    """

    name: str
    issuer: str
    document: Document
    seq: int
    at_ms: int
    confirmed: bool = False
    lifted: bool = False
    ended: str = ""
    ended_ms: int | None = None
    ended_seq: int | None = None
    lifts: list[str] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)
    history: tuple[Former, ...] = ()
    in_force_ms: int | None = None
    in_force_seq: int | None = None
    report: dict[str, Any] | None = None
    """The signed report of a drill."""

    @property
    def size(self) -> int:
        """The log size that holds its newest document."""
        return self.seq + 1

    @property
    def holds_ms(self) -> int:
        """When it stops everybody it covers, its grace included: milliseconds since 1970 UTC."""
        spec = self.document.spec
        return spec.begins_ms(self.at_ms) + spec.drain_ms

    @property
    def is_drill(self) -> bool:
        """Whether nobody is refused by it."""
        return self.document.is_drill

    @property
    def is_transcribed(self) -> bool:
        """Whether officers entered it for its issuer."""
        return self.document.is_transcribed

    @property
    def lift(self) -> str | None:
        """The newest case about lifting it."""
        return self.lifts[-1] if self.lifts else None

    def end(self, how: str, entry: Entry) -> None:
        """It is over."""
        self.lifted, self.ended, self.ended_ms, self.ended_seq = True, how, entry.at_ms, entry.seq


class Stated(NamedTuple):
    """What a point has said of a directive: `enforced` or `restored`, of its document of log size `of`.

    Units: `said_ms` by the point's own word, `at_ms` by the log, milliseconds since 1970 UTC.
    """

    says: str
    of: int
    said_ms: int
    seq: int
    at_ms: int


@dataclass(slots=True)
class Point:
    """A declared enforcement point: a surface without a gateway of ours. `stated` is its newest word."""

    name: str
    surface: str
    public: bytes
    owner: str
    at_ms: int
    retired: bool = False
    stated: dict[str, Stated] = field(default_factory=dict)
    """By directive."""


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
        self.plans: dict[str, Plan] = {}
        """The plan under which terms were those of a stage, by their digest, in force or not."""
        self.cases: dict[str, Case] = {}
        self.directives: dict[str, Issued] = {}
        self.definitions: dict[str, Definition] = {}
        """What definitions mean, beside those that every build has."""
        self.spreading: dict[str, None] = {}
        """The directives neither lifted nor noted to be in force everywhere, oldest first."""
        self.points: dict[str, Point] = {}
        self.registry = Registry()
        """Persons, signatories and providers, as far as the table does not hold them."""
        self.credentials: dict[str, str] = {}
        """Grant by credential id."""
        self.provisioned: set[str] = set()
        """The grants under which a credential was issued."""
        self.open_applications: dict[tuple[str, str, str], str] = {}
        """Case by organization, release, surface."""
        self.seats: dict[Stage, Counter[str]] = {}
        """Who holds a seat of a stage: organizations, by how many grants and open offers each holds."""
        self.waitlists: dict[Stage, dict[str, int]] = {}
        """Waitlisted cases of a stage in their order, by the log's place at which each came on the list."""
        self.grants: dict[str, str] = {}
        """What every grant's case is, by grant."""
        self.standing: dict[str, str] = {}
        """What has become of a grant: `suspended`, `expired`, `removed`, `surrendered`; none as approved."""
        self.cases_of: dict[str, list[str]] = {}
        """Every case of an applicant, and of an organization, oldest first."""
        self.dossiers: dict[str, str] = {}
        """The case whose sealed part holds the dossier that a grant was last agreed for."""
        self.amendments: dict[str, str] = {}
        """The open amendment of a grant."""
        self.removals: dict[str, str] = {}
        """The open removal of a grant."""
        self.lists: dict[str, str] = {}
        """The version in use of every screening list."""
        self.opened: dict[str, int] = {}
        """When a stage was first opened under terms, by their digest."""
        self.nominations: dict[str, dict[str, Any]] = {}
        self.notes: list[dict[str, Any]] = []
        self.agenda = Agenda()

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

    def seated(self, release: str, stage: str) -> frozenset[str]:
        """The organizations that hold a seat of a stage, by a grant that has not ended or an open offer."""
        return frozenset(self.seats.get((release, stage), ()))

    def seats_of(self, release: str, stage: str) -> int | None:
        """How many seats a stage has; None without a limit, 0 where there is no such stage any more."""
        found = self.releases.get(release)
        body = found.plan.stages.get(stage) if found else None
        return body.seats if body else 0

    def next_offers(self, release: str, stage: str) -> list[str]:
        """The waitlisted cases to whom a seat can be offered now, in their order."""
        taken = set(self.seated(release, stage))
        seats = self.seats_of(release, stage)
        found = []
        for name in self.waitlists.get((release, stage), ()):
            organization = self.cases[name].organization or name
            if organization in taken or seats is None or len(taken) < seats:
                taken.add(organization)
                found.append(name)
        return found

    def is_live(self, grant: str) -> bool:
        """Whether a grant has not ended; it may be suspended."""
        return self.standing.get(grant) not in ENDED

    def party_of(self, grant: str) -> str:
        """The commitment to the dossier that a grant was last agreed for."""
        return self.cases[self.dossiers[grant]].question.party

    def take_seat(self, case: Case, at_ms: int, by: int = 1) -> None:
        """Count a grant or an open offer in (`by` 1) or out (-1)."""
        key = stage_of(case)
        taken = self.seats.setdefault(key, Counter())
        taken[case.organization or ""] += by
        if taken[case.organization or ""] <= 0:
            del taken[case.organization or ""]
        self.look_for_seats(key, at_ms)

    def look_for_seats(self, key: Stage, at_ms: int) -> None:
        """Put a free seat and somebody waiting for it on the agenda."""
        offers = self.next_offers(*key) if self.waitlists.get(key) else []
        self.agenda.put(What("/".join(key), "", "seat"), at_ms if offers else None)


def stage_of(case: Case) -> Stage:
    """Release and stage of a case that is about one."""
    return case.question.release, case.question.stage


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
    given = plan_in(entry)
    before = state.releases.get(name)
    terms = dict(entry.public["terms"])
    after = Release(name, given, terms)
    if before is not None:
        after.agreed = before.agreed.intersection(terms.values())
        after.within = {digest: before.within[digest] for digest in terms.values() if digest in before.within}
        for stage, agreed in entry.public.get("tightened", {}).items():
            after.agreed.add(terms[stage])
            after.within[terms[stage]] = before.within.get(agreed, frozenset()) | {agreed}
            if agreed in state.opened:
                state.opened.setdefault(terms[stage], state.opened[agreed])
    state.releases[name] = after
    state.plans |= dict.fromkeys(terms.values(), given)
    for stage in terms:
        state.look_for_seats((name, stage), entry.at_ms)


def _case_opened(state: State, entry: Entry) -> None:
    public = entry.public
    kind, question = public["kind"], Question.from_json(public["question"])
    about_one = "organization" in entry.gate
    organization = entry.gate_value("organization") if about_one else None
    case = Case(
        public["case"],
        kind,
        question,
        Rule.from_json(public["rule"]),
        public.get("applicant", entry.by),
        entry.seq,
        entry.at_ms,
        organization,
        basis=public.get("basis", ""),
        procedure=Procedure.from_json(public["procedure"]) if "procedure" in public else UNTIMED,
        subject=question.against or question.grant or None,
        state=kinds.SUBMITTED if kind in kinds.APPLIED else kinds.IN_REVIEW,
        reason_code=question.reason_code or None,
        opening=public.get("opening"),
        described=entry.gate_value("described") if "described" in entry.gate else None,
        named=entry.gate_value("named") if "named" in entry.gate else None,
    )
    case.dossier = _dossier(state, case)
    state.cases[case.id] = case
    for whose in (case.applicant, organization):
        if whose is not None:
            state.cases_of.setdefault(whose, []).append(case.id)
    if kind == kinds.ADMISSION and organization is not None:
        state.open_applications[organization, question.release, question.surface] = case.id
    elif kind == kinds.LIFT:
        state.directives[question.directive].lifts.append(case.id)
    elif kind == kinds.APPEAL:
        state.cases[question.against].appeal = case.id
    elif kind in _BY_GRANT:
        _BY_GRANT[kind](state)[question.grant] = case.id
    _whole_due(state, case, public.get("due"))
    _reply_by(state, case, public.get("replyBy"))


def _dossier(state: State, case: Case) -> str:
    """The case whose sealed part holds what a case is about."""
    if case.kind == kinds.APPEAL:
        return state.cases[case.question.against].dossier
    grant = case.question.grant
    if not grant or case.question.party != state.party_of(grant):
        return case.id
    return state.dossiers[grant]


_BY_GRANT: dict[str, Callable[[State], dict[str, str]]] = {
    kinds.AMENDMENT: lambda state: state.amendments,
    kinds.REMOVAL: lambda state: state.removals,
}


def _case_received(state: State, entry: Entry) -> None:
    public = entry.public
    case = state.cases[public["case"]]
    case.clocks[public["agency"]] = Clock(entry.at_ms, public["digest"])
    _begun(case)
    _agency_due(state, case, public["agency"], public["due"])


def _case_warned(state: State, entry: Entry) -> None:
    agency = entry.public["agency"]
    state.agenda.put(What(entry.public["case"], agency or "", "warning" if agency else "reply"), None)
    if agency is not None:
        clock = state.cases[entry.public["case"]].clocks[agency]
        clock.warned_ms = clock.due_ms


def _case_escalated(state: State, entry: Entry) -> None:
    public = entry.public
    case = state.cases[public["case"]]
    if public["agency"] is None:
        _whole_due(state, case, None)
        return
    clock = case.clocks[public["agency"]]
    clock.rung, clock.climbed_ms = clock.rung + 1, entry.at_ms
    _agency_due(state, case, public["agency"], public["due"])


def _case_silent(state: State, entry: Entry) -> None:
    public = entry.public
    case = state.cases[public["case"]]
    if public["agency"] is None:
        case.unopposed = True
        _whole_due(state, case, None)
        return
    case.clocks[public["agency"]].silence = public["meaning"]
    _agency_due(state, case, public["agency"], None)


def _case_answered(state: State, entry: Entry) -> None:
    public = entry.public
    case = state.cases[public["case"]]
    clock = case.clocks[public["agency"]]
    if clock.asked_ms is not None:
        clock.stops.append((clock.asked_ms, entry.at_ms))
        clock.asked_ms = None
    case.answers.append(entry.seq)
    _agency_due(state, case, public["agency"], public["due"])
    _questions_closed(state, case, entry)


def _case_screened(state: State, entry: Entry) -> None:
    public = entry.public
    kept = ("list", "version", "decision", "reason", "owner", "digest")
    screened = {name: public[name] for name in kept}
    state.cases[public["case"]].screening = {
        **screened,
        "at": times.format_time(entry.at_ms),
        "seq": entry.seq,
    }


def _case_proceeded(state: State, entry: Entry) -> None:
    public = entry.public
    case = state.cases[public["case"]]
    case.proceeded = True
    case.notes.append({"kind": "proceeded", "party": state.developer, "owners": public["owners"],
                       "text": public["reason"], "at": times.format_time(entry.at_ms)})  # fmt: skip


def _case_waitlisted(state: State, entry: Entry) -> None:
    case = state.cases[entry.public["case"]]
    case.state, case.outcome = kinds.WAITLISTED, None
    _set_applied(state, case)
    _stop_clocks(state, case)
    state.waitlists.setdefault(stage_of(case), {})[case.id] = entry.seq
    state.look_for_seats(stage_of(case), entry.at_ms)


def _case_offered(state: State, entry: Entry) -> None:
    case = state.cases[entry.public["case"]]
    until_ms = times.parse_time(entry.public["until"])
    case.state, case.offer_until_ms = kinds.OFFERED, until_ms
    state.agenda.put(What(case.id, "", "offer"), until_ms)
    del state.waitlists[stage_of(case)][case.id]
    state.take_seat(case, entry.at_ms)


def _leave_list(state: State, case: Case, at_ms: int) -> None:
    """Whatever a case holds of seats and of the waitlist goes back."""
    if case.state == kinds.OFFERED:
        state.agenda.put(What(case.id, "", "offer"), None)
        case.state, case.offer_until_ms = kinds.IN_REVIEW, None
        state.take_seat(case, at_ms, -1)
    elif case.state == kinds.WAITLISTED:
        del state.waitlists[stage_of(case)][case.id]
        case.state = kinds.IN_REVIEW
        state.look_for_seats(stage_of(case), at_ms)


def _case_resumed(state: State, entry: Entry) -> None:
    case = state.cases[entry.public["case"]]
    _leave_list(state, case, entry.at_ms)
    for agency, clock in case.clocks.items():  # time went on while the case was on the list
        _agency_due(state, case, agency, _text(clock.due_ms))
    _whole_due(state, case, _text(case.due_ms))
    if case.reply_by_ms is not None and case.reply_by_ms > entry.at_ms:
        _reply_by(state, case, _text(case.reply_by_ms))


def _case_replied(state: State, entry: Entry) -> None:
    case = state.cases[entry.public["case"]]
    case.replied_ms, case.replied_seq = entry.at_ms, entry.seq
    case.answers.append(entry.seq)
    if case.state == kinds.DETERMINED:
        case.state, case.outcome = kinds.IN_REVIEW, None
        _set_applied(state, case)
        if case.kind == kinds.AMENDMENT:
            state.amendments[case.question.grant] = case.id
        by_ms = times.parse_time(entry.public["replyBy"])
        for agency, clock in case.clocks.items():  # whoever had time left has it until then at least
            _agency_due(state, case, agency, _text(_not_before(clock.due_ms, by_ms)))
        _whole_due(state, case, _text(_not_before(case.due_ms, by_ms)))
    _reply_by(state, case, entry.public.get("replyBy"))


def _case_determined(state: State, entry: Entry) -> None:
    public = entry.public
    case = state.cases[public["case"]]
    _leave_list(state, case, entry.at_ms)
    case.state, case.outcome = kinds.DETERMINED, public["outcome"]
    case.determined_ms, case.determined_seq = entry.at_ms, entry.seq
    case.reason_code = public.get("reasonCode", case.reason_code)
    _stop_clocks(state, case)
    question = case.question
    if case.kind == kinds.ADMISSION and case.organization is not None:
        state.open_applications.pop((case.organization, question.release, question.surface), None)
    elif case.kind in _BY_GRANT:
        _BY_GRANT[case.kind](state).pop(question.grant, None)
    elif case.kind == kinds.TERMS and case.outcome in kinds.GRANTED:
        state.releases[question.release].agreed.add(question.terms)
    case.reply_by_ms = _time(public.get("replyBy"))


def _position_recorded(state: State, entry: Entry) -> None:
    public = entry.public
    case = state.cases[public["case"]]
    said = Recorded(
        public["agency"],
        tuple(public.get("owners", [public["owner"]])),
        public["position"],
        public["reason"],
        public["digest"],
        entry.seq,
        entry.at_ms,
        Conditions.from_json(public["conditions"]) if "conditions" in public else None,
        "sealed" in public,
    )
    case.record(said)
    state.agenda.clear_of(case.id, said.agency, "silence", "warning")
    _begun(case)
    if said.position == "ask" and case.asked_ms is None:
        case.asked_ms = entry.at_ms
        state.agenda.put(What(case.id, "", "whole"), None)
    _questions_closed(state, case, entry)


def _questions_closed(state: State, case: Case, entry: Entry) -> None:
    """When no question to the applicant is open any more, the whole case's clock goes on."""
    if case.asked_ms is not None and not case.asking:
        case.stops.append((case.asked_ms, entry.at_ms))
        case.asked_ms = None
        _whole_due(state, case, entry.public.get("wholeDue"))


def _begun(case: Case) -> None:
    if case.state == kinds.SUBMITTED:
        case.state = kinds.IN_REVIEW


def _agency_due(state: State, case: Case, agency: str, due: str | None) -> None:
    clock = case.clocks[agency]
    clock.due_ms = _time(due)
    due_ms = clock.due_ms if case.is_reviewed else None
    state.agenda.put(What(case.id, agency, "silence"), due_ms)
    warn = None if case.procedure.clock is None else case.procedure.clock.warn
    warn_ms = None
    if due_ms is not None and warn is not None and due_ms != clock.warned_ms:
        warn_ms = due_ms - durations.milliseconds(warn)
    state.agenda.put(What(case.id, agency, "warning"), warn_ms)


def _whole_due(state: State, case: Case, due: str | None) -> None:
    case.due_ms = _time(due)
    runs = case.is_reviewed and case.asked_ms is None
    state.agenda.put(What(case.id, "", "whole"), case.due_ms if runs else None)


def _reply_by(state: State, case: Case, by: str | None) -> None:
    case.reply_by_ms = _time(by)
    state.agenda.put(What(case.id, "", "reply"), case.reply_by_ms)


def _stop_clocks(state: State, case: Case) -> None:
    for agency in case.clocks:
        state.agenda.clear_of(case.id, agency, "silence", "warning")
    state.agenda.clear_of(case.id, "", "whole", "reply", "offer")


def _set_applied(state: State, case: Case) -> None:
    if case.kind == kinds.ADMISSION and case.organization is not None:
        key = (case.organization, case.question.release, case.question.surface)
        state.open_applications[key] = case.id


def _not_before(at_ms: int | None, by_ms: int) -> int | None:
    return None if at_ms is None else max(at_ms, by_ms)


def _text(at_ms: int | None) -> str | None:
    return None if at_ms is None else times.format_time(at_ms)


def _time(text: str | None) -> int | None:
    return None if text is None else times.parse_time(text)


def _stage_opened(state: State, entry: Entry) -> None:
    state.opened.setdefault(entry.public["terms"], entry.at_ms)


def _organization_nominated(state: State, entry: Entry) -> None:
    public = entry.public
    organization = entry.gate_value("organization")
    state.nominations[public["nomination"]] = {**public, "organization": organization}


def _list_changed(state: State, entry: Entry) -> None:
    """Records of other versions stay open until made anew, even if their version comes back."""
    name, version = entry.public["list"], entry.public["version"]
    state.lists[name] = version
    for case in state.cases.values():
        if case.screening is not None and case.is_reopened_by(name, version):
            case.screening = {"reopened": times.format_time(entry.at_ms), **case.screening}


def _record_added(state: State, entry: Entry) -> None:
    public = entry.public
    kept = ("about", "kind", "on", "text", "party", "owner", "digest")
    note = {**{name: public[name] for name in kept}, "at": times.format_time(entry.at_ms)}
    state.notes.append(note)
    if "case" in public["about"]:
        state.cases[public["about"]["case"]].notes.append(note)


def _grant_approved(state: State, entry: Entry) -> None:
    public = entry.public
    grant, case = public["grant"], state.cases[public["case"]]
    case.grant = grant
    state.grants[grant] = case.id
    state.dossiers[grant] = case.dossier
    _expiry(state, grant)
    state.take_seat(case, entry.at_ms)


def _grant_amended(state: State, entry: Entry) -> None:
    public = entry.public
    state.dossiers[public["grant"]] = state.cases[public["case"]].dossier
    _expiry(state, public["grant"])


def _grant_suspended(state: State, entry: Entry) -> None:
    state.standing[entry.public["grant"]] = "suspended"


def _grant_resumed(state: State, entry: Entry) -> None:
    state.standing.pop(entry.public["grant"], None)


def _grant_ended(state: State, entry: Entry) -> None:
    grant = entry.public["grant"]
    state.standing[grant] = entry.public["how"]
    state.agenda.put(What(grant, "", "expiry"), None)
    state.take_seat(state.cases[state.grants[grant]], entry.at_ms, -1)


def _grant_reinstated(state: State, entry: Entry) -> None:
    grant = entry.public["grant"]
    state.standing.pop(grant, None)
    _expiry(state, grant)
    state.take_seat(state.cases[state.grants[grant]], entry.at_ms)


def _expiry(state: State, grant: str) -> None:
    state.agenda.put(What(grant, "", "expiry"), state.table.grants_by_id[grant].valid_until_ms)


def _credential_issued(state: State, entry: Entry) -> None:
    state.credentials[entry.public["credential"]] = entry.public["grant"]
    state.provisioned.add(entry.public["grant"])


def _directive_issued(state: State, entry: Entry) -> None:
    public = entry.public
    name, replaced = public["directive"], public.get("replaces")
    document = Document.from_json(public["document"])
    issued = Issued(name, public["issuer"], document, entry.seq, entry.at_ms)
    if replaced is not None:
        old = state.directives[replaced]
        old.end("replaced", entry)
        former = Former(replaced, old.document, old.seq, entry.seq, entry.at_ms)
        issued.history = (*old.history, former)
        _over(state, replaced)
    state.directives[name] = issued
    state.spreading[name] = None
    if not issued.is_drill:
        state.agenda.put(What(name, "", "directive"), document.spec.expires_ms)


def _directive_confirmed(state: State, entry: Entry) -> None:
    state.directives[entry.public["directive"]].confirmed = True


def _directive_lifted(state: State, entry: Entry) -> None:
    public = entry.public
    issued = state.directives[public["directive"]]
    if "scope" in public:
        issued.parts.append(
            {"case": public["case"], "scope": public["scope"], "at": entry.at_ms, "seq": entry.seq}
        )
    if issued.name not in state.table.directives:
        issued.end("lifted", entry)
        _over(state, issued.name)


def _directive_expired(state: State, entry: Entry) -> None:
    name = entry.public["directive"]
    state.directives[name].end("expired", entry)
    _over(state, name)


def _drill_reported(state: State, entry: Entry) -> None:
    state.directives[entry.public["directive"]].report = entry.public["envelope"]


def _over(state: State, name: str) -> None:
    """A directive has ended: nothing of it is due or waited for any more."""
    state.agenda.put(What(name, "", "directive"), None)
    state.spreading.pop(name, None)


def _definition_added(state: State, entry: Entry) -> None:
    public = entry.public
    definition = Definition(public["definition"], frozenset(public["statuses"]), public["source"])
    state.definitions[definition.name] = definition


def _directive_in_force(state: State, entry: Entry) -> None:
    found = state.directives[entry.public["directive"]]
    if found.size == entry.public["size"] and found.in_force_ms is None:
        found.in_force_ms, found.in_force_seq = times.parse_time(entry.public["at"]), entry.seq
        state.spreading.pop(found.name, None)


def _point_declared(state: State, entry: Entry) -> None:
    public = entry.public
    state.points[public["point"]] = Point(
        public["point"],
        public["surface"],
        canonical.unb64(public["publicKey"]),
        public["owner"],
        entry.at_ms,
    )


def _point_retired(state: State, entry: Entry) -> None:
    state.points[entry.public["point"]].retired = True


def _point_stated(state: State, entry: Entry) -> None:
    public = entry.public
    said_ms = times.parse_time(public["at"])
    stated = Stated(public["says"], public["size"], said_ms, entry.seq, entry.at_ms)
    state.points[public["point"]].stated[public["directive"]] = stated


def _registry(state: State, entry: Entry) -> None:
    registry.FOLDS[entry.type](state.registry, entry)


_FOLDS: dict[str, Callable[[State, Entry], None]] = {
    events.LOG_STARTED: _log_started,
    events.KEY_PINNED: _key_pinned,
    events.RELEASE_APPLIED: _release_applied,
    events.STAGE_OPENED: _stage_opened,
    events.ORGANIZATION_NOMINATED: _organization_nominated,
    events.LIST_CHANGED: _list_changed,
    events.RECORD_ADDED: _record_added,
    events.CASE_OPENED: _case_opened,
    events.CASE_RECEIVED: _case_received,
    events.CASE_WARNED: _case_warned,
    events.CASE_ESCALATED: _case_escalated,
    events.CASE_SILENT: _case_silent,
    events.CASE_ANSWERED: _case_answered,
    events.CASE_SCREENED: _case_screened,
    events.CASE_PROCEEDED: _case_proceeded,
    events.CASE_WAITLISTED: _case_waitlisted,
    events.CASE_OFFERED: _case_offered,
    events.CASE_RESUMED: _case_resumed,
    events.CASE_REPLIED: _case_replied,
    events.CASE_DETERMINED: _case_determined,
    events.POSITION_RECORDED: _position_recorded,
    events.GRANT_APPROVED: _grant_approved,
    events.GRANT_AMENDED: _grant_amended,
    events.GRANT_SUSPENDED: _grant_suspended,
    events.GRANT_RESUMED: _grant_resumed,
    events.GRANT_ENDED: _grant_ended,
    events.GRANT_REINSTATED: _grant_reinstated,
    events.CREDENTIAL_ISSUED: _credential_issued,
    events.DIRECTIVE_ISSUED: _directive_issued,
    events.DIRECTIVE_CONFIRMED: _directive_confirmed,
    events.DIRECTIVE_LIFTED: _directive_lifted,
    events.DIRECTIVE_EXPIRED: _directive_expired,
    events.DEFINITION_ADDED: _definition_added,
    events.DRILL_REPORTED: _drill_reported,
    events.DIRECTIVE_IN_FORCE: _directive_in_force,
    events.POINT_DECLARED: _point_declared,
    events.POINT_RETIRED: _point_retired,
    events.POINT_STATED: _point_stated,
    **dict.fromkeys(registry.FOLDS, _registry),
}
