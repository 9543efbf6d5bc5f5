"""Each check of the law of designations by itself: a lawful entry, with one thing about it made untrue."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate_record.entities.designation import key_of
from sluicegate_record.entities.release import Terms
from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.record import Record
from sluicegate_record.statements.designations import DesignationStatement
from sluicegate_record.terms.plan import Plan
from tests.forging import forged, openings, told
from tests.record.law.test_checks import Tell, Untrue, asks, both, case_is, finds, first, says, signs, stands
from tests.record.law.test_law import stored
from tests.vectors.themes.designations import JUDGED
from tests.worlds import digest

TYPE = "designation.recorded"
DESIGNATES = first(TYPE, says="designates", statement="by its benchmarks")
WITHDRAWS = first(TYPE, says="withdraws", agency="oncd")
COMPARES = first(TYPE, says="designates", agency="ostp")
ENDS = first("designation.ended")
ASKS = first("case.opened", kind="reconsider")
OTHERWISE = "a designation that was signed otherwise"
NONE_HOLDS = "no designation of this release that holds"
ANOTHER_CASE = "the end of a designation by another case"
IS_ITS = "is_its_agencys_judgement"


def last_word(record: Record, entry: Entry) -> str:
    """The agency's last word."""
    said = entry.public
    if "agency" in said:
        return key_of(said["release"], said["agency"], said["model"], said["class"], said.get("comparableTo"))
    about = said.get("designation") or said["question"]["designation"]
    return next(each.name for each in record.designations.values() if each.digest == about)


word_is = stands("designations", last_word)


def reconsidered_before(record: Record, entry: Entry) -> Entry:
    """A case about it was denied."""
    denied = next(name for name, case in record.cases.items() if case.outcome == "denied")
    return word_is(case=denied)(record, entry)


def planned(**changes: Any) -> Tell:
    """The plan of the release says something else."""

    def tell(record: Record, entry: Entry) -> Entry:
        release = record.releases[JUDGED]
        value: dict[str, Any] = release.stated.to_json()
        given = Plan.from_json({**value, "spec": {**value["spec"], **changes}})
        is_raised = release.applied is not None
        other = replace(release, applied=given) if is_raised else replace(release, given=given)
        record.releases[JUDGED] = other
        record.terms.update({each: Terms(stage=name, given=given) for name, each in release.terms.items()})
        return entry

    return tell


def signed_over_these(record: Record, entry: Entry) -> Entry:
    """It is signed over the plan as it stands."""
    return signs(DesignationStatement, "oncd", terms=record.releases[JUDGED].stated.terms)(record, entry)


def with_another_basis(record: Record, entry: Entry) -> Entry:
    other = openings({"basis": "another"}, Entropy(bytes(32)))
    return forged(entry.type, entry.public, {}, other, seq=entry.seq, at_ms=entry.at_ms)


def of_another_plan(record: Record, entry: Entry) -> Entry:
    """A plan with a level that this build does not know."""
    value: dict[str, Any] = entry.public["plan"]
    scrutiny = {**value["spec"]["scrutiny"], "close": {"conditions": {"requestsPerMinute": 1}}}
    given = Plan.from_json({**value, "spec": {**value["spec"], "scrutiny": scrutiny}})
    return told(entry, {"plan": given.to_json(), "terms": given.terms})


def applied() -> Entry:
    """The first plan that says who may designate."""
    plans = (each for each in stored() if each.type == "release.applied")
    return next(each for each in plans if "designations" in each.public.get("plan", {}).get("spec", {}))


def under_a_designation() -> Entry:
    """The plan that came while a designation held."""
    return next(each for each in stored() if each.type == "release.applied" and "raised" in each.public)


NOBODY = {"by": ["trade"], "classes": {"covered-frontier-model": {"scrutiny": "elevated"}}}
NO_CLASS = {"by": ["oncd"], "classes": {"comparable-to": {"scrutiny": "close"}}}
OTHER_MODEL = [{"id": "m", "upstream": "demo", "digest": digest("m"), "safeguards": digest("safe")}]

DESIGNATIONS = {
    **{
        f"a designation of another {field}": Untrue(DESIGNATES, says(**{field: "other"}), IS_ITS, OTHERWISE)
        for field in ("agency", "says", "model", "class", "statement", "sealed")
    },
    "a designation of another release": Untrue(DESIGNATES, says(release="gpt-5.6"), IS_ITS, OTHERWISE),
    "a designation of another comparableTo": Untrue(COMPARES, says(comparableTo="m"), IS_ITS, OTHERWISE),
    "a designation with another basis": Untrue(
        DESIGNATES, with_another_basis, IS_ITS, "another sealed basis than was signed"
    ),
    "a designation for another log": Untrue(
        DESIGNATES,
        signs(DesignationStatement, "oncd", log="other"),
        IS_ITS,
        "a designation that was signed for another log",
    ),
    "a designation that another signed": Untrue(
        DESIGNATES, signs(DesignationStatement, "ostp"), IS_ITS, "a designation that its agency did not sign"
    ),
    "a designation that follows another": Untrue(
        WITHDRAWS,
        word_is(digest="sha256:00"),
        "follows_the_last_judgement",
        "a designation that does not follow the one before it",
    ),
    "a withdrawal of what was withdrawn": Untrue(
        WITHDRAWS,
        word_is(says="withdraws"),
        "follows_the_last_judgement",
        "a withdrawal of what does not hold",
    ),
    "a withdrawal of what has ended": Untrue(
        WITHDRAWS, word_is(ended_ms=0), "follows_the_last_judgement", "a withdrawal of what does not hold"
    ),
    "a withdrawal of what was never said": Untrue(
        DESIGNATES,
        both(signs(DesignationStatement, "oncd", says="withdraws"), says(says="withdraws")),
        "follows_the_last_judgement",
        "a withdrawal of what does not hold",
    ),
    "a designation over other terms": Untrue(
        DESIGNATES,
        signs(DesignationStatement, "oncd", terms={}),
        "is_for_its_agency_to_say",
        "a designation over other terms than those in force",
    ),
    **{
        f"a designation that is not in the terms, {what}": Untrue(
            DESIGNATES,
            both(planned(**changes), signed_over_these),
            "is_for_its_agency_to_say",
            "a designation that the terms do not let its agency make",
        )
        for what, changes in (
            ("which name another agency", {"designations": NOBODY}),
            ("which have no such class", {"designations": NO_CLASS}),
            ("which have another model", {"models": OTHER_MODEL}),
        )
    },
    "a designation under another digest": Untrue(
        DESIGNATES, says(digest="sha256:00"), "is_named_by_its_digest", "a signed statement under another"
    ),
    "a designation that raises nothing": Untrue(
        DESIGNATES, says(raised={}), "raises_what_the_terms_say", "other terms than the level gives"
    ),
    "a plan that forgets the designations": Untrue(
        under_a_designation,
        says(raised={}),
        "is_raised_as_designated",
        "a plan that is not under the scrutiny that holds",
    ),
    "a plan with a level that no one knows": Untrue(
        applied, of_another_plan, "can_be_raised", "it cannot be checked"
    ),
    "the end of a designation that is withdrawn": Untrue(
        ENDS, word_is(says="withdraws"), "ends_what_holds", NONE_HOLDS
    ),
    "the end of a designation twice": Untrue(ENDS, word_is(ended_ms=0), "ends_what_holds", NONE_HOLDS),
    "the end of a designation by a case of another log": Untrue(
        ENDS, asks(log="other"), "ends_what_holds", ANOTHER_CASE
    ),
    "the end of a designation by a case of another release": Untrue(
        ENDS, asks(release="other"), "ends_what_holds", ANOTHER_CASE
    ),
    "the end of a designation by a case about another": Untrue(
        ENDS, asks(designation="sha256:00"), "ends_what_holds", ANOTHER_CASE
    ),
    "the end of a designation by signatures that were used": Untrue(
        ENDS, case_is(used=True), "ends_what_holds", "signatures that have been used"
    ),
    "the end of a designation that no one signed": Untrue(
        ENDS, case_is(positions={}), "ends_what_holds", "the signed positions do not satisfy the rule"
    ),
    "the end of a designation later": Untrue(
        ENDS, case_is(determined_ms=0), "ends_what_holds", "what follows from a case that was not decided"
    ),
    "the end of a designation that others decide": Untrue(
        ENDS,
        planned(designations={**NOBODY, "reconsider": {"allOf": ["trade"]}}),
        "ends_what_holds",
        "the signed positions do not satisfy the rule",
    ),
    "a reconsideration of what does not hold": Untrue(
        ASKS, word_is(says="withdraws"), "asks_by_its_rule", NONE_HOLDS
    ),
    "a reconsideration a second time": Untrue(
        ASKS,
        reconsidered_before,
        "is_about_what_there_is",
        "a designation that is reconsidered twice",
    ),
}


@pytest.mark.parametrize("untrue", DESIGNATIONS.values(), ids=DESIGNATIONS)
def test_a_check_finds_what_is_untrue(untrue: Untrue) -> None:
    finds(untrue)
