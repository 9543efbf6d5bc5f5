"""Connections that say nothing keep no one out: not the poll of a gateway, and not an order."""

from __future__ import annotations

import json
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from sluicegate.settings import HttpSettings
from tests import worlds
from tests.control.test_path import Party
from tests.feed.conftest import Fed
from tests.feed.test_app import ask
from tests.worlds import OFFICER, plan_value

SILENT = 1_000


@pytest.fixture
def small(tmp_path) -> Iterator[Fed]:
    """A control plane and its feed, each with room for fewer connections than strangers open."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    few = HttpSettings(max_connections=100, max_connections_of_address=80)
    made = Fed(tmp_path, few)
    with made.serving():
        yield made


def silent(url: str, stack: ExitStack) -> None:
    """Open connections that say nothing, or only the beginning of a request."""
    parts = urlsplit(url)
    for number in range(SILENT):
        opened = stack.enter_context(socket.create_connection((parts.hostname, parts.port)))
        if number % 2:
            opened.sendall(b"POST /fleet/v1/poll HTTP/1.1\r\nHost: x\r\n")


def test_a_poll_and_an_order_get_through_a_thousand_connections_that_say_nothing(small: Fed):
    staff = Party(small, "developer", "developer", signer=OFFICER)
    oncd = Party(small, "agency", "oncd", "oncd")
    staff.post("/api/v1/releases", {"text": json.dumps(plan_value())})
    value = worlds.directive_value("d-1")
    value["metadata"]["log"] = small.ledger.vkey()
    signed = oncd.signed(worlds.directive_payload(value))
    oncd.client.close()
    oncd = Party(small, "agency", "oncd", "oncd")
    with ExitStack() as stack:
        silent(small.url, stack)
        silent(small.feed_url, stack)
        assert oncd.post("/api/v1/directives", signed)["directive"] == "d-1"
        answer = ask(small, 0, 0)
    assert (answer.lease_ms, answer.size) == (5_000, small.ledger.size())
    assert "directive.issued" in {entry.type for entry in answer.entries}
    for party in (staff, oncd):
        party.client.close()
