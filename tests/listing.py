"""Plans with lists, and accounts of the organizations on them, as the control plane makes the commands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sluicegate.core.lifecycle.accounts import OpenAccount
from sluicegate.core.lifecycle.lists import seal
from sluicegate.core.lifecycle.releases import ApplyPlan
from sluicegate.core.terms import document, plan
from sluicegate_record.entries.cases import Description
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening
from sluicegate_record.terms import audience
from sluicegate_record.terms.plan import Plan

FILE = "partners.csv"
LISTED = {"organizations": FILE}
"""The audience of a stage for the organizations of that list."""


def tags(name: str) -> tuple[str, ...]:
    """What stands for a legal name in the record."""
    return (hashlib.sha256(name.encode()).hexdigest()[:32],)


def opened(name: str) -> Opening:
    """What opens the commitment to a name on a list."""
    return Opening(hashlib.sha256(f"salt {name}".encode()).digest(), canonical.dumps(audience.dossier(name)))


def party(name: str) -> str:
    """The commitment to a name on a list."""
    return audience.committed(opened(name))


def read_listed(value: Mapping[str, Any], names: Sequence[str] = ()) -> Plan:
    """What the reader makes of a plan with a list of these names. JSON is YAML."""
    text = json.dumps(value)
    return plan.read(document.read(text, "plan.yaml"), {FILE: names} if FILE in text else {})


def applying(value: Mapping[str, Any], names: Sequence[str] = ()) -> ApplyPlan:
    """The command that puts a plan in force, its names sealed."""
    plan_, listed = seal(read_listed(value, names), opened, tags)
    return ApplyPlan(plan_, listed=listed)


def opening_account(name: str, holder: str | None = None, *, organization: str = "") -> OpenAccount:
    """The command that opens an account for the organization of a legal name."""
    organization = organization or f"org-{name}"
    described = Description(organization=organization, name=tags(name)[0], registered_in="US")
    dossier = {"organization": {"name": name, "registeredIn": "US"}}
    return OpenAccount(organization, dossier, described, holder)
