"""What lacks an officer's signature: kept for its maker, whatever others make."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sluicegate.control.signing import KEPT_MAX, KEPT_MS, DraftStatement, UnfinishedStatements
from sluicegate.errors import InvalidInput
from sluicegate.pages.statements import CLOSING
from sluicegate_record.log.dsse import Signature

FIRST = DraftStatement("0", CLOSING, b"{}", 2, "anna", "person_anna", 1)


def _of(maker: str, number: int) -> DraftStatement:
    return replace(FIRST, id=f"{maker}-{number}", maker=maker, at_ms=1 + number)


def test_no_one_pushes_out_what_another_has_made() -> None:
    kept = UnfinishedStatements()
    kept.put(FIRST)
    for number in range(2 * KEPT_MAX * 3):
        kept.put(_of("mallory", number))
    assert kept.get("0", 1) == FIRST
    assert len(kept.all(1)) == KEPT_MAX + 1
    assert kept.all(1)[0].id == f"mallory-{2 * KEPT_MAX * 3 - 1}"


def test_the_oldest_of_the_same_maker_goes_and_all_that_is_older_than_a_day() -> None:
    kept = UnfinishedStatements()
    for number in range(KEPT_MAX + 1):
        kept.put(_of("anna", number))
    assert {each.id for each in kept.all(1)} == {f"anna-{number}" for number in range(1, KEPT_MAX + 1)}
    kept.put(replace(FIRST, at_ms=KEPT_MS + KEPT_MAX + 1))
    assert [each.id for each in kept.all(KEPT_MS)] == ["0"]


def test_one_that_is_made_again_keeps_its_maker_and_its_signatures() -> None:
    kept = UnfinishedStatements()
    kept.put(FIRST)
    signed = kept.sign("0", Signature("key", b""))
    kept.put(replace(FIRST, maker="mallory", by="mallory"))
    assert kept.get("0", 1) == signed
    with pytest.raises(InvalidInput, match="signed it already"):
        kept.sign("0", Signature("key", b""))
