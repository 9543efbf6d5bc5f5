"""TLS between processes: what `up` serves, which authorities its clients believe, and a new certificate."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from tests.certificates import BY_ADDRESS, BY_NAME, Authority
from tests.cli.commands import trusted
from tests.waiting import BOUND_S, eventually


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    folder = tmp_path / "authority"
    folder.mkdir()
    return Authority(folder)


@pytest.fixture
def folder(cli, tmp_path: Path) -> Path:
    """A folder with a trust file."""
    return trusted(cli, tmp_path).parent


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "sluicegate", *words]


@contextmanager
def serving(folder: Path, last: str, *words: str, **env: str) -> Iterator[tuple[Any, dict[str, str]]]:
    """A process that serves, and the URLs that it says, by server, until its `last` one listens."""
    given = {**os.environ, **env}
    with subprocess.Popen(
        command(*words), stdout=subprocess.PIPE, text=True, cwd=folder, env=given
    ) as process:
        assert process.stdout is not None
        said: dict[str, str] = {}
        try:
            while last not in said:
                line = process.stdout.readline()
                assert line, "it ended before"
                found = re.match(r" *(\w+)(?: listening on|:) (http\S+)", line)
                said.update({found[1]: found[2]} if found else {})
            yield process, said
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(BOUND_S) == 0


def ready(url: str, context: ssl.SSLContext) -> bool:
    try:
        with urlopen(f"{url}/readyz", timeout=BOUND_S, context=context) as response:
            return bool(json.load(response)["ready"])
    except HTTPError as error:
        error.close()
        return False


def asked(url: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """A command that asks the control plane."""
    token = (folder / "up" / "tokens" / "developer.token").read_text().strip()
    kept = {**os.environ, "SLUICEGATE_URL": url, "SLUICEGATE_TOKEN": token, **env}
    return subprocess.run(
        command("token", "list", "--json"), capture_output=True, text=True, env=kept, check=False
    )


def test_up_speaks_tls_and_its_gateway_and_commands_believe_a_private_authority(authority, folder):
    file = str(authority.certified("server", BY_NAME, BY_ADDRESS))
    words = [
        *("up", "--trust", "trust.yaml", "--state", "up", "--upstream", "demo=http://127.0.0.1:1"),
        *("--port", "0", "--feed-port", "0", "--gateway-port", "0", "--tls-cert", file, "--tls-key", file),
        *("--desk", "oncd", "--desk-port", "0"),
    ]
    ca = str(authority.file)
    with serving(folder, "desk", *words, SSL_CERT_FILE=ca) as (_, said):
        assert {urlsplit(url).scheme for url in said.values()} == {"https"}
        context = ssl.create_default_context(cafile=ca)
        assert eventually(lambda: ready(said["gateway"], context))
        answer = asked(said["control"], folder, SSL_CERT_FILE=ca)
        assert answer.returncode == 0, answer
        refused = asked(said["control"], folder)
        assert refused.returncode != 0
        assert "certificate verify failed" in refused.stdout + refused.stderr


def shown(url: str) -> str:
    at = urlsplit(url)
    assert at.hostname is not None
    assert at.port is not None
    return ssl.get_server_certificate((at.hostname, at.port), timeout=BOUND_S)


def test_a_signal_has_the_certificate_looked_at(authority, folder):
    file = str(authority.certified("server", BY_ADDRESS))
    words = ["control", "--trust", "trust.yaml", "--state", "other", "--port", "0"]
    with serving(folder, "control", *words, "--tls-cert", file, "--tls-key", file) as (process, said):
        before = shown(said["control"])
        authority.certified("server", BY_ADDRESS)
        process.send_signal(signal.SIGHUP)
        assert eventually(lambda: shown(said["control"]) != before)
        assert process.poll() is None


def test_a_command_shows_the_certificate_that_a_control_plane_asks_for(authority, folder):
    file, ca = str(authority.certified("server", BY_ADDRESS)), str(authority.file)
    words = ["control", "--trust", "trust.yaml", "--state", "up", "--port", "0", "--tls-client-ca", ca]
    with serving(folder, "control", *words, "--tls-cert", file, "--tls-key", file) as (_, said):
        assert asked(said["control"], folder, SSL_CERT_FILE=ca).returncode != 0
        own = str(authority.certified("client", BY_NAME))
        assert asked(said["control"], folder, SSL_CERT_FILE=ca, SLUICEGATE_CLIENT_CERT=own).returncode == 0


@pytest.mark.parametrize("given", [["--tls-cert", "a"], ["--tls-key", "a"], ["--tls-client-ca", "a"]])
def test_tls_needs_both_files(cli, tmp_path, given):
    error = cli("feed", "--state", tmp_path, *given, "--json").error
    assert "--tls-cert and --tls-key" in error["message"]
