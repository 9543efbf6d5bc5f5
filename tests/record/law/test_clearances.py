"""Each check of the law of clearances by itself: a lawful entry, with one thing about it made untrue."""

from __future__ import annotations

import pytest

from sluicegate_record.entities.clearing import key_of
from sluicegate_record.entries import Entry
from sluicegate_record.record import Record
from sluicegate_record.statements.clearances import Clearance
from sluicegate_record.terms.clearances import ADOPTED
from tests.record.law.test_checks import Untrue, finds, first, release_is, says, signs, stands
from tests.vectors.themes.clearances import CLEARED

TYPE = "clearance.recorded"
ADOPTS, WITHDRAWS = first(TYPE, says="adopts"), first(TYPE, says="withdraws")
BEGINS = first(TYPE, says="begins")
OTHERWISE = "a clearance that was signed otherwise"


def last_word(_: Record, entry: Entry) -> str:
    """The last word of its party."""
    said = entry.public
    return key_of(said["release"], ADOPTED, said["about"], said["party"])


last_is = stands("clearances", last_word)


CLEARANCES = {
    **{
        f"a clearance of another {field}": Untrue(
            ADOPTS, says(**{field: "other"}), "is_its_partys_word", OTHERWISE
        )
        for field in ("release", "party", "about", "reason", "version")
    },
    "a clearance for another log": Untrue(
        ADOPTS,
        signs(Clearance, "ostp", log="other"),
        "is_its_partys_word",
        "a clearance that was signed for another",
    ),
    "a clearance that another signed": Untrue(
        ADOPTS, signs(Clearance, "oncd"), "is_its_partys_word", "a clearance that its party did not sign"
    ),
    "a clearance that follows another": Untrue(
        WITHDRAWS, last_is(digest="sha256:00"), "follows_the_last_word", "a clearance that does not follow"
    ),
    "a withdrawal of what is withdrawn": Untrue(
        WITHDRAWS, last_is(says="withdraws"), "follows_the_last_word", "'withdraws' after 'withdraws'"
    ),
    "a clearance of no stage": Untrue(
        BEGINS, release_is(terms={}), "is_about_what_there_is_to_clear", "no stage 'first'"
    ),
    "a clearance under another digest": Untrue(
        ADOPTS, says(digest="sha256:00"), "is_named_by_its_digest", "a signed statement under another digest"
    ),
}


@pytest.mark.parametrize("untrue", CLEARANCES.values(), ids=CLEARANCES)
def test_a_check_finds_what_is_untrue(untrue: Untrue) -> None:
    finds(untrue)


def test_the_log_has_words_of_every_kind() -> None:
    assert CLEARED
