"""Acts on signatories of an organization, and on what they attest about everyone who can reach a key."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import Act, ActAnswer, Done
from sluicegate.acts.credentials import CredentialArgument
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.fields import text
from sluicegate.acts.growth import ENDS, daily
from sluicegate.acts.members import ADMINISTRATORS, GrantOfOrganization, OrganizationArgument
from sluicegate.acts.paging import LongPaging
from sluicegate_record.form import Base64, Note, Time, form


@form
class SignatoryKey(OrganizationArgument):
    """A public key: Ed25519, or ECDSA on P-256 or P-384."""

    key: Annotated[str, text(0, 1_024), Note("The public key, as PEM or base64.")]


@form
class KnownSignatory(Done):
    """A signatory, and the id of its key."""

    signatory: str
    keyid: str


PIN = Act(
    "signatory.pin",
    ADMINISTRATORS,
    "command",
    "/api/v1/grants/{grant}/signatories",
    SignatoryKey,
    KnownSignatory,
    "Allow a key to sign attestations for the organization that holds a grant.",
    daily("signers"),
)


@form
class SignatoryView(ActAnswer):
    """A signatory and its key."""

    signatory: str
    keyid: str
    public_key: Base64


@form
class AttestationView(ActAnswer):
    """Which signatory attests a credential, and the digest of what it signed."""

    credential: str
    signatory: str
    digest: str


@form
class SignatoryFilter(LongPaging):
    """Which organization, and which of its signatories."""

    grant: GrantOfOrganization


@form
class SignatoryList(ActAnswer):
    """A page of an organization's signatories, oldest first, and what they attest about its credentials.

    `next` is the last signatory of this page, if there are more.
    """

    signatories: tuple[SignatoryView, ...]
    attested: tuple[AttestationView, ...]
    next: str | None = None


LIST = Act(
    "signatory.list",
    ADMINISTRATORS,
    "question",
    "/api/v1/grants/{grant}/signatories",
    SignatoryFilter,
    SignatoryList,
    "List an organization's signatories, and the keys they attest.",
)


@form
class SignatoryArgument(OrganizationArgument):
    """Which signatory of which organization."""

    signatory: Annotated[str, Note("The signatory, such as sig_….")]


@form
class SignatoryEnd(Done):
    """A signatory that signs no more, and the credentials whose attestations ended.

    `undeclared` are the credentials and grants whose identifiers mean persons again.
    """

    signatory: str
    withdrawn: tuple[str, ...]
    undeclared: tuple[str, ...] = ()


RETIRE = Act(
    "signatory.retire",
    ADMINISTRATORS,
    "command",
    "/api/v1/grants/{grant}/signatories/{signatory}/retire",
    SignatoryArgument,
    SignatoryEnd,
    "Retire a signatory. It may sign no more, and its present attestations and declarations end.",
    ENDS,
    effect="ends",
)


@form
class KnownAttestation(Done):
    """An attestation in force: about which credential, until when, and its digest."""

    credential: str
    until_ms: Time
    digest: str


ATTEST = Act(
    "credential.attest",
    ADMINISTRATORS,
    "command",
    "/api/v1/attestations",
    SignedStatement,
    KnownAttestation,
    "Put in force what a signatory has signed about all persons who can reach a key.",
    daily("keys"),
)


@form
class KnownDeclaration(Done):
    """What identifiers mean that requests send with a credential, or under a grant; and its digest."""

    credential: str | None
    grant: str | None
    identifiers: str
    digest: str


DECLARE = Act(
    "credential.declare",
    ADMINISTRATORS,
    "command",
    "/api/v1/declarations",
    SignedStatement,
    KnownDeclaration,
    "Put in force what a signatory has declared: whether the identifiers in requests name persons.",
    daily("keys"),
)


@form
class AttestationEnd(Done):
    """The credential that is attested no more."""

    credential: str


WITHDRAW = Act(
    "credential.withdraw",
    ADMINISTRATORS,
    "command",
    "/api/v1/credentials/{credential}/withdraw",
    CredentialArgument,
    AttestationEnd,
    "End the attestation of a key.",
    ENDS,
    effect="ends",
)
