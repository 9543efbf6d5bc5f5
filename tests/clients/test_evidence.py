"""What we export of evidence, read by Inspect and by in-toto's own library, in processes of their own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from sluicegate.acts import evidence as acts
from sluicegate.client.evidence import export
from sluicegate_record.log import times
from tests.clients.driven import DRIVERS, PYTHON
from tests.plane import yes
from tests.service.test_evidence import asking, told
from tests.worlds import AT_MS, MODEL, digest


def test_inspect_and_in_toto_read_what_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICEGATE_SIGNED_AT", times.format_time(AT_MS))
    plane = asking(atMost=0.4)
    receipt = told(plane, "passes.eval")
    found = yes(plane.do("applicant", acts.SHOW, evidence=receipt.evidence))
    envelope, log = tmp_path / "envelope.json", tmp_path / "log.json"
    envelope.write_text(json.dumps(found.envelope))
    log.write_text(json.dumps(export.inspect_log(found)))
    command = [str(PYTHON), str(DRIVERS / "evidence.py"), str(envelope), str(log)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    read = json.loads(done.stdout)
    assert read["statement"] == {
        "type": "https://in-toto.io/Statement/v1",
        "subjects": {
            "model": digest(MODEL).removeprefix("sha256:"),
            "safeguards": digest("safe").removeprefix("sha256:"),
        },
        "result": "PASSED",
        "configuration": ["gpt-5.6/jailbreak-resistance"],
    }
    assert read["log"] == {
        "status": "success",
        "task": "jailbreak",
        "model": "openai-api/sluice/gpt-5.6",
        "dataset": 12,
        "completed": 12,
        "value": 1 / 12,
    }
