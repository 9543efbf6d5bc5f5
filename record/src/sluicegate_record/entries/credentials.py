"""Entries of credentials."""

from __future__ import annotations

from typing import Annotated

from sluicegate_record.entries.body import Body, Gate, entry
from sluicegate_record.form import Form, Hex, Note, Time, form
from sluicegate_record.log.dsse import Envelope


@form
class AttestationRow(Form):
    """What is attested of all persons who can reach a credential, except those in `excluded`.

    `models` None is all.
    """

    statuses: tuple[str, ...]
    until_ms: Time
    models: tuple[str, ...] | None = None
    excluded: tuple[str, ...] | None = None
    keyid: str | None = None
    digest: str | None = None


@entry("credential.issued")
class CredentialIssued(Body):
    """A key under a grant, by its SHA-256 digest."""

    credential: str
    grant: str
    digest: Gate[Hex]
    member: Annotated[Gate[str] | None, Note("if it is for one alone")] = None


@entry("credential.revoked")
class CredentialRevoked(Body):
    """A key is refused from now on."""

    credential: str


@entry("credential.attested")
class CredentialAttested(Body):
    """What a signatory attests; null: the attestation has ended."""

    credential: str
    attested: Annotated[Gate[AttestationRow | None], Note("null: nothing any more")]
    envelope: Gate[Envelope] | None = None
