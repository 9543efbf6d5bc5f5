"""What a plan says of remits: the concern that a stage serves, and who may refer a case to which agencies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from sluicegate.core.terms.document import Fault
from sluicegate.core.terms.written import Slug, Strict
from sluicegate_record.strict import JsonPath

Agencies = Annotated[list[Slug], Field(min_length=1, max_length=100)]


class WrittenReferrals(Strict):
    """Agencies in `from` may have those in `to` asked, too, in a case about an organization or an opening.

    `binding`: they join the rule of that case. `within`: how long each has, in `unit`s, from the referral;
    `silence` says what follows then. `depth`: how far an agency that was asked so may refer on; 1: not.
    """

    from_: Annotated[Agencies, Field(alias="from")]
    to: Agencies
    binding: bool
    within: Annotated[int, Field(ge=1, le=1000)] | None = None
    unit: Literal["days", "business-days"] = "days"
    silence: Literal["no-objection", "deny", "wait"] = "no-objection"
    depth: Annotated[int, Field(ge=1, le=8)] = 1


def faults(spec: Any) -> Iterator[Fault]:
    """A concern that no agency has, and agencies in referrals that the plan does not declare."""
    if not isinstance(spec, Mapping):
        return
    declared = spec.get("agencies")
    agencies: Mapping[str, Any] = declared if isinstance(declared, Mapping) else {}
    known = sorted({concern for each in agencies.values() for concern in _texts(each, "concerns")})
    stages = spec.get("stages")
    for i, stage in enumerate(stages if isinstance(stages, list) else ()):
        concern = stage.get("concern") if isinstance(stage, Mapping) else None
        if isinstance(concern, str) and concern not in known:
            expected = "a concern of an agency: " + (", ".join(known) or "none has 'concerns'")
            yield Fault(("spec", "stages", i, "concern"), expected, repr(concern))
    for part in ("from", "to"):
        yield from _unknown(spec.get("referrals"), part, agencies)


def _unknown(referrals: Any, part: str, agencies: Mapping[str, Any]) -> Iterator[Fault]:
    path: JsonPath = ("spec", "referrals", part)
    for i, name in enumerate(_texts(referrals, part)):
        if name not in agencies:
            yield Fault((*path, i), "one of " + ", ".join(sorted(agencies)), repr(name))


def _texts(value: Any, part: str) -> list[str]:
    found = value.get(part) if isinstance(value, Mapping) else None
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
