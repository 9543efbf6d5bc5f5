"""`early-access` by command line alone: shown, bounded in time, written to a file."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pytest

from tests.cli.timed import PLAN, WHERE, TimedPlane, timed_plane
from tests.worlds import OFFICER


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    with timed_plane(cli, tmp_path, PLAN) as made:
        made.answer("stage", "open", "gpt-5.6", "trusted-partners", "--key", made.key(OFFICER))
        yield made


def admitted(plane: TimedPlane, text: str) -> str:
    """The grant of an organization, by its file."""
    file = plane.file("organization.yaml", text)
    done = plane.answer("application", "submit", *WHERE, "--organization", file, by="applicant")
    plane.answer(*plane.screening(done["application"]))
    plane.say(done["application"], "oncd")
    plane.say(done["application"], "ostp")
    shown = plane.answer("application", "show", done["application"], by="applicant")
    return str(shown["grant"]["grant"])


FILE = 'name: Example Utility\nregisteredIn: US\nintendedUse: "=1+1 of the grid"\n'


def test_who_held_a_model_is_shown_and_written_to_a_file(plane: TimedPlane) -> None:
    grant = admitted(plane, FILE)
    plane.later(2)
    plane.text("grant", "suspend", grant, "--code", "misuse")
    said = plane.text("early-access", "gpt-5.6")
    assert said.startswith("1 organization held it (the public log has ")
    assert "grant suspended" in said
    assert "2026-06-29 15:00Z" in said
    file = plane.folder / "early.csv"
    wrote = plane.text("early-access", "gpt-5.6", "--csv", file)
    assert wrote == f"2 rows in {file}\n"
    held, suspended = csv.DictReader(file.read_text().splitlines())
    assert (held["state"], held["from"]) == ("held", "2026-06-29T15:00:00.000Z")
    assert (held["until"], suspended["until"]) == (suspended["from"], "")
    assert held["purpose"] == "'=1+1 of the grid"
    assert (held["organization"], held["how"], held["staff"]) == ("Example Utility", "application", "false")
    assert (held["basis"], held["askedBy"], held["under"]) == ("voluntary", "oncd ostp", grant)
    assert plane.error("early-access", "gpt-5.6", "--csv", file)["code"] == "invalid_input"
    assert len(plane.answer("early-access", "gpt-5.6", "--until", "2026-07-01")["stretches"]) == 1
    assert plane.answer("early-access", "gpt-5.6", "--from", "2027-01-01", by="applicant")["stretches"] == [
        {**each, "organization": "Example Utility"}
        for each in plane.answer("early-access", "gpt-5.6", "--from", "2027-01-01")["stretches"]
    ]
    assert plane.error("early-access", "gpt-9", by="rival")["code"] == "release_unknown"
    assert "nothing that you may see" in plane.text("early-access", "gpt-5.6", by="rival")
