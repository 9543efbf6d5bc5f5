"""`demo story`: told to its end once by real processes; and its report when something is not as told."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from demo.streams import Stream
from demo.telling import Page, Step, expect, report, tell
from sluicegate.errors import VerificationFailed
from tests.demo.commands import Command
from tests.proc import is_alive
from tests.waiting import eventually

STEPS = (
    "apply", "positions", "admitted", "answered", "refused",
    "directive", "cut", "spared", "lifted", "widened", "everyone", "tested", "stale", "found",
    "verified", "tampered", "june", "ordered", "previewed", "restored", "general",
)  # fmt: skip


def read(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "build" / "demo.json").read_text())
    return told


def test_the_story_is_told_to_its_end(tmp_path):
    with Command(tmp_path, "story") as command:
        children = command.serving()
        assert command.wait() == 0, command.out + command.err
    told = read(tmp_path)
    steps = {step["name"]: step for step in told["steps"]}
    assert (told["ok"], tuple(steps)) == (True, STEPS)
    assert all(step["ok"] and step["ms"] >= 0 and step["detail"] for step in told["steps"])
    assert told["seconds"] > 0
    assert 0 <= steps["cut"]["figures"]["cut_ms_median"] <= steps["cut"]["figures"]["cut_ms_max"]

    for name, words in {
        "positions": "signed by oncd and ostp",
        "refused": "not_admitted: 'your organization is not admitted to this model",
        "directive": "acknowledged by every gateway",
        "cut": "raised APIError: access to this model is suspended",
        "spared": "not one lost or changed",
        "widened": "the stage opens by itself",
        "everyone": "asks gpt-5.6 with the same key and is answered",
        "tested": "at most 0.095034; the plan asks for at most 0.1: met",
        "stale": "teams closes by itself: its key gets status 403, stage_not_open",
        "found": "teams closes by itself: its key gets status 403, stage_not_open",
        "tampered": "no longer verifies: firstBad",
        "ordered": "Refused in the same minute: every key that does not say who uses it",
        "restored": "The four keys are answered on both models",
        "general": "it is for everyone",
    }.items():
        assert words in steps[name]["detail"]
    printed = [line.split(" (")[0] for line in command.out.splitlines() if line[:1].islower()]
    assert tuple(printed) == STEPS
    assert command.out.splitlines()[-1].startswith("All 21 steps were as told, in ")
    weeks = [steps[name]["figures"]["entries"] for name in STEPS[-5:]]
    assert sorted(weeks) == weeks
    assert list((tmp_path / "build" / "demo").iterdir()) == []
    assert not any(map(is_alive, children.values()))


def test_a_story_that_is_interrupted_is_not_ok_and_leaves_no_process(tmp_path):
    with Command(tmp_path, "story", "--json") as command:
        eventually(lambda: "admitted (" in command.err)
        children = command.serving()
        assert command.end(signal.SIGTERM) == 130
    assert command.out == ""
    told = read(tmp_path)
    names = [step["name"] for step in told["steps"]]
    outcomes = [step["ok"] for step in told["steps"]]
    assert (told["ok"], tuple(names)) == (False, STEPS)
    assert outcomes[:3] == [True, True, True]
    assert not outcomes[-1]
    assert not any(map(is_alive, children.values()))


def first(page: Page) -> None:
    page("it begins")
    page.figures["ms"] = 1.5


def second(page: Page) -> None:
    page("it goes on")
    expect(holds=False, otherwise="and then it does not")


def third(page: Page) -> None:
    raise AssertionError("not to be tried")


def surprise(page: Page) -> None:
    raise ZeroDivisionError("by zero")


@pytest.mark.parametrize(
    ("breaks", "detail"),
    [
        (second, "it goes on\nNOT AS TOLD: and then it does not"),
        (surprise, "NOT AS TOLD: ZeroDivisionError: by zero"),
    ],
)
def test_after_a_step_that_is_not_as_told_the_others_are_listed_and_not_tried(tmp_path, breaks, detail):
    steps: list[Step] = []
    said: list[str] = []
    tell((first, breaks, third), steps, said.append)
    told = report(("first", breaks.__name__, "third"), steps, 1.26)
    assert (told.ok, told.seconds) == (False, 1.3)
    assert [(step.name, step.ok) for step in told.steps] == [
        ("first", True),
        (breaks.__name__, False),
        ("third", False),
    ]
    assert told.steps[0].figures == {"ms": 1.5}
    assert told.steps[1].detail == detail
    assert told.steps[2].detail.startswith("not tried")
    assert len(said) == 2
    told.write(tmp_path / "build" / "demo.json")
    assert read(tmp_path) == json.loads(json.dumps(told.answer()))


def test_a_report_of_nothing_is_not_ok():
    assert not report(STEPS, (), 0).ok


def test_expect_raises_what_is_told_otherwise():
    expect("something", "no")
    with pytest.raises(VerificationFailed, match=r"^no$"):
        expect("", "no")


A, B = b'data: {"a": 1}\n\n', b'data: {"b": 2}\n\n'
CUT = b'data: {"error":{"code":"directive_in_force"}}\n\n'
DONE = b"data: [DONE]\n\n"


def stream(received: bytes, *, properly: bool) -> Stream:
    made = Stream(httpx2.Client(), "sg_key", "model", "text")
    made.received, made.ended_properly = received, properly
    return made


def test_a_cut_is_an_error_event_and_no_proper_end():
    cut = stream(A + B + CUT, properly=False)
    assert cut.cut_by() == {"code": "directive_in_force"}
    assert cut.before_the_cut() == A + B
    assert not cut.is_complete
    assert stream(CUT, properly=False).before_the_cut() == b""


@pytest.mark.parametrize(
    ("received", "properly"),
    [
        (A + B + DONE, True),
        (A + B, True),
        (A + B, False),
        (
            A + B + CUT,
            True,
        ),  # the error came, but then a proper end: SDKs that miss the event take it for whole
        (A + CUT + DONE, False),
        (A + CUT[:-1], False),
        (A + CUT + B[:5], False),
        (b"", False),
        (b"not an event\n\n", False),
        (b'data: "directive_in_force"\n\n', False),
        (b'data: {"error": "directive_in_force"}\n\n', False),
    ],
)
def test_whatever_else_is_no_cut(received, properly):
    assert stream(received, properly=properly).cut_by() is None


@pytest.mark.parametrize(
    ("received", "properly", "complete"),
    [(A + DONE, True, True), (A + DONE, False, False), (A, True, False), (b"", True, False)],
)
def test_a_stream_is_complete_with_its_last_event_and_a_proper_end(received, properly, complete):
    assert stream(received, properly=properly).is_complete == complete
