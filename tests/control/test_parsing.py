"""Texts of strangers at a control plane: while one is read, nothing else waits for it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from demo.fleet import served
from sluicegate.acts.act import APPLICANT
from sluicegate.bounds import WAITING_OF_PARTY_MAX
from sluicegate.parsing.turns import Turns
from tests.control.conftest import Plane
from tests.control.test_api import error_of
from tests.parsing.test_parsers import Hanging
from tests.proc import is_alive
from tests.waiting import BOUND_S, eventually

DRAFT = {"release": "r", "stage": "s", "surface": "api", "organization": "hang"}


class SlowPlane(Plane):
    """A control plane whose readers obey their texts."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.hanging = Hanging(folder)
        self.wired = replace(self.wired, parsers=self.hanging.parsers)

    @contextmanager
    def asked(self, name: str = "applicant") -> Iterator[None]:
        """A draft that is read for ever, over a connection that is then closed."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        body = json.dumps(DRAFT).encode()
        head = [
            "POST /api/v1/drafts HTTP/1.1",
            "host: x",
            f"authorization: Bearer {self.token(APPLICANT, name)}",
            "content-type: application/json",
            f"content-length: {len(body)}",
        ]
        with socket.create_connection((host, int(port)), BOUND_S) as connection:
            connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
            yield

    def draft(self, name: str = "applicant", **changes: str) -> httpx2.Response:
        with self.client(self.token(APPLICANT, name)) as applicant:
            return applicant.post("/api/v1/drafts", json=DRAFT | changes)

    def drafts(self) -> Any:
        with self.client(self.token(APPLICANT, "applicant")) as applicant:
            return applicant.get("/api/v1/drafts").json()["drafts"]


def _waits(turns: Turns, count: int) -> bool:
    return turns.waiting() == count


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[SlowPlane]:
    made = SlowPlane(tmp_path)
    with served(made.wired) as made.url:
        yield made
    made.hanging.close()


def test_while_a_text_is_read_the_ledger_is_written_and_others_are_answered(plane: SlowPlane):
    with plane.asked():
        told = plane.hanging.told()
        answer = plane.send("/api/v1/lists", {"name": "sdn", "version": "1"})
        assert answer.status_code == 200, answer.text
        assert plane.drafts() == []
        assert plane.ledger.waiting() == 0
        assert is_alive(told["pid"])  # it is still being read


def test_who_closes_the_connection_ends_the_reading(plane: SlowPlane):
    with plane.asked():
        told = plane.hanging.told()
    eventually(lambda: not is_alive(told["pid"]))
    assert plane.drafts() == []


@pytest.mark.parametrize("word", ["die", "grow"])
def test_a_text_that_takes_too_much_is_refused_and_changes_nothing(plane: SlowPlane, word: str):
    answer = plane.draft(organization=word)
    assert answer.status_code == 400
    error = error_of(answer)
    assert (error["code"], error["remedy"]) == ("too_complex", "shorten it, or write it more simply")
    assert plane.drafts() == []


def test_who_has_too_many_texts_here_is_to_come_later_and_others_are_read(plane: SlowPlane):
    turns = plane.hanging.parsers.turns
    with ExitStack() as asked:
        for at in range(1 + WAITING_OF_PARTY_MAX):
            asked.enter_context(plane.asked())
            eventually(partial(_waits, turns, at))
        answer = plane.draft()
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert error_of(answer)["code"] == "too_many_requests"
        assert error_of(plane.draft("another", organization="a: 1"))["code"] == "stage_unknown"
    eventually(lambda: turns.waiting() == 0)


def test_a_fault_of_our_own_is_no_fault_of_the_text(plane: SlowPlane):
    answer = plane.draft(organization="fail")
    assert (answer.status_code, error_of(answer)["code"]) == (500, "internal_error")
