"""The journal: one form, nothing of what an exception says, and events that a flood cannot make larger."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from sluicegate import journal
from sluicegate.errors import InvalidInput

LOG = logging.getLogger("sluicegate.test")
SECRET = "sgt_secret"


class Terminal(io.StringIO):
    """A stream that people read."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def others() -> Iterator[None]:
    """Put back the handlers of the test runner."""
    root, ours = logging.getLogger(), logging.getLogger("sluicegate")
    kept = list(root.handlers), root.level, ours.level
    yield
    root.handlers[:] = kept[0]
    root.setLevel(kept[1])
    ours.setLevel(kept[2])


def begun(to: io.StringIO | None = None, **environment: str) -> io.StringIO:
    stream = to if to is not None else io.StringIO()
    journal.begin("control", environment, stream)
    return stream


def test_a_program_reads_json_and_a_person_reads_text() -> None:
    said = begun()
    LOG.warning("the disk has %d bytes left", 7)
    (line,) = said.getvalue().splitlines()
    read = json.loads(line)
    assert read.pop("time").endswith("Z")
    assert read == {
        "level": "warning",
        "process": "control",
        "from": "test",
        "message": "the disk has 7 bytes left",
    }
    shown = begun(Terminal())
    LOG.warning("the disk has %d bytes left", 7)
    assert shown.getvalue().endswith("Z WARNING control test: the disk has 7 bytes left\n")


def test_a_setting_forces_the_form_and_the_level() -> None:
    said = begun(Terminal(), SLUICEGATE_JOURNAL="json", SLUICEGATE_JOURNAL_LEVEL="error")
    LOG.warning("not this")
    LOG.error("this")
    assert json.loads(said.getvalue())["message"] == "this"


@pytest.mark.parametrize("given", [{journal.FORM: "xml"}, {journal.LEVEL: "loud"}])
def test_a_form_or_level_that_is_none_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="expected one of"):
        journal.begin("control", given, io.StringIO())


@pytest.mark.parametrize("form", journal.FORMS)
def test_a_fault_is_told_by_its_type_and_places_and_nothing_of_what_it_says(form: str) -> None:
    said = begun(SLUICEGATE_JOURNAL=form)

    def fails() -> None:
        raise ZeroDivisionError(SECRET) from KeyError(SECRET)

    try:
        fails()
    except ZeroDivisionError:
        LOG.exception("GET /readyz failed")
    told = said.getvalue()
    assert SECRET not in told
    assert "ZeroDivisionError" in told
    assert "test_journal.py" in told
    assert " fails" in told


def test_of_what_is_not_ours_only_the_first_line_is_told() -> None:
    said = begun()
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: %s", SECRET)
    assert json.loads(said.getvalue())["message"] == "Task exception was never retrieved"


def test_a_line_for_people_stays_one_line_whatever_is_in_it() -> None:
    said = begun(Terminal())
    LOG.error("%s", "a\nb\x1b[2J")
    assert said.getvalue().count("\n") == 1
    assert "\x1b" not in said.getvalue()


def test_an_event_has_its_name_and_its_fields() -> None:
    said = begun()
    journal.note("command", "plan.apply: done", act="plan.apply", result="done", who=None)
    read = json.loads(said.getvalue())
    assert (read["event"], read["act"], read["level"]) == ("command", "plan.apply", "info")
    assert "who" not in read


def test_what_callers_cause_is_always_counted_and_written_only_so_often() -> None:
    said, before = begun(), journal.counted()["sign_in_failed"]
    for _ in range(3 * journal.AT_ONCE):
        journal.note("sign_in_failed", "a token that is not known here")
    assert journal.counted()["sign_in_failed"] - before == 3 * journal.AT_ONCE
    assert len(said.getvalue().splitlines()) <= journal.AT_ONCE + 1


def test_the_next_line_says_how_many_were_not_written() -> None:
    counts = journal._Counts()
    written = [counts.add("sign_in_failed", 0.0) for _ in range(journal.AT_ONCE + 5)]
    assert written == [0] * journal.AT_ONCE + [None] * 5
    assert counts.add("sign_in_failed", journal.EACH_MS) == 5
    assert counts.add("clock_jumped", 0.0) == 0


def test_a_command_that_was_done_is_never_one_of_those() -> None:
    said = begun()
    for _ in range(3 * journal.AT_ONCE):
        journal.note("command", "plan.apply: done")
    assert len(said.getvalue().splitlines()) == 3 * journal.AT_ONCE
