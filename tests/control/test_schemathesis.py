"""The API as its own description says it: a foreign program asks what is described, and what is not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from demo.fleet import served
from sluicegate.settings import HttpSettings
from tests.control.conftest import Plane
from tests.worlds import plan_value

PROGRAM = Path(__file__).parents[2] / ".venv-clients" / "bin" / "schemathesis"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
ALL = 151
"""How many operations are tried at least."""


@pytest.mark.long
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("role", ["developer", "agency", "applicant", None])
def test_no_answer_is_undeclared_and_none_a_fault(tmp_path: Path, role: str | None) -> None:
    plane = Plane(tmp_path, HttpSettings(burst=1_000_000))
    with served(plane.wired) as plane.url:
        assert plane.send("/api/v1/releases", {"text": json.dumps(plan_value())}).status_code == 200
        party = "oncd" if role == "agency" else None
        named = (
            () if role is None else ("--header", f"Authorization: Bearer {plane.token(role, party=party)}")
        )
        found = subprocess.run(
            [
                PROGRAM,
                "run",
                f"{plane.url}/api/v1/openapi.json",
                *named,
                f"--checks={','.join(CHECKS)}",
                "--phases=coverage,fuzzing",
                "--max-examples=3",
                "--continue-on-failure",
                "--generation-database=none",
                "--no-color",
                "--warnings=off",
            ],
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "no_proxy": "*"},
            cwd=tmp_path,
            check=False,
        )
    assert found.returncode == 0, found.stdout[-8_000:] + found.stderr[-1_000:]
    tested = next(line for line in found.stdout.splitlines() if "Tested:" in line)
    assert int(tested.split()[-1]) >= ALL
