"""What a gateway counts by key: what it lets through and what it refuses, each once."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from sluicegate.core.access.decision import Ask
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.gate import tally
from sluicegate.gate.engine import Engine
from sluicegate.gate.tally import AGAIN_MS, KeyCounter
from tests.clock import Clock
from tests.gate.test_fallback import Admitting
from tests.gate.world import FALLBACK, HIDDEN_MODEL, MODEL, SURFACE, World, engine


def asked(made: Engine, key: str, model: str = MODEL) -> bool:
    """Whether a request is let through."""
    ask = Ask(sha256(key.encode()).digest(), model, SURFACE)
    return not isinstance(made.admit(ask, lambda deny: None), Deny)


def rows(made: Engine) -> list[dict[str, Any]]:
    found = made.tally.report(0)
    return [] if found is None else found["rows"]


def test_each_request_of_a_known_key_counts_once():
    world = World.with_release()
    first, second = world.customer("org-1"), world.customer("org-2")
    made = engine(world, Clock())
    assert [asked(made, first), asked(made, first), asked(made, second, "nothing")] == [True, True, False]
    assert not asked(made, "sg_of-no-one")
    (one, other) = rows(made)
    assert (one["passed"], one["refused"], other["passed"], other["refused"]) == (2, 0, 0, 1)


def test_a_key_that_is_refused_before_its_request_is_read_counts_too():
    world = World.with_release()
    key = world.customer("org-1")
    made = engine(world, Clock())
    made.lease = None
    assert isinstance(made.identify(sha256(key.encode()).digest()), Deny)
    (row,) = rows(made)
    assert (row["passed"], row["refused"]) == (0, 1)


def test_what_has_not_arrived_goes_out_again_under_its_number_and_news_after_it():
    counter = KeyCounter()
    assert counter.report(0) is None
    counter.passed("cred_1", MODEL)
    first = counter.report(0)
    counter.refused("cred_1")
    told = {"credential": "cred_1", "model": MODEL, "passed": 1, "refused": 0}
    assert counter.report(1) == first == {"number": 1, "rows": [told]}
    counter.answered(500, 1)
    assert counter.report(2) == first
    counter.answered(200, 2)
    assert counter.report(3) == {"number": 2, "rows": [{"credential": "cred_1", "passed": 0, "refused": 1}]}
    counter.answered(200, 3)
    assert counter.report(4) is None


def test_a_control_plane_that_does_not_know_them_is_left_alone_for_a_while():
    counter = KeyCounter()
    counter.passed("cred_1", MODEL)
    first = counter.report(0)
    counter.answered(400, 0)
    assert counter.report(AGAIN_MS - 1) is None
    counter.answered(200, AGAIN_MS - 1)  # the rest of the report has arrived
    assert counter.report(AGAIN_MS) == first


def test_keys_are_counted_some_at_a_time(monkeypatch):
    monkeypatch.setattr(tally, "KEYS_MAX", 3)
    monkeypatch.setattr(tally, "ROWS_MAX", 2)
    counter = KeyCounter()
    for name in ("a", "b", "c", "d", "a"):
        counter.refused(name)
    told = []
    while found := counter.report(0):
        told.append([(row["credential"], row["refused"]) for row in found["rows"]])
        counter.answered(200, 0)
    assert told == [[("a", 2), ("b", 1)], [("c", 1)]]


def test_what_has_no_place_by_model_counts_for_its_key(monkeypatch):
    monkeypatch.setattr(tally, "MODELS_MAX", 2)
    monkeypatch.setattr(tally, "KEYS_MAX", 2)
    counter = KeyCounter()
    for _ in range(2):  # places are free again once they were reported
        for credential, model in (("a", "1"), ("a", "2"), ("a", "3"), ("b", "1"), ("c", "1"), ("a", "4")):
            counter.passed(credential, model)
        found = counter.report(0)
        assert found is not None
        assert [(row["credential"], row.get("model"), row["passed"]) for row in found["rows"]] == [
            ("a", "1", 1), ("a", "2", 1), ("a", None, 2), ("b", None, 1),
        ]  # fmt: skip
        counter.answered(200, 0)


def test_a_model_is_told_only_if_the_caller_may_know_of_it():
    world = World.with_release()
    key = world.customer("org-1")
    made = engine(world, Clock())
    digest = sha256(key.encode()).digest()
    assert asked(made, key)
    assert not any(asked(made, key, each) for each in (HIDDEN_MODEL, "nothing"))
    unread = Ask(digest, MODEL, SURFACE, unread=Deny(Reason.PERSON_REQUIRED))
    assert isinstance(made.admit(unread, lambda deny: None), Deny)
    assert [(row.get("model"), row["passed"], row["refused"]) for row in rows(made)] == [
        (MODEL, 1, 0),
        (None, 0, 3),
    ]
    made.tally.answered(200, 0)
    world.suspend("bis-1", [MODEL])
    made.advance(world.take())
    assert not asked(made, key)
    assert [(row.get("model"), row["refused"]) for row in rows(made)] == [(MODEL, 1)]


def test_a_request_that_a_fallback_answers_or_refuses_too_counts_once():
    admitting = Admitting()
    admitting.flight()
    (row,) = rows(admitting.engine)
    assert (row["model"], row["passed"], row["refused"]) == (FALLBACK, 1, 0)
    admitting.engine.tally.answered(200, 0)
    admitting.world.suspend("bis-2", [FALLBACK])
    admitting.then(lambda: None)
    admitting.refusal()
    (row,) = rows(admitting.engine)
    assert (row["model"], row["passed"], row["refused"]) == (MODEL, 0, 1)
