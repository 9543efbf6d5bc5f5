"""Trust files: the keys that count, pinned outside the control plane.

The control plane's file names the officers and the agencies. A gateway's file also says what it accepts for
each release beside their signatures. It holds even if the control plane lies (`core.access.vouch`).

Rules:
- An owner has one first key here. An earlier key signs each later one (not in this build).
- A key has one owner. A threshold counts owners, so the same key under two names is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Annotated, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, Discriminator, Field, Tag, ValidationError

from sluicegate.core.terms import plan, shapes
from sluicegate.core.terms.document import Fault, YamlDocument
from sluicegate.core.terms.plan import Directs
from sluicegate.core.terms.written import ModelId, Slug, Strict, WrittenRule
from sluicegate.errors import BadKey
from sluicegate_record.log import checkpoint, publickey
from sluicegate_record.log.publickey import PublicKey, keyid
from sluicegate_record.log.webauthn import RelyingParty
from sluicegate_record.strict import JsonPath
from sluicegate_record.terms import quorum
from sluicegate_record.terms import rule as rules

FileModel = TypeVar("FileModel", bound=BaseModel)


class Pin(NamedTuple):
    """A pinned key: its owner, the party the owner speaks for, the key in its form, and the relying party if
    it is the key of a passkey.
    """

    owner: str
    party: str
    public: bytes
    webauthn: RelyingParty | None = None


class WrittenRelyingParty(Strict):
    """Where a passkey signs: its domain, and the origin of the page that asks it."""

    rpId: Annotated[str, Field(max_length=253)]  # noqa: N815 - WebAuthn's own name
    origin: Annotated[str, Field(max_length=300)]


class WrittenPin(Strict):
    """An owner's first public key: PEM, or base64 of the 32 raw bytes of an Ed25519 key.

    It is Ed25519, or ECDSA on P-256 or P-384. `webauthn` is there if it is the key of a passkey.
    """

    key: Annotated[str, Field(max_length=1_000)]
    webauthn: WrittenRelyingParty | None = None

    def relying_party(self) -> RelyingParty | None:
        """The relying party of a passkey. Raises: BadKey: not a domain, or not an origin of it."""
        return RelyingParty(self.webauthn.rpId, self.webauthn.origin) if self.webauthn is not None else None


class PinnedAgency(WrittenPin):
    """An agency with one key, and the models it alone may direct; without them, those that plans say."""

    directs: Directs | None = None


class PinnedOwners(Strict):
    """Several owners in one agency, each with one key: for countersignatures, and for appeals. `directs` as
    in `PinnedAgency`.
    """

    owners: Annotated[dict[Slug, WrittenPin], Field(min_length=1)]
    directs: Directs | None = None


def _shape(agency: object) -> str:
    """Which of the two shapes of an agency is meant, so that only faults of that one are shown."""
    return "owners" if isinstance(agency, dict) and "owners" in agency else "pin"


WrittenAgency = Annotated[
    Annotated[PinnedAgency, Tag("pin")] | Annotated[PinnedOwners, Tag("owners")], Discriminator(_shape)
]


class TrustSpec(Strict):
    """The developer's officers and the agencies, by name."""

    officers: Annotated[dict[Slug, WrittenPin], Field(min_length=1)]
    agencies: Annotated[dict[Slug, WrittenAgency], Field(default_factory=dict)]

    @property
    def directs(self) -> dict[str, frozenset[str]]:
        """The models that agencies direct, by agency, where the file says so."""
        stated = ((name, agency.directs) for name, agency in self.agencies.items())
        return {name: frozenset(models) for name, models in stated if models is not None}


class ReleaseSpec(Strict):
    """What a gateway accepts for a release, as it is written. `withoutRecused`: see `Floor`."""

    floor: WrittenRule
    withoutRecused: bool = False  # noqa: N815 - the file format's own name
    upstreams: Annotated[dict[ModelId, Slug], Field(min_length=1)]


class GatewayTrustSpec(TrustSpec):
    """The same keys, the log they sign for, and the releases this gateway serves."""

    log: Annotated[str, Field(max_length=1_000)]
    releases: Annotated[dict[Slug, ReleaseSpec], Field(min_length=1)]


class TrustMetadata(Strict):
    """The developer whose log this is."""

    developer: Slug


class Trust(Strict):
    """A trust file."""

    apiVersion: Literal["sluicegate/v1"]  # noqa: N815 - the file format's own name
    kind: Literal["Trust"]
    metadata: TrustMetadata
    spec: TrustSpec


class GatewayTrust(Strict):
    """A gateway's trust file."""

    apiVersion: Literal["sluicegate/v1"]  # noqa: N815 - the file format's own name
    kind: Literal["GatewayTrust"]
    metadata: TrustMetadata
    spec: GatewayTrustSpec


class Floor(NamedTuple):
    """What a gateway accepts for a release: at least this rule, and these upstreams by model.

    `without_recused`: a party that recused itself in a case is left out of the rule there, as it is left out
    of the rule of the plan. If the rule names the developer, that is where a basis has lapsed, and an officer
    has decided.
    """

    rule: rules.Rule
    upstreams: Mapping[str, str]
    without_recused: bool = False

    def holds(self, consenting: AbstractSet[str], recused: AbstractSet[str]) -> bool:
        """Whether the parties that consent in a case satisfy the rule."""
        left = quorum.without(self.rule, recused) if self.without_recused else self.rule
        return left is not None and quorum.satisfied(left, consenting)


class Releases(NamedTuple):
    """The contents of a gateway's trust file: whose keys count, for which log,
    what it accepts for each release, and the models that agencies direct, where it says so.
    """

    developer: str
    log: str
    pins: list[Pin]
    releases: Mapping[str, Floor]
    directs: Mapping[str, frozenset[str]] = {}


class Pins(NamedTuple):
    """The contents of a trust file. `directs`: the models that agencies direct, where it says so."""

    developer: str
    pins: list[Pin]
    directs: Mapping[str, frozenset[str]] = {}


def _checked(kind: type[FileModel], document: YamlDocument) -> FileModel:
    try:
        return kind.model_validate(document.value)
    except ValidationError as error:
        details = (each._replace(loc=_place(each.loc)) for each in shapes.details_of(error))
        raise document.refuse([_fault_of(each, document.value) for each in details]) from error


def _fault_of(detail: shapes.Detail, value: object) -> Fault:
    if detail.type != "extra_forbidden":
        return plan.fault_of(detail, value)
    *where, last = detail.loc
    is_agency = where[:2] == ["spec", "agencies"] and len(where) == 3
    known = f": {', '.join(_OF_AGENCY)}" if is_agency else ""
    return Fault(detail.loc, f"a field of the trust file{known}", repr(last))


_OF_AGENCY = dict.fromkeys((*PinnedAgency.model_fields, *PinnedOwners.model_fields))


def _place(loc: JsonPath) -> JsonPath:
    """The place of a fault. Pydantic adds the shape of an agency after its name."""
    return (*loc[:3], *loc[4:]) if loc[:2] == ("spec", "agencies") and len(loc) > 3 else loc


def read(document: YamlDocument) -> Pins:
    """Check a trust file.

    Raises: InvalidDocument: with the place of every error.
    """
    checked = _checked(Trust, document)
    developer = checked.metadata.developer
    pins: list[Pin] = []
    faults = list(_pin(checked.spec, developer, pins))
    if faults:
        raise document.refuse(faults)
    return Pins(developer, pins, checked.spec.directs)


def read_gateway(document: YamlDocument) -> Releases:
    """Check a gateway's trust file.

    Raises: InvalidDocument: with the place of every error.
    """
    checked = _checked(GatewayTrust, document)
    developer, pins = checked.metadata.developer, list[Pin]()
    faults = list(_pin(checked.spec, developer, pins))
    agencies = frozenset(checked.spec.agencies)
    for name, release in checked.spec.releases.items():
        path = ("spec", "releases", name, "floor")
        faults += [Fault(*fault) for fault in quorum.faults(release.floor, agencies | {developer}, path)]
    try:
        checkpoint.parse_vkey(checked.spec.log)
    except BadKey as error:
        faults.append(
            Fault(("spec", "log"), "a log's verifier key, as 'sluicegate up' prints it", error.message)
        )
    if faults:
        raise document.refuse(faults)
    releases = {
        name: Floor(rules.Rule.from_json(release.floor), release.upstreams, release.withoutRecused)
        for name, release in checked.spec.releases.items()
    }
    return Releases(checked.metadata.developer, checked.spec.log, pins, releases, checked.spec.directs)


def _pin(spec: TrustSpec, developer: str, pins: list[Pin]) -> Iterator[Fault]:
    for name, agency in spec.agencies.items():
        given, at = agency.model_dump(exclude_unset=True), ("spec", "agencies", name)
        if given.get("directs", ()) is None:
            yield Fault((*at, "directs"), "a list of models, or the field left out", "nothing")
        yield from plan.directs_faults(given, at)
    for path, owner, party, written in _owners(spec, developer):
        try:
            passkey = written.relying_party()
        except BadKey as error:
            yield Fault((*path, "webauthn"), "an rpId, and an origin of it", error.message)
            continue
        try:
            public = PublicKey.pinned(written.key, passkey).data
        except BadKey as error:
            yield Fault((*path, "key"), f"a public key: {publickey.EXPECTED}", error.message)
            continue
        is_agency = path[1] == "agencies"
        others = spec.agencies.keys() - {party} if is_agency else set()
        officers = {pin.owner for pin in pins if pin.party == developer}
        if is_agency and party in {developer, *officers}:
            yield Fault(path[:3], "a name that nobody else has", repr(party))
        elif owner in {developer, *others, *(pin.owner for pin in pins)}:
            yield Fault(path, "a name that nobody else has", repr(owner))
        if any(keyid(public) == keyid(pin.public) for pin in pins):
            said = f"the same key as another's, under {owner!r}"
            yield Fault((*path, "key"), "a key that nobody else has", said)
        pins.append(Pin(owner, party, public, passkey))


def _owners(spec: TrustSpec, developer: str) -> Iterator[tuple[tuple[str, ...], str, str, WrittenPin]]:
    """Every owner: its place, its name, the party that it speaks for, and its key as written."""
    for name, pinned in spec.officers.items():
        yield ("spec", "officers", name), name, developer, pinned
    for name, agency in spec.agencies.items():
        if isinstance(agency, PinnedOwners):
            for owner, each in agency.owners.items():
                yield ("spec", "agencies", name, "owners", owner), owner, name, each
        else:
            yield ("spec", "agencies", name), name, name, agency
