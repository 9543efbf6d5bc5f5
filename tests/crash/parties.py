"""The parties of a small log, with keys of their own, and what each of them signs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate.acts.releases import OpeningToSign
from sluicegate.client import export, signing
from sluicegate.client.directives import signed_directive
from sluicegate.core.directives import directive
from sluicegate.core.directives.directive import Signing
from sluicegate.core.terms import document
from sluicegate.statements import stages
from sluicegate.statements.cases import Review
from sluicegate.statements.directives import salt
from sluicegate.statements.stages import ClosingWord
from sluicegate_record.form import replace
from sluicegate_record.log import canonical

DEVELOPER = "example-developer"
OFFICER = "release-officer"
AGENCIES = ("oncd", "ostp")
RELEASE, STAGE, SURFACE, MODEL = "preview", "partners", "api", "model-1"
UPSTREAM = "demo"


class Parties:
    """An officer of the developer, and two agencies that both must agree.

    `log` is the verifier key of the log they sign for, known once it was started. `dated` says whether their
    programs say when they signed, and what had been said, which an earlier build does not read.
    """

    def __init__(self) -> None:
        self.log = ""
        self.dated = True
        self._keys = {name: Ed25519PrivateKey.generate() for name in (OFFICER, *AGENCIES)}

    def private(self, name: str) -> Ed25519PrivateKey:
        """The key of an agency or the officer."""
        return self._keys[name]

    def write_trust(self, path: Path) -> Path:
        """Write the trust file that pins the keys."""
        pins = {name: {"key": self._public(name)} for name in (OFFICER, *AGENCIES)}
        spec = {"officers": {OFFICER: pins[OFFICER]}, "agencies": {name: pins[name] for name in AGENCIES}}
        path.write_text(json.dumps(_document("Trust", {"developer": DEVELOPER}, spec)))
        return path

    def position(self, exported: dict[str, Any], agency: str) -> dict[str, Any]:
        """An agency's approval in an exported case."""
        case = export.read(exported)
        shown = case if self.dated else replace(case, said=None)
        with self._program():
            return signing.position(shown, Review("approve"), self._keys[agency])

    def opening(self, opening: dict[str, str]) -> dict[str, Any]:
        """The officer's opening of a stage."""
        with self._program():
            return signing.for_record(stages.opening(OpeningToSign.from_json(opening)), self._keys[OFFICER])

    def closing(self, asked: dict[str, str]) -> dict[str, Any]:
        """The officer's closing of a stage, by what is signed to open it."""
        with self._program():
            found = OpeningToSign.from_json(asked)
            said = ClosingWord(release=found.release, stage=found.stage, reason="the preview is over")
            return signing.for_record(signing.made(stages.CLOSING, found, said), self._keys[OFFICER])

    def directive(self, name: str, organization: str) -> dict[str, Any]:
        """The first agency's directive that suspends the model for one organization."""
        spec = {
            "issuer": AGENCIES[0],
            "basis": {"kind": "order", "authority": "an example letter"},
            "action": "suspend",
            "models": [MODEL],
            "surfaces": "all",
            "covers": {"organizations": [organization]},
            "reasons": {"form": "none"},
        }
        text = json.dumps(_document("Directive", {"name": name}, spec))
        given = directive.read(document.read(text, "directive.yaml"))
        with self._program():
            return signed_directive(given, Signing(self.log, salt), self._keys[AGENCIES[0]]).to_json()

    @contextmanager
    def _program(self) -> Iterator[None]:
        """The program that signs: this build's, or one that does not say when."""
        with pytest.MonkeyPatch.context() as patched:
            if not self.dated:
                patched.setattr(signing, "now_ms", lambda: None)
            yield

    def _public(self, name: str) -> str:
        return canonical.b64(self._keys[name].public_key().public_bytes_raw())


def plan(lease_ms: int, per_minute: int | None = None, per_day: int | None = None, **more: Any) -> str:
    """A plan with one stage, no seats to run out of and no quota to use up, unless one is given; and more."""
    stage: dict[str, Any] = {
        "name": STAGE,
        "basis": {
            "kind": "agreed",
            "askedBy": list(AGENCIES),
            "how": "memorandum",
            "askedOn": "2026-06-24",
        },
        "admission": {"mode": "approve", "grant": {"allOf": list(AGENCIES)}},
    }
    if per_minute is not None:
        stage["conditions"] = {"requestsPerMinute": per_minute}
    if per_day is not None:
        stage["exposure"] = {"requestsPerDay": {"value": per_day, "enforced": True}}
    spec = {
        "models": [
            {
                "id": MODEL,
                "upstream": UPSTREAM,
                "digest": f"sha256:{'1' * 64}",
                "safeguards": f"sha256:{'2' * 64}",
            }
        ],
        "surfaces": [SURFACE],
        "leaseMs": lease_ms,
        "agencies": {name: {"name": f"The {name} agency"} for name in AGENCIES},
        "stages": [stage],
        **more,
    }
    return json.dumps(_document("Release", {"name": RELEASE, "developer": DEVELOPER}, spec))


def _document(kind: str, metadata: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "sluicegate/v1", "kind": kind, "metadata": metadata, "spec": spec}
