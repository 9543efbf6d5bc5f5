"""Parts of checks that alone find a lie: a lawful entry of the stored log, with one thing untrue.

`tests/liar/shown.txt` says which lie shows that a check, or a part of it, is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sluicegate_record.entities.case import Case
from sluicegate_record.entries import Entry, Unknown
from sluicegate_record.form import replace
from sluicegate_record.law import Support
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.record import Record
from sluicegate_record.statements.directives import Confirmation, DrillReport
from sluicegate_record.statements.points import Enforcement
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.plan import Plan
from tests.forging import gate_value, openings, told
from tests.record.law.test_agreement import (
    dated,
    of_clock,
    opened,
    opened_against,
    opening_as,
)
from tests.record.law.test_checks import (
    AFTER_REMOVAL,
    GIVES,
    OTHER,
    RENEWS,
    Tell,
    Untrue,
    asks,
    at_case,
    both,
    finds,
    first,
    gone,
    grant_is,
    says,
    signs,
    tightening,
    timer,
    within,
)
from tests.record.law.test_law import stored
from tests.worlds import CODEX, signed

WAITS_AFTER_APPEAL = within("case.waitlisted", lambda case: bool(case.appeals))
DRILL_ENDS = first("directive.lifted", directive="drill")
ELSE, ELSEWHERE = "a case about another grant than it says", "an appeal about something else"
DECIDED = "a case on a waitlist that was decided"
TERMS_ELSE = "terms of something else than their case asks"
OPENING_ELSE = "an opening signed for other terms"
ATTESTED_ELSE = "an attestation that was signed otherwise"
EARLY = "a directive that is said to have expired and has not"


def attested_is(**changes: Any) -> Tell:
    """The entry says something else of what was attested."""

    def tell(record: Record, entry: Entry) -> Entry:
        attested = {**gate_value(entry, "attested"), **changes}
        return told(entry, {}, openings({"attested": attested}, Entropy(bytes(32))))

    return tell


def about(**changes: Any) -> Tell:
    """What its question is about stands otherwise: a grant, or the question of a case."""

    def tell(record: Record, entry: Entry) -> Entry:
        question = entry.public["question"]
        if "grant" in question:
            record.put(replace(record.grants[question["grant"]], **changes))
        else:
            case = record.cases[question["against"]]
            record.put(replace(case, question=replace(case.question, **changes)))
        return entry

    return tell


def of_another_release(record: Record, entry: Entry) -> Entry:
    """The plan of its terms is of another release."""
    digest = entry.public["question"]["terms"]
    plan = record.terms[digest].plan
    given = replace(plan, metadata=replace(plan.metadata, name="other"))
    record.terms[digest] = replace(record.terms[digest], given=given)
    return entry


def of_another_stage(record: Record, entry: Entry) -> Entry:
    """The stage of its terms has another name."""
    digest = entry.public["question"]["terms"]
    terms = record.terms[digest]
    spec = terms.plan.spec
    stages = tuple(replace(each, name="other") if each.name == terms.stage else each for each in spec.stages)
    given = replace(terms.plan, spec=replace(spec, stages=stages))
    record.terms[digest] = replace(terms, stage="other", given=given)
    return entry


def than_stricter_ones(record: Record, entry: Entry) -> Entry:
    """The terms in force are stricter than those that are said to be tighter."""
    for digest in entry.public["tightened"].values():
        plan: Plan = record.terms[digest].plan
        strict = Conditions(requests_per_minute=1)
        stages = tuple(replace(each, conditions=strict) for each in plan.spec.stages)
        given = replace(plan, spec=replace(plan.spec, stages=stages))
        record.terms[digest] = replace(record.terms[digest], given=given)
    return entry


def drilled(name: str) -> Tell:
    """A directive is a drill, and its document is the one that is named."""

    def tell(record: Record, entry: Entry) -> Entry:
        found = record.directives[entry.public[name]]
        document = replace(found.document, metadata=replace(found.document.metadata, drill=True))
        record.put(replace(found, document=document))
        return entry

    return tell


def a_drill_confirmed(record: Record, entry: Entry) -> Entry:
    """Its issuer confirms a drill."""
    drilled("directive")(record, entry)
    digest = record.directives[entry.public["directive"]].document.digest
    signed_anew = signs(Confirmation, entry.public["owner"], document=digest)(record, entry)
    return told(signed_anew, {"document": digest, "digest": _body(signed_anew).envelope.digest})


def a_drill_asked_about(record: Record, entry: Entry) -> Entry:
    """The question is about lifting a drill."""
    drilled("directive")(record, entry)
    document = record.directives[entry.public["directive"]].document.digest
    return told(entry, {"question": {**entry.public["question"], "document": document}})


def early(record: Record, entry: Entry) -> Entry:
    """The entry comes before the time that its document says."""
    expires_ms = record.directives[entry.public["directive"]].document.spec.expires_ms
    assert expires_ms is not None
    return told(entry, {}, at_ms=expires_ms - 1)


def of_another_log(record: Record, entry: Entry) -> Entry:
    """A report for another log, signed with the key of this one."""
    drill = entry.public["directive"]
    stated = {"log": "other", "drill": drill}
    bound = {drill: canonical.digest(stated).removeprefix("sha256:")}
    envelope = signed(dsse.statement(bound, DrillReport.TYPE, stated), "log")
    return told(entry, {"envelope": envelope.to_json(), "digest": envelope.digest})


def with_a_dossier_of_its_own(record: Record, entry: Entry) -> Entry:
    """The removal was about another dossier than those of its grant."""
    appeal = record.cases[record.cases[entry.public["case"]].appeals[-1]]
    removal: Case = record.cases[appeal.question.against]
    record.put(replace(removal, dossier=removal.id))
    return entry


def about_another(name: str) -> Any:
    """The first note that is about something of this kind."""
    return lambda: next(e for e in stored() if e.type == "record.added" and getattr(_body(e).about, name))


def _body(entry: Entry) -> Any:
    return entry.body


def newer(record: Record, entry: Entry) -> Entry:
    """The log has an entry of a newer version."""
    record.newest_v = entry.v + 1
    return entry


PARTS: Mapping[str, Untrue] = {
    **{
        f"an opening signed for another {name}": Untrue(
            opened("opening"), opening_as(**{name: "other"}), "asks_what_it_says", OPENING_ELSE
        )
        for name in ("log", "release", "stage")
    },
    **{
        f"a renewal of a grant of another {name}": Untrue(
            RENEWS, grant_is(**{name: "other"}), "is_amended_as_agreed", "an amendment of another grant"
        )
        for name in ("release", "stage")
    },
    "a grant of another stage": Untrue(
        GIVES, asks(stage="other"), "is_of_its_case", "a grant of something else than its case asks"
    ),
    "an amendment of another release": Untrue(
        opened("amendment"), about(release="other"), "is_about_what_there_is", ELSE
    ),
    **{
        f"an appeal about another {name}": Untrue(
            opened_against("admission"), about(**{name: "other"}), "is_about_what_there_is", ELSEWHERE
        )
        for name in ("release", "stage", "surface")
    },
    "terms of another release": Untrue(
        opened("terms"), of_another_release, "is_about_what_there_is", TERMS_ELSE
    ),
    "terms of another stage": Untrue(opened("terms"), of_another_stage, "is_about_what_there_is", TERMS_ELSE),
    "terms that are not tighter": Untrue(
        tightening, than_stricter_ones, "is_tighter", "terms said to be tighter, but not in"
    ),
    "a removal that gives no time to reply": Untrue(
        opened("removal"),
        says(replyBy=None),
        "goes_by_its_terms",
        "a case with less time than its terms give",
    ),
    "a place on a waitlist after an appeal that was denied": Untrue(
        WAITS_AFTER_APPEAL, at_case(lambda _: {"outcome": "denied"}, "appeals"), "waits_for_a_seat", DECIDED
    ),
    "a place on a waitlist long after an appeal": Untrue(
        WAITS_AFTER_APPEAL, at_case(lambda _: {"determined_ms": 1}, "appeals"), "waits_for_a_seat", DECIDED
    ),
    "a step of a clock that stands still": Untrue(
        of_clock(bool), timer(due_ms=None), "climbs_in_time", "a step up the ladder before its time"
    ),
    "a warning of no time": Untrue(
        lambda: next(e for e in stored() if e.type == "case.warned" and e.public["agency"]),
        both(timer(due_ms=None), says(due=None)),
        "is_warned_in_time",
        "a warning of another time",
    ),
    "an attestation that is said to be of others": Untrue(
        dated, attested_is(statuses=["other"]), "is_as_attested", ATTESTED_ELSE
    ),
    "an attestation that is said to last": Untrue(
        dated, attested_is(until="2099-01-01T00:00:00.000Z"), "is_as_attested", ATTESTED_ELSE
    ),
    "an attestation under another digest": Untrue(
        dated, attested_is(digest=OTHER), "is_as_attested", ATTESTED_ELSE
    ),
    "an expiry before its time": Untrue(first("directive.expired"), early, "has_expired", EARLY),
    "an expiry of what never expires": Untrue(
        first("directive.expired"), says(directive="everyone"), "has_expired", EARLY
    ),
    "an expiry of a drill": Untrue(
        first("directive.expired"), drilled("directive"), "has_expired", "the expiry of what has ended"
    ),
    "a confirmation of a drill": Untrue(
        first("directive.confirmed"),
        a_drill_confirmed,
        "is_the_issuers",
        "a confirmation of what needs none",
    ),
    "a case about lifting a drill": Untrue(
        opened("lift"), a_drill_asked_about, "is_about_what_there_is", "a lift of what is not in force"
    ),
    "a drill that ends in part": Untrue(
        DRILL_ENDS, says(scope={"surfaces": [CODEX]}), "is_lifted_by_its_rule", "a drill that a case lifts"
    ),
    "a report for another log": Untrue(
        first("drill.reported"), of_another_log, "is_reported_once", "a report of another drill"
    ),
    "a point about another log": Untrue(
        first("point.stated"),
        signs(Enforcement, "cloud", log="other"),
        "is_as_stated",
        "a statement about another document",
    ),
    "a point about another directive": Untrue(
        first("point.stated"),
        signs(Enforcement, "cloud", directive="other"),
        "is_as_stated",
        "a statement of a point that was signed otherwise",
    ),
    "a note about no directive": Untrue(
        about_another("directive"),
        gone("directives", lambda _, entry: _body(entry).about.directive),
        "is_as_noted",
        "no directive",
    ),
    "a note about no stage": Untrue(
        about_another("stage"),
        gone("releases", lambda _, entry: _body(entry).about.release),
        "is_as_noted",
        "no release",
    ),
    "a grant after the removal of another's": Untrue(
        AFTER_REMOVAL,
        with_a_dossier_of_its_own,
        "is_carried",
        "a case about the grant of another organization",
        Support.SIGNATURES,
    ),
    "an entry that cannot be read": Untrue(
        GIVES,
        lambda _, entry: entry._replace(body=Unknown(name="x", why="an unknown type")),
        "is_known",
        "an unknown type",
    ),
    "an entry of an older version": Untrue(GIVES, newer, "is_no_older", "an entry of version 1 after one"),
}


@pytest.mark.parametrize("untrue", PARTS.values(), ids=PARTS)
def test_a_part_of_a_check_finds_what_is_untrue(untrue: Untrue) -> None:
    finds(untrue, untrue.support)
