"""What a stolen token of a gateway can say, and what of it reaches others."""

from __future__ import annotations

import json

import pytest

from sluicegate.core import canonical, events, feed
from sluicegate.core.events import Draft, Opening
from sluicegate.errors import InvalidInput
from tests.plane import Plane
from tests.worlds import private_key


def test_reports_too_large_to_add_up_hold_up_nobody_else() -> None:
    plane = Plane()
    plane.opened()
    for gateway in ("gateway-1", "gateway-2"):
        plane.ask(plane.size, gateway)
    size = plane.direct("d-1")["size"]
    plane.ask(size, "gateway-1", cut={"d-1": canonical.MAX_INTEGER})
    plane.ask(size, "gateway-2", cut={"d-1": canonical.MAX_INTEGER})
    noted = plane.store.entries(0, 9_999)[-1]
    assert noted.type == events.DIRECTIVE_IN_FORCE
    assert noted.public["streamsCut"] == canonical.MAX_INTEGER


def test_no_entry_is_larger_than_an_answer_that_gateways_read() -> None:
    most = Draft("t", "t", gate={"named": Opening(bytes(32), b'"' * events.GATE_BYTES_MAX)})
    entry = events.place(most, seq=0, at_ms=0, by="tester", command="c")
    signed = dict.fromkeys(("gateway", "incarnation", "nonce", "after", "size", "root", "leaseMs"), 0)
    answer = json.dumps(feed.answer_json(signed, [entry], private_key("log")))
    assert len(answer) < feed.ANSWER_BYTES_MAX
    more = Draft("t", "t", gate={**most.gate, "organization": Opening(bytes(32), b'"')})
    with pytest.raises(InvalidInput, match="name fewer"):
        events.place(more, seq=0, at_ms=0, by="tester", command="c")
