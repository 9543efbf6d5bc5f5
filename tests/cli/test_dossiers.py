"""`dossier` by command line alone, and its check by the auditor's own program."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from time import time

import pytest

from sluicegate.gate.request_book import FOLDER, KEY, _Segments
from sluicegate_record.log.times import DAY_MS
from tests.cli.timed import PLAN, TimedPlane, timed_plane
from tests.worlds import OFFICER


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    with timed_plane(cli, tmp_path, PLAN) as made:
        made.answer("stage", "open", "gpt-5.6", "trusted-partners", "--key", made.key(OFFICER))
        yield made


def test_a_dossier_is_made_once_and_verified_by_the_record_alone(plane: TimedPlane) -> None:
    _, grant = plane.admit("Example Utility")
    key = plane.answer("credential", "issue", "--grant", grant, by="applicant")["credential"]
    size, file = plane.ledger.size(), plane.folder / "incident.json"
    plane.text("grant", "suspend", grant, "--code", "misuse")
    said = plane.text("dossier", key, "gpt-5.6", "--at", size, "--out", file)
    assert said.startswith(f"{file}: a dossier of {key}, with ")
    checking = [sys.executable, "-m", "sluicegate_record", "dossier", str(file), "--key", plane.vkey]
    checked = subprocess.run(checking, capture_output=True, text=True, check=True)
    assert f"under {grant} of gpt-5.6/trusted-partners" in checked.stdout
    assert "oncd: approve" in checked.stdout
    assert plane.error("dossier", key, "gpt-5.6", "--out", file)["code"] == "invalid_input"
    other = plane.folder / "other.json"
    assert plane.error("dossier", key, "gpt-5.6", "--out", other, by="applicant")["code"] == "forbidden"
    assert not other.exists()
    file.write_text(file.read_text().replace("trusted-partners", "trusted-pardners"))
    assert subprocess.run(checking, capture_output=True, check=False).returncode == 5


def test_a_dossier_of_a_request_by_its_id_and_of_a_finding(plane: TimedPlane) -> None:
    """From what a gateway keeps: the id is sent nowhere, and is not in the file."""
    _, grant = plane.admit("Example Utility")
    key = plane.answer("credential", "issue", "--grant", grant, by="applicant")["credential"]
    gateway, size, now_ms = plane.folder / "gateway", plane.ledger.size(), round(time() * 1000)
    said = json.dumps([key, grant, "gpt-5.6", "api", [], size, now_ms, "answered"])
    book = _Segments(gateway / FOLDER, gateway / KEY, DAY_MS, 1 << 20, lambda: now_ms)
    book.write([f"req_one  {said}\n".encode(), f"req_two req_theirs {said}\n".encode()])
    book.write([f"req_three req_theirs {said}\n".encode()])
    where = ("--gateway-state", gateway)
    shown = plane.text("request", "req_one", *where)
    assert f"answered: {key} under {grant}" in shown
    file = plane.folder / "request.json"
    told = plane.text("dossier", "--request", "req_one", *where, "--out", file)
    assert told.startswith(f"{file}: a dossier of the request req_one, under {key}, with ")
    assert "req_one" not in file.read_text()
    checking = [sys.executable, "-m", "sluicegate_record", "dossier", str(file), "--key", plane.vkey]
    checked = subprocess.run(checking, capture_output=True, text=True, check=True).stdout
    assert f"the request sha256:{sha256(b'req_one').hexdigest()}: under {grant}, no programme," in checked
    other = plane.folder / "other.json"
    for wrong, code in (
        (("dossier", "--request", "req_theirs", *where, "--out", other), "invalid_input"),
        (("dossier", "--request", "req_none", *where, "--out", other), "request_unknown"),
        (
            ("dossier", "--request", "req_one", "--gateway-state", "/", "--out", other),
            "invalid_input",
        ),
        (("dossier", "--request", "req_one", *where, "--at", 3, "--out", other), "usage"),
        (("dossier", key, "--out", other), "usage"),
        (("dossier", key, "gpt-5.6", "--finding", "f", "--out", other), "usage"),
    ):
        assert plane.error(*wrong)["code"] == code
    report = ("finding", "report", "gpt-5.6", "--kind", "misuse", "--level", "high", "--grant", grant)
    finding = plane.answer(*report, "--text", "it attacks others", "--key", plane.key(OFFICER))["finding"]
    plane.text("dossier", "--finding", finding[:12], "--out", other)
    checking[4] = str(other)
    checked = subprocess.run(checking, capture_output=True, text=True, check=True).stdout
    assert f"{finding}: misuse, high, by openai" in checked
    assert f"under {grant} of gpt-5.6/trusted-partners" in checked
