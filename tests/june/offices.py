"""What is done at desks in the June story: who registers whom, and who signs what."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench import fleet
from bench.fleet import AGENCIES
from demo.cast import OFFICER, Customer, Place
from demo.paperwork import Paperwork
from sluicegate.acts import credentials, members, points, review, signatories
from sluicegate.acts import directives as acts
from sluicegate.acts import person as own_acts
from sluicegate.acts.cases import CaseArgument
from sluicegate.acts.credentials import KeyDigest
from sluicegate.acts.directives import (
    AcceptedDirective,
    AnnexNames,
    DirectiveArgument,
    DirectivePreview,
    DirectiveStatus,
    DirectiveText,
)
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.members import MemberArgument, MemberRow, MemberRows
from sluicegate.acts.person import OwnClaim
from sluicegate.acts.points import PointAndDirective
from sluicegate.acts.review import ReviewStatement, StatementReceipt
from sluicegate.acts.signatories import SignatoryKey
from sluicegate.client import export, signing
from sluicegate.client.directives import lift_part, lift_request, signed_directive
from sluicegate.client.http import Client
from sluicegate.core.access import apikey
from sluicegate.core.directives import directive
from sluicegate.core.directives.directive import Signing
from sluicegate.core.people import persons
from sluicegate.core.terms import document
from sluicegate.statements.cases import transcription
from sluicegate.statements.directives import salt
from sluicegate.statements.points import enforcement
from sluicegate_record.directives.received import Arrival
from sluicegate_record.directives.scope import Scope
from sluicegate_record.log import canonical
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.statements.people import Attestation
from sluicegate_record.statements.points import Pointing
from tests.june.population import CATALOGUE, MODELS, Caller, Organization, Person

RELEASE, STAGE = "june", "partners"
SECOND_OFFICER = "second-officer"
OFFICERS = (OFFICER, SECOND_OFFICER)
ISSUER = "bis"
ORDER = "bis-2026-06-12"
ANNEX = "annex-a"
YEAR_MS = 365 * DAY_MS


class Cast(Protocol):
    """Everyone who signs."""

    def key(self, owner: str) -> Ed25519PrivateKey:
        """An owner's private key."""


class Running(Protocol):
    """A control plane: of processes, or on a simulated clock."""

    @property
    def folder(self) -> Path:
        """Where organizations' files are."""

    @property
    def cast(self) -> Cast:
        """Everyone who signs."""

    @property
    def vkey(self) -> str:
        """The key of the log."""

    @property
    def paperwork(self) -> Paperwork:
        """What parties do."""

    def client(self, token: str) -> Client:
        """Who holds a token."""


@dataclass
class Registry:
    """The customers' own desks: their grants, and the secrets of their keys."""

    fleet: Running
    grants: dict[int, str] = field(default_factory=dict)
    secrets: dict[tuple[int, str], str] = field(default_factory=dict)

    def key(self, caller: Caller) -> str:
        """The API key that a caller uses."""
        return self.secrets[caller.organization.number, caller.key.name]

    def client(self, organization: Organization) -> Client:
        """Its administrator."""
        return self.fleet.paperwork.customer(_customer(organization))

    def admit(self, organization: Organization) -> None:
        """It applies, is admitted, registers its members and its keys, and says what it knows of both."""
        paperwork, customer = self.fleet.paperwork, _customer(organization)
        file = {"name": organization.name, "registeredIn": organization.registered_in}
        if organization.sector is not None:
            file["sector"] = organization.sector
        (self.fleet.folder / f"{organization.slug}.yaml").write_text(json.dumps(file))
        case = paperwork.decide(paperwork.submit(customer))
        assert case.grant is not None
        self.grants[organization.number] = case.grant.grant
        known = self._registered(organization)
        for key in organization.keys:
            self._issued(organization, key.name, known.get(key.person), key.attested)

    def _registered(self, organization: Organization) -> dict[Person | None, str]:
        """Register the members; those who know better say so through their private link."""
        client = self.client(organization)
        rows = tuple(_row(person) for person in organization.people)
        asked = MemberRows(grant=self.grants[organization.number], rows=rows)
        made = client.do(members.REGISTER, asked).members
        known: dict[Person | None, str] = dict(zip(organization.people, made, strict=True))
        for person, member in known.items():
            if person is not None and person.claim.self_said is not None:
                token = client.do(members.LINK, MemberArgument(member=member)).token
                with closing(self.fleet.client(token)) as own:
                    own.do(own_acts.CLAIM, OwnClaim(status=person.claim.self_said))
        return known

    def _issued(
        self, organization: Organization, name: str, member: str | None, attested: Sequence[str]
    ) -> None:
        client, grant = self.client(organization), self.grants[organization.number]
        secret = apikey.make(apikey.KEY_PREFIX, secrets.token_bytes(32))
        asked = KeyDigest(grant=grant, digest=apikey.digest(secret).hex(), member=member)
        issued = client.do(credentials.ISSUE, asked)
        self.secrets[organization.number, name] = secret
        if attested:
            signatory = Ed25519PrivateKey.generate()
            public = canonical.b64(signatory.public_key().public_bytes_raw())
            client.do(signatories.PIN, SignatoryKey(grant=grant, key=public))
            said = Attestation(
                log=self.fleet.vkey,
                credential=issued.credential,
                statuses=tuple(attested),
                until_ms=signing.now_ms() + YEAR_MS,
            )
            envelope = signing.signed(said, signatory)
            client.do(signatories.ATTEST, SignedStatement(envelope=envelope))


def _customer(organization: Organization) -> Customer:
    return Customer(organization.name, organization.slug, Place(RELEASE, STAGE, organization.surface))


def _row(person: Person) -> MemberRow:
    claim, identifiers = person.claim, (persons.identifier(person.identifier),)
    if claim.status is None:
        return MemberRow(identifiers=identifiers)
    return MemberRow(
        identifiers=identifiers, status=claim.status, method="document-seen", assurance=claim.assurance
    )


@dataclass
class Offices:
    """The developer's two officers, who hold the issuer's letters, and the agencies."""

    fleet: Running
    point: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    """Of whoever runs the catalogue."""

    def order(self, annex: Sequence[str] = ()) -> str:
        """The order as written; with an annex, as amended by it."""
        spec: dict[str, Any] = {
            "issuer": ISSUER,
            "basis": {"kind": "order", "authority": "letter of 12 June 2026"},
            "action": "suspend",
            "models": list(MODELS),
            "surfaces": "all",
            "covers": {"persons": {"definition": "ear-foreign-person", "unknown": "covered"}},
            "liftedBy": {"allOf": [ISSUER, *AGENCIES]},
            "reasons": {"form": "verbal", "summary": "given by telephone, without detail"},
        }
        metadata = {"name": ORDER}
        if annex:
            spec["except"] = {"annexes": [ANNEX]}
            file = "\n".join(["organization", *annex]) + "\n"
            spec["annexes"] = {ANNEX: {"file": f"{ANNEX}.csv", "digest": canonical.sha256_hex(file.encode())}}
            metadata["replaces"] = ORDER
        return fleet.document("Directive", metadata, spec)

    def preview(self, annex: Sequence[str] = ()) -> DirectivePreview:
        """Whom the order would cover."""
        annexes = {ANNEX: AnnexNames(organizations=tuple(annex))} if annex else {}
        return self._staff().do(acts.PREVIEW, DirectiveText(text=self.order(annex), annexes=annexes))

    def transcribe(self) -> AcceptedDirective:
        """Two officers enter the order that came as a letter."""
        return self._issued(self.order(), self._officers())

    def amend(self, annex: Sequence[str]) -> AcceptedDirective:
        """Two officers enter the letter with the annex, and whoever lifts the order signs the same."""
        return self._issued(
            self.order(annex), [*self._officers(), *map(self.fleet.cast.key, AGENCIES)], annex
        )

    def open_lift(self, models: Sequence[str] = (), organizations: Sequence[str] | None = None) -> str:
        """Open the case about lifting the order, or a part of it."""
        names = list(organizations) if organizations is not None else None
        part = lift_part(ORDER, Scope(models=tuple(models) or None), names)
        return self._staff().do(acts.LIFT, lift_request(part)).case

    def agree(self, case: str, agency: str) -> StatementReceipt:
        """An agency reads the case and signs."""
        return self.fleet.paperwork.approve(case, agency)

    def transcribe_lift(self, case: str) -> StatementReceipt:
        """Two officers enter the issuer's letter about it."""
        exported = export.checked(self._staff().do(review.EXPORT, CaseArgument(case=case)))
        received = _letter("2026-06-26", f"the letter that lifts, {case}")
        stated = transcription(exported, "approve", Arrival.from_json(received))
        envelope = signing.for_record(stated, *self._officers())
        return self._staff().do(review.IMPORT, ReviewStatement(envelope=envelope))

    def declare_catalogue(self) -> None:
        """An officer declares the surface that others run."""
        said = Pointing(
            log=self.fleet.vkey,
            point=CATALOGUE,
            surface=CATALOGUE,
            key=self.point.public_key().public_bytes_raw(),
            says="declared",
        )
        envelope = signing.signed(said, self.fleet.cast.key(OFFICER))
        self._staff().do(points.PUT, SignedStatement(envelope=envelope))

    def state_catalogue(self, says: str) -> None:
        """Whoever runs the catalogue signs what it has done about the order."""
        question = PointAndDirective(point=CATALOGUE, directive=ORDER)
        asked = self._staff().do(points.TO_STATE, question)
        envelope = signing.signed(enforcement(asked, says, signing.now_ms()), self.point)
        self._staff().do(points.STATE, SignedStatement(envelope=envelope))

    def status(self) -> DirectiveStatus:
        """Where the order is in force."""
        return self.fleet.paperwork.status(ORDER)

    def _issued(
        self, text: str, keys: Sequence[Ed25519PrivateKey], annex: Sequence[str] = ()
    ) -> AcceptedDirective:
        given = directive.read(document.read(text, "order.yaml"))
        bound = Signing(
            self.fleet.vkey,
            salt,
            annexes={ANNEX: {"organizations": list(annex)}} if annex else {},
            replaced=self._document_in_force() if "replaces" in given["metadata"] else None,
            received=_letter("2026-06-12", "the letter that orders"),
        )
        return self._staff().do(acts.ISSUE, signed_directive(given, bound, *keys))

    def _document_in_force(self) -> str:
        return self._staff().do(acts.SHOW, DirectiveArgument(directive=ORDER)).document.digest

    def _officers(self) -> list[Ed25519PrivateKey]:
        return [self.fleet.cast.key(officer) for officer in OFFICERS]

    def _staff(self) -> Client:
        return self.fleet.paperwork.staff()


def _letter(day: str, text: str) -> Mapping[str, str]:
    return {"how": "letter", "on": day, "digest": canonical.sha256_hex(text.encode())}
