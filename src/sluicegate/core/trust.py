"""The trust file: whose keys count, pinned outside the control plane.

Rules:
- An owner has one first key here; later keys are signed by an earlier one (not in this build).
- One key has one owner: a threshold counts owners, so the same key under two names is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, ValidationError

from sluicegate.core import dsse, plan
from sluicegate.core.document import Document, Fault
from sluicegate.core.plan import Name, _Strict
from sluicegate.errors import BadKey


class Pin(NamedTuple):
    """A pinned key: its owner, the party the owner speaks for, and the 32 raw bytes."""

    owner: str
    party: str
    public: bytes


class Pinned(_Strict):
    """An owner's first public key: PEM, or base64 of the 32 raw bytes of an Ed25519 key."""

    key: Annotated[str, Field(max_length=1_000)]


class TrustSpec(_Strict):
    """The developer's officers and the agencies, by name."""

    officers: Annotated[dict[Name, Pinned], Field(min_length=1)]
    agencies: Annotated[dict[Name, Pinned], Field(default_factory=dict)]


class TrustMetadata(_Strict):
    """The developer whose log this is."""

    developer: Name


class Trust(_Strict):
    """A trust file."""

    apiVersion: Literal["sluicegate/v1"]  # noqa: N815 - the file format's own name
    kind: Literal["Trust"]
    metadata: TrustMetadata
    spec: TrustSpec


class Pins(NamedTuple):
    """What a trust file says."""

    developer: str
    pins: list[Pin]


def read(document: Document) -> Pins:
    """Check a trust file.

    Raises: InvalidDocument: with the place of every error.
    """
    try:
        checked = Trust.model_validate(document.value)
    except ValidationError as error:
        faults = [plan.fault_of(detail, document.value) for detail in error.errors(include_url=False)]
        raise document.refuse(faults) from error
    developer = checked.metadata.developer
    pins: list[Pin] = []
    faults = list(_pin(document.value, developer, pins))
    if faults:
        raise document.refuse(faults)
    return Pins(developer, pins)


def _pin(value: dict[str, Any], developer: str, pins: list[Pin]) -> Iterator[Fault]:
    for kind in ("officers", "agencies"):
        for owner, pinned in value["spec"].get(kind, {}).items():
            path = ("spec", kind, owner, "key")
            try:
                public = dsse.load_public(pinned["key"])
            except BadKey as error:
                yield Fault(path, "an Ed25519 public key", error.message)
                continue
            if owner == developer or any(owner == pin.owner for pin in pins):
                yield Fault(path[:-1], "a name that nobody else has", repr(owner))
            if any(public == pin.public for pin in pins):
                yield Fault(path, "a key that nobody else has", f"the same key as another's, under {owner!r}")
            pins.append(Pin(owner, developer if kind == "officers" else owner, public))
