"""The record: what the law needs from a log, at one size.

Rules:
- It is the fold of the entries. Only `apply` writes it, and moves each entity by its own `after`.
- It holds keys, releases, terms, cases, grants and directives. It holds nothing for each credential or
  person.
- `overlay` is the record with a layer above it: changes to the layer do not change the record. So a batch is
  judged entry by entry before any of it is kept.
- Its JSON is a `Snapshot`: plain data with a version. A record that is read from it continues as this one
  would.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, Self, TypeAlias, TypeVar

from sluicegate_record.entities import case as case_
from sluicegate_record.entities import directive as directive_
from sluicegate_record.entities import grant as grant_
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entities.discussion import case_of
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entities.happening import Happening
from sluicegate_record.entities.key import Keys, PinnedKey
from sluicegate_record.entities.release import Release, Terms
from sluicegate_record.entries import Body, Entry, cases, directives, grants, releases
from sluicegate_record.form import Form, Json, Misread, Time, form, replace, shown
from sluicegate_record.terms import kinds
from sluicegate_record.terms.plan import Plan

V = TypeVar("V")
Entity: TypeAlias = Case | Grant | Directive


class Change(NamedTuple):
    """What an entry changed in an entity. `before` is None if the entity is new."""

    before: Entity | None
    after: Entity


@form
class Snapshot(Form):
    """A record as it is written. Each list has the entities that know their own name, oldest first.

    `v` is the version of this form. If a field is added, to it or to an entity, it gets the next version:
    2 added the `webauthn` of keys, 3 what was said in cases, 4 whether it weighs. A record of another version
    is made again, from the log.
    """

    v: Literal[4]
    origin: str
    log: str
    developer: str
    newest_v: int
    keys: tuple[PinnedKey, ...]
    releases: tuple[Release, ...]
    terms: Mapping[str, Terms]
    opened: Mapping[str, Time]
    cases: tuple[Case, ...]
    grants: tuple[Grant, ...]
    directives: tuple[Directive, ...]


class Record:
    """Keys, releases, terms, cases, grants and directives, by their names."""

    def __init__(self) -> None:
        self.origin = ""
        self.log = ""
        """The log's verifier key. Statements are bound to it."""
        self.developer = ""
        self.newest_v = 0
        """The newest `v` of the entries so far. An older one is no longer lawful."""
        self.keys: MutableMapping[str, PinnedKey] = {}
        self.releases: MutableMapping[str, Release] = {}
        self.terms: MutableMapping[str, Terms] = {}
        """Terms by their digest, in force or not."""
        self.opened: MutableMapping[str, int] = {}
        """When a stage was first opened under terms, by the digest of the terms: milliseconds since 1970 UTC.
        """
        self.cases: MutableMapping[str, Case] = {}
        self.grants: MutableMapping[str, Grant] = {}
        self.directives: MutableMapping[str, Directive] = {}
        self.screened: MutableMapping[str, None] = {}
        """The cases with a screening record."""
        self.dossiers: MutableMapping[str, str] = {}
        """The first case about each dossier, by the commitment to it."""
        self.asked: MutableMapping[str, tuple[str, ...]] = {}
        """The terms cases about each terms, by their digest."""
        self._pinned: Keys | None = None
        self._changes: list[Change] = []

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """The record that `to_json` wrote. Raises: Misread: another version of the form, or no record:
        an entity is there twice, or names a case or terms that are not there.
        """
        if type(value) is dict and value.get("v", 4) != 4:
            raise Misread("a record in version 4 of its form", shown(value["v"]), ("v",))
        found = Snapshot.from_json(value)
        for name in found.unknown:
            raise Misread("a field that this build knows", repr(name), (name,))
        for fault in _loose(found):
            raise fault
        record = cls()
        record.origin, record.log, record.developer = found.origin, found.log, found.developer
        record.newest_v = found.newest_v
        record.keys = {key.keyid: key for key in found.keys}
        record.releases = {release.name: release for release in found.releases}
        record.terms, record.opened = dict(found.terms), dict(found.opened)
        record.cases = {case.id: case for case in found.cases}
        record.screened = {case.id: None for case in found.cases if case.screening is not None}
        for case in found.cases:
            _find(record, case)
        record.grants = {grant.id: grant for grant in found.grants}
        record.directives = {directive.name: directive for directive in found.directives}
        return record

    def to_json(self) -> dict[str, Json]:
        """The record as JSON, as `canonical.dumps` takes it."""
        return Snapshot(
            v=4,
            origin=self.origin,
            log=self.log,
            developer=self.developer,
            newest_v=self.newest_v,
            keys=tuple(self.keys.values()),
            releases=tuple(self.releases.values()),
            terms=dict(self.terms),
            opened=dict(self.opened),
            cases=tuple(self.cases.values()),
            grants=tuple(self.grants.values()),
            directives=tuple(self.directives.values()),
        ).to_json()

    def pinned(self) -> Keys:
        """The keys that the log itself pins."""
        if self._pinned is None:
            self._pinned = Keys(self.developer, self.keys.values())
        return self._pinned

    def overlay(self) -> Record:
        """This record with a layer above it, for changes that may not be kept."""
        above = Record()
        above.origin, above.log, above.developer = self.origin, self.log, self.developer
        above.newest_v = self.newest_v
        above.keys, above.releases = _above(self.keys), _above(self.releases)
        above.terms, above.opened = _above(self.terms), _above(self.opened)
        above.cases, above.grants = _above(self.cases), _above(self.grants)
        above.directives, above.screened = _above(self.directives), _above(self.screened)
        above.dossiers, above.asked = _above(self.dossiers), _above(self.asked)
        return above

    def apply(self, entry: Entry) -> Sequence[Change]:
        """Fold one entry in, and return what it has changed.

        Raises: KeyError: it is about something that is not on the record; it is skipped.
        """
        fold = _FOLDS.get(type(entry.body))
        if fold is None:
            self.newest_v = max(self.newest_v, entry.v)
            return ()
        self._changes = []
        try:
            fold(self, entry, entry.body)
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

    def put(self, entity: Entity) -> None:
        """Keep the new state of an entity."""
        if isinstance(entity, Case):
            before: Entity | None = self.cases.get(entity.id)
            self.cases[entity.id] = entity
            if entity.screening is not None:
                self.screened[entity.id] = None
        elif isinstance(entity, Grant):
            before = self.grants.get(entity.id)
            self.grants[entity.id] = entity
        else:
            before = self.directives.get(entity.name)
            self.directives[entity.name] = entity
        self._changes.append(Change(before, entity))

    def dossier_of_appeal(self, against: Case) -> str:
        """The case with the dossier that an appeal is about. An amendment may be approved while a removal is
        open: then it is the dossier that the grant had last.
        """
        grant = self.grants.get(against.question.grant) if against.kind == kinds.REMOVAL else None
        return against.dossier if grant is None else grant.dossier

    def parties_of_appeal(self, against: Case) -> frozenset[str]:
        """Those that an appeal may ask about: the party of the case, and of the last dossier of its grant."""
        last = self.cases.get(self.dossier_of_appeal(against), against)
        return frozenset({against.question.party, last.question.party})

    def unheard_appeal(self, against: Case) -> Case | None:
        """The newest appeal against a case, if it ended without a decision and was not withdrawn."""
        last = self.cases.get(against.appeal or "")
        return last if last is not None and last.outcome in kinds.UNHEARD else None

    def root_of(self, grant: str) -> Case:
        """The application that a grant goes back to. Raises: KeyError."""
        return self.cases[self.cases[self.grants[grant].case].root]


def _loose(found: Snapshot) -> Iterator[Misread]:
    """Every entity that is there twice, and every case or terms that are named and are not there."""
    for field, names in (
        ("keys", [key.keyid for key in found.keys]),
        ("releases", [release.name for release in found.releases]),
        ("cases", [case.id for case in found.cases]),
        ("grants", [grant.id for grant in found.grants]),
        ("directives", [directive.name for directive in found.directives]),
    ):
        for name in (name for name, count in Counter(names).items() if count > 1):
            yield Misread("each once", repr(name), (field,))
    known = {case.id for case in found.cases}
    for field, name in _named(found):
        if name not in known:
            yield Misread("a case of this record", repr(name), (field,))
    for release in found.releases:
        for digest in set(release.terms.values()) - found.terms.keys():
            yield Misread("terms of this record", repr(digest), ("releases",))
    for digest, terms in found.terms.items():
        if isinstance(terms.given, Plan) and terms.stage not in terms.given.stages:
            yield Misread("a stage of its plan", repr(terms.stage), ("terms", digest))


def _named(found: Snapshot) -> Iterator[tuple[str, str]]:
    """Every case that an entity names, with the field of the entity."""
    for case in found.cases:
        yield from (
            ("cases", name) for name in (case.dossier, case.root, case.appeal or case.id, *case.appeals)
        )
    for grant in found.grants:
        about = (grant.case, grant.dossier, grant.amendment, grant.removal)
        yield from (("grants", name) for name in about if name is not None)
    for directive in found.directives:
        yield from (("directives", name) for name in directive.lifts)


def _above(below: MutableMapping[str, V]) -> MutableMapping[str, V]:
    return below.new_child() if isinstance(below, ChainMap) else ChainMap({}, below)


def _log_started(record: Record, entry: Happening, body: releases.LogStarted) -> None:
    record.origin, record.log, record.developer = body.origin, body.vkey, body.developer
    record._pinned = None


def _key_pinned(record: Record, entry: Happening, body: releases.KeyPinned) -> None:
    record._pinned = None
    record.keys[body.keyid] = PinnedKey(
        keyid=body.keyid,
        public=body.public_key,
        owner=body.owner,
        party=body.party,
        webauthn=body.webauthn,
    )


def _release_applied(record: Record, entry: Happening, body: releases.ReleaseApplied) -> None:
    before = record.releases.get(body.release)
    if before is None:
        before = Release(name=body.release, given=body.given, terms={})
    record.releases[body.release] = before.after(body)
    _end_cases_about(record, set(before.terms.values()).difference(body.terms.values()))
    for stage, digest in body.terms.items():
        record.terms[digest] = Terms(stage=stage, given=body.given)
    for stage, looser in body.tightened.items():
        if looser in record.opened:
            record.opened.setdefault(body.terms[stage], record.opened[looser])


def _end_cases_about(record: Record, gone: Collection[str]) -> None:
    """Terms go out of force. A case about them that is not decided is over, even if no entry says so."""
    for name in (name for digest in gone for name in record.asked.get(digest, ())):
        if record.cases[name].state != kinds.DETERMINED:
            record.put(replace(record.cases[name], is_over=True))


def _find(record: Record, case: Case) -> None:
    """Let a case be found by the dossier or the terms that it is about."""
    question = case.question
    record.dossiers.setdefault(question.party, case.id)
    if case.kind == kinds.TERMS:
        record.asked[question.terms] = (*record.asked.get(question.terms, ()), case.id)


def _stage_opened(record: Record, entry: Happening, body: releases.StageOpened) -> None:
    record.opened.setdefault(body.terms, entry.at_ms)


def _case_opened(record: Record, entry: Happening, body: cases.CaseOpened) -> None:
    """The entry that opened what this case is about may have no effect here, so it is not on the record. The
    case still is.
    """
    question = body.question
    dossier = root = ""
    first, grant = record.cases.get(question.against), record.grants.get(question.grant)
    if first is not None:
        is_same = question.party == first.question.party
        dossier, root = first.dossier if is_same else record.dossier_of_appeal(first), first.root
    elif grant is not None:
        root = record.root_of(grant.id).id
        if question.party == record.cases[grant.dossier].question.party:
            dossier = grant.dossier
    case = case_.opened(entry, body, dossier, root)
    record.put(case)
    _find(record, case)
    if first is not None:
        _appealed(record, case)
    elif case.kind in _OPEN_ABOUT:
        _about_grant(record, case, case.id)
    elif question.directive in record.directives:
        found = record.directives[question.directive]
        record.put(replace(found, lifts=(*found.lifts, case.id)))


_OPEN_ABOUT = frozenset({kinds.AMENDMENT, kinds.REMOVAL})
"""The kinds of case that a grant keeps while they are open."""


def _appealed(record: Record, case: Case) -> None:
    against = record.cases[case.question.against]
    record.put(replace(against, appeal=case.id))
    root = record.cases[case.root]
    record.put(replace(root, appeals=(*root.appeals, case.id)))


def _about_grant(record: Record, case: Case, name: str | None) -> None:
    """Note the open case about a grant; None: it is no longer open."""
    grant = record.grants.get(case.question.grant)
    if grant is not None:
        amends = case.kind == kinds.AMENDMENT
        record.put(replace(grant, amendment=name) if amends else replace(grant, removal=name))


def _case_moved(record: Record, entry: Happening, name: str) -> Case:
    case = record.cases[name].after(entry)
    record.put(case)
    return case


class _OfCase(Protocol):
    """The body of an entry about a case."""

    @property
    def case(self) -> str: ...


class _OfGrant(Protocol):
    """The body of an entry about a grant."""

    @property
    def grant(self) -> str: ...


class _OfDirective(Protocol):
    """The body of an entry about a directive."""

    @property
    def directive(self) -> str: ...


def _of_case(record: Record, entry: Happening, body: _OfCase) -> None:
    _case_moved(record, entry, body.case)


def _case_replied(record: Record, entry: Happening, body: cases.CaseReplied) -> None:
    case = _case_moved(record, entry, body.case)
    if case.kind == kinds.AMENDMENT:
        _about_grant(record, case, case.id)


def _case_determined(record: Record, entry: Happening, body: cases.CaseDetermined) -> None:
    case = _case_moved(record, entry, body.case)
    if case.kind in _OPEN_ABOUT:
        _about_grant(record, case, None)
    elif case.kind == kinds.TERMS and case.outcome in kinds.GRANTED and case.question.terms:
        release = record.releases[case.question.release]
        record.releases[release.name] = release.agreeing(case.question.terms)


def _list_changed(record: Record, entry: Happening, body: releases.ListChanged) -> None:
    for case in [record.cases[name] for name in record.screened]:
        after = case.after(entry)
        if after is not case:
            record.put(after)


def _record_added(record: Record, entry: Happening, body: releases.RecordAdded) -> None:
    if body.about.case is not None:
        _case_moved(record, entry, body.about.case)


def _grant_approved(record: Record, entry: Happening, body: grants.GrantApproved) -> None:
    case = _case_moved(record, entry, body.case)
    appeals = [record.cases[name] for name in record.cases[case.root].appeals]
    about = next((each for each in (case, *appeals) if each.question.party == body.party), case)
    for appeal in appeals:
        record.put(replace(appeal, used=True))
    record.put(grant_.approved(body, about.dossier))


def _grant_amended(record: Record, entry: Happening, body: grants.GrantAmended) -> None:
    case = _case_moved(record, entry, body.case)
    grant = record.grants[body.grant].after(entry)
    record.put(replace(grant, dossier=case.dossier))


def _grant_reinstated(record: Record, entry: Happening, body: grants.GrantReinstated) -> None:
    _case_moved(record, entry, body.case)
    _of_grant(record, entry, body)


def _of_grant(record: Record, entry: Happening, body: _OfGrant) -> None:
    record.put(record.grants[body.grant].after(entry))


def _directive_issued(record: Record, entry: Happening, body: directives.DirectiveIssued) -> None:
    replaced = record.directives[body.replaces] if body.replaces is not None else None
    if replaced is not None:
        record.put(replaced.after(entry))
    record.put(directive_.issued(entry, body, replaced))


def _of_directive(record: Record, entry: Happening, body: _OfDirective) -> None:
    record.put(record.directives[body.directive].after(entry))


_FOLDS: dict[type[Body], Callable[[Record, Happening, Any], None]] = {
    releases.LogStarted: _log_started,
    releases.KeyPinned: _key_pinned,
    releases.ReleaseApplied: _release_applied,
    releases.StageOpened: _stage_opened,
    releases.ListChanged: _list_changed,
    releases.RecordAdded: _record_added,
    cases.CaseOpened: _case_opened,
    cases.CaseReceived: _of_case,
    cases.CaseWarned: _of_case,
    cases.CaseEscalated: _of_case,
    cases.CaseSilent: _of_case,
    cases.CaseAnswered: _of_case,
    cases.CaseScreened: _of_case,
    cases.CaseProceeded: _of_case,
    cases.CaseWaitlisted: _of_case,
    cases.CaseOffered: _of_case,
    cases.CaseResumed: _of_case,
    cases.CaseReplied: _case_replied,
    cases.CaseDetermined: _case_determined,
    cases.PositionRecorded: _of_case,
    grants.GrantApproved: _grant_approved,
    grants.GrantAmended: _grant_amended,
    grants.GrantSuspended: _of_grant,
    grants.GrantResumed: _of_grant,
    grants.GrantEnded: _of_grant,
    grants.GrantReinstated: _grant_reinstated,
    directives.DirectiveIssued: _directive_issued,
    directives.DirectiveConfirmed: _of_directive,
    directives.DirectiveLifted: _of_directive,
    directives.DirectiveExpired: _of_directive,
    directives.DrillReported: _of_directive,
    directives.DirectiveInForce: _of_directive,
}
