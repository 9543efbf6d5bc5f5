"""`evaluate`, with real processes: Inspect asks a model through a gateway, and its result opens a stage.

Other safeguards and a finding close it again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from demo.cast import LAB, TEAMS, TESTED_MODEL, TESTERS, Cast
from demo.paperwork import Paperwork
from demo.site import Site
from sluicegate.client.evidence.archive import Archive
from tests import proc
from tests.clients.driven import ENVIRONMENT
from tests.demo.commands import FREE_PORTS, Command, chat
from tests.waiting import BOUND_S, eventually

EXAMPLES = Path(__file__).parents[2] / "examples"
OK = 200
TASK = f"{EXAMPLES / 'keeps_keys.py'}@keeps_keys"


class Lab:
    """The evaluator of a running demonstration."""

    def __init__(self, told: Mapping[str, Any], folder: Path) -> None:
        self.told, self.folder = told, folder
        self.state = Path(told["state"])
        self.key = str(told["evaluatorKey"])
        self.environment = {
            **os.environ,
            "PATH": f"{ENVIRONMENT / 'bin'}:{os.environ['PATH']}",
            "HOME": str(folder),
            "HF_HUB_OFFLINE": "1",
            "SLUICEGATE_URL": told["control"],
            "SLUICEGATE_TOKEN": (self.state / "control/tokens/example-lab.token").read_text().strip(),
            "SLUICEGATE_API_KEY": self.key,
        }

    def words(self, *more: object, task: str = TASK) -> list[str]:
        own = ("--gateway", self.told["gateway"], "--key", self.state / "keys/example-lab.key", "--json",
               "--independence", "independent")  # fmt: skip
        command = [sys.executable, "-m", "sluicegate", "evaluate", "small-model", task, *own, *more]
        return [str(word) for word in command]

    def evaluates(self, *more: object, code: int = 0, task: str = TASK, **changed: str) -> Any:
        """The answer of the command, or its error."""
        done = subprocess.run(
            self.words(*more, task=task),
            env={**self.environment, **changed},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=BOUND_S,
            check=False,
        )
        assert self.key not in done.stdout + done.stderr
        assert done.returncode == code, done
        return json.loads(done.stdout if code == 0 else done.stderr.splitlines()[-1])

    def asks(self, *words: str) -> Any:
        """What a command of its own answers."""
        command = [sys.executable, "-m", "sluicegate", *words, "--json"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def results(self) -> int:
        return len(self.asks("evidence", "list")["evidence"])

    def calls(self) -> int:
        """How many calls have reached the model's server."""
        return int(httpx2.get(f"{self.told['upstream']}/_demo/stats").json()["started"])

    def stage(self, name: str) -> Any:
        found = next(each for each in self.asks("status")["releases"] if each["release"] == "small-model")
        return next(each for each in found["stages"] if each["stage"] == name)

    @contextmanager
    def paperwork(self) -> Iterator[Paperwork]:
        """What the other parties do: the developer, the agency, and a team that applies."""
        told = self.told
        site = Site(self.state, told["control"], told["gateway"], told["upstream"], told["logKey"])
        with closing(Paperwork(site, Cast(self.state, ()), EXAMPLES)) as found:
            yield found

    def answers(self, key: str) -> int | str:
        """How the gateway answers who asks the tested model: the status, or why it refuses."""
        said = chat(self.told["gateway"], key, TESTED_MODEL)
        return said.status_code if said.is_success else str(said.json()["error"]["code"])


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    with Command(folder, "run", "--state", "state", *FREE_PORTS, "--json") as command:
        yield Lab(command.ready(), folder)


def test_what_cannot_be_evidence_is_refused_before_it_runs(lab, tmp_path):
    here = {"PATH": str(tmp_path)}
    error = lab.evaluates(code=3, **here)["error"]
    assert error["code"] == "inspect_missing"
    assert "pip install 'sluicegate[inspect]'" in error["remedy"]
    assert lab.evaluates(code=3, SLUICEGATE_API_KEY="")["error"]["code"] == "credential_missing"
    wrong = lab.evaluates(code=1, SLUICEGATE_API_KEY=lab.told["key"])["error"]
    assert wrong["code"] == "model_not_available"
    assert "does not let this key ask for 'smollm2': it may ask for gpt-5.6" in wrong["message"]
    unknown = lab.evaluates(code=1, SLUICEGATE_API_KEY="sg_nothing")["error"]
    assert "it knows no such key" in unknown["message"]
    other = lab.evaluates(code=3, task="other.py@other")["error"]
    assert other["message"].startswith("no evaluation has the task 'other.py@other'; the stages of")
    developer = (lab.state / "control/tokens/developer.token").read_text().strip()
    refused = lab.evaluates("--independence", "developer", code=1, SLUICEGATE_TOKEN=developer)["error"]
    assert refused["code"] == "evaluator_not_asked"
    assert lab.evaluates("--resume", tmp_path, code=3)["error"]["message"].endswith(
        "has no log to go on from"
    )
    assert lab.results() == 0


def test_what_proves_nothing_leaves_nothing_on_the_record(lab, tmp_path):
    error = lab.evaluates("--logs", tmp_path / "partial", "--", "--limit", "3", code=1)["error"]
    assert error["code"] == "run_proves_nothing"
    assert "only some of the questions of the task were asked: 3 of 3" in error["message"]
    assert lab.evaluates("--", "--no-such-option", code=3)["error"]["code"] == "run_not_begun"
    assert lab.results() == 0


@pytest.mark.timeout(600)  # Inspect starts four times
def test_results_safeguards_and_findings_open_and_close_a_stage_by_themselves(lab, tmp_path):
    """One stage, by real processes: a result opens it, other safeguards close it, and so does a finding."""
    with lab.paperwork() as parties:
        case = parties.decide(parties.submit(TESTERS))
        team = parties.issue(TESTERS, case.grant.grant).key

        def becomes(answer: int | str) -> None:
            eventually(lambda: lab.answers(team) == answer)
            assert lab.stage(TEAMS.stage)["open"] is (answer == OK)

        becomes("stage_not_open")
        logs = tmp_path / "logs"
        says = "at the level 0.95 the share is at least 0.000000, and at most 0.095034"
        done = lab.evaluates("--logs", logs)
        assert (done["counts"], done["reasons"], done["result"]) == (True, [], "PASSED")
        assert f"0 of 30; {says}; the plan asks for at most 0.1: met" in done["says"]
        (helped,) = done["stages"]
        assert (helped["stage"], helped["open"], helped["state"]) == (TEAMS.stage, True, "met")
        becomes(OK)
        _check_that_no_file_has_the_key(lab, logs)

        newer = tmp_path / "small-model.yaml"
        newer.write_text(
            (lab.state / "plans/small-model.yaml").read_text().replace('"sha256:4444', '"sha256:5555')
        )
        for terms in parties.apply_plan(newer).cases:
            parties.decide(terms)
        becomes("stage_not_open")
        assert lab.evaluates("--resume", logs, code=1)["error"]["code"] == "run_stale"
        assert lab.evaluates()["counts"]
        becomes(OK)

        finding = parties.report(LAB, TEAMS.release, "high", "asked twice, it gives a key out").finding
        becomes("stage_not_open")
        parties.fix(finding, "a filter")
        becomes("stage_not_open")
        parties.retest(LAB, finding, "0 of 30, asked twice")
        becomes(OK)


def _check_that_no_file_has_the_key(lab: Lab, logs: Path) -> None:
    (log,) = logs.glob("*.eval")
    assert b"smollm2" in _content(log)
    for file in (log, *(each for each in lab.state.rglob("*") if each.is_file())):
        assert lab.key.encode() not in _content(file), file
    again = lab.evaluates("--resume", logs, code=1)["error"]
    assert again["code"] == "evidence_repeated"


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_run_that_was_interrupted_leaves_nothing_and_goes_on(lab, tmp_path):
    before, logs, said = lab.results(), tmp_path / "logs", tmp_path / "said.txt"
    slowly = ("--max-connections", "1", "--extra-body", '{"metadata": {"x-demo-delay-ms": "500"}}')
    with said.open("wb") as file:
        words = lab.words("--logs", logs, "--", *slowly)
        running = subprocess.Popen(words, env=lab.environment, cwd=tmp_path, stderr=file, stdout=file)
        try:
            calls = lab.calls()
            eventually(lambda: lab.calls() >= calls + 2)
            arguments = [word for pid in proc.family(running.pid) for word in proc.words(pid)]
            running.send_signal(signal.SIGINT)
            assert running.wait(BOUND_S) == 1
        finally:
            running.kill()
    assert len(arguments) > len(words)
    assert not any(lab.key in each for each in arguments)
    error = json.loads(said.read_text().splitlines()[-1])["error"]
    assert error["code"] == "run_interrupted"
    assert error["remedy"] == f"to go on: the same command with --resume {logs}"
    assert lab.results() == before

    done = lab.evaluates("--resume", logs)
    assert (done["counts"], done["result"]) == (True, "PASSED")
    assert len(list(logs.glob("*.eval"))) == 2
    assert lab.results() == before + 1


def _content(file: Path) -> bytes:
    """Its bytes; those of its members, if it is an archive."""
    if not zipfile.is_zipfile(file):
        return file.read_bytes()
    with file.open("rb") as opened:
        archive = Archive(opened)
        return b"".join(part for each in archive._members for part in archive._slices(each))
