"""Each check of the law of deployments by itself: a lawful entry, with one thing about it made untrue."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.log import times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.record import Record
from sluicegate_record.statements.deployments import DeploymentStatement
from tests.forging import told
from tests.record.law.test_checks import Tell, Untrue, finds, first, says, stands
from tests.record.law.test_law import stored
from tests.vectors.themes.deployments import SERVED
from tests.worlds import OFFICER, digest, signed

SAID = first("deployment.attested")


def later() -> Entry:
    """A statement that takes the place of another one."""
    return [entry for entry in stored() if entry.type == "deployment.attested"][1]


ENDED = first("deployment.ended")
DEVELOPERS, FOLLOWS, HOLDS = (
    "is_its_developers_word",
    "follows_the_last_deployment",
    "holds_for_a_while",
)
ENDS = "ends_the_last_deployment"
UNSIGNED, OTHERWISE = (
    "a deployment that no officer signed for this log",
    "a deployment that was signed otherwise",
)


def signs(signer: str = OFFICER, **said: Any) -> Tell:
    """Something else was signed, and the entry says that."""

    def tell(record: Record, entry: Entry) -> Entry:
        stated = DeploymentStatement.read(Envelope.from_json(entry.public["envelope"]))
        found = replace(stated, **said)
        envelope = signed(found.payload(), signer)
        shown = {name: value for name, value in found.to_json().items() if name != "previous"}
        return told(entry, {**shown, "digest": envelope.digest, "envelope": envelope.to_json()})

    return tell


def late(record: Record, entry: Entry) -> Entry:
    """The entry comes when what it says is over."""
    return told(entry, {}, at_ms=times.parse_time(entry.public["until"]))


last_is = stands("deployments", lambda _, __: SERVED)
"""The statement that holds before the entry is another one."""


def none_holds(record: Record, entry: Entry) -> Entry:
    """The developer has said nothing before the entry."""
    del record.deployments[SERVED]
    return entry


def served_otherwise(record: Record, entry: Entry) -> Entry:
    """The entry names other safeguards than were signed."""
    (served,) = entry.public["serves"]
    return told(entry, {"serves": [{**served, "safeguards": digest("none")}]})


DEPLOYMENTS = {
    "a statement with other safeguards": Untrue(SAID, served_otherwise, DEVELOPERS, OTHERWISE),
    **{
        f"a statement with another {field}": Untrue(SAID, says(**{field: value}), DEVELOPERS, OTHERWISE)
        for field, value in (
            ("release", "other"),
            ("log", "other"),
            ("until", "2027-01-01T00:00:00.000Z"),
            ("signedAt", "2026-01-01T00:00:00.000Z"),
        )
    },
    "a statement for another log": Untrue(SAID, signs(log="other"), DEVELOPERS, UNSIGNED),
    "a statement that an agency signed": Untrue(SAID, signs("oncd"), DEVELOPERS, UNSIGNED),
    "a statement about no release": Untrue(SAID, signs(release="other"), DEVELOPERS, "no release 'other'"),
    "a statement that comes again": Untrue(
        SAID,
        signs(previous=digest("other")),
        FOLLOWS,
        "a deployment that does not follow the last one",
    ),
    "a statement that names none before it": Untrue(
        later,
        signs(previous=None),
        FOLLOWS,
        "a deployment that does not follow the last one",
    ),
    "a statement whose time is over": Untrue(SAID, late, HOLDS, "a deployment whose time is over"),
    "a statement under another digest": Untrue(
        SAID,
        says(digest=digest("other")),
        "is_named_by_its_digest",
        "a signed statement under another digest than its own",
    ),
    "the end of another statement": Untrue(
        ENDED, says(deployment=digest("other")), ENDS, "the end of a deployment that does not hold"
    ),
    "the end of what was taken back": Untrue(
        ENDED, last_is(ended_ms=1), ENDS, "the end of a deployment that does not hold"
    ),
    "the end of what is over": Untrue(
        ENDED, last_is(until_ms=1), ENDS, "the end of a deployment that does not hold"
    ),
    "the end of what was never said": Untrue(
        ENDED, none_holds, ENDS, f"no deployment of the release {SERVED!r}"
    ),
}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_what_is_untrue_about_a_deployment_is_found(name: str) -> None:
    finds(DEPLOYMENTS[name])
