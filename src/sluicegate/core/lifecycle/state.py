"""The state that commands are decided on: the record, the table, and what follows from both.

Rules:
- Only `State.apply` writes it, with the functions of `fold.py`. It reads only the `public` and `gate` parts.
- What is due, who holds a seat, who waits and which application is open follow from the entities of the
  record. Each is looked up here, and no entity is folded twice.
- No command goes through all cases, grants, organizations, persons or credentials: it looks up one here.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import Any, Self

from sluicegate.core.access.fold import fold_in
from sluicegate.core.access.rows import StageName
from sluicegate.core.access.table import Table
from sluicegate.core.lifecycle import stages
from sluicegate.core.lifecycle.agenda import Agenda, What
from sluicegate.core.lifecycle.docket import Docket
from sluicegate.core.lifecycle.fold import SEATING, fold
from sluicegate.core.lifecycle.holdings import Holdings
from sluicegate.core.lifecycle.keyring import Keyring
from sluicegate.core.lifecycle.registry import Registry
from sluicegate.core.lifecycle.rows import Nomination, Point, Transcript
from sluicegate.core.lifecycle.signings import Signings
from sluicegate.core.lifecycle.tally import AccountTally
from sluicegate.core.lifecycle.trail import Trail
from sluicegate.core.people.persons import Definition
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entities.key import PinnedKey
from sluicegate_record.entities.release import Release
from sluicegate_record.entries import (
    Draft,
    Entry,
    place_all,
)
from sluicegate_record.record import Record
from sluicegate_record.terms.exposure import enforced
from sluicegate_record.terms.plan import Stage

_NO_SEATS: Counter[str] = Counter()


class State:
    """Everything that the commands need, at one size of the log."""

    def __init__(self) -> None:  # noqa: PLR0915 - one a part of the state
        self.record = Record()
        self.table = Table()
        self.at_ms = 0
        self.unsettled_agenda = Agenda()
        """`agenda`, as the fold writes it: before `settle`."""
        self.changed_releases: dict[str, int] = {}
        """The releases of which it may have changed when a stage opens, and the time of the entry."""
        self.registry = Registry()
        """Persons, signatories and providers, except what the table holds."""
        self.definitions: dict[str, Definition] = {}
        """The definitions on the record, beside those that every build has."""
        self.spreading: dict[str, None] = {}
        """The directives that have not ended and are not yet noted as in force everywhere, oldest first."""
        self.points: dict[str, Point] = {}
        self.keyring = Keyring()
        """The credentials under each grant."""
        self.granted = Holdings()
        """Every grant."""
        self.reached: dict[str, dict[str, set[str]]] = {}
        """The surfaces on which each model is or was granted, by release and model."""
        self.undescribed: dict[str, None] = {}
        """The holders of grants that the log does not describe: it is of an earlier build."""
        self.accounts = AccountTally()
        self.listing: dict[str, set[str]] = {}
        """The stages of each release that admit those that their terms name, if it has some."""
        self.taking: dict[str, set[str]] = {}
        """The stages of each release that take grants over by entries, if it has some."""
        self.keyed = Holdings()
        """The grants that have a credential, in the order of their first ones."""
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
        self.dated: dict[str, tuple[What, ...]] = {}
        """What is due by the dates of the bases of each release."""
        self.trail = Trail()
        """Where in the log it stands what happened to each grant, stage, directive."""
        self.signings = Signings()
        """What each key signed."""
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
    def agenda(self) -> Agenda:
        """What is due when."""
        self.settle()
        return self.unsettled_agenda

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
        fold_in(fold, self, entry)
        self.trail.add(entry)
        self.signings.add(self.record, entry)
        self.at_ms = entry.at_ms

    def settle(self) -> None:
        """Put the docket and the agenda in order. Who folds for others calls this last: then no reader
        changes anything.
        """
        self._docket.settle(self.record)
        while self.changed_releases:
            stages.follow(self.record, self.unsettled_agenda, *self.changed_releases.popitem())

    def seated(self, release: str, stage: str) -> AbstractSet[str]:
        """The organizations that hold a seat of a stage now,
        through a grant that has not ended, or an open offer.
        """
        return self.seats.get((release, stage), _NO_SEATS).keys()

    def seats_of(self, release: str, stage: str) -> int | None:
        """How many seats a stage has, by its seats and its enforced exposure; None without a limit, 0 if the
        stage does not exist any more.
        """
        body = self._body(release, stage)
        if body is None:
            return 0
        limits = (body.seats, enforced(body.exposure.organizations))
        return min((each for each in limits if each is not None), default=None)

    def people_left(self, release: str, stage: str) -> int | None:
        """How many people further organizations may have who get a seat of a stage; None without a limit."""
        body = self._body(release, stage)
        most = None if body is None else enforced(body.exposure.people)
        return None if most is None else most - self.people_of(self.seated(release, stage))

    def people_of(self, organizations: Iterable[str]) -> int:
        """How many members some organizations have registered."""
        return sum(len(self.registry.members.get(each, ())) for each in organizations)

    def _body(self, release: str, stage: str) -> Stage | None:
        found = self.releases.get(release)
        return found.plan.stages.get(stage) if found else None

    def next_offers(self, release: str, stage: str) -> Iterator[str]:
        """The waitlisted cases that can get an offer of a seat now, in order.

        The first ones take the free seats, except those with more people than may come in. Further ones are
        of organizations that have a seat then: these are found through the organizations or the list, where
        there are fewer.
        """
        waiting = self.waitlists.get((release, stage), {})
        seated, seats = self.seated(release, stage), self.seats_of(release, stage)
        free, first, last = len(waiting) if seats is None else seats - len(seated), dict[str, None](), ""
        left = self.people_left(release, stage)
        for last in waiting if free > 0 else ():
            taker = self._taker(last)
            if taker not in seated and taker not in first:
                added = 0 if left is None else self.people_of([taker])
                if left is not None and added > left:
                    continue
                left = None if left is None else left - added
                first[taker] = None
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

    def grant_of(self, credential: str) -> str | None:
        """The grant of a credential; None if there is no such credential."""
        found = self.table.credentials_by_id.get(credential)
        return None if found is None else found.grant.id

    def whose(self, seq: int) -> dict[str, Any]:
        """The fields `transcribed` and `officers` of the position or directive at a place in the log."""
        found = self.transcripts.get(seq)
        return {} if found is None else {"transcribed": found.arrived, "officers": found.officers}

    def party_of(self, grant: str) -> str:
        """The commitment to the dossier that was last agreed to for a grant."""
        return self.record.party_of(grant)

    def holder_of(self, grant: Grant) -> str:
        """Who acts for the holder of a grant: who applied, or who issues keys under the open account of one
        that a list admitted; empty if the developer alone does.
        """
        case = self.cases[grant.case]
        if grant.listed is None:
            return case.principal
        account = self.record.accounts.get(self.accounts.newest.get(grant.organization, ""))
        return account.issuer or "" if account is not None and account.is_open else ""


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
            follow = SEATING.get(type(after))
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
