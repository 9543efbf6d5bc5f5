"""A control plane without a socket or a disk: a ledger, a fleet, and somebody of each role."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from typing import Any

import pytest

from sluicegate.acts import applications, credentials, directives, drills, releases, review
from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, GATEWAY, AnyAct
from sluicegate.acts.tokens import TokenRequest
from sluicegate.core.access import feed, versions
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.people import legal_names
from sluicegate.errors import StoreUnavailable, Unauthorized
from sluicegate.feed.head import Head
from sluicegate.feed.leases import Clocks, Leases
from sluicegate.feed.run import Poll
from sluicegate.pages.page import Filled, PagePlace, SitePage, View
from sluicegate.ports import Principal, Store
from sluicegate.service import doings, preview, tokens
from sluicegate.service.context import Services
from sluicegate.service.fleet import Fleet
from sluicegate.service.ledger import Ledger
from sluicegate_record import entries
from sluicegate_record.entities.case import Case
from sluicegate_record.entries import Draft
from sluicegate_record.log import acknowledgement, checkpoint, merkle
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.merkle import Frontier
from sluicegate_record.terms.quorum import parties_of
from tests import worlds
from tests.clock import Clock
from tests.fakes import Breaking, MemoryFeedRegister, MemoryFeeds
from tests.unwalked import held, unwalked
from tests.worlds import API, AT_MS, ORIGIN, RELEASE, STAGE, private_key

BOOT = "boot-1"
ROLES = {
    "developer": (DEVELOPER, None),
    "oncd": (AGENCY, "oncd"),
    "ostp": (AGENCY, "ostp"),
    "caisi": (AGENCY, "caisi"),
    "applicant": (APPLICANT, None),
    "rival": (APPLICANT, None),
    "gateway-1": (GATEWAY, None),
    "gateway-2": (GATEWAY, None),
}

OVER_ALL = (directives.PREVIEW, directives.AFFECTED, drills.REPORT, applications.NOMINATIONS)
"""The acts that count over all customers, or may, and the list of nominations. Others do not look at all."""


def yes(result: Any) -> Any:
    """What a use case answers that refuses nothing."""
    assert not isinstance(result, Refusal), result
    return result


def no(result: Any) -> str:
    """The code of a refusal."""
    assert isinstance(result, Refusal), result
    return result.code


class Plane:
    """Commands go through the services, as the routes send them. Each gets an id of its own."""

    ledger_type: type[Ledger] = Ledger

    def __init__(
        self,
        store: Breaking | None = None,
        *,
        max_entries: int = 5_000,
        agencies: Sequence[str] = worlds.AGENCIES,
        at_ms: int = AT_MS,
    ) -> None:
        self.store = store or Breaking()
        self.wall, self.boot = Clock(at_ms), Clock()
        self._pins = worlds.pins_of(agencies)
        others = {name: each for name, each in ROLES.items() if each[0] != AGENCY}
        self._roles = others | {agency: (AGENCY, agency) for agency in agencies}
        self.max_entries = max_entries
        self.log_key = "log"
        """The name of the key that signs the log."""
        self._drawn = 0
        self._commands = 0
        self.fleet_file = MemoryFeedRegister()
        self.feeds = MemoryFeeds(self.fleet_file)
        self.tokens: dict[str, str] = {}
        self.who: dict[str, Principal] = {}
        self.restart()

    def restart(self) -> None:
        """Begin again on what the store holds, as a new process does."""
        self.ledger = self.again()
        started = self.ledger.execute(
            worlds.start(vkey=self.ledger.vkey(), pins=self._pins), by="log", command_id=self.id()
        )
        assert not isinstance(started, Refusal), started
        self.fleet = Fleet(self.ledger, self.feeds, BOOT)
        self.fleet.tick()
        self.feed = self.a_feed()
        self.services = Services.over(self.ledger, self.fleet)
        held = {(each.role, each.name) for each in self.store.principals.all()}
        for name in self._roles.keys() - self.who.keys():
            role, party = self._roles[name]
            is_held = (role, name) in held
            asked = TokenRequest(role=role, name=name, party=party, replace=is_held)
            made = tokens.issue(self.ledger, asked)
            assert not isinstance(made, Refusal), made
            self.tokens[name] = made.token
            self.who[name] = Principal(made.principal, role, name, party)

    def a_feed(
        self,
        name: str = "feed-1",
        register: MemoryFeedRegister | None = None,
        leases: type[Leases] = Leases,
        **more: Any,
    ) -> Leases:
        """A feed of this log, which has begun and is certified; what it commits is noted at once."""
        register = register or self.fleet_file
        if register not in self.feeds.registers:
            self.feeds.registers.append(register)
        feed = leases(
            Head(self.store.log),
            self.store.feed_keys,
            register,
            private_key(name),
            name,
            Clocks(BOOT, self.boot, lambda: self.wall()),  # noqa: PLW0108 - as in `again`
            told=self._note,
            **{"max_entries": self.max_entries, **more},
        )
        feed.begin()
        return feed

    def _note(self) -> None:
        with suppress(StoreUnavailable):  # it is noted when asked again
            self.fleet.tick()

    def do(self, who: str | Principal, act: AnyAct, command: str = "", **given: Any) -> Any:
        """What somebody does, read and done as a route does it; its answer."""
        by = who if isinstance(who, Principal) else self.who[who]
        return self.send(by, act, act.asked(**given), command)

    def denied(self, who: str | Principal, act: AnyAct, **given: Any) -> str:
        """The code of the error when somebody may not do an act, or not any more."""
        with pytest.raises(Unauthorized) as caught:
            self.do(who, act, **given)
        return caught.value.code

    def send(self, by: Principal, act: AnyAct, asked: Any, command: str = "") -> Any:
        """The same, of what is asked already."""
        read = act.asked.from_json(asked.to_json())
        with nullcontext() if act in OVER_ALL else held():
            return doings.do(self.services, by, act, read, command or self.id())

    def again(
        self,
        key: str | None = None,
        origin: str = ORIGIN,
        store: Store | None = None,
        *,
        successor: bool = False,
    ) -> Ledger:
        """The ledger of a new process on the same store, or on another."""
        ledger = self.ledger_type(
            store or self.store,
            private_key(key or self.log_key),
            origin,
            wall_ms=lambda: self.wall(),  # noqa: PLW0108 - a test may put another clock in its place
            boot_ms=self.boot,
            random=self.random,
            successor=successor,
        )
        with ledger.reading() as state:
            unwalked(state)
        return ledger

    def replace_log_key(self, new: str, *signers: str) -> None:
        """Another key signs the log from now on; the control plane begins again with it."""
        command = worlds.handover(self.ledger.entries(0, self.size), new, new, *signers, before=self.log_key)
        done = self.again(new, successor=True).execute(command, by="log", command_id=self.id())
        assert not isinstance(done, Refusal), done
        self.log_key = new
        self.restart()

    def random(self, count: int) -> bytes:
        """Never the same twice, always the same again."""
        self._drawn += 1
        return hashlib.sha256(f"drawn {self._drawn}".encode()).digest()[:count]

    def id(self) -> str:
        self._commands += 1
        return f"command-{self._commands}"

    def pseudonyms(self, name: str) -> Sequence[str]:
        """Those of the organizations of a legal name."""
        return [who for who, _ in self.store.principals.organizations([legal_names.bare_key(name)])]

    def written(self, *drafts: Draft) -> None:
        """Entries that another build wrote: this one asks nothing, and follows."""
        grown = Frontier()
        for leaf in self.store.log.leaves(0, self.size):
            grown.append(merkle.leaf_hash(leaf))
        placed = entries.place_all(
            drafts, seq=self.size, at_ms=self.ledger.now_ms(), by="earlier", command=self.id()
        )
        nodes = [node for entry in placed for node in grown.append(merkle.leaf_hash(entry.leaf))]
        note = checkpoint.sign(ORIGIN, grown.size, grown.root(), private_key("log"))
        with self.store.write() as ports:
            ports.log.append(placed, nodes, note)
        self.ledger.catch_up()

    # What people do

    def apply(self, value: Mapping[str, Any] | None = None) -> Any:
        text = json.dumps(value or worlds.plan_value())
        return self.do("developer", releases.APPLY, text=text, file="plan.yaml")

    def case(self, name: str) -> Case:
        with self.ledger.reading() as state:
            return state.cases[name]

    def say(self, case: str, agency: str, word: str = "approve") -> Any:
        envelope = worlds.position(self.case(case), agency, word)
        return self.carry(envelope, agency)

    def carry(self, envelope: Envelope, who: str) -> Any:
        return self.do(who, review.IMPORT, envelope=envelope.to_json())

    def open(self, release: str = RELEASE, stage: str = STAGE) -> Any:
        with self.ledger.reading() as state:
            envelope = worlds.opening(state, release, stage)
        return self.do("developer", releases.OPEN, envelope=envelope.to_json())

    def opened(self, value: Mapping[str, Any] | None = None) -> None:
        """A plan in force, agreed to and open."""
        for case in self.apply(value).cases:
            for agency in sorted(parties_of(self.case(case).rule)):
                self.say(case, agency)
        self.open()

    def submit(
        self, who: str | Principal = "applicant", name: str = "Example Utility", **changes: str
    ) -> Any:
        asked = {
            "release": RELEASE,
            "stage": STAGE,
            "surface": API,
            "organization": json.dumps({"name": name, "registeredIn": "US"}),
            "file": "organization.yaml",
            **changes,
        }
        return self.do(who, applications.SUBMIT, **asked)

    def admit(self, who: str | Principal = "applicant", name: str = "Example Utility", **changes: str) -> str:
        """An application that both agencies approve; its grant."""
        case = self.submit(who, name, **changes).application
        for agency in ("oncd", "ostp"):
            self.say(case, agency)
        grant = self.case(case).grant
        assert grant is not None
        return grant

    def credential(self, grant: str, key: str = "key", who: str = "applicant") -> Any:
        digest = hashlib.sha256(key.encode()).hexdigest()
        return self.do(who, credentials.ISSUE, grant=grant, digest=digest)

    def direct(self, name: str = "d-1", names: list[str] | None = None, **changes: Any) -> Any:
        """A directive of `oncd` over organizations by their legal names, or over everyone."""
        covers = worlds.committed(names) if names else "everyone"
        value = worlds.directive_value(name, covers=covers, **changes)
        opened = {worlds.COVERED: worlds.opened_names(names)} if names else {}
        issued = self.issue(worlds.directive(value), opened)
        return preview.counted(self.ledger, self.who["oncd"], issued, opened)

    def issue(self, envelope: Envelope, opened: Mapping[str, Opening] | None = None) -> Any:
        """A signed directive of `oncd`."""
        answer = self.do("oncd", directives.ISSUE, envelope=envelope.to_json(), opened=opened or {})
        self.fleet.look()
        return answer

    # What gateways do

    def poll(self, after: int, gateway: str = "gateway-1", **changes: Any) -> Poll:
        fields = {
            "gateway": gateway,
            "incarnation": f"{gateway}-run-1",
            "surface": API,
            "after": after,
            "nonce": "n" * 32,
            **changes,
        }
        return Poll(**fields)

    def signed(self, after: int, gateway: str = "gateway-1", key: str = "", **changes: Any) -> Poll:
        """The poll of a gateway that has our log, signed with its run's key, or with the one named."""
        poll = self.poll(after, gateway)
        question = {
            "gateway": gateway,
            "incarnation": poll.incarnation,
            "surface": poll.surface,
            "after": after,
            "nonce": poll.nonce,
            "root": self.ledger.root(after).hex() if after <= self.size else "00" * 32,
            "fold": versions.FOLD_VERSION,
            **changes,
        }
        cut = question.pop("cut", {})
        signed = acknowledgement.signed(
            {**question, "report": {"streamsCut": cut}}, private_key(key or f"run of {gateway}")
        )
        return Poll(**question, cut=cut, signed=acknowledgement.read(signed))

    def ask(self, after: int, gateway: str = "gateway-1", **changes: Any) -> feed.FeedAnswer:
        """A poll that is heard and answered at once, and verified."""
        return self.asked(self.poll(after, gateway, **changes))

    def asked(self, poll: Poll) -> feed.FeedAnswer:
        """A poll that is heard, committed and answered at once, and verified."""
        self.hear(poll)
        return self.opened_answer(poll)

    def hear(self, poll: Poll) -> None:
        """A poll that is heard, and committed at once."""
        self.feed.head.follow()
        try:
            self.feed.heard(poll)
        finally:
            self.feed.keep()

    def opened_answer(self, poll: Poll) -> feed.FeedAnswer:
        self.feed.head.follow()
        answer = json.dumps(self.feed.answer(poll)).encode()
        asked = {name: getattr(poll, name) for name in ("gateway", "incarnation", "nonce", "after")}
        return feed.open_answer(answer, asked, checkpoint.parse_vkey(self.ledger.vkey()))

    @property
    def size(self) -> int:
        return self.ledger.size()


def filled(
    plane: Plane, who: str, pages: Iterable[SitePage[Any, Any]], act: AnyAct, **asked: Any
) -> Mapping[str, Any]:
    """What the template of a page of an act gets, for somebody."""

    def ask(act: AnyAct, asked: Any) -> Any:
        return yes(plane.send(plane.who[who], act, asked))

    (page,) = (each for each in pages if each.act is act)
    about = act.asked(**asked)
    shown = page.show(View(PagePlace("", page.path, ""), about, ask(act, about), ask))
    assert isinstance(shown, Filled)
    return shown.values
