"""What a stolen token of a gateway can say, and what of it reaches others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sluicegate.core.access import feed
from sluicegate.core.access.naming import Naming, UsageKey
from sluicegate.errors import InvalidInput
from sluicegate.service.usage import UsageBook, UsageCount, known
from sluicegate_record import entries
from sluicegate_record.entries import Draft
from sluicegate_record.entries.directives import DirectiveExpired
from sluicegate_record.log import canonical
from sluicegate_record.log import leaf as leaves
from sluicegate_record.log.leaf import Opening
from tests import worlds
from tests.forging import answer_json
from tests.plane import Plane
from tests.worlds import private_key

BODY = DirectiveExpired(directive="d")


def test_reports_too_large_to_add_up_hold_up_nobody_else() -> None:
    plane = Plane()
    plane.opened()
    for gateway in ("gateway-1", "gateway-2"):
        plane.ask(plane.size, gateway)
    size = plane.direct("d-1").size
    plane.ask(size, "gateway-1", cut={"d-1": canonical.MAX_INTEGER})
    plane.ask(size, "gateway-2", cut={"d-1": canonical.MAX_INTEGER})
    noted = plane.store.log.entries(0, 9_999)[-1]
    assert noted.type == "directive.in_force"
    assert noted.public["streamsCut"] == canonical.MAX_INTEGER


def test_no_entry_is_larger_than_an_answer_that_gateways_read() -> None:
    most = Draft("t", BODY, {"named": Opening(bytes(32), b'"' * leaves.GATE_BYTES_MAX)})
    entry = entries.place(most, seq=0, at_ms=0, by="tester", command="c")
    signed = dict.fromkeys(("gateway", "incarnation", "nonce", "after", "size", "root", "leaseMs"), 0)
    answer = json.dumps(answer_json(signed, [entry], private_key("log")))
    assert len(answer) < feed.ANSWER_BYTES_MAX
    more = Draft("t", BODY, {**most.gate, "organization": Opening(bytes(32), b'"')})
    with pytest.raises(InvalidInput, match="name fewer"):
        entries.place(more, seq=0, at_ms=0, by="tester", command="c")


@pytest.mark.parametrize(
    "told",
    [
        {"identifiers": ["ab" * 15]},
        {"identifiers": ["ab" * 100_000]},
        {"identifiers": ["ab" * 16] * 5},
        {"identifiers": "ab"},
        {"identifiers": [["ab"]]},
        {"signed": {"provider": [], "kid": "k", "subject": "ab" * 16, "credential": None}},
        {"signed": {"provider": "p", "kid": "k" * 257, "subject": "ab" * 16, "credential": None}},
        {"signed": {"provider": "p", "kid": "k", "subject": "ab" * 16, "credential": {}}},
        {"signed": {"provider": "p", "kid": "k", "subject": "ab" * 17, "credential": None}},
        {"signed": ["p"]},
    ],
    ids=lambda told: str(told)[:60],
)
def test_a_report_names_nobody_but_as_a_request_does(told: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Naming.from_json(told)


def test_reports_about_what_does_not_exist_are_not_kept() -> None:
    plane = Plane()
    plane.opened()
    credential = plane.credential(plane.admit()).credential
    told = [("cred_other", worlds.MODEL), (credential, "gpt-7"), (credential, worlds.MODEL)]
    rows = [UsageCount(UsageKey(of, model, Naming()), 1, 1) for of, model in told]
    assert known(plane.ledger, rows) == rows[2:]


def test_what_is_remembered_of_use_has_a_bound_however_many_runs_tell() -> None:
    book = UsageBook(0, keys_max=5)
    for n in range(100):
        key = UsageKey("cred_1", "model-1", Naming((bytes([n]) * 16,)))
        book.report(("gateway-1", f"run-{n % 7}"), [UsageCount(key, 1, 1)], 0)
    found = book.last_day(0)
    assert sum(each.requests for each in found) == sum(each.open for each in found) == 10


def test_counts_that_lie_add_up_to_a_number_still() -> None:
    book = UsageBook(0)
    for gateway in ("gateway-1", "gateway-2"):
        most = UsageCount(
            UsageKey("cred_1", "model-1", Naming()), canonical.MAX_INTEGER, canonical.MAX_INTEGER
        )
        book.report((gateway, "run-1"), [most], 0)
    canonical.dumps([[each.open, each.requests] for each in book.last_day(0)])
