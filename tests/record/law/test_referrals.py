"""Each check of the law of remits and referrals by itself: a lawful entry, with one thing made untrue."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate_record import law
from sluicegate_record.entities.case import Case
from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.law import Breach, Support
from sluicegate_record.record import Record
from sluicegate_record.statements.cases import Position, Referral
from sluicegate_record.terms.plan import Plan
from tests.forging import told
from tests.record.law.test_checks import (
    OTHER,
    Tell,
    Untrue,
    asks,
    case_is,
    finds,
    first,
    says,
    signs,
)
from tests.record.law.test_law import before
from tests.worlds import LOG, signed

REFERS, TO_TRADE = first("case.referred", to="caisi"), first("case.referred", to="trade")
OUTSIDE = first("position.recorded", outside=True)
SILENT = first("case.silent", agency="trade")
SAID_OTHERWISE = "a referral that was signed otherwise"
NOT_NAMED = "a referral by an agency, or to one, that the terms do not name"
COUNTS = "an objection that counts otherwise than its concern says"
OTHER_CLOCK = "a referral with another clock than the terms give"


def spec_is(**changes: Any) -> Tell:
    """The plan of its terms says something else; a change to None leaves a field out."""

    def tell(record: Record, entry: Entry) -> Entry:
        public = entry.public
        terms = public["terms"] if "terms" in public else record.cases[public["case"]].question.terms
        found = record.terms[terms]
        value = found.plan.to_json()
        spec = {**value["spec"], **changes}
        spec = {name: each for name, each in spec.items() if each is not None}
        record.terms[terms] = replace(found, given=Plan.from_json({**value, "spec": spec}))
        return entry

    return tell


def stage_is(**changes: Any) -> Tell:
    """The stage of its terms says something else."""

    def tell(record: Record, entry: Entry) -> Entry:
        found = record.terms[record.cases[entry.public["case"]].question.terms]
        stages = [{**each, **changes} for each in found.plan.to_json()["spec"]["stages"]]
        return spec_is(stages=stages)(record, entry)

    return tell


def referrals(**changes: Any) -> Tell:
    """The terms fix referrals otherwise."""
    given = {"from": ["oncd", "caisi"], "to": ["caisi", "trade"], "binding": True, "within": 5}
    return spec_is(referrals={**given, **changes})


def without_concern(record: Record, entry: Entry) -> Entry:
    """It names no concern, and was signed so."""
    body: Any = entry.body
    envelope = signed(replace(Position.read(body.envelope), concern=None).payload(), "ostp")
    return told(entry, {"concern": None, "digest": envelope.digest, "envelope": envelope.to_json()})


def referred_there(record: Record, entry: Entry) -> Entry:
    """Its agency was itself referred to."""
    case: Case = record.cases[entry.public["case"]]
    record.apply(entry)
    found = record.cases[case.id].referrals[entry.public["to"]]
    record.put(replace(case, referrals={entry.public["agency"]: found}))
    return entry


REFERRALS = {
    "a referral of another question": Untrue(
        REFERS, asks(release="other"), "is_a_signed_referral", "a referral of another question"
    ),
    **{
        f"a referral that says another {field}": Untrue(
            REFERS, says(**{field: OTHER}), "is_a_signed_referral", SAID_OTHERWISE
        )
        for field in ("agency", "to", "reason")
    },
    "a referral that another agency signed": Untrue(
        REFERS, signs(Referral, "ostp"), "is_a_signed_referral", "no signature by a key of 'oncd'"
    ),
    "a referral that no terms give": Untrue(
        REFERS, spec_is(referrals=None), "refers_as_terms_allow", "a referral that the terms do not give"
    ),
    "a referral by another than the terms name": Untrue(
        REFERS, referrals(**{"from": ["ostp"]}), "refers_as_terms_allow", NOT_NAMED
    ),
    "a referral to another than the terms name": Untrue(
        REFERS, referrals(to=["trade"]), "refers_as_terms_allow", NOT_NAMED
    ),
    "a referral deeper than the terms allow": Untrue(
        REFERS, referred_there, "refers_as_terms_allow", "a referral deeper than the terms allow"
    ),
    "a referral of what is decided": Untrue(
        TO_TRADE, case_is(state="determined"), "refers_in_time", "a referral of a case that is not under"
    ),
    "a referral without its time": Untrue(TO_TRADE, says(due=None), "refers_in_time", OTHER_CLOCK),
    "a referral with less time": Untrue(
        TO_TRADE, referrals(within=50), "refers_in_time", "a referral with less time than the terms give"
    ),
    "a silence of one that was referred to that denies": Untrue(
        SILENT, says(meaning="deny"), "is_due", "a silence that means something else"
    ),
    "an objection without a concern": Untrue(
        OUTSIDE, without_concern, "names_a_concern", "an objection without a concern"
    ),
    "an objection inside that is said not to count": Untrue(
        OUTSIDE, stage_is(concern="export"), "says_whether_it_counts", COUNTS
    ),
}


@pytest.mark.parametrize("untrue", REFERRALS.values(), ids=REFERRALS)
def test_a_check_finds_what_is_untrue(untrue: Untrue) -> None:
    finds(untrue)


def test_who_counts_signatures_alone_lets_a_referral_bind_all_the_same() -> None:
    entry = REFERS()
    record = before(entry.seq)
    lied = told(entry, {"binds": False})
    found = law.breach(record, lied, record.pinned(), LOG, Support.SIGNATURES)
    assert isinstance(found, Breach)
    honoured = law.effect(record, lied, found, record.pinned(), LOG)
    assert honoured is not None
    body: Any = honoured.body
    assert body.binds
