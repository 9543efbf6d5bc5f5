"""The story of June 2026, with real processes: an order that comes as a letter, its annex, and its end.

What is expected is read off the population by `population.Order`, literally; what happened is taken from the
bytes that clients got, from what they were told, and from the record.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from bench import fleet, streams
from bench.fleet import AGENCIES, Fleet
from bench.speech import Speech
from bench.streams import Pace
from sluicegate.acts import subscriptions
from sluicegate.acts.directives import DirectivePreview, DirectiveStatus
from sluicegate.acts.subscriptions import SubscriptionRequest
from sluicegate_record import audit
from sluicegate_record.log import canonical, checkpoint, merkle, proof, tiles
from sluicegate_record.log.merkle import Frontier
from sluicegate_record.log.proof import Proven
from tests.june.asking import ANSWERED, Asked, Prober, Question, answers, probing
from tests.june.offices import OFFICERS, ORDER, RELEASE, STAGE, Offices, Registry
from tests.june.population import (
    CATALOGUE,
    GATEWAYS,
    MODELS,
    STAFF,
    Caller,
    Order,
    Organization,
    callers,
    organizations,
    spread,
)
from tests.post.receiver import Receiver, receiving
from tests.waiting import BOUND_S

REFUSED = "451 directive_in_force"
NOBODY_ORDERED = Order(is_over=True)
LEASE_MS = 15_000
"""Long: nobody is cut off here, and a busy machine is no reason to refuse."""
SAMPLE = 7
"""One caller in so many asks where nothing has changed."""


@dataclass(frozen=True)
class Scale:
    """How many there are; streams last while all are opened, the order is signed, and a while longer."""

    organizations: int
    people_each: int
    streams: int
    pace: Pace


SMALL = Scale(12, 5, 120, Pace(40, 250))
FULL = Scale(60, 10, 1_000, Pace(60, 500))


def test_a_june_of_twelve_organizations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _tell(SMALL, tmp_path, monkeypatch)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_june(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _tell(FULL, tmp_path, monkeypatch)


def _tell(scale: Scale, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICEGATE_WEBHOOK_NETWORKS", "127.0.0.0/8")
    with fleet.running(folder, {"demo": ()}, OFFICERS) as running:
        asyncio.run(Story(running, scale).tell())


@dataclass
class Story:
    """June, from the evening of the order to the last signature under its lift."""

    fleet: Fleet
    scale: Scale
    order: Order = field(default_factory=Order)
    letters: Receiver = field(default_factory=lambda: Receiver([]))

    def __post_init__(self) -> None:
        self.issued = self.order
        self.offices, self.registry = Offices(self.fleet), Registry(self.fleet)
        self.everyone = organizations(self.scale.organizations, self.scale.people_each)
        self.annex = [each.name for each in self.everyone if each.is_named]
        self.annex += [f"Example Stranger {number}" for number in range(100 - len(self.annex))]
        self.told: dict[str, list[str]] = {each.slug: [] for each in self.everyone}

    async def tell(self) -> None:
        """Everything, one thing after the other."""
        async with receiving() as self.letters:
            await asyncio.to_thread(self._open)
            await self._check(NOBODY_ORDERED)
            await self._ordered()
            await self._annexed()
            await self._lifted_for_governments()
            await self._lifted()
        assert self._arrived() == self.told

    # What happens

    def _open(self) -> None:
        """The release is open, everybody is admitted, known and wants to be told; then the gateways start."""
        surfaces = {*GATEWAYS.values(), CATALOGUE}
        self.fleet.release(fleet.plan(RELEASE, STAGE, dict.fromkeys(MODELS, "demo"), surfaces, LEASE_MS))
        self.offices.declare_catalogue()
        for organization in self.everyone:
            self.registry.admit(organization)
            target = f"http://127.0.0.1:{self.letters.port}/{organization.slug}"
            asked = SubscriptionRequest(kind="webhook", target=target)
            self.registry.client(organization).do(subscriptions.ADD, asked)
        self.fleet.start_gateways(GATEWAYS)

    async def _ordered(self) -> None:
        """The order comes while everybody streams, and is in force on every surface."""
        opened = self._streams()
        await streams.opened([(each.gateway.url, each.stream) for each in opened], BOUND_S)
        previewed = await self._reported(len(opened))
        self._check_preview(previewed)
        self._check_traffic(previewed, opened)
        probers = [*self._probers(covered=True), *self._probers(covered=False)]
        async with probing(probers):
            issued = await asyncio.to_thread(self.offices.transcribe)
            await streams.finished([each.stream for each in opened if each.covered], BOUND_S)
            assert not (await asyncio.to_thread(self.offices.status)).in_force, "the catalogue is silent"
            status = await self._everywhere()
            in_force = [len(prober.said) + 1 for prober in probers]
        self._check_probers(probers, in_force)
        assert issued.covered is not None
        assert issued.covered.members == previewed.covered.members
        assert issued.covered.credentials == previewed.covered.credentials
        await self._check(self.order)
        await streams.finished([each.stream for each in opened], BOUND_S)
        await self._check_streams(opened, status)
        await self._check_told("directive.issued")

    async def _reported(self, open_: int) -> DirectivePreview:
        """The preview that rests on everything that gateways have to report."""
        async with asyncio.timeout(BOUND_S):
            while True:
                found = await asyncio.to_thread(self.offices.preview)
                requests = found.covered.requests + found.spared.requests
                streams_ = found.covered.streams + found.spared.streams
                if requests >= len(self._calls()) + open_ and streams_ == open_:
                    return found

    async def _annexed(self) -> None:
        """A second letter excepts whom its annex names, and their foreign employees."""
        self.order = replace(self.order, excepts_annex=True)
        self._check_preview(await asyncio.to_thread(self.offices.preview, self.annex))
        await asyncio.to_thread(self.offices.amend, self.annex)
        await self._everywhere()
        await self._check(self.order)
        await self._check_told("directive.issued")

    async def _lifted_for_governments(self) -> None:
        """A third frees governments, and is silent on the second model."""
        names = [each.name for each in self.everyone if each.sector == "government"]
        await self._sign(await asyncio.to_thread(self.offices.open_lift, MODELS[:1], names))
        self.order = replace(self.order, lifted=frozenset(MODELS[:1]))
        await self._check(self.order)
        await self._check_told("directive.lifted")

    async def _lifted(self) -> None:
        """The last frees everybody, when everyone whom the order names has signed."""
        await self._sign(await asyncio.to_thread(self.offices.open_lift))
        self.order = NOBODY_ORDERED
        await self._check(self.order)
        await asyncio.to_thread(self.offices.state_catalogue, "restored")
        status = await asyncio.to_thread(self.offices.status)
        assert (status.lifted, status.in_force) == (True, False)
        await self._check_told("directive.lifted")

    async def _sign(self, case: str) -> None:
        """Agency by agency, and the issuer's letter last: until then nobody is freed."""
        for agency in AGENCIES:
            signed = await asyncio.to_thread(self.offices.agree, case, agency)
            assert signed.determination != "approved"
            await asyncio.to_thread(self._follow)
            await self._check(self.order, every=SAMPLE)
        signed = await asyncio.to_thread(self.offices.transcribe_lift, case)
        assert signed.determination == "approved"
        await asyncio.to_thread(self._follow)

    async def _everywhere(self) -> DirectiveStatus:
        """The catalogue says that it enforces the order; return how everybody stands when all do."""
        await asyncio.to_thread(self.offices.state_catalogue, "enforced")
        status = await asyncio.to_thread(self.fleet.paperwork.in_force, ORDER)
        assert [(each.point, each.state) for each in status.points] == [(CATALOGUE, "stated")]
        states = [(each.gateway, each.state) for each in status.gateways]
        assert states == [(gateway, "acknowledged") for gateway in GATEWAYS]
        await streams.until(self._is_recorded, BOUND_S)
        await asyncio.to_thread(_check_proof, self.fleet, self.offices.status())
        return status

    def _is_recorded(self) -> bool:
        """Whether it is on the record: that is noted right after it has come to be so."""
        return self.offices.status().entry is not None

    def _follow(self) -> None:
        self.fleet.followed(self.fleet.paperwork.head().size)

    # Who asks

    def _asking(self, surface: str) -> list[list[Caller]]:
        """Those who call on a surface, by organization, each organization's in an order of its own."""
        groups = [list(callers(each)) for each in self.everyone if each.surface == surface]
        for group in groups:
            random.Random(group[0].organization.number).shuffle(group)
        return groups

    def _question(self, caller: Caller, number: int) -> Question:
        model, speech = MODELS[number % len(MODELS)], list(Speech)[number % len(Speech)]
        covered = self.order.covers(caller, model)
        text = f"{caller.name}, question {number}"
        return Question(self.registry.key(caller), model, speech, caller.named, text, covered)

    def _streams(self) -> list[Asked]:
        """Streams of everybody, spread over the gateways of each surface."""
        opened = []
        for surface in dict.fromkeys(GATEWAYS.values()):
            gateways = cycle(each for each in self.fleet.gateways if each.surface == surface)
            share = sum(each == surface for each in GATEWAYS.values()) / len(GATEWAYS)
            asking = spread(self._asking(surface), int(self.scale.streams * share))
            for number, caller in enumerate(asking):
                question = self._question(caller, number)
                opened.append(Asked(next(gateways), question.covered, question.stream(self.scale.pace)))
        assert len(opened) == self.scale.streams
        return opened

    def _probers(self, *, covered: bool) -> list[Prober]:
        found = []
        for gateway in self.fleet.gateways:
            asking = [caller for group in self._asking(gateway.surface) for caller in group]
            questions = [self._question(caller, number) for number, caller in enumerate(asking)]
            found.append(Prober(gateway, [each for each in questions if each.covered is covered]))
        return found

    # What is seen

    async def _check(self, order: Order, *, every: int = 1) -> None:
        """Exactly those whom the order does not cover are answered: everyone, for both models, everywhere."""
        for gateway in self.fleet.gateways:
            asking = [caller for group in self._asking(gateway.surface) for caller in group][::every]
            asked = [(caller, number) for caller in asking for number in range(len(MODELS))]
            questions = {
                self._question(caller, at + number): caller for at, (caller, number) in enumerate(asked)
            }
            for question, said in await answers(gateway, list(questions)):
                caller = questions[question]
                expected = REFUSED if order.covers(caller, question.model) else ANSWERED
                assert said == expected, (caller.name, question.model, gateway.name)

    def _check_preview(self, preview: DirectivePreview) -> None:
        """Who would be covered is who is, by the letter; governments and critical users come first."""
        order, everyone = self.order, self.everyone
        affected = [each for each in everyone if order.affects(each) or self._calls_covered(each)]
        covered = {
            "organizations": len(affected),
            "members": sum(order.covers_member(each, one) for each in everyone for one in each.people),
            "credentials": sum(order.covers_key(each, key) for each in everyone for key in each.keys),
        }
        assert {name: getattr(preview.covered, name) for name in covered} == covered
        there = {
            "organizations": len(everyone),
            "members": sum(len(each.people) for each in everyone),
            "credentials": sum(len(each.keys) for each in everyone),
        }
        assert {name: getattr(preview.spared, name) + covered[name] for name in covered} == there
        listed = [row.name for row in preview.organizations if row.name is not None]
        assert sorted(listed) == sorted(each.name.casefold() for each in affected)
        sectors = [row.sector for row in preview.organizations]
        assert sectors == sorted(sectors, key=["government", "critical-infrastructure", None].index)
        assert order.excepts_annex or STAFF.casefold() in listed

    def _check_traffic(self, preview: DirectivePreview, opened: Sequence[Asked]) -> None:
        """Streams that are open, and calls of the last day: everyone has asked once for each model."""
        cut = sum(each.covered for each in opened)
        assert preview.covered.streams == cut
        called = sum(self.order.covers(*call) for call in self._calls())
        assert preview.covered.requests == called + cut

    def _calls(self) -> list[tuple[Caller, str]]:
        """What everyone asks once where there is a gateway."""
        asking = [
            caller
            for surface in set(GATEWAYS.values())
            for group in self._asking(surface)
            for caller in group
        ]
        gateways = Counter(GATEWAYS.values())
        return [
            (caller, model)
            for caller in asking
            for model in MODELS
            for _ in range(gateways[caller.organization.surface])
        ]

    def _calls_covered(self, organization: Organization) -> bool:
        return any(
            self.order.covers(caller, model)
            for caller in callers(organization)
            for model in MODELS
            if organization.surface in GATEWAYS.values()
        )

    def _check_probers(self, probers: Sequence[Prober], in_force: Sequence[int]) -> None:
        """Whoever has refused one covered request answers none any more; the others are answered."""
        for prober, at in zip(probers, in_force, strict=True):
            if not prober.questions[0].covered:
                assert set(prober.said) == {ANSWERED}, prober.gateway
                continue
            refused_at = prober.said.index(REFUSED)
            assert set(prober.said[:refused_at]) == {ANSWERED}, prober.gateway
            assert set(prober.said[refused_at:]) == {REFUSED}, prober.gateway
            assert refused_at < at, "answered where the order was in force"

    async def _check_streams(self, opened: Sequence[Asked], status: DirectiveStatus) -> None:
        """Exactly the covered streams were cut, as each dialect says it; every other one is whole."""
        upstream = self.fleet.upstreams["demo"]
        covered = [each.stream for each in opened if each.covered]
        spared = [each.stream for each in opened if not each.covered]
        assert {each.speech for each in covered} == {each.speech for each in spared} == set(Speech)
        await streams.check_cut(upstream, covered, "directive_in_force")
        await streams.check_spared(upstream, spared)
        cut = Counter(each.gateway.name for each in opened if each.covered)
        for row in status.gateways:
            # The prober asks one question at a time, and what is under way may be cut as well.
            assert row.streams_cut - cut[row.gateway] in {0, 1}, row

    async def _check_told(self, topic: str) -> None:
        """Everyone affected is told of it once; of its end those who were told of the order as it is.

        Whom an amendment frees is told that the order was replaced.
        """
        before = self.issued
        if topic == "directive.issued":
            self.issued = self.order
        for organization in self.everyone:
            if self.issued.affects(organization):
                self.told[organization.slug].append(topic)
            elif before.affects(organization):
                self.told[organization.slug].append("directive.replaced")
        await streams.until(lambda: self._arrived() == self.told, BOUND_S)

    def _arrived(self) -> dict[str, list[str]]:
        """What each organization's receiver has got about directives, in its order."""
        found: dict[str, list[str]] = {each.slug: [] for each in self.everyone}
        for received in self.letters.received:
            topic = json.loads(received.body)["type"]
            if topic.startswith("directive."):
                found[received.line.split()[1].removeprefix("/")].append(topic)
        return found


def _check_proof(running: Fleet, status: DirectiveStatus) -> None:
    """The record proves, by the gateways' own signatures, that the order is in force everywhere."""
    client = running.paperwork.staff()
    note = client.raw("/log/checkpoint")
    verifier = checkpoint.parse_vkey(running.vkey)
    size = checkpoint.open_checkpoint(note, verifier).size
    bundles = [client.raw(f"/log/{path}") for path, _ in tiles.entries_paths(size)]
    leaves = [leaf for bundle in bundles for leaf in tiles.decode_entries(bundle)]
    assert audit.audit(note, verifier, iter(leaves)).ok
    entries: list[Any] = [canonical.loads(leaf) for leaf in leaves]
    parts = [
        each["public"]
        for each in entries
        if each["type"] == "directive.in_force" and each["public"]["size"] == status.size
    ]
    assert status.entry is not None
    assert entries[status.entry]["public"] == parts[0]

    @lru_cache
    def root_of(at: int) -> bytes:
        frontier = Frontier()
        for leaf in leaves[:at]:
            frontier.append(merkle.leaf_hash(leaf))
        return frontier.root()

    assert proof.in_force(parts, root_of) == Proven(len(GATEWAYS), 0, 0, stated=1)
