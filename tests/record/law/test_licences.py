"""Each check of the law of licences by itself: a lawful entry, with one thing about it made untrue."""

from __future__ import annotations

import pytest

from sluicegate_record import law
from sluicegate_record.entities.directive import Ending
from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.law import Breach, Support
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.record import Record
from sluicegate_record.terms.conditions import Conditions
from tests.forging import openings, told
from tests.record.law.test_checks import (
    Untrue,
    asks,
    case_is,
    directive_is,
    finds,
    first,
    grant_is,
    says,
    stands,
)
from tests.record.law.test_law import before, stored
from tests.worlds import LOG

GRANTED, EXPIRED = first("licence.granted"), first("licence.ended", how="expired")
ASKED = first("case.opened", kind="licence")
NO_HOLDER = "a licence for a grant that has ended, or over another dossier"
SOMETHING_ELSE = "a licence of something else than its case asks"
ENDED = Ending(how="lifted", at_ms=0, seq=0)
NOT_VALID = "the end of no licence that is valid"


licence_is = stands("licences", lambda _, entry: entry.public["licence"])


def contradicting(record: Record, entry: Entry) -> Entry:
    """Two positions ask for conditions that contradict each other."""
    case = record.cases[entry.public["case"]]
    (said,) = case.positions.values()
    stated = [Conditions(unknown={"logs": {"value": days, "declared": True}}) for days in (1, 2)]
    positions = {
        who: replace(said, conditions=each) for who, each in zip(("ostp", "oncd"), stated, strict=True)
    }
    record.put(replace(case, positions=positions))
    return entry


def to_another(record: Record, entry: Entry) -> Entry:
    """It is said to be for another organization."""
    return told(entry, {}, openings({"organization": "org-91"}, Entropy(bytes(32))))


def there_already(record: Record, entry: Entry) -> Entry:
    """It is on the record when it comes, and its case has not been used."""
    record.apply(entry)
    record.put(replace(record.cases[entry.public["case"]], used=False))
    return entry


def of_a_drill(record: Record, entry: Entry) -> Entry:
    """Its directive is only tried."""
    found = record.directives[entry.public["directive"]]
    document = replace(found.document, metadata=replace(found.document.metadata, drill=True))
    record.put(replace(found, document=document))
    return entry


def over_another_dossier(record: Record, entry: Entry) -> Entry:
    """The question of a request binds another dossier."""
    return told(entry, {"question": {**entry.public["question"], "party": "0" * 64}})


def ended(record: Record, entry: Entry) -> Entry:
    """The grant that a request names has ended."""
    grant = record.grants[entry.public["question"]["grant"]]
    record.put(replace(grant, standing="expired"))
    return entry


def no_account(record: Record, entry: Entry) -> Entry:
    """There is no such account."""
    del record.accounts[entry.public["grant"]]
    return entry


def over_another_file(record: Record, entry: Entry) -> Entry:
    """The account that it is for has another organization file."""
    found = record.accounts[entry.public["grant"]]
    record.accounts[found.id] = replace(found, party="0" * 64)
    return entry


def account_ended(record: Record, entry: Entry) -> Entry:
    """The account that it is for has ended."""
    found = record.accounts[entry.public["grant"]]
    record.accounts[found.id] = replace(found, is_open=False)
    return entry


def to_an_account() -> Entry:
    """The licence of an organization with an account."""
    found = (entry for entry in stored() if entry.type == "licence.granted")
    return next(entry for entry in found if entry.public["grant"].startswith("acct_"))


LICENCES = {
    "a licence for an account that has ended": Untrue(
        to_an_account, account_ended, "is_its_holders", "a licence for a grant that has ended"
    ),
    "a licence over another file of an account": Untrue(
        to_an_account, over_another_file, "is_its_holders", "a licence over another dossier"
    ),
    "a licence for no grant and no account": Untrue(
        to_an_account, no_account, "is_its_holders", "no grant 'acct_"
    ),
    "a request for a grant that has ended": Untrue(ASKED, ended, "is_about_what_there_is", NO_HOLDER),
    "a request over another dossier": Untrue(
        ASKED, over_another_dossier, "is_about_what_there_is", NO_HOLDER
    ),
    "a licence under a drill": Untrue(
        GRANTED, of_a_drill, "is_licensed_by_its_rule", "a licence under what is not in force"
    ),
    "a licence twice": Untrue(
        GRANTED, there_already, "is_a_new_licence", "a licence that was granted before"
    ),
    "a second licence of a case": Untrue(
        GRANTED, case_is(used=True), "is_a_new_licence", "a licence by signatures that have been used"
    ),
    "a licence under what has ended": Untrue(
        GRANTED, directive_is(ended=ENDED), "is_licensed_by_its_rule", "a licence under what is not in force"
    ),
    "a licence by a case of another kind": Untrue(
        GRANTED, case_is(kind="lift"), "is_licensed_by_its_rule", "a case of another kind than licence"
    ),
    "a licence that was asked for elsewhere": Untrue(
        GRANTED, asks(log="other"), "is_licensed_by_its_rule", "a licence that was asked for in another log"
    ),
    **{
        f"a licence that was asked for another {field}": Untrue(
            GRANTED, asks(**{field: "other"}), "is_licensed_by_its_rule", SOMETHING_ELSE
        )
        for field in ("directive", "document", "grant", "member")
    },
    "a licence that no position carries": Untrue(
        GRANTED, case_is(positions={}), "is_licensed_by_its_rule", "the signed positions do not satisfy"
    ),
    "a licence long after its case": Untrue(
        GRANTED, case_is(determined_ms=0), "is_licensed_by_its_rule", "what follows from a case"
    ),
    "a licence for a grant that has ended": Untrue(
        GRANTED, grant_is(standing="expired"), "is_its_holders", "a licence for a grant that has ended"
    ),
    "a licence for another organization": Untrue(
        GRANTED, to_another, "is_its_holders", "a licence for another organization"
    ),
    "a licence over another dossier": Untrue(
        GRANTED, asks(party="other"), "is_its_holders", "a licence over another dossier"
    ),
    "a licence by positions that contradict": Untrue(
        GRANTED, contradicting, "is_as_strict_as_agreed", "conditions that contradict each other"
    ),
    "a licence on looser conditions": Untrue(
        GRANTED, says(conditions={"validFor": "P3D"}), "is_as_strict_as_agreed", "conditions looser than"
    ),
    "a licence without an end": Untrue(
        GRANTED, says(validUntil=None), "is_as_strict_as_agreed", "a licence that is valid for longer"
    ),
    "a licence for longer": Untrue(
        GRANTED,
        says(validUntil="2099-01-01T00:00:00.000Z"),
        "is_as_strict_as_agreed",
        "a licence that is valid for longer than agreed",
    ),
    "the end of what has ended": Untrue(EXPIRED, licence_is(standing="revoked"), "ends_once", NOT_VALID),
    "the end of a licence of another directive": Untrue(
        EXPIRED, licence_is(directive="other"), "ends_once", NOT_VALID
    ),
    "the end of no licence": Untrue(EXPIRED, says(licence="none"), "ends_once", "no licence 'none'"),
    "an end before its time": Untrue(
        EXPIRED, licence_is(valid_until_ms=4_000_000_000_000), "ends_once", "a licence that expired before"
    ),
    "an end of what has none": Untrue(
        EXPIRED, licence_is(valid_until_ms=None), "ends_once", "a licence that expired before its time"
    ),
    "another end": Untrue(EXPIRED, says(how="other"), "ends_once", "a licence that expired before its time"),
}


@pytest.mark.parametrize("untrue", LICENCES.values(), ids=LICENCES)
def test_a_check_finds_what_is_untrue(untrue: Untrue) -> None:
    finds(untrue)


def test_who_counts_signatures_alone_honours_no_licence_that_breaks_the_law() -> None:
    for untrue in (
        each for each in LICENCES.values() if each.rule not in {"ends_once", "is_about_what_there_is"}
    ):
        entry = untrue.find()
        record = before(entry.seq)
        lied = untrue.tell(record, entry)
        found = law.breach(record, lied, record.pinned(), LOG, Support.SIGNATURES)
        assert isinstance(found, Breach), untrue
        assert law.effect(record, lied, found, record.pinned(), LOG) is None
