"""Who takes part in the demonstration: the developer's officer, the agencies, and three organizations."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate.core.terms import document, plan
from sluicegate.errors import InvalidInput
from sluicegate.store import keyfile
from sluicegate_record.log import canonical
from sluicegate_record.terms.plan import Plan

DEVELOPER = "openai"
OFFICER = "release-officer"


class Place(NamedTuple):
    """Where an organization is admitted."""

    release: str
    stage: str
    surface: str


class Newcomer(NamedTuple):
    """An organization that has no case: its name, and its short name in file names."""

    name: str
    slug: str


class Customer(NamedTuple):
    """An organization: its name, its short name in file names, and where it applies."""

    name: str
    slug: str
    place: Place


PREVIEW = Place("gpt-5.6", "trusted-partners", "api")
TRUSTED_ACCESS = Place("gpt-5.5-trusted-access", "vetted-teams", "api")

MODEL, FALLBACK = "gpt-5.6", "gpt-5.5"
UTILITY = Customer("Example Utility", "example-utility", PREVIEW)
GRID_OPERATOR = Customer("Example Grid Operator", "example-grid-operator", PREVIEW)
SECURITY_TEAM = Customer("Example Security Team", "example-security-team", TRUSTED_ACCESS)
CUSTOMERS = (UTILITY, GRID_OPERATOR, SECURITY_TEAM)
LIBRARY = Newcomer("Example Public Library", "example-library")
"""Has an account, and is let in when the model is for everyone."""
APPLIES = Customer(*LIBRARY, PREVIEW)
"""The same, where it applies to the preview, and is left for a reviewer to decide."""

EVALUATION = Place("small-model", "evaluation", "api")
TEAMS = Place("small-model", "teams", "api")
TESTED_MODEL, KEEPS_KEYS = "smollm2", "keeps-keys"
EVALUATOR = Newcomer("Example Evaluation Lab", "example-evaluator")
"""Is named in the plan, tests the model through the gateway, and signs what came out."""
LAB = "example-lab"
"""Its short name as a party."""
TESTERS = Customer("Example Security Team", "example-security-team", TEAMS)
"""Applies for the stage that opens by the evaluator's result."""


def agencies_of(plans: Iterable[Path]) -> set[str]:
    """Every agency and evaluator that the plans name. Raises: InvalidDocument: one of them is not a plan."""
    return {name for found in _read(plans) for name in (*found.spec.agencies, *found.spec.evaluators)}


def _read(plans: Iterable[Path]) -> list[Plan]:
    return [plan.read(document.read(path.read_bytes(), str(path))) for path in plans]


class Cast:
    """Everyone who signs, each with a key file, and the trust files that pin all of them."""

    def __init__(self, folder: Path, agencies: Collection[str], officers: Sequence[str] = (OFFICER,)) -> None:
        self._keys = folder / "keys"
        self.trust_file = folder / "trust.yaml"
        self.gateway_trust_file = folder / "gateway-trust.yaml"
        self.agencies = sorted(agencies)
        self.officers = officers

    def assemble(self, *, log_exists: bool) -> None:
        """Make the keys that do not exist yet, and write the trust file.

        Raises: InvalidInput: a key is missing although the log has pinned it.
        """
        self._keys.mkdir(mode=0o700, exist_ok=True)
        for owner in (*self.officers, *self.agencies):
            path = self.key_file(owner)
            if path.exists():
                continue
            if log_exists:
                raise InvalidInput(
                    f"the key file {path} is missing, and the log of this state knows no other key",
                    code="state_damaged",
                    remedy=f"put it back, or delete {self.trust_file.parent} to begin again",
                )
            keyfile.save_private(path, Ed25519PrivateKey.generate())
        head = "# Whose keys count in this demonstration; the private halves are in keys/.\n"
        self.trust_file.write_text(self._trust("Trust", head))

    def entrust_gateway(self, log: str, plans: Iterable[Path]) -> Path:
        """Write the gateway's trust file, for the log with this verifier key; return its path.

        For each release, it has the agencies that must have signed, and the upstream names of its models.
        Raises: InvalidDocument: one of the plans is not a plan.
        """
        releases = ""
        for found in _read(plans):
            upstreams = {model.id: model.upstream for model in found.spec.models}
            floor = found.spec.stages[0].admission.grant.to_json()
            releases += f"    {found.metadata.name}:\n"
            releases += f"      floor: {json.dumps(floor)}\n      upstreams: {json.dumps(upstreams)}\n"
        head = "# What the demonstration's gateway honours, however the control plane lies.\n"
        text = self._trust("GatewayTrust", head)
        self.gateway_trust_file.write_text(f'{text}  log: "{log}"\n  releases:\n{releases}')
        return self.gateway_trust_file

    def key_file(self, owner: str) -> Path:
        """Where an owner's private key is."""
        return self._keys / f"{owner}.key"

    def key(self, owner: str) -> Ed25519PrivateKey:
        """An owner's private key. Raises: BadKey: it cannot be read."""
        return keyfile.load_ed25519(self.key_file(owner))

    def _trust(self, kind: str, head: str) -> str:
        officers = "".join(self._pin(officer) for officer in self.officers)
        agencies = "".join(self._pin(agency) for agency in self.agencies)
        return (
            f"{head}apiVersion: sluicegate/v1\n"
            f"kind: {kind}\n"
            f"metadata: {{developer: {DEVELOPER}}}\n"
            f"spec:\n  officers:\n{officers}  agencies:\n{agencies}"
        )

    def _pin(self, owner: str) -> str:
        public = self.key(owner).public_key().public_bytes_raw()
        return f'    {owner}: {{key: "{canonical.b64(public)}"}}\n'
