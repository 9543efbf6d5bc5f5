"""Nothing secret is in what processes write for those who run them: journals, request logs, metrics.

Everything is marked: keys, tokens, names, what is sealed, prompts and answers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from demo import upstream
from tests.cli.commands import EXAMPLES, Cli
from tests.waiting import BOUND_S, eventually

ORGANIZATION = "Marked Organization Incorporated"
USE = "marked-use"
PROMPT = "marked-prompt"
PERSON = "marked-person"
REASON = "marked-reason"
UPSTREAM_KEY = "marked-upstream-key"
COMMAND_ID = "marked-command-id"
GUESS = "sgt_" + "m" * 43
GUESSED_KEY = "sg_" + "m" * 49
OWNERS = ("release-officer", "second-officer", "oncd", "ostp")


class Run:
    """One `up`, and the parties that use it."""

    def __init__(self, cli: Cli, folder: Path) -> None:
        self.cli, self.folder = cli, folder
        self.urls: dict[str, str] = {}

    def __call__(self, *words: object, token: str = "developer", code: int = 0) -> Any:
        shown = self.folder / "state" / "tokens" / f"{token}.token"
        given = shown.read_text().strip() if shown.exists() else token
        done = self.cli(*words, "--json", url=self.urls["control"], token=given)
        assert done.code == code, done
        return json.loads(done.out or done.err)

    def key(self, owner: str) -> Path:
        return self.folder / f"{owner}.key"

    def decide(self, case: str, *said: str) -> None:
        for owner in ("oncd", "ostp"):
            self("review", "decide", case, "--key", self.key(owner), "--position", *said, token=owner)


@contextmanager
def running(cli: Cli, folder: Path, model_url: str) -> Iterator[Run]:
    run = Run(cli, folder)
    publics = {
        owner: cli("keys", "generate", "-o", run.key(owner), "--json").answer["public"] for owner in OWNERS
    }
    pins = {owner: {"key": public} for owner, public in publics.items()}
    spec = {
        "officers": {owner: pins[owner] for owner in OWNERS[:2]},
        "agencies": {owner: pins[owner] for owner in OWNERS[2:]},
    }
    trust = {
        "apiVersion": "sluicegate/v1",
        "kind": "Trust",
        "metadata": {"developer": "openai"},
        "spec": spec,
    }
    (folder / "trust.yaml").write_text(json.dumps(trust))
    command = [
        *(sys.executable, "-m", "sluicegate", "up", "--trust", "trust.yaml", "--state", "state", "--json"),
        *("--upstream", f"demo={model_url}", "--port", "0", "--feed-port", "0", "--gateway-port", "0"),
        *("--request-log", "requests.log"),
    ]
    environment = os.environ | {
        "SLUICEGATE_UPSTREAM_KEY_DEMO": UPSTREAM_KEY,
        "SLUICEGATE_JOURNAL_LEVEL": "debug",
    }
    out, err = folder / "up.out", folder / "up.err"
    with (
        out.open("w") as to,
        err.open("w") as errors,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=to, stderr=errors) as process,
    ):
        try:
            eventually(lambda: '"gateway"' in out.read_text() and out.read_text().endswith("}\n"))
            for said in out.read_text().replace("}\n{", "}\0{").split("\0"):
                read = json.loads(said)
                run.urls |= {read["ready"]: read["url"]}
                run.urls |= {"feed": read["feed"]} if "feed" in read else {}
            yield run
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(BOUND_S) == 0


@pytest.mark.long
@pytest.mark.timeout(600)
def test_nothing_secret_is_in_a_journal_a_request_log_or_a_metric(cli: Cli, tmp_path: Path) -> None:
    secrets = [ORGANIZATION, USE, PROMPT, PERSON, REASON, UPSTREAM_KEY, COMMAND_ID, GUESS, GUESSED_KEY]
    with upstream.in_thread() as model, running(cli, tmp_path, model) as run:
        run("apply", EXAMPLES / "gpt-5.6-preview.yaml")
        run.decide(run("case", "list")["cases"][0]["case"], "approve")
        run("stage", "open", "gpt-5.6", "trusted-partners", "--key", run.key("release-officer"))
        file = tmp_path / "organization.yaml"
        file.write_text(f"name: {ORGANIZATION}\nregisteredIn: US\nintendedUse: {USE}\n")
        applicant = run("token", "issue", "--role", "applicant", "--name", "marked-applicant")["token"]
        applied = ("application", "submit", "--release", "gpt-5.6", "--stage", "trusted-partners")
        case = run(*applied, "--surface", "api", "--organization", file, token=applicant)["application"]
        run.decide(case, "approve", "--reason", REASON)
        grant = run("application", "show", case, token=applicant)["grant"]["grant"]
        key = run("credential", "issue", "--grant", grant, token=applicant)["key"]
        members = tmp_path / "members.csv"
        members.write_text(f"member,status\n{PERSON},us-citizen\n")
        refuse(run, applicant)
        texts = ask(run, key)
        secrets += [key, applicant, *(each.read_text().strip() for each in tmp_path.glob("*.key"))]
        secrets += [each.read_text().strip() for each in (tmp_path / "state" / "tokens").iterdir()]
        secrets += [(tmp_path / "state" / "log.key").read_text().strip()]
    written = {name: (tmp_path / name).read_text() for name in ("up.out", "up.err", "requests.log")}
    assert '"event": "command"' in written["up.err"]
    assert '"event": "sign_in_failed"' in written["up.err"]
    assert written["requests.log"].count('"decision":"allow"') == 2
    for where, text in (written | texts).items():
        for secret in secrets:
            for line in secret.splitlines():
                assert line.startswith("-----") or line not in text, f"{where} has {line!r}"


def refuse(run: Run, applicant: str) -> None:
    """Do what goes wrong, each with a marked word: unknown tokens, other roles, documents that are none."""
    with httpx2.Client(
        base_url=run.urls["control"], trust_env=False, verify=False, timeout=BOUND_S
    ) as client:
        for token in (GUESS, applicant, f"{GUESS}-not-well-formed"):
            headers = {"authorization": f"Bearer {token}", "idempotency-key": COMMAND_ID}
            client.post("/api/v1/releases", json={"text": USE}, headers=headers)
            client.post(f"/api/v1/{REASON}", headers=headers)
        developer = (run.folder / "state" / "tokens" / "developer.token").read_text().strip()
        headers = {"authorization": f"Bearer {developer}", "idempotency-key": COMMAND_ID}
        for body in ({"text": USE}, {"text": f"[{USE}"}, {USE: REASON}):
            client.post("/api/v1/releases", json=body, headers=headers)
        client.post("/api/v1/directives", json={"envelope": {"payload": PROMPT}}, headers=headers)


def ask(run: Run, key: str) -> dict[str, str]:
    """Ask the gateway, with a key and with another one; what the metrics of all three say after that."""
    asked = {"model": "gpt-5.6", "messages": [{"role": "user", "content": PROMPT}], "user": PERSON}
    with httpx2.Client(trust_env=False, verify=False, timeout=BOUND_S) as client:
        for known, more in ((key, {}), (key, {"stream": True}), (GUESSED_KEY, {}), (key, {"model": USE})):
            headers = {"authorization": f"Bearer {known}"}
            answer = client.post(
                f"{run.urls['gateway']}/v1/chat/completions", json=asked | more, headers=headers
            )
            assert answer.status_code == (401 if known == GUESSED_KEY else 404 if "model" in more else 200)
        client.get(f"{run.urls['gateway']}/v1/models/{REASON}", headers={"authorization": f"Bearer {key}"})
        return {f"metrics of {name}": client.get(f"{url}/metrics").text for name, url in run.urls.items()}
