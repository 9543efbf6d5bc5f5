"""The statement of what serves the models of a release."""

from __future__ import annotations

import re
from typing import ClassVar

from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Time, form
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.statements.statement import Statement, check_text
from sluicegate_record.terms.deployments import LONGEST_MS, ServedModel

SERVED_MAX, SURFACES_MAX, NAME_MAX = 50, 50, 128
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


@form
class DeploymentStatement(Statement):
    """The developer's word on what serves each model of a release, where, and until when.

    It takes the place of its last one about the release, which `previous` names by its digest. It is an
    assertion: who reads it learns who said it, and not that it is so.
    """

    TYPE: ClassVar = "urn:sluicegate:deployment:v1"

    log: str
    release: str
    serves: tuple[ServedModel, ...]
    until_ms: Time
    previous: str | None = None

    @property
    def subjects(self) -> dict[str, str]:
        """The weights and the safeguards behind each upstream."""
        found = {}
        for each in self.serves:
            name = f"{each.model} at {each.upstream} on {', '.join(each.surfaces)}"
            found[name] = each.digest.removeprefix("sha256:")
            found[f"safeguards of {name}"] = each.safeguards.removeprefix("sha256:")
        return found

    def check(self) -> None:
        """Check the names, the digests, and how long it holds. Raises: BadEnvelope."""
        if not 0 < len(self.serves) <= SERVED_MAX:
            raise BadEnvelope(f"1 to {SERVED_MAX} models expected, found {len(self.serves)}")
        for each in self.serves:
            _check_served(each)
        named = [(each.model, each.upstream, name) for each in self.serves for name in each.surfaces]
        if len(set(named)) != len(named):
            raise BadEnvelope("each model once for an upstream and a surface expected")
        signed_ms = self.signed_at_ms
        if signed_ms is None or not signed_ms < self.until_ms <= signed_ms + LONGEST_MS:
            days = LONGEST_MS // DAY_MS
            raise BadEnvelope(f"when it was signed, and an end at most {days} days after that, expected")


def _check_served(each: ServedModel) -> None:
    for text in (each.model, each.upstream, *each.surfaces):
        check_text(text, "a model, its upstream and its surfaces", most=NAME_MAX)
    if not 0 < len(each.surfaces) <= SURFACES_MAX:
        raise BadEnvelope(f"1 to {SURFACES_MAX} surfaces of {each.model[:40]!r} expected")
    if not all(map(_SHA256.fullmatch, (each.digest, each.safeguards))):
        raise BadEnvelope("digests of the weights and the safeguards, as sha256:…, expected")
