"""The examples of the command line: one story, run against a control plane with its own clock and keys.

Rules:
- A page shows what a command printed. Ids are numbered in the order in which they appear. Secrets and hashes
  are left out, because they differ at every run.
- The clock stands still while a command runs. A second passes between commands, and `later` lets days pass.
- What follows from a command is on the record before the next one begins. A gateway polls before and after an
  order, so that it signs for it: the control plane does not count it out meanwhile.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from demo.fleet import feed_of, fleet_of, served
from sluicegate import bootstrap
from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER
from sluicegate.acts.tokens import TokenRequest
from sluicegate.cli.main import asking, program
from sluicegate.core.access import versions
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.keys import StartLog
from sluicegate.core.terms.trust import Pin
from sluicegate.feed.run import Poll
from sluicegate.service import tokens
from sluicegate.service.ledger import Ledger
from sluicegate.settings import ControlSettings
from sluicegate.store import keyfile
from sluicegate.store.sqlite import SqliteStore
from sluicegate_record.log import acknowledgement
from sluicegate_record.log.times import format_time, parse_time
from tools.record import ORIGIN, key_of

STARTED = "2026-06-29T15:00:00.000Z"
SECOND_MS, DAY_MS = 1_000, 86_400_000
URL = "http://127.0.0.1:8600"
"""The address that the examples show."""
OWNERS = {
    "release-officer": "openai",
    "second-officer": "openai",
    "oncd": "oncd",
    "ostp": "ostp",
    "caisi": "caisi",
    "caisi-second": "caisi",
}
"""Whose keys count, and for which party."""
HOLDERS = {
    "developer": (DEVELOPER, None),
    "oncd": (AGENCY, "oncd"),
    "ostp": (AGENCY, "ostp"),
    "caisi": (AGENCY, "caisi"),
    "applicant": (APPLICANT, None),
    "rival": (APPLICANT, None),
}
"""Who has a token, with which role, and for which agency."""

STORY = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")
"""Each line has the person who runs it, and a command; `me` has no token. Ids come from the lines before."""

_IDS = re.compile(
    r"\b(case|grant|cred|mem|draft|sub|sig|idp|nom|org|developer|agency|applicant|gateway)"
    r"_[a-z2-7]{16,}\b(?=( {2,})?)"
)
_LEFT_OUT = (
    (re.compile(r"\b(sg|sgt|sgp|whsec)_[A-Za-z0-9_+/=-]{20,}"), r"\1_…"),
    (re.compile(r"(?<=/person#)\S+"), "…"),
    (re.compile(r"\b([0-9a-f]{4})[0-9a-f]{28,}\b"), r"\1…"),
    (re.compile(r"(?<=root )[0-9a-f]{4}"), ""),
    (re.compile(r"( said:\n +count: \d+\n +digest: sha256:)[0-9a-f]{4}"), r"\1"),
    (re.compile(r"(?<=keyid )[0-9a-f]{4}"), ""),
    (re.compile(r"(?<=public key )\S+"), "…"),
    (re.compile(r"(?<=its document has the digest )\S+"), "sha256:…"),
    (re.compile(r"^[A-Za-z0-9+/]{43}=$", re.MULTILINE), "…"),
)


_ASKS = asking()
"""The commands of the story that ask before they sign, and no one is at its terminal."""


@dataclass(frozen=True)
class Run:
    """A command that was run, by whose token, and what it printed."""

    by: str
    command: str
    output: str


class Teller:
    """Runs the story in a folder, against its own control plane."""

    def __init__(self, folder: Path, files: Path, plan: str) -> None:
        draws = count()
        self.at_ms = parse_time(STARTED)
        self.ledger = Ledger(
            SqliteStore(folder / "ledger.db"),
            key_of("log"),
            ORIGIN,
            wall_ms=lambda: self.at_ms,
            boot_ms=lambda: float(self.at_ms),
            random=lambda size: hashlib.sha256(f"story draw {next(draws)}".encode()).digest()[:size],
        )
        pins = [
            Pin(owner, party, key_of(owner).public_key().public_bytes_raw())
            for owner, party in OWNERS.items()
        ]
        self.ledger.execute(
            StartLog(ORIGIN, self.ledger.vkey(), "openai", pins), by="log", command_id="start-log"
        )
        self.fleet = fleet_of(self.ledger, folder)
        self._feed = feed_of(self.ledger, self.fleet, folder, key_of("feed-1"))
        self.tokens = {"me": ""}
        for name, (role, party) in HOLDERS.items():
            made = tokens.issue(self.ledger, TokenRequest(role=role, name=name, party=party))
            assert not isinstance(made, Refusal), made
            self.tokens[name] = made.token
        self._seen: dict[str, str] = {}
        self._numbers: Counter[str] = Counter()
        self._folder = folder / "desk"
        _lay_out(self._folder, files, plan, self.ledger.vkey())

    def runs(self, url: str, story: str) -> Iterator[Run]:
        """Every command of a story, in order. Raises: whatever a command raises."""
        for line in story.splitlines():
            by, _, command = line.partition(": ")
            if line == "gateway polls":
                self._poll()
            elif line.startswith("later "):
                self.at_ms += int(line.removeprefix("later ")) * DAY_MS
                self.ledger.tick()
            else:
                self.at_ms += SECOND_MS
                yield self._run(url, by, command)

    def _run(self, url: str, by: str, command: str) -> Run:
        real = {alias: name for name, alias in self._seen.items()}
        given = re.sub(r"\b[a-z]+_\d+\b", lambda found: real.get(found[0], found[0]), command)
        environment = {
            "SLUICEGATE_URL": url,
            "SLUICEGATE_TOKEN": self.tokens[by],
            "SLUICEGATE_SIGNED_AT": format_time(self.at_ms),
        }
        words = shlex.split(given.replace(URL, url))
        printed = _printed(
            [*words, "--yes"] if tuple(words[:2]) in _ASKS else words, environment, self._folder
        )
        if found := re.search(r"/person#(\S+)", printed):
            self.tokens["person"] = found[1]
        self.fleet.tick()
        return Run(by, command, self._stable(printed.replace(url, URL)))

    def _stable(self, printed: str) -> str:
        for pattern, instead in _LEFT_OUT:
            printed = pattern.sub(instead, printed)
        return _IDS.sub(self._numbered, printed)

    def _numbered(self, found: re.Match[str]) -> str:
        """The number of an id, as wide as the id where a column follows."""
        alias = self._alias(found[0], found[1])
        return alias.ljust(len(found[0])) if found[2] else alias

    def _alias(self, name: str, kind: str) -> str:
        if name not in self._seen:
            self._numbers[kind] += 1
            self._seen[name] = f"{kind}_{self._numbers[kind]}"
        return self._seen[name]

    def _poll(self) -> None:
        """A gateway reports that it has every entry."""
        size = self.ledger.size()
        asked = {
            "gateway": "gateway-1",
            "incarnation": "5f2c" * 8,
            "surface": "api",
            "after": size,
            "nonce": hashlib.sha256(str(size).encode()).hexdigest()[:32],
            "root": self.ledger.root(size).hex(),
            "fold": versions.FOLD_VERSION,
        }
        signed = acknowledgement.signed(
            {**asked, "waitMs": 0, "report": {"streamsCut": {}}}, key_of("run of gateway-1")
        )
        poll = Poll(**asked, signed=acknowledgement.read(signed))  # type: ignore[arg-type]
        self._feed.head.follow()
        self._feed.heard(poll)
        self._feed.answer(poll)
        self._feed.keep()


def runs(files: Path, plan: str) -> list[Run]:
    """The story's commands, run one after the other. `files`: the folder of the examples. `plan`: as YAML."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        teller = Teller(folder, files, plan)
        control = bootstrap.Control(
            ControlSettings(folder, folder, ORIGIN, port=0), teller.ledger, teller.fleet
        )
        with served(control) as url:
            told = list(teller.runs(url, STORY))
        return [*told, _servers(folder / "desk")]


def _servers(folder: Path) -> Run:
    """A control plane and a gateway, started by `up`. Each says where it listens."""
    command = "up --trust trust.yaml --upstream demo=http://127.0.0.1:8800"
    ports = ["--port", "0", "--feed-port", "0", "--gateway-port", "0"]
    arguments = [sys.executable, "-m", "sluicegate", *command.split(), *ports]
    piped, no = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(arguments, stdout=piped, stderr=no, text=True, cwd=folder) as running:  # noqa: S603
        assert running.stdout is not None
        printed = "".join(running.stdout.readline() for _ in range(3))
        running.send_signal(signal.SIGTERM)
    for said, port in (("control listening on", 8600), ("feed:", 8610)):
        printed = re.sub(rf"(?<={said} http://127.0.0.1:)\d+", str(port), printed)
    return Run("me", command, re.sub(r"(?<=vkey: )(\S+?\+).*", r"\1…", printed))


def _lay_out(folder: Path, files: Path, plan: str, vkey: str) -> None:
    """Write the files that the story's commands name."""
    folder.mkdir()
    for owner in (*OWNERS, "signatory", "cloud"):
        keyfile.save_private(folder / f"{owner}.key", key_of(owner))
        public = base64.b64encode(key_of(owner).public_key().public_bytes_raw()).decode()
        (folder / f"{owner}.pub").write_text(f"{public}\n")
    order = (files / "suspend-gpt-5.6.yaml").read_text()
    written = {
        "plan.yaml": plan,
        "tighter.yaml": plan.replace("seats: 2 ", "seats: 1 ").replace("[US, GB]", "[US]"),
        "log.vkey": vkey,
        "trust.yaml": json.dumps(_trust()),  # JSON is YAML
        "utility.yaml": _organization("Example Utility"),
        "grid.yaml": _organization("Example Grid Operator"),
        "people.csv": "identifier,status,method,assurance,until\nben@example.org,,,,\neve@example.org,,,,\n",
        "keys.json": json.dumps({"keys": [_jwk()]}),
        "order.yaml": order,
        "letter.yaml": order.replace("oncd-example-grid", "oncd-by-letter"),
        "letter.txt": "Suspend gpt-5.6 for Example Grid Operator.\n",
    }
    for name, text in written.items():
        (folder / name).write_text(text)


def _trust() -> dict[str, Any]:
    """A trust file with the keys of the story's owners."""
    pins = {
        owner: {"key": base64.b64encode(key_of(owner).public_key().public_bytes_raw()).decode()}
        for owner in OWNERS
    }
    spec = {
        "officers": {owner: pins[owner] for owner in ("release-officer", "second-officer")},
        "agencies": {agency: pins[agency] for agency in ("oncd", "ostp", "caisi")},
    }
    return {"apiVersion": "sluicegate/v1", "kind": "Trust", "metadata": {"developer": "openai"}, "spec": spec}


def _organization(name: str) -> str:
    owners = "owners: [{name: Example Holding, registeredIn: US, share: 60}]"
    return f"name: {name}\nregisteredIn: US\nintendedUse: finding weaknesses in control software\n{owners}\n"


def _jwk() -> dict[str, str]:
    """The public key of an identity provider."""
    numbers = ec.derive_private_key(5_600, ec.SECP256R1()).public_key().public_numbers()
    sides = {"x": numbers.x, "y": numbers.y}
    coordinates = {
        side: base64.urlsafe_b64encode(value.to_bytes(32, "big")).rstrip(b"=").decode()
        for side, value in sides.items()
    }
    return {"kty": "EC", "crv": "P-256", "kid": "2026-06", "alg": "ES256", **coordinates}


@cache
def _root() -> Any:
    """The command `sluicegate`. It loads each command once."""
    return program()


def _printed(arguments: list[str], environment: dict[str, str], folder: Path) -> str:
    """What a command prints on stdout, run in this process."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    out = io.StringIO()
    try:
        with (
            contextlib.chdir(folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            _root()(arguments, standalone_mode=False)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return out.getvalue()
