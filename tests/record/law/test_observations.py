"""Each check of the law of observations by itself: a lawful entry, with one thing about it made untrue."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.log import times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.record import Record
from sluicegate_record.statements.observations import ObservationStatement
from tests.forging import told
from tests.record.law.test_checks import Tell, Untrue, finds, first, says
from tests.record.law.test_law import stored
from tests.vectors.themes.deployments import SERVED
from tests.worlds import OFFICER, digest, signed

SEEN = first("observation.recorded")


def later() -> Entry:
    """An observation that follows another one."""
    return [entry for entry in stored() if entry.type == "observation.recorded"][1]


OBSERVERS, PARTYS, FOLLOWS, THERE = (
    "is_its_observers_word",
    "is_of_a_party",
    "follows_the_last_observation",
    "has_seen_what_there_was",
)
OTHERWISE = "an observation that was signed otherwise"
UNSIGNED = "an observation that its observer did not sign for this log"
UNORDERED = "an observation that does not follow the last one of its probe"
ELSEWHERE = "an observation of a model or a surface that the release does not have"


def signs(signer: str = "ostp", probe: dict[str, Any] | None = None, **said: Any) -> Tell:
    """Something else was signed, and the entry says that."""

    def tell(record: Record, entry: Entry) -> Entry:
        stated = ObservationStatement.read(Envelope.from_json(entry.public["envelope"]))
        found = replace(stated, **said, probe=replace(stated.probe, **(probe or {})))
        envelope = signed(found.payload(), signer)
        shown = {name: value for name, value in found.to_json().items() if name != "previous"}
        more = {"owner": signer, "digest": envelope.digest, "envelope": envelope.to_json()}
        return told(entry, {**shown, **more})

    return tell


def part_says(part: str, **changes: Any) -> Tell:
    """A part of the entry says something else than was signed."""

    def tell(record: Record, entry: Entry) -> Entry:
        return told(entry, {part: {**entry.public[part], **changes}})

    return tell


def signed_as_early(record: Record, entry: Entry) -> Entry:
    """It was signed when the one before it was."""
    (last,) = record.observations.values()
    return signs(signed_at_ms=last.signed_at_ms)(record, entry)


def seen_earlier(record: Record, entry: Entry) -> Entry:
    """It is after fewer entries than the one before it."""
    (last,) = record.observations.values()
    return signs(size=last.size - 1)(record, entry)


OBSERVATIONS = {
    **{
        f"an observation with another {field}": Untrue(SEEN, says(**{field: value}), OBSERVERS, OTHERWISE)
        for field, value in (
            ("log", "other"),
            ("observer", "oncd"),
            ("size", 1),
            ("signedAt", times.format_time(1)),
        )
    },
    "an observation of another outcome": Untrue(
        SEEN, part_says("outcome", got="refused"), OBSERVERS, OTHERWISE
    ),
    "an observation of another probe": Untrue(SEEN, part_says("probe", model="m"), OBSERVERS, OTHERWISE),
    "an observation for another log": Untrue(SEEN, signs(log="other"), OBSERVERS, UNSIGNED),
    "an observation that another party signed": Untrue(SEEN, signs("oncd"), OBSERVERS, UNSIGNED),
    "an observation under another digest": Untrue(
        SEEN,
        says(digest=digest("other")),
        "is_named_by_its_digest",
        "a signed statement under another digest than its own",
    ),
    "an observation of no release": Untrue(
        SEEN, signs(probe={"release": "other"}), PARTYS, "no release 'other'"
    ),
    "an observation of who is no party": Untrue(
        SEEN,
        signs("first", observer="trade"),
        PARTYS,
        "an observation of a party that the plan does not name",
    ),
    "an observation of a model of no one": Untrue(SEEN, signs(probe={"model": "m"}), PARTYS, ELSEWHERE),
    "an observation on no surface": Untrue(SEEN, signs(probe={"surface": "moon"}), PARTYS, ELSEWHERE),
    "an observation that comes again": Untrue(later, signs(previous=None), FOLLOWS, UNORDERED),
    "an observation after another one": Untrue(later, signs(previous=digest("other")), FOLLOWS, UNORDERED),
    "a first observation that names one before it": Untrue(
        SEEN, signs(previous=digest("other")), FOLLOWS, UNORDERED
    ),
    "an observation as early as the last one": Untrue(later, signed_as_early, FOLLOWS, UNORDERED),
    "an observation that has seen less": Untrue(later, seen_earlier, FOLLOWS, UNORDERED),
    "an observation that has seen what comes": Untrue(
        SEEN, signs(size=10**6), THERE, "an observation after entries that were not there yet"
    ),
}


@pytest.mark.parametrize("name", OBSERVATIONS)
def test_what_is_untrue_about_an_observation_is_found(name: str) -> None:
    finds(OBSERVATIONS[name])


def test_the_developer_and_whoever_the_plan_names_may_observe() -> None:
    """The rules say who: a lawful observation of the developer's officer stays lawful."""
    entry = SEEN()
    assert entry.public["probe"]["release"] == SERVED
    with pytest.raises(AssertionError):
        finds(Untrue(SEEN, signs(OFFICER, observer="openai"), PARTYS, ""))
