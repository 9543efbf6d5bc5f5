"""The command line as tests call it, and a control plane for it to speak to."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from sluicegate.cli.main import asking
from tests.launcher import Launcher
from tests.strangers import SilentHandler, handling
from tests.waiting import eventually

EXAMPLES = Path(__file__).parents[2] / "examples"
NOBODY = "http://127.0.0.1:1"
"""Where nothing listens."""


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> Any:
        """The answer of a command that was done, with --json."""
        assert self.code == 0, self
        assert self.err == ""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The error of a command that was not, with --json; it has one shape, and stands on stderr alone."""
        assert self.code != 0, self
        body = json.loads(self.err)
        assert set(body) == {"error"}
        assert set(body["error"]) == {"code", "message", "remedy", "at"}
        assert body["error"]["message"]
        for place in body["error"]["at"]:
            assert set(place) == {"file", "line", "column", "expected", "found", "field"}
        return body["error"]


SAID = {("grant", "surrender"), ("credential", "rotate"), ("release", "close"), ("ramp", "back")}
"""Those of which the tests say it themselves."""
SAID |= {("deployment", "sign"), *(("backup", word) for word in ("begin", "restore", "sign"))}
ASKS = asking() - SAID
"""The commands that ask first. No one is at the terminal of a test."""


class Cli:
    """Runs `sluicegate …` in a folder, against a control plane, as the holder of a token.

    A command that asks first gets `--yes`; `unanswered` runs it without.
    """

    def __init__(self, folder: Path, launcher: Launcher) -> None:
        self.folder = folder
        self._numbers = count()
        self._launcher = launcher

    def __call__(self, *arguments: object, url: str = NOBODY, token: str = "", **environment: str) -> Done:
        yes = ["--yes"] if arguments[:2] in ASKS and "--yes" not in arguments else []
        return self.unanswered(*arguments, *yes, url=url, token=token, **environment)

    def unanswered(self, *arguments: object, url: str = NOBODY, token: str = "", **environment: str) -> Done:
        """Run a command as it is written: no one says yes."""
        number = next(self._numbers)
        out, err = (self.folder / f"{number}.{name}" for name in ("out", "err"))
        given = {"SLUICEGATE_URL": url, "SLUICEGATE_TOKEN": token, "PATH": os.environ["PATH"], **environment}
        words = [str(argument) for argument in arguments]
        pid = self._launcher.run(words, out, err, folder=self.folder, environment=given, at_once=True)
        return Done(self._launcher.wait(pid), out.read_text(), err.read_text())

    @contextmanager
    def serving(self, *arguments: object) -> Iterator[Any]:
        """Run a command that serves meanwhile; what it says when it is ready. It ends well."""
        number = next(self._numbers)
        out, err = (self.folder / f"{number}.{name}" for name in ("out", "err"))
        words = [str(argument) for argument in arguments]
        pid = self._launcher.run(words, out, err, environment=os.environ)

        def said() -> Any:
            assert self._launcher.poll(pid) is None, f"ended before it was ready: {err.read_text()}"
            text = out.read_text() if out.exists() else ""
            return json.loads(text) if text.endswith("}\n") else None

        try:
            yield eventually(said)
        finally:
            os.kill(pid, signal.SIGTERM)
            assert self._launcher.wait(pid) == 0, err.read_text()


@dataclass(frozen=True)
class Plane:
    """A control plane, and the command line of each party to it."""

    cli: Cli
    url: str
    vkey: str
    folder: Path
    feed: str = field(default="", kw_only=True)

    def __call__(self, *arguments: object, by: str | None = "developer") -> Done:
        """Run a command by a party, or by nobody."""
        return self.cli(*arguments, url=self.url, token=self.token(by) if by else "")

    def answer(self, *arguments: object, by: str | None = "developer") -> Any:
        return self(*arguments, "--json", by=by).answer

    def error(self, *arguments: object, by: str | None = "developer") -> Any:
        return self(*arguments, "--json", by=by).error

    def token(self, party: str) -> str:
        return (self.folder / "state" / "tokens" / f"{party}.token").read_text().strip()

    def key(self, owner: str) -> Path:
        return self.folder / f"{owner}.key"

    @property
    def database(self) -> Path:
        return self.folder / "state" / "ledger.db"


@contextmanager
def lying(answers: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """A control plane that gives these answers, by the end of the path; where it is, and what was asked."""
    asked: list[str] = []

    class Handler(SilentHandler):
        def answer(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers.get("content-length", 0)))
            found = next((body for end, body in answers.items() if self.path.endswith(end)), None)
            body = json.dumps(found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815 - the names the server looks for

    with handling(Handler) as url:
        yield url, asked


def trusted(cli: Cli, folder: Path) -> Path:
    """A trust file with keys of two officers and of three agencies, one with two; the keys are beside it."""
    owners = ("release-officer", "second-officer", "oncd", "ostp", "caisi", "caisi-second")
    publics = {
        owner: cli("keys", "generate", "-o", folder / f"{owner}.key", "--json").answer["public"]
        for owner in owners
    }
    pins = {owner: {"key": public} for owner, public in publics.items()}
    spec = {
        "officers": {owner: pins[owner] for owner in owners[:2]},
        "agencies": {
            "oncd": pins["oncd"],
            "ostp": pins["ostp"],
            "caisi": {"owners": {owner: pins[owner] for owner in owners[4:]}, "directs": ["gpt-5.6"]},
        },
    }
    trust = {
        "apiVersion": "sluicegate/v1", "kind": "Trust", "metadata": {"developer": "openai"}, "spec": spec
    }  # fmt: skip
    made = folder / "trust.yaml"
    made.write_text(json.dumps(trust))  # JSON is YAML
    return made


@contextmanager
def plane(cli: Cli, folder: Path) -> Iterator[Plane]:
    """A control plane that is a process of its own; no plan is applied."""
    trusted(cli, folder)
    with served(cli, folder) as made:
        yield made


@contextmanager
def served(cli: Cli, folder: Path) -> Iterator[Plane]:
    """The control plane of a folder that `plane` has made."""
    where = ("--state", folder / "state", "--port", "0", "--feed-port", "0")
    with cli.serving("serve", "--trust", folder / "trust.yaml", *where, "--json") as ready:
        yield Plane(cli, ready["url"], ready["vkey"], folder, feed=ready["feed"])
