"""The presets that go through to everyone: each from plan to end, on a simulated clock, by the real services.

Stages open by themselves when they are due, gateways that follow the log answer keys and refuse them, and the
auditor finds every entry lawful.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from sluicegate.acts import accounts, clearances, grants, licences, releases
from sluicegate.cli.presets import PRESETS
from sluicegate.client import signing
from sluicegate.core.terms import document, plan, renewal
from sluicegate.core.terms.renewal import Renewal
from sluicegate.statements.clearances import CLEARANCE, WordOnRequirement
from sluicegate_record.entities.case import Case
from sluicegate_record.log import times
from sluicegate_record.terms.plan import Plan
from sluicegate_record.terms.quorum import parties_of
from tests.june.course import ANSWERED, Course, CoursePaperwork
from tests.plane import yes
from tests.worlds import DAY_MS, DEVELOPER, private_key

RELEASE = MODEL = "gpt-6"
START = date(2027, 1, 11)
RECALL = Path(__file__).parents[2] / "examples" / "directives" / "recall.yaml"
STOPPED = "directive_in_force"
NOT_ADMITTED, NOT_OPEN = "not_admitted", "stage_not_open"


def begun(preset: str, **surfaces: str) -> Course:
    """The preset as a plan that begins at `START`, applied, with its terms agreed by every agency."""
    text = (PRESETS / f"{preset}.yaml").read_text()
    wanted = Renewal(RELEASE, DEVELOPER, start=START, models={"id": [MODEL]})
    made = renewal.renewed(document.read(text, preset), text, wanted)
    course = Course(f"{START}T00:00", _agencies(made), surfaces or {"gateway-1": "api"})
    applied = yes(course.do("developer", releases.APPLY, text=made, file="plan.yaml"))
    for case in applied.cases:
        signed(course, case)
    return course


def _agencies(text: str) -> list[str]:
    read: Plan = plan.read(document.read(text, "plan.yaml"))
    return sorted(read.spec.agencies)


def signed(course: Course, case: str) -> None:
    """Every agency that the rule of a case names approves."""
    for agency in sorted(parties_of(course.case(case).rule)):
        if course.case(case).state != "determined":
            yes(course.say(case, agency))


def admitted(course: Course, name: str, stage: str, surface: str = "api") -> str:
    """An organization applies, is approved, and has a key of its own name; its grant."""
    case = applied(course, name, stage, surface)
    signed(course, case)
    grant = course.case(case).grant
    assert grant is not None
    yes(course.credential(grant, name))
    return grant


def listed(course: Course, name: str, key: str) -> str:
    """An organization that the terms name gets an account, and a key under its grant; the grant."""
    text = json.dumps({"name": name, "registeredIn": "US"})
    yes(course.do("developer", accounts.OPEN, organization=text))
    course.ledger.tick()
    (found,) = yes(course.do("developer", grants.LIST, organization=name)).grants
    yes(course.credential(found.grant, key, who="developer"))
    return str(found.grant)


def applied(course: Course, name: str, stage: str, surface: str = "api") -> str:
    found: str = yes(course.submit(name=name, release=RELEASE, stage=stage, surface=surface)).application
    return found


def said(course: Course, *keys: str) -> Mapping[str, str]:
    """What the keys are told on the surface `api`."""
    return {key: course.said(key, MODEL)["api"] for key in keys}


def opened(course: Course, *stages: str) -> list[str | None]:
    return [course.opened_at(RELEASE, stage) for stage in stages]


def test_a_preview_goes_from_a_short_list_to_everyone():
    course = begun("preview-to-everyone", **{"gateway-1": "api", "gateway-2": "codex"})
    preview, general = "trusted-partners", "general"
    course.until("2027-01-12T23:00")
    assert opened(course, preview) == [None]
    course.until("2027-01-13T00:00")
    assert opened(course, preview) == ["2027-01-13T00:00"]
    for number in range(24):
        admitted(course, f"Example Partner {number}", preview)
    late = applied(course, "Example Late Partner", preview)
    signed(course, late)
    assert course.case(late).state == "waitlisted"
    names = [f"Example General {number}" for number in range(40)]
    for name in names:
        course.open_account(name, name)
    assert course.said("Example Partner 0", MODEL) == {
        "api": ANSWERED,
        "codex": "surface_not_granted",
    }
    assert set(said(course, *names).values()) == {NOT_ADMITTED}
    signed(course, yes(course.open(RELEASE, general)).case)
    course.until("2027-01-24T23:00")
    assert opened(course, general) == [None]
    assert course.stage(RELEASE, general).opens_ms == course.wall.at_ms + DAY_MS // 24
    shares = []
    for moment in ("2027-01-25T00:00", "2027-01-25T12:00", "2027-01-26T00:00"):
        course.until(moment)
        found = said(course, *names)
        shares.append({name for name in names if found[name] == ANSWERED})
        assert course.said("Example Partner 0", MODEL)["api"] == ANSWERED
    assert shares[0] <= shares[1] <= shares[2] == set(names)
    assert 0 < len(shares[1]) < len(names)
    assert opened(course, preview, general) == ["2027-01-13T00:00", "2027-01-25T00:00"]
    assert course.said("Example Partner 0", MODEL) == {"api": ANSWERED, "codex": ANSWERED}
    course.until("2027-02-20T00:00")
    assert course.said("Example Partner 0", MODEL) == {"api": ANSWERED, "codex": ANSWERED}
    course.audited()


def test_a_government_tests_first_for_thirty_days_at_most():
    course = begun("government-first")
    course.until("2027-01-11T01:00")
    assert opened(course, "government", "partners") == ["2027-01-11T00:00", None]
    listed(course, "Center for AI Standards and Innovation", "evaluator")
    course.open_account("Example Everyone", "everyone")
    admitted(course, "Example Partner", "partners")  # what is decided now counts when the stage opens
    course.until("2027-02-09T23:00")
    assert opened(course, "partners") == [None]
    names = ("evaluator", "Example Partner", "everyone")
    assert list(said(course, *names).values()) == [ANSWERED, NOT_OPEN, NOT_ADMITTED]
    course.until("2027-02-10T02:00")
    assert opened(course, "partners") == ["2027-02-10T00:00"]
    assert list(said(course, *names).values()) == ["grant_expired", ANSWERED, NOT_ADMITTED]
    course.until("2027-02-24T00:00")
    assert opened(course, "general") == ["2027-02-24T00:00"]
    assert set(said(course, *names).values()) == {ANSWERED}
    course.audited()


def evaluates(course: Course, says: str) -> None:
    """The evaluator begins or ends its evaluation before the stage `partners`."""
    asked = yes(course.do("caisi", clearances.TO_SIGN, release=RELEASE, says=says, about="partners"))
    said = WordOnRequirement(release=RELEASE, says=says, about="partners")
    envelope = signing.for_record(signing.made(CLEARANCE, asked, said), private_key("caisi"))
    yes(course.do("caisi", clearances.RECORD, envelope=envelope))


def test_a_test_that_has_ended_early_lets_partners_in_at_once(monkeypatch: pytest.MonkeyPatch):
    course = begun("government-first")
    course.until("2027-01-11T01:00")
    monkeypatch.setenv("SLUICEGATE_SIGNED_AT", times.format_time(course.wall.at_ms))
    for says in ("begins", "ends"):
        assert opened(course, "partners") == [None]
        evaluates(course, says)
    course.ledger.tick()
    assert opened(course, "partners") == ["2027-01-11T01:00"]
    course.audited()


def test_a_release_for_everyone_opens_on_its_day_by_shares():
    course = begun("general-availability")
    names = [f"Example General {number}" for number in range(40)]
    for name in names:
        course.open_account(name, name)
    course.until("2027-01-25T23:00")
    assert opened(course, "general") == [None]
    assert set(said(course, *names).values()) == {NOT_OPEN}
    course.until("2027-01-26T00:00")
    assert opened(course, "general") == ["2027-01-26T00:00"]
    first = {name for name, told in said(course, *names).items() if told == ANSWERED}
    assert len(first) < len(names)
    course.until("2027-01-27T00:00")
    assert set(said(course, *names).values()) == {ANSWERED}
    course.audited()


def test_a_recall_stops_everyone_but_those_who_have_a_licence(tmp_path, monkeypatch):
    course = begun("preview-to-everyone")
    course.until("2027-01-13T00:00")
    grants = {name: admitted(course, name, "trusted-partners") for name in ("Example Grid", "Example Bank")}
    course.open_account("Example General", "everyone")
    signed(course, yes(course.open(RELEASE, "general")).case)
    course.until("2027-01-26T00:00")
    names = (*grants, "everyone")
    assert list(said(course, *names).values()) == [ANSWERED] * 3
    monkeypatch.setenv("SLUICEGATE_SIGNED_AT", times.format_time(course.wall()))
    papers = CoursePaperwork(course, tmp_path)
    papers.order(RECALL.read_text().replace("[gpt-5.6]", f"[{MODEL}]"))
    assert list(said(course, *names).values()) == [STOPPED] * 3
    for grant in grants.values():
        yes(course.do("applicant", licences.REQUEST, directive="recall", grant=grant))
    asked = [each for each in cases(course) if each.kind == "licence"]
    yes(course.say(asked[0].id, "ostp"))
    yes(course.say(asked[1].id, "oncd", "object"))
    assert list(said(course, *names).values()) == [ANSWERED, STOPPED, STOPPED]
    papers.lift("recall", "oncd")
    assert list(said(course, *names).values()) == [ANSWERED] * 3
    assert [each.state for each in yes(course.do("developer", licences.LIST)).licences] == ["over"]
    course.audited()


def cases(course: Course) -> list[Case]:
    """Every case, oldest first."""
    with course.ledger.reading() as state:
        return list(state.cases.values())


def test_every_preset_that_has_a_stage_for_everyone_is_told_here():
    told = {"preview-to-everyone", "government-first", "general-availability"}
    assert {path.stem for path in PRESETS.glob("*.yaml") if "audience: everyone" in path.read_text()} == told
