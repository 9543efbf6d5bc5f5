"""Whose act it was: every answer, notice and count that names an agency says if officers wrote for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_type_hints

import pytest

from sluicegate.acts import cases, directives, drills, grants, releases, reports, review
from sluicegate.acts.act import ActAnswer
from sluicegate.acts.table import ACTS
from sluicegate.service.telling import Telling
from sluicegate_record.directives.scope import Scope
from sluicegate_record.form import Form, Json, shape_of
from sluicegate_record.statements.directives import Confirmation
from tests import worlds
from tests.core.lifecycle.test_directives import LETTER, OFFICERS, transcription
from tests.plane import Plane, yes
from tests.service.test_subscriptions import subscribe, waiting
from tests.worlds import API, CODEX, DAY_MS, directive, directive_value, plan_value, signed

WRITERS = sorted(OFFICERS)
BESIDE = {"transcribed": LETTER, "officers": WRITERS}
"""What stands beside an act that two officers wrote down."""

# Every form of every answer


def forms(kind: Any) -> Iterator[type[Form]]:
    """The forms in a type."""
    if isinstance(kind, type) and issubclass(kind, Form):
        yield kind
    for each in get_args(kind):
        yield from forms(each)


def answered() -> dict[str, type[Form]]:
    """Every form that an act may answer with, at any depth, by its name."""
    found: dict[str, type[Form]] = {}
    left = [act.answered for act in ACTS.values()]
    while left:
        form = left.pop()
        if form.__name__ not in found:
            found[form.__name__] = form
            hints = get_type_hints(form, include_extras=True)
            left += [each for field in shape_of(form).fields for each in forms(hints[field.name])]
    return found


def names(form: type[Form]) -> set[str]:
    return {field.name for field in shape_of(form).fields}


BY_ITSELF = {
    "AgencyClock": "a receipt is signed; the clock runs by itself",
    "AgencyDays": "counts only what agencies signed",
    "AnswerReceipt": "the agency whose question the applicant has answered",
    "ApplicantQuestion": "a question is signed, never transcribed",
    "AgencyHistory": "counts the days of cases",
    "Block": "what an agency cannot do",
    "DesignationReceipt": "a judgement is signed, never transcribed",
    "DesignationToSign": "what an agency is about to sign",
    "DesignationView": "a judgement is signed, never transcribed",
    **dict.fromkeys(
        ("ClaimView", "OwnClaimView", "NewOwnClaim", "ClaimEnd"), "the issuer of a person's claim"
    ),
    "ConfirmedDirective": "a confirmation is signed by the issuer",
    "DirectiveSpec": "a part of the signed document, which says itself how it arrived",
    "KeyShortage": "what an agency cannot do",
    "ProviderView": "an identity provider",
    "ReportedDirective": "says how it arrived; the directive itself says which officers wrote it down",
}
"""The forms that name an agency and show no act that officers could have written for it."""


def test_every_form_that_shows_an_act_of_an_agency_says_whose_act_it_was() -> None:
    naming = {name for name, form in answered().items() if names(form) & {"agency", "issuer"}}
    saying = {name for name, form in answered().items() if names(form) >= {"transcribed", "officers"}}
    assert naming - saying == BY_ITSELF.keys()
    assert {"PositionView", "StatementReceipt", "ScheduledPosition", "DirectiveSummary"} <= naming & saying
    assert {"AcceptedDirective", "DirectiveStatus", "DirectiveView"} <= saying


def test_every_form_that_shows_how_a_case_or_directive_ended_says_for_whom_officers_wrote() -> None:
    ends = {name for name, form in answered().items() if names(form) & {"determination", "scope", "ended"}}
    says = {"transcribed_for", "lift_transcribed_for", "transcribed"}
    silent = {name for name in ends if not names(answered()[name]) & says}
    asks = {"Question", "CaseToSign", "ExportedCase"}
    own = {
        "CaseEnd",
        "SeatReceipt",
        "KeyReceipt",
    }  # officers write only about orders
    assert silent == asks | own


# Every answer about an order by letter, and one that was signed


@pytest.fixture
def plane() -> Plane:
    """A stage that is open, and an organization with a key."""
    plane = Plane()
    plane.opened()
    plane.credential(plane.admit())
    return plane


def write(plane: Plane, name: str, **changes: Any) -> Any:
    """Two officers enter an order of an agency without a key."""
    envelope = transcription(name=name, **changes).envelope
    return yes(plane.do("developer", directives.ISSUE, envelope=envelope.to_json()))


def lift_by_letter(plane: Plane, name: str, word: str = "approve", agency: str = "bis", **scope: Any) -> Any:
    """Two officers enter what the agency wrote about lifting its order."""
    part = Scope.from_json(scope)
    case = yes(plane.do("developer", directives.LIFT, directive=name, scope=part)).case
    said = worlds.by_letter(plane.case(case).question, agency, LETTER, word)
    return yes(plane.carry(signed(said.payload(), *OFFICERS), "developer"))


def lift(plane: Plane, name: str, agency: str = "oncd") -> Any:
    case = yes(plane.do(agency, directives.LIFT, directive=name)).case
    return yes(plane.say(case, agency))


@pytest.fixture
def lifted(plane: Plane) -> Plane:
    write(plane, "letter")
    lift_by_letter(plane, "letter", "object")
    lift_by_letter(plane, "letter", surfaces=[CODEX])
    lift_by_letter(plane, "letter")
    write(plane, "standing")
    plane.direct("signed")
    lift(plane, "signed")
    return plane


def objects(value: Json) -> Iterator[Mapping[str, Json]]:
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(each)


def answers(plane: Plane) -> Iterator[tuple[str, ActAnswer]]:
    """What the developer's staff can read of all that."""
    found = yes(plane.do("developer", cases.LIST, kind="lift")).cases
    yield "case.list", yes(plane.do("developer", cases.LIST))
    for case in found:
        yield "case.show", yes(plane.do("developer", cases.SHOW, case=case.case))
        yield "case.export", yes(plane.do("developer", review.EXPORT, case=case.case))
    yield "directive.list", yes(plane.do("developer", directives.LIST))
    for name in ("letter", "standing", "signed"):
        yield "directive.show", yes(plane.do("developer", directives.SHOW, directive=name))
        yield "directive.status", yes(plane.do("developer", directives.STATUS, directive=name))
    yield "report.read", yes(plane.do("developer", reports.REPORT))


def test_no_answer_shows_an_act_that_officers_wrote_as_the_agencys_own(lifted: Plane) -> None:
    shown = 0
    for name, answer in answers(lifted):
        for each in objects(answer.to_json()):
            if "position" in each or {"inForce", "issuer"} <= each.keys():
                is_of_bis = "bis" in {each.get("agency"), each.get("issuer")}
                beside = {word: each[word] for word in BESIDE if each.get(word)}
                assert beside == (BESIDE if is_of_bis else {}), (name, each)
                shown += is_of_bis
    assert shown == 10  # six positions, and three times an order in a list or alone


def test_every_answer_that_says_bis_in_a_decision_says_who_wrote(lifted: Plane) -> None:
    """A lift that officers wrote says so in the list of cases, in the case, and at the directive."""
    (summary,) = (answer for name, answer in answers(lifted) if name == "case.list")
    wrote = {each["directive"]: each.get("transcribedFor") for each in summary.to_json()["cases"]}
    assert (wrote["letter"], wrote["signed"]) == (["bis"], None)
    letter, standing, mine = (
        yes(lifted.do("developer", directives.SHOW, directive=name)).to_json()
        for name in ("letter", "standing", "signed")
    )
    assert (letter["ended"], letter["liftTranscribedFor"]) == ("lifted", ["bis"])
    assert [part["transcribedFor"] for part in letter["lifted"]] == [["bis"]]
    assert (standing["transcribed"], standing["officers"]) == (LETTER, WRITERS)
    assert (mine["ended"], mine["transcribed"]) == ("lifted", None)
    assert not {"liftTranscribedFor", "officers"} & mine.keys()


def test_what_an_agency_signs_after_it_has_confirmed_its_order_is_its_own(plane: Plane) -> None:
    write(plane, "letter", issuer="oncd")
    lift_by_letter(plane, "letter", agency="oncd", surfaces=[CODEX])
    with plane.ledger.reading() as state:
        document = state.directives["letter"].document.digest
    said = Confirmation(log=plane.ledger.vkey(), directive="letter", document=document)
    envelope = signed(said.payload(), "oncd")
    yes(plane.do("oncd", directives.CONFIRM, envelope=envelope.to_json()))
    before = answers_of(plane, "oncd")
    lift(plane, "letter")
    shown = yes(plane.do("developer", directives.SHOW, directive="letter"))
    assert (shown.confirmed, shown.officers, shown.lift_transcribed_for) == (True, tuple(WRITERS), ())
    assert [part.transcribed_for for part in shown.lifted] == [("oncd",)]
    assert answers_of(plane, "oncd") == before + 1


def answers_of(plane: Plane, agency: str) -> int:
    """How many answers of an agency a report counts."""
    told = yes(plane.do("developer", reports.REPORT)).agencies
    return sum(each.cases for each in told if each.agency == agency)


def test_receipts_say_it_too(plane: Plane) -> None:
    entered = write(plane, "letter").to_json()
    assert {word: entered[word] for word in BESIDE} == BESIDE
    said = lift_by_letter(plane, "letter").to_json()
    assert {word: said[word] for word in BESIDE} == BESIDE
    assert not BESIDE.keys() & plane.direct("signed").to_json().keys()
    assert not BESIDE.keys() & lift(plane, "signed").to_json().keys()


def test_notices_say_for_whom_officers_wrote(plane: Plane) -> None:
    heard = {who: subscribe(plane, who) for who in ("developer", "applicant")}
    telling = Telling(plane.ledger)
    write(plane, "letter")
    plane.direct("signed")
    telling.tell(plane.size)
    lift_by_letter(plane, "letter", surfaces=[API])
    lift_by_letter(plane, "letter")
    lift(plane, "signed")
    telling.tell(plane.size)
    told = [each for who in heard for each in waiting(plane, heard[who])]
    decisions = ("position.recorded", "case.determined", "directive.issued", "directive.lifted")
    found = sorted(
        (str(each["type"]), str(data["directive"]), tuple(data.get("transcribedFor", ())))
        for each in told
        if each["type"] in decisions and isinstance(data := each["data"], dict)
    )
    wrote = {"letter": (("bis",), 2), "signed": ((), 1)}
    times = {"directive.issued": lambda _: 1, "directive.lifted": lambda lifts: 2 * lifts}  # to both of them
    assert found == sorted(
        (type_, name, agencies)
        for name, (agencies, lifts) in wrote.items()
        for type_ in decisions
        for _ in range(times.get(type_, int)(lifts))
    )


# Counts


def test_a_report_counts_as_an_answer_only_what_an_agency_signed(lifted: Plane) -> None:
    told = yes(lifted.do("developer", reports.REPORT)).to_json()
    assert "bis" not in {each["agency"] for each in told["agencies"]}
    assert "oncd" in {each["agency"] for each in told["agencies"]}
    lifts = {each["state"]: each for each in told["counts"] if each["kind"] == "lift"}
    assert (lifts["approved"]["cases"], lifts["approved"]["transcribed"]) == (3, 2)
    assert (lifts["denied"]["cases"], lifts["denied"]["transcribed"]) == (1, 1)


def test_what_officers_wrote_ends_the_wait_for_an_agency(plane: Plane) -> None:
    write(plane, "letter")
    case = yes(plane.do("developer", directives.LIFT, directive="letter")).case
    plane.wall.at_ms += DAY_MS
    said = worlds.by_letter(plane.case(case).question, "bis", LETTER)
    yes(plane.carry(signed(said.payload(), *OFFICERS), "developer"))
    plane.wall.at_ms += 5 * DAY_MS
    told = yes(plane.do("developer", reports.REPORT))
    (waited,) = (each.days for each in told.waiting if each.for_ == "bis")
    assert waited == 1


def test_a_drill_is_no_directive_in_force(plane: Plane) -> None:
    value = directive_value("drill-1")
    value["metadata"]["drill"] = True
    yes(plane.issue(directive(value)))
    plane.direct("d-1")
    listed = yes(plane.do("developer", directives.LIST)).directives
    assert {each.directive: (each.drill, each.in_force) for each in listed} == {
        "drill-1": (True, False),
        "d-1": (False, True),
    }
    assert yes(plane.do("developer", releases.STATUS)).directives_in_force == ("d-1",)
    assert yes(plane.do("developer", directives.STATUS, directive="drill-1")).drill
    assert not yes(plane.do("developer", directives.STATUS, directive="d-1")).drill
    yes(plane.do("developer", drills.END, drill="drill-1"))


def test_who_held_a_grant_that_has_ended_is_no_holder(plane: Plane) -> None:
    grant = plane.admit("rival", "Example Grid")
    plane.credential(grant, "key of rival", "rival")
    looser = plan_value(stages=[worlds.looser()])

    def counted() -> tuple[int, int, int, int]:
        affects = yes(plane.do("developer", releases.PREVIEW, text=_text(looser), file="p")).affects
        covers = yes(plane.do("developer", directives.PREVIEW, text=_text(ORDER), file="d"))
        return affects.organizations, affects.grants, covers.covered.organizations, covers.covered.credentials

    assert counted() == (2, 2, 2, 2)
    yes(plane.do("rival", grants.SURRENDER, grant=grant))
    assert counted() == (1, 1, 1, 1)


ORDER = directive_value("d-2")


def _text(value: Any) -> str:
    return json.dumps(value)
