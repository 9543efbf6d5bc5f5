"""`dossier` by command line alone, and its check by the auditor's own program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

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
