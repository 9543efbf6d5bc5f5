"""The weeks from 2 June to 9 July, on one simulated clock: an order over two models and its end, and the
preview of a third model that goes through to everyone, in one log.

Who should be answered is read off the population, literally (`population.Order`); what is, gateways say that
follow the log: of every caller as they decide, to some over HTTP, with the official SDK. The auditor checks
each entry after each chapter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import chain, product
from pathlib import Path

import pytest
from openai import Stream
from openai.types.chat import ChatCompletionChunk

from bench import fleet
from bench.fleet import AGENCIES
from demo.cast import Customer, Place
from demo.upstream import UpstreamSettings, in_thread
from sluicegate.cli.presets import PRESETS
from sluicegate.core.access.naming import NOBODY, Naming
from sluicegate.core.people import persons
from sluicegate.core.terms import document, renewal
from sluicegate.core.terms.renewal import Renewal
from sluicegate_record.log import times
from sluicegate_record.terms.quorum import parties_of
from tests.june.calling import SLOW, CalledGateway, outcome
from tests.june.course import ANSWERED, Course, CourseCast, CoursePaperwork
from tests.june.offices import RELEASE, STAGE, Offices, Registry
from tests.june.population import CATALOGUE, GATEWAYS, MODELS, Caller, Order, callers, organizations
from tests.plane import yes
from tests.worlds import DEVELOPER

PREVIEW = NEW_MODEL = "gpt-5.6"
PARTNERS, GENERAL = "trusted-partners", "general"
REFUSED = "directive_in_force"
UPSTREAMS = ("demo", "my-upstream")
"""The model's server, as the plans of both releases name it."""
BEGUN = 20
"""About two dozen organizations were planned, and about twenty began."""


@dataclass
class June(Course):
    """The control plane of both releases, with what parties use at their desks, and gateways of both.

    `ends` is what ends the gateways; the model's server is at `upstream`.
    """

    folder: Path
    patch: pytest.MonkeyPatch
    upstream: str
    ends: ExitStack
    order: Order = field(default_factory=lambda: Order(is_over=True))
    served: list[CalledGateway] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__("2026-06-02T00:00", [*AGENCIES, "commerce"], GATEWAYS)
        self._signs_now()
        self.paperwork, self.cast = CoursePaperwork(self, self.folder), CourseCast(self.folder, ())
        self.offices, self.registry = Offices(self), Registry(self)
        self.customers = organizations(12, 5)

    def _gateway(self, name: str, surface: str) -> CalledGateway:
        upstreams = dict.fromkeys(UPSTREAMS, self.upstream)
        self.served.append(CalledGateway(self, name, surface, upstreams, self.ends))
        return self.served[-1]

    def until(self, moment: str) -> None:
        """Let time pass, also at the desks where people sign."""
        super().until(moment)
        self._signs_now()

    def _signs_now(self) -> None:
        self.patch.setenv("SLUICEGATE_SIGNED_AT", times.format_time(self.wall()))

    def release(self, text: str) -> None:
        """A plan in force, with its terms agreed."""
        path = self.folder / "plan.yaml"
        path.write_text(text)
        for case in self.paperwork.apply_plan(path).cases:
            self.paperwork.decide(case)

    def check(self) -> None:
        """Exactly those are answered whom the order does not cover: every caller, model and gateway.

        Over HTTP one caller asks for each model who is covered, and one who is not.
        """
        self.followed()
        for gateway in self.served:
            asking = list(product(self.asking(gateway.surface), MODELS))
            expected = [REFUSED if self.order.covers(*each) else ANSWERED for each in asking]
            said = gateway.decided([self._question(*each) for each in asking])
            assert dict(zip(asking, said, strict=True)) == dict(zip(asking, expected, strict=True)), (
                gateway.name
            )
            some = {(model, told): caller for (caller, model), told in zip(asking, expected, strict=True)}
            for (model, told), caller in some.items():
                found = gateway.called(self.registry.key(caller), model, caller.named)
                assert found == told, (caller.name, model, gateway.name)
        self.audited()

    def said(self, key: str, model: str) -> dict[str, str]:
        """What a key is told now over HTTP, by surface."""
        self.followed()
        return {gateway.surface: gateway.called(key, model) for gateway in self.served}

    def asking(self, surface: str) -> Iterator[Caller]:
        """Everyone who asks on a surface."""
        return chain.from_iterable(callers(each) for each in self.customers if each.surface == surface)

    def _question(self, caller: Caller, model: str) -> tuple[str, str, Naming]:
        naming = NOBODY if caller.named is None else Naming((persons.identifier(caller.named),))
        return self.registry.key(caller), model, naming

    def streams(self, *, covered: bool) -> list[Stream[ChatCompletionChunk]]:
        """A stream at each gateway, of a caller who names nobody: one whom the order covers, or one not."""
        found = []
        for gateway in self.served:
            asking = (each for each in self.asking(gateway.surface) if each.named is None)
            caller = next(each for each in asking if Order().covers(each, MODELS[0]) is covered)
            stream = gateway.stream(self.registry.key(caller), MODELS[0], SLOW)
            next(stream)
            found.append(stream)
        return found

    def lift(self, models: tuple[str, ...] = (), organizations: list[str] | None = None) -> None:
        """Agency by agency, and the issuer's letter last: until then no one is freed."""
        case = self.offices.open_lift(models, organizations)
        for agency in AGENCIES:
            self.offices.agree(case, agency)
            self.check()
        assert self.offices.transcribe_lift(case).determination == "approved"


def test_the_weeks_of_june_and_july(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with in_thread(UpstreamSettings()) as upstream, ExitStack() as ends:
        june = June(tmp_path, monkeypatch, upstream, ends)
        _before_the_order(june)
        _ordered(june)
        partners = _previewed(june)
        _lifted(june)
        _for_everyone(june, partners)


def _before_the_order(june: June) -> None:
    june.release(fleet.plan(RELEASE, STAGE, dict.fromkeys(MODELS, "demo"), {*GATEWAYS.values(), CATALOGUE}))
    june.paperwork.open_stage(RELEASE, STAGE)
    for organization in june.customers:
        june.registry.admit(organization)
    june.check()


def _ordered(june: June) -> None:
    """12 June, 17:21 in Washington: the letter, and what it leaves in the same minute. It cuts streams."""
    june.until("2026-06-12T21:21")
    june.check()
    covered, spared = june.streams(covered=True), june.streams(covered=False)
    june.offices.transcribe()
    june.order = Order()
    june.check()
    assert {outcome(each) for each in covered} == {REFUSED}
    for each in spared:
        assert next(each).choices[0].finish_reason is None
        each.close()


def _previewed(june: June) -> list[str]:
    """24 June: another lab is asked. 26 June: its preview opens by itself; the first letter gets an annex."""
    june.until("2026-06-24T15:00")
    text = (PRESETS / "preview-to-everyone.yaml").read_text()
    wanted = Renewal(PREVIEW, DEVELOPER, start=date(2026, 6, 24), models={"id": [NEW_MODEL]})
    june.release(renewal.renewed(document.read(text, "preview"), text, wanted))
    june.until("2026-06-25T23:00")
    assert june.opened_at(PREVIEW, PARTNERS) is None
    june.until("2026-06-26T00:00")
    assert june.opened_at(PREVIEW, PARTNERS) == "2026-06-26T00:00"
    june.offices.amend([each.name for each in june.customers if each.is_named])
    june.order = replace(june.order, excepts_annex=True)
    june.check()
    partners = [_partner(june, number) for number in range(BEGUN)]
    june.open_account("Example General", "general")
    assert june.said(partners[0], NEW_MODEL) == {"api": ANSWERED, "codex": "surface_not_granted"}
    assert set(june.said("general", NEW_MODEL).values()) == {"not_admitted"}
    june.audited()
    return partners


def _partner(june: June, number: int) -> str:
    """An organization of the preview, approved by both agencies; its key."""
    name = f"Example Partner {number}"
    customer = Customer(name, f"partner-{number}", Place(PREVIEW, PARTNERS, "api"))
    (june.folder / f"{customer.slug}.yaml").write_text(json.dumps({"name": name, "registeredIn": "US"}))
    case = june.paperwork.decide(june.paperwork.submit(customer))
    assert case.grant is not None
    return june.paperwork.issue(customer, case.grant.grant).key


def _lifted(june: June) -> None:
    """30 June: governments, on the first model. 1 July: everyone, agency by agency."""
    june.until("2026-06-30T16:00")
    june.lift(MODELS[:1], [each.name for each in june.customers if each.sector == "government"])
    june.order = replace(june.order, lifted=frozenset(MODELS[:1]))
    june.check()
    june.until("2026-07-01T16:00")
    june.lift()
    june.order = Order(is_over=True)
    june.check()


def _for_everyone(june: June, partners: list[str]) -> None:
    """8 July: the agencies have agreed, and the first shares are in. 9 July: everyone is."""
    opening = june.case(yes(june.open(PREVIEW, GENERAL)).case)
    for agency in sorted(parties_of(opening.rule)):
        june.paperwork.approve(opening.id, agency)
    june.until("2026-07-07T23:00")
    assert june.opened_at(PREVIEW, GENERAL) is None
    june.until("2026-07-09T00:00")
    assert june.opened_at(PREVIEW, GENERAL) == "2026-07-08T00:00"
    for key in ("general", *partners):
        assert june.said(key, NEW_MODEL) == {"api": ANSWERED, "codex": ANSWERED}
    june.check()
