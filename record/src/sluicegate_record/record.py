"""The record: what the law needs from a log, at one size.

Rules:
- It is the fold of the entries. Only `apply` writes it, with the functions of `fold.py`; each entity moves by
  its own `after`.
- It holds keys, releases, terms, designations, findings, cases, grants, directives, promises and imports of
  keys; nothing for each credential or person.
- `overlay` is the record with a layer above it: changes to the layer do not change the record. So a batch is
  judged entry by entry before any of it is kept.
- Its JSON is a `Snapshot`: plain data with a version. A record that is read from it continues as this one
  would.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple, Self, TypeAlias, TypeVar

from sluicegate_record.entities import closing
from sluicegate_record.entities import designation as designation_
from sluicegate_record.entities import evidence as evidence_
from sluicegate_record.entities.account import Account
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.clearing import Clearing
from sluicegate_record.entities.closing import Closing, Lack
from sluicegate_record.entities.closure import Closure
from sluicegate_record.entities.course import Course
from sluicegate_record.entities.deployment import Deployment
from sluicegate_record.entities.designation import Designation
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entities.discussion import case_of
from sluicegate_record.entities.evidence import Evidence
from sluicegate_record.entities.finding import Finding
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entities.key import Keys, PinnedKey
from sluicegate_record.entities.keyimport import KeyImport
from sluicegate_record.entities.licence import Licence
from sluicegate_record.entities.logkey import LogKeys
from sluicegate_record.entities.observation import Observation
from sluicegate_record.entities.promise import Promise
from sluicegate_record.entities.release import Release, Terms
from sluicegate_record.entries import Entry, Hidden, seen
from sluicegate_record.fold import fold, index_case, index_grant, keep_evidence, keep_finding, keep_promise
from sluicegate_record.form import Json, Misread, shown
from sluicegate_record.snapshot import BY_KEY, OWN_NAMES, VERSION, Snapshot, faults
from sluicegate_record.statements.epochs import TreeHead
from sluicegate_record.terms import kinds, scrutiny
from sluicegate_record.terms.after import LAPSE
from sluicegate_record.terms.findings import Findings
from sluicegate_record.terms.plan import Plan

V = TypeVar("V")
Entity: TypeAlias = Case | Grant | Directive | Promise | Licence | Finding
_KEPT: Mapping[type[Entity], str] = {
    Case: "cases",
    Directive: "directives",
    Finding: "findings",
    Grant: "grants",
    Licence: "licences",
    Promise: "promises",
}
Judging: TypeAlias = Designation | Evidence
"""What leads to a scrutiny level."""


class Change(NamedTuple):
    """What an entry changed in an entity. `before` is None if the entity is new."""

    before: Entity | None
    after: Entity


class Holding(NamedTuple):
    """What an organization holds: a grant, or an account. `party` is the commitment to its dossier."""

    holder: str | Hidden
    party: str
    is_live: bool

    @property
    def organization(self) -> str:
        """The organization that holds it. Raises: Withheld."""
        return seen(self.holder)


class Record:
    """Keys, releases, terms, cases, grants, directives, promises and imports of keys, by their names."""

    _pinned: Keys | None = None

    def __init__(self) -> None:  # noqa: PLR0915 - one a part of the record
        self.origin, self.log, self.developer = "", "", ""
        """`log` is the log's first verifier key. Statements are bound to it."""
        self.log_keys = LogKeys()
        self.newest_v = 0
        """The newest `v` of the entries so far. An older one is no longer lawful."""
        self.abandoned: frozenset[TreeHead] = frozenset()
        """The heads that epochs have abandoned."""
        self.keys: MutableMapping[str, PinnedKey] = {}
        self.releases: MutableMapping[str, Release] = {}
        self.terms: MutableMapping[str, Terms] = {}
        """Terms by their digest, in force or not."""
        self.opened: MutableMapping[str, int | None] = {}
        """Since when a stage is open under terms, by the digest of the terms: milliseconds since 1970 UTC.
        None: it is closed.
        """
        self.closings: MutableMapping[str, Closing] = {}
        """The newest closing of each stage, by `release/stage`."""
        self.courses: MutableMapping[str, Course] = {}
        """How far each stage has come that has ever opened, by `release/stage`."""
        self.foreseen: MutableMapping[str, int] = {}
        """For when an opening was foreseen, by the digest of its terms: milliseconds since 1970 UTC."""
        self.closures: MutableMapping[str, Closure] = {}
        """The releases that are closed, by name."""
        self.clearances: MutableMapping[str, Clearing] = {}
        """What parties last said of standards and stages, by `entities.clearing.key_of`."""
        self.designations: MutableMapping[str, Designation] = {}
        """The newest word of each agency on each model and class, by `entities.designation.key_of`."""
        self.evidence: MutableMapping[str, Evidence] = {}
        """Results of evaluations, by the digests of their statements."""
        self.evaluated: MutableMapping[str, tuple[str, ...]] = {}
        """The results of each evaluation, oldest first, by `entities.evidence.key_of`."""
        self.findings: MutableMapping[str, Finding] = {}
        self.found: MutableMapping[str, tuple[str, ...]] = {}
        """The findings of each release, oldest first."""
        self.recalls: MutableMapping[str, Closing] = {}
        """The newest recall of each release, until an officer's opening undoes it."""
        self.deployments: MutableMapping[str, Deployment] = {}
        """The newest statement of what serves the models of each release, by its name."""
        self.observations: MutableMapping[str, Observation] = {}
        """The newest observation of each probe by each observer, by `entities.observation.key_of`."""
        self.lacking: MutableMapping[str, Lack] = {}
        """What open stages lack, by the digest of their terms."""
        self.cases: MutableMapping[str, Case] = {}
        self.grants: MutableMapping[str, Grant] = {}
        self.directives: MutableMapping[str, Directive] = {}
        self.promises: MutableMapping[str, Promise] = {}
        self.promised: MutableMapping[str, tuple[str, ...]] = {}
        """The promises about a stage, a case or a directive, by `entities.promise.place_of`."""
        self.signs_promises = False
        """Whether a word on a promise was signed: from then on no one may say one without a signature."""
        self.imports: MutableMapping[str, KeyImport] = {}
        self.bases: MutableMapping[str, str] = {}
        """What followed when the date of a basis was over, `lapse` or `stay`, by the digest of its terms."""
        self.licences: MutableMapping[str, Licence] = {}
        self.licensed: MutableMapping[str, tuple[str, ...]] = {}
        """The cases that ask for a licence, by directive."""
        self.reminded: MutableMapping[str, None] = {}
        """The terms whose parties were reminded of the date of their basis."""
        self.reviews: MutableMapping[str, str] = {}
        """The case that reviews a basis before its date, by the digest of its terms."""
        self.screened: MutableMapping[str, None] = {}
        """The cases with a screening record."""
        self.dossiers: MutableMapping[str, str] = {}
        """The first case about each dossier, by the commitment to it."""
        self.asked: MutableMapping[str, tuple[str, ...]] = {}
        """The terms cases about each terms, by their digest."""
        self.accounts: MutableMapping[str, Account] = {}
        self.listed: MutableMapping[str, tuple[str, ...]] = {}
        """The grants that a name on a list gave or took over, sorted, by `entities.grant.place_of`."""
        self.seats: MutableMapping[str, tuple[str, ...]] = {}
        """The grants of each organization on a surface, oldest first, by `entities.grant.seat_of`."""
        self.openings: MutableMapping[str, tuple[str, ...]] = {}
        """The cases about the opening under each terms, by their digest."""
        self._changes = list[Change]()

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """The record that `to_json` wrote. Raises: Misread: another version of the form, or no record:
        an entity is there twice, or names a case or terms that are not there.
        """
        if type(value) is dict and value.get("v", VERSION) != VERSION:
            raise Misread(f"a record in version {VERSION} of its form", shown(value["v"]), ("v",))
        found = Snapshot.from_json(value)
        for name in found.unknown:
            raise Misread("a field that this build knows", repr(name), (name,))
        for fault in faults(found):
            raise fault
        record = cls()
        record.origin, record.log, record.developer = found.origin, found.log, found.developer
        record.log_keys = LogKeys(found.log_keys)
        record.newest_v, record.abandoned = found.newest_v, frozenset(found.abandoned)
        for field in BY_KEY:
            setattr(record, field, dict(getattr(found, field)))
        for each in found.evidence:
            keep_evidence(record, each)
        for finding in found.findings:
            keep_finding(record, finding)
        for promise in found.promises:
            keep_promise(record, promise)
        for field, own in OWN_NAMES.items():
            setattr(record, field, {getattr(each, own): each for each in getattr(found, field)})
        record.screened = {case.id: None for case in found.cases if case.screening is not None}
        record.reminded = dict.fromkeys(found.reminded)
        record._index()
        return record

    def _index(self) -> None:
        """Let cases and grants be found by what they are about."""
        for case in self.cases.values():
            index_case(self, case)
        for grant in self.grants.values():
            index_grant(self, grant)

    def to_json(self) -> dict[str, Json]:
        """The record as JSON, as `canonical.dumps` takes it."""
        by_evaluation = tuple(self.evidence[name] for names in self.evaluated.values() for name in names)
        kept: dict[str, Any] = {
            **{field: dict(getattr(self, field)) for field in BY_KEY},
            **{field: tuple(getattr(self, field).values()) for field in OWN_NAMES},
            "evidence": by_evaluation,
        }
        return Snapshot(
            v=VERSION,
            origin=self.origin,
            log=self.log,
            log_keys=self.log_keys.keys,
            developer=self.developer,
            newest_v=self.newest_v,
            abandoned=tuple(sorted(self.abandoned, key=lambda head: (head.size, head.root))),
            reminded=tuple(self.reminded),
            **kept,
        ).to_json()

    def keys_changed(self) -> None:
        """Other keys count now."""
        self._pinned = None

    def pinned(self) -> Keys:
        """The keys that the log itself pins, and that count now."""
        if self._pinned is None:
            self._pinned = Keys(self.developer, self.keys.values())
        return self._pinned

    def overlay(self) -> Record:
        """This record with a layer above it, for changes that may not be kept."""
        above = Record()
        for name, kept in vars(self).items():
            if not name.startswith("_"):
                setattr(above, name, _above(kept) if isinstance(kept, dict | ChainMap) else kept)
        return above

    def apply(self, entry: Entry) -> Sequence[Change]:
        """Fold one entry in, and return what it has changed.

        Raises: KeyError: it is about something that is not on the record; it is skipped.
        """
        self._changes = []
        try:
            fold(self, entry)
        except KeyError:
            self.skip(entry)
            raise
        self.newest_v = max(self.newest_v, entry.v)
        return self._changes

    def skip(self, entry: Entry) -> None:
        """Count one entry in, without effect. That something was said in a case is counted, too."""
        self.newest_v, self._changes = max(self.newest_v, entry.v), []
        case = self.cases.get(case_of(entry.body) or "")
        if case is not None:
            self.put(case.hearing(entry))

    @property
    def changes(self) -> Sequence[Change]:
        """What the newest entry has changed."""
        return self._changes

    def put(self, entity: Entity) -> None:
        """Keep the new state of an entity."""
        field = _KEPT[type(entity)]
        kept: MutableMapping[str, Entity] = getattr(self, field)
        name = getattr(entity, OWN_NAMES[field])
        self._changes.append(Change(kept.get(name), entity))
        kept[name] = entity
        if isinstance(entity, Case) and entity.screening is not None:
            self.screened[entity.id] = None

    def dossier_of_appeal(self, against: Case) -> str:
        """The case with the dossier that an appeal is about. An amendment may be approved while a removal is
        open: then it is the dossier that the grant had last.
        """
        grant = self.grants.get(against.question.grant) if against.kind == kinds.REMOVAL else None
        return against.dossier if grant is None else grant.dossier

    def party_of(self, grant: str) -> str:
        """The commitment to the dossier that was last agreed to for a grant. Raises: KeyError."""
        found = self.grants[grant]
        return self.cases[found.dossier].question.party or found.listed or ""

    def holding(self, name: str) -> Holding | None:
        """The grant or account of this name; None if there is neither."""
        account, grant = self.accounts.get(name), self.grants.get(name)
        if grant is not None:
            return Holding(grant.holder, self.party_of(name), grant.is_live)
        return None if account is None else Holding(account.holder, account.party, account.is_open)

    def party_of_appeal(self, against: Case) -> str:
        """The commitment to the dossier that an appeal is about, as `dossier_of_appeal` says."""
        if against.kind == kinds.REMOVAL and against.question.grant in self.grants:
            return self.party_of(against.question.grant)
        return self.cases.get(against.dossier, against).question.party

    def parties_of_appeal(self, against: Case) -> frozenset[str]:
        """Those that an appeal may ask about: the party of the case, and of the last dossier of its grant."""
        return frozenset({against.question.party, self.party_of_appeal(against)})

    def agreement(self, release: str, stage: str) -> Case | None:
        """The newest case in which the terms of a stage, or looser ones, were agreed to; None without one."""
        found = self.releases[release]
        terms = found.terms.get(stage, "")
        asked = (name for each in {terms, *found.within.get(terms, ())} for name in self.asked.get(each, ()))
        agreed = (self.cases[name] for name in asked if self.cases[name].outcome in kinds.GRANTED)
        return max(agreed, key=lambda case: case.seq, default=None)

    def unheard_appeal(self, against: Case) -> Case | None:
        """The newest appeal against a case, if it ended without a decision and was not withdrawn."""
        last = self.cases.get(against.appeal or "")
        return last if last is not None and last.outcome in kinds.UNHEARD else None

    def reviewed(self, terms: str) -> Case | None:
        """The case that reviews the basis of terms before its date, if it was opened."""
        return self.cases.get(self.reviews.get(terms, ""))

    def results_of(self, release: str, evaluation: str) -> list[Evidence]:
        """The results of an evaluation, oldest first."""
        names = self.evaluated.get(evidence_.key_of(release, evaluation), ())
        return [self.evidence[name] for name in names]

    def findings_of(self, release: str) -> list[Finding]:
        """The findings of a release, oldest first."""
        return [self.findings[name] for name in self.found.get(release, ())]

    def suspending(self, grant: str) -> Finding | None:
        """An open report of a misuse that suspends a grant; None without one. Raises: KeyError."""
        found = self.findings_of(self.grants[grant].release)
        return next((each for each in found if each.is_open and each.suspends and each.grant == grant), None)

    def open_terms(self, release: str, stage: str) -> tuple[str, ...]:
        """The terms under which a stage is open, also those that are not in force any more."""
        here = (digest for digest in self._open_of(release) if self.terms[digest].stage == stage)
        return tuple(sorted(here))

    def resting(self, release: str, stage: str = "") -> dict[str, Terms]:
        """The earlier terms on which grants of a release, or of one stage, go on, by digest.

        They are those under which a stage is open that is not open by the terms in force.
        """
        current = self.releases[release].terms
        found = {digest: self.terms[digest] for digest in self._open_of(release)}
        return {
            digest: each
            for digest, each in sorted(found.items())
            if self.opened.get(current.get(each.stage, "")) is None and stage in {"", each.stage}
        }

    def _open_of(self, release: str) -> Iterator[str]:
        """The terms of a release under which a stage is open."""
        known = (digest for digest, at_ms in self.opened.items() if at_ms is not None)
        return (digest for digest in known if self._release_of(digest) == release)

    def _release_of(self, terms: str) -> str:
        """The release of terms: by their case, where their plan is not shown. Raises: Withheld."""
        found = self.terms[terms]
        if isinstance(found.given, Hidden) and terms in self.asked:
            return self.cases[self.asked[terms][0]].question.release
        return found.plan.metadata.name

    def plans(self, release: str) -> tuple[Plan, ...]:
        """The plan in force, and each one on whose terms grants of the release go on without it."""
        return (self.releases[release].plan, *(each.plan for each in self.resting(release).values()))

    def scale_for(self, release: str, grant: str | None) -> Findings:
        """What counts of findings: by the terms of the grant that one is about, or by the plan in force."""
        found = self.grants.get(grant or "")
        plan = self.releases[release].plan if found is None else self.terms[found.terms].plan
        return plan.spec.scale

    def owed(self, found: Finding) -> dict[str, int]:
        """What the developer still owes of a finding, and until when, by the plan that gives the least time:
        milliseconds since 1970 UTC.
        """
        due: dict[str, int] = {}
        for plan in self.plans(found.release):
            for step, at_ms in found.due(plan):
                due[step] = min(due.get(step, at_ms), at_ms)
        return due

    def planned(self, release: str) -> set[str]:
        """The stages that any plan of a release has or had: one may be open by earlier terms alone."""
        return {each.stage for digest, each in self.terms.items() if self._release_of(digest) == release}

    def closing_of(self, release: str, stage: str) -> Closing | None:
        """The newest closing of a stage; None if it never closed."""
        return self.closings.get(closing.key_of(release, stage))

    def shut_by(self, release: str, stage: str) -> Closing | None:
        """The officer's closing that keeps a stage shut: its own, or else the recall of its release."""
        for found in (self.closing_of(release, stage), self.recalls.get(release)):
            if found is not None and found.digest is not None:
                return found
        return None

    def course_of(self, release: str, stage: str) -> Course | None:
        """How far a stage has come; None if it never opened."""
        return self.courses.get(closing.key_of(release, stage))

    def designated(self, digest: str) -> Designation | None:
        """The newest word of an agency, by its digest; None if it is not the newest."""
        return next((each for each in self.designations.values() if each.digest == digest), None)

    def levels(self, release: str, plan: Plan, changed: Judging | None = None) -> tuple[str, ...]:
        """The scrutiny levels that hold for a plan of a release. `changed` is a word or result that is tried.

        Designations lead to them, and results that are comparable to those of another model.
        """
        known = {each.name: each for each in self.designations.values() if each.release == release}
        compared = (name for name, each in plan.spec.evaluations.items() if each.when_comparable is not None)
        tested = {each.id: each for name in compared for each in self.results_of(release, name)}
        if isinstance(changed, Designation):
            known[changed.name] = changed
        elif changed is not None:
            tested[changed.id] = changed
        levels = designation_.levels(plan, known.values()) | evidence_.levels(plan, tested.values())
        return tuple(sorted(levels))

    def raised(self, release: str, plan: Plan, changed: Judging | None = None) -> dict[str, str]:
        """The digests of the terms in force where levels amend a plan's own, by stage. Raises: Misread."""
        return scrutiny.raised(plan, self.levels(release, plan, changed))

    def has_lapsed(self, release: str, stage: str) -> bool:
        """Whether the rules of a stage bind no longer, by the terms of its plan."""
        found = self.releases.get(release)
        terms = None if found is None else found.own_terms.get(stage)
        return terms is not None and self.bases.get(terms) == LAPSE

    def root_of(self, grant: str) -> Case:
        """The application that a grant goes back to. Raises: KeyError."""
        return self.cases[self.cases[self.grants[grant].case].root]


def _above(below: MutableMapping[str, V]) -> MutableMapping[str, V]:
    return below.new_child() if isinstance(below, ChainMap) else ChainMap({}, below)
