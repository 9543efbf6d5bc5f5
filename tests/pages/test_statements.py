"""Statements that officers make of a form: signed with their keys, they are on the record."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from sluicegate.control.pages import ask
from sluicegate.errors import InvalidInput
from sluicegate.pages import forms
from sluicegate.signin import signatures
from sluicegate.statements import table
from sluicegate.statements.kind import Making, Wording, read
from sluicegate_record.log import canonical
from tests.plane import Plane, yes
from tests.worlds import (
    API,
    OFFICER,
    OTHER_OFFICER,
    RELEASE,
    STAGE,
    keyid,
    plan_value,
    public_key,
    signed,
    stage,
)

OF_STAGE = {"release": RELEASE, "stage": STAGE}
RAMPED = stage(
    audience="everyone",
    admission=None,
    conditions={"requestsPerMinute": 60},
    ramp=[{"share": 1, "for": "P1D"}, {"share": 100}],
    basis={"kind": "agreed", "askedBy": ["oncd"], "how": "a call", "askedOn": "2026-06-24"},
)

SCREENED = stage(eligibility={"screening": "clear"})


class Officer:
    """An officer who fills in a form, and signs what is made of it."""

    def __init__(self, **plan: Any) -> None:
        self.plane = Plane()
        self.plane.opened(plan_value(**plan))
        self.who = self.plane.who["developer"]
        self.ask = partial(ask, self.plane.services, self.who)

    def made(self, kind: str, given: Mapping[str, str]) -> Any:
        """What is signed, of what is written in a form."""
        how, now_ms = table.STATEMENTS[kind], self.plane.ledger.now_ms()
        said = read(how.asks, forms.said(how.asks, {name: [each] for name, each in given.items()}))
        return signatures.prepared(how.make(Making(how.look(self.ask, said), said, now_ms)), self.who, now_ms)

    def records(self, kind: str, given: Mapping[str, str], *signers: str) -> Any:
        """What the act answers, once it is signed; its words and what follows can be said before."""
        how, made = table.STATEMENTS[kind], self.made(kind, given)
        stated = how.kind.read(made.envelope)
        assert list(how.words(stated, Wording(self.ask, made.opened)))
        assert not [each for each in how.follows(stated, self.ask) if not each]
        assert how.after(stated).startswith("/")
        envelope = signed(made.payload, *(signers or (OFFICER,)))
        assert len(set(signers or (OFFICER,))) == how.needed(stated, self.ask, ())
        return yes(self.plane.send(self.who, how.act, how.asked(envelope.to_json(), made.opened)))


PROMISE = {"says": "makes", "text": "We answer.", "by": "2030-01-31", "release": RELEASE}
FINDING = {
    "says": "reports",
    "release": RELEASE,
    "kind": "jailbreak",
    "level": "high",
    "text": "in words",
    "axes": "7,4,6,3",
}
POINT = {"point": "cloud", "surface": API, "key": canonical.b64(public_key("cloud"))}
SAID: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "deployment": ("deployment", {"release": RELEASE}),
    "a note of a stage": ("note", {**OF_STAGE, "kind": "call", "on": "2026-06-24", "text": "We spoke."}),
    "a finding": ("finding", FINDING),
    "a finding of someone without a key": (
        "finding",
        {**FINDING, "reporter": "someone", "how": "letter", "on": "2026-06-20", "note": "on paper"},
    ),
    "a point": ("point", {**POINT, "says": "declared"}),
    "a promise": ("promise", PROMISE),
    "a key that ends": ("key", {"says": "retires", "keyid": keyid(OTHER_OFFICER), "reason": "left"}),
}


@pytest.mark.parametrize("name", SAID)
def test_what_is_made_of_a_form_and_signed_is_on_the_record(name: str) -> None:
    officer = Officer()
    before = officer.plane.size
    officer.records(*SAID[name])
    assert officer.plane.size > before


def test_a_promise_that_was_made_on_a_page_is_changed_kept_and_broken() -> None:
    officer = Officer()
    for words in (
        ({"says": "changes", "reason": "it takes longer", "by": "2030-02-28"}, {"says": "keeps"}),
        ({"says": "breaks", "reason": "we cannot"},),
    ):
        promise = officer.records("promise", {**PROMISE, "text": f"We answer {len(words)}."}).promise
        for each in words:
            officer.records("promise", {**each, "promise": promise})


def test_a_finding_is_answered() -> None:
    officer = Officer()
    finding = {"finding": officer.records("finding", FINDING).finding}
    officer.records("finding", {**finding, "says": "acknowledges"})
    officer.records("finding", {**finding, "says": "fixes", "text": "with the next safeguards"})


def test_a_ramp_is_paused_and_let_go_on() -> None:
    officer = Officer(stages=[RAMPED])
    for said in ("pauses", "continues"):
        officer.records("ramp", {**OF_STAGE, "says": said, "reason": "errors"})


def closing_words(officer: Officer) -> list[str]:
    made = officer.made("closing", {**OF_STAGE, "reason": "another"})
    how = table.STATEMENTS["closing"]
    return list(how.words(how.kind.read(made.envelope), Wording(officer.ask, made.opened)))


def test_a_closing_says_when_its_stage_was_closed_before_and_by_which_officer() -> None:
    officer = Officer()
    first = closing_words(officer)
    assert not [each for each in first if "before" in each]
    officer.records("closing", {**OF_STAGE, "reason": "why"})
    officer.records("opening", OF_STAGE)
    again = closing_words(officer)
    (before,) = (each for each in again if each not in first)
    assert before == f"The officer {OFFICER} closed it before, on Sunday 21 June 2026, 00:00 UTC."


def test_a_release_is_closed_with_its_report() -> None:
    officer = Officer()
    officer.records("release-closing", {"release": RELEASE})


def test_an_applicant_is_screened() -> None:
    officer = Officer(stages=[SCREENED])
    case = officer.plane.submit().application
    said = {"list": "sdn", "version": "1", "decision": "clear", "reason": "no one", "candidates": "A\nB"}
    officer.records("screening", {**said, "case": case})


def test_a_standard_is_attested_and_not_any_more() -> None:
    officer = Officer()
    about = {"release": RELEASE, "about": "a-standard"}
    officer.records("clearance", {**about, "says": "attests"})
    officer.records("clearance", {**about, "says": "retracts", "reason": "not yet"})


def test_what_the_record_would_refuse_is_not_made() -> None:
    officer = Officer()
    case = officer.plane.submit().application
    for kind, given, why in (
        ("position", {"case": case, "position": "approve"}, "openai is not asked in this case: oncd, ostp"),
        ("deployment", {"release": RELEASE, "until": "2036-07-09T16:00:00.000Z"}, "is more than"),
        ("finding", {**FINDING, "reporter": "someone"}, "needs how it came, too"),
        (
            "finding",
            {**FINDING, "how": "letter", "on": "2026-06-20", "note": "on paper"},
            "needs who it was, too",
        ),
    ):
        with pytest.raises(InvalidInput, match=why):
            officer.made(kind, given)
