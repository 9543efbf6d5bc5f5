"""A control plane on a real socket, for commands to speak to, whose clock stands still until it is moved."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from demo.fleet import served
from sluicegate import bootstrap
from sluicegate.acts import releases, review
from sluicegate.acts.act import AnyAct
from sluicegate.acts.tokens import TokenRequest
from sluicegate.core.lifecycle.keys import StartLog
from sluicegate.ports import Principal
from sluicegate.service import doings, tokens
from sluicegate.service.context import Services
from sluicegate.service.ledger import Ledger
from sluicegate.settings import ControlSettings
from sluicegate.store import keyfile
from sluicegate.store.sqlite import SqliteStore
from sluicegate_record.log import times
from sluicegate_record.terms.quorum import parties_of
from tests.cli.commands import Cli, Done, Plane
from tests.clock import Clock
from tests.plane import yes
from tests.readers import lasting
from tests.worlds import DAY_MS, DEVELOPER, OFFICER, ORIGIN, OTHER_OFFICER, approval, pin, private_key, signed

MONDAY = "2026-06-29T15:00:00.000Z"
SECOND = "caisi-second"
"""Another owner of a key of the agency `caisi`."""
OWNERS = (OFFICER, OTHER_OFFICER, "oncd", "ostp", "caisi", SECOND)
PARTIES = {OFFICER: DEVELOPER, OTHER_OFFICER: DEVELOPER, SECOND: "caisi"}
HOLDERS = {
    "developer": ("developer", None),
    **{agency: ("agency", agency) for agency in ("oncd", "ostp", "caisi")},
    "applicant": ("applicant", None),
    "rival": ("applicant", None),
}

PLAN = f"""\
apiVersion: sluicegate/v1
kind: Release
metadata: {{name: gpt-5.6, developer: openai, title: GPT-5.6 limited preview}}
spec:
  models: [{{id: gpt-5.6, upstream: demo, digest: "sha256:{"1" * 64}", safeguards: "sha256:{"2" * 64}"}}]
  surfaces: [api, codex]
  agencies:
    oncd:  {{name: Office of the National Cyber Director}}
    ostp:  {{name: Office of Science and Technology Policy}}
    caisi: {{name: Center for AI Standards and Innovation}}
  stages:
    - name: trusted-partners
      basis: {{kind: voluntary, askedBy: [oncd, ostp], how: conversation, askedOn: "2026-06-24"}}
      seats: 2
      admission:
        mode: approve
        grant: {{allOf: [oncd, ostp]}}
        remove: {{anyOf: [oncd, ostp]}}
        clock:
          {{within: 5, unit: business-days, calendar: us-federal, warn: P1D,
           silence: escalate, to: [deputy], then: deny}}
        countersign: [caisi]
        appeal: {{decide: {{anyOf: [caisi]}}, within: P30D}}
      eligibility:
        registeredIn: [US]
        screening: clear
        onwardAccess: [none]
        criteria: [defends critical infrastructure, signs in with keys that cannot be phished]
      conditions: {{requestsPerMinute: 600, validFor: P30D}}
"""
WHERE = ("--release", "gpt-5.6", "--stage", "trusted-partners", "--surface", "api")


@dataclass(frozen=True)
class TimedPlane(Plane):
    """A control plane, the command line of each party to it, and its clock."""

    clock: Clock
    ledger: Ledger

    def __call__(self, *arguments: object, by: str | None = "developer") -> Done:
        """Run a command by a party, or by nobody, on a machine whose clock shows the same time."""
        now = times.format_time(self.clock.at_ms)
        token = self.token(by) if by else ""
        return self.cli(*arguments, url=self.url, token=token, SLUICEGATE_SIGNED_AT=now)

    def later(self, days: float) -> None:
        """Time passes, and what becomes due happens."""
        self.clock.at_ms += round(days * DAY_MS)
        self.ledger.tick()

    def text(self, *arguments: object, by: str | None = "developer") -> str:
        """What a command that is done says to a person."""
        done = self(*arguments, by=by)
        assert (done.code, done.err) == (0, ""), done
        return done.out

    def show(self, case: str, by: str = "applicant") -> str:
        return self.text("application", "show", case, by=by)

    def file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def organization(self, name: str, country: str = "US") -> Path:
        text = f"name: {name}\nregisteredIn: {country}\nintendedUse: finding weaknesses first\n"
        return self.file(f"{name.lower().replace(' ', '-')}.yaml", text)

    def submit(self, name: str, by: str = "applicant", *, screened: bool = True) -> str:
        """An organization applies, and is screened."""
        file = self.organization(name)
        case = str(self.answer("application", "submit", *WHERE, "--organization", file, by=by)["application"])
        if screened:
            self.answer(*self.screening(case))
        return case

    def screening(self, case: str, decision: str = "clear", version: str = "1") -> tuple[object, ...]:
        """The command by which an officer records a screening."""
        return (
            *("screening", "record", case, "--list", "entities", "--version", version),
            *("--decision", decision, "--reason", "looked at every match", "--key", self.key(OFFICER)),
        )

    def sign(self, case: str, owner: str, word: str, *options: object) -> Path:
        """A reviewer exports a case and signs a position in it."""
        agency = PARTIES.get(owner, owner)
        exported, signed = self.folder / "case.json", self.folder / "signed.json"
        self.answer("review", "export", case, "-o", exported, by=agency)
        sign = ("review", "sign", exported, "--position", word, "--key", self.key(owner), "-o", signed)
        self.answer(*sign, *options, by=None)
        return signed

    def say(self, case: str, agency: str, word: str = "approve", *options: object) -> Any:
        """The same, and puts it on the record."""
        return self.answer("review", "import", self.sign(case, agency, word, *options), by=agency)

    def countersigned(self, case: str, word: str, *options: object) -> Any:
        """A position of `caisi`, which takes two of its owners."""
        once, twice = self.sign(case, "caisi", word, *options), self.folder / "twice.json"
        self.answer("review", "countersign", once, "--key", self.key(SECOND), "-o", twice, by=None)
        return self.answer("review", "import", twice, by="caisi")

    def admit(self, name: str, by: str = "applicant") -> tuple[str, str]:
        """An organization applies and is approved; its case and its grant."""
        case = self.submit(name, by)
        self.say(case, "oncd")
        assert self.say(case, "ostp")["determination"] == "approved"
        return case, str(self.answer("application", "show", case, by=by)["grant"]["grant"])


@contextmanager
def timed_plane(cli: Cli, folder: Path, text: str = PLAN) -> Iterator[TimedPlane]:
    """A control plane on a Monday, with everybody's key and token, and a plan whose terms are agreed to."""
    clock = Clock(times.parse_time(MONDAY))
    ledger = Ledger(
        SqliteStore(folder / "ledger.db"),
        private_key("log"),
        ORIGIN,
        wall_ms=clock,
        boot_ms=bootstrap.boot_ms,
        random=secrets.token_bytes,
    )
    pins = [pin(owner, PARTIES.get(owner)) for owner in OWNERS]
    yes(ledger.execute(StartLog(ORIGIN, ledger.vkey(), DEVELOPER, pins), by="log", command_id="start-it"))
    for owner in OWNERS:
        keyfile.save_private(folder / f"{owner}.key", private_key(owner))
    wired = bootstrap.Control.over(ControlSettings(folder, folder, ORIGIN, port=0), ledger)
    _agreed(Services.over(ledger, wired.fleet), _holders(ledger, folder / "state" / "tokens"), text)
    with served(replace(wired, parsers=lasting())) as url:
        yield TimedPlane(cli, url, ledger.vkey(), folder, clock, ledger)


def _holders(ledger: Ledger, folder: Path) -> dict[str, Principal]:
    """The holder of each token that is written into a folder."""
    folder.mkdir(parents=True)
    found = {}
    for name, (role, party) in HOLDERS.items():
        made = yes(tokens.issue(ledger, TokenRequest(role=role, name=name, party=party)))
        (folder / f"{name}.token").write_text(made.token)
        found[name] = Principal(made.principal, role, name, party)
    return found


def _agreed(services: Services, holders: Mapping[str, Principal], text: str) -> None:
    """Apply a plan, and have every agency agree to its terms."""
    numbers = count()

    def do(who: str, act: AnyAct, **asked: Any) -> Any:
        return yes(doings.do(services, holders[who], act, act.asked(**asked), f"set-up-{next(numbers)}"))

    for name in do("developer", releases.APPLY, text=text, file="plan.yaml").cases:
        with services.ledger.reading() as state:
            case = state.cases[name]
        for agency in sorted(parties_of(case.rule)):
            owners = (owner for owner in OWNERS if PARTIES.get(owner, owner) == agency)
            said = signed(approval(case.question, agency).payload(), *owners)
            do(agency, review.IMPORT, envelope=said.to_json())
