"""Routes about persons: members, signatories, attestations, providers; and each person's own page."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from sluicegate.control import page
from sluicegate.control.errors import EVERY_ERROR, answer
from sluicegate.control.plane import ControlPlane
from sluicegate.control.requests import (
    CommandId,
    EnvelopeRequest,
    Identifier,
    RequestBody,
    StrictRoute,
    TheLedger,
    TheServices,
    may,
)
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.persons import IDENTIFIERS_MAX, ROWS_MAX
from sluicegate.core.people.assertion import ALGORITHMS, TOKEN_MAX_BYTES, URI_MAX
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service import attestations, persons, providers
from sluicegate.targets import TARGET_MAX

router = APIRouter(route_class=StrictRoute, responses=EVERY_ERROR)
MemberReader = Annotated[Principal, Depends(may("member.read"))]
MemberChanger = Annotated[Principal, Depends(may("member.change"))]
SignatoryChanger = Annotated[Principal, Depends(may("signatory.change"))]
Attester = Annotated[Principal, Depends(may("credential.attest"))]
ProviderChanger = Annotated[Principal, Depends(may("provider.change"))]
Oneself = Annotated[Principal, Depends(may("person.claim"))]
ShortText = Annotated[str, Field(max_length=64)]


class MemberRow(RequestBody):
    """A member by digests of identifiers, 32 hex digits each, and what the organization claims of it."""

    identifiers: Annotated[list[ShortText], Field(max_length=IDENTIFIERS_MAX)] = Field(default=[])
    member: Identifier | None = None
    status: ShortText | None = None
    method: ShortText | None = None
    assurance: ShortText | None = None
    until: ShortText | None = None


class MemberRows(RequestBody):
    """Members to register; with `update`, a row whose identifier is known is about that member."""

    rows: Annotated[list[MemberRow], Field(min_length=1, max_length=ROWS_MAX)]
    update: bool = False


class MemberNames(RequestBody):
    """Members, by id."""

    members: Annotated[list[Identifier], Field(min_length=1, max_length=ROWS_MAX)]


class StatusRequest(RequestBody):
    """A status and how it is known; or an assertion that says it, by the provider that signed it."""

    status: ShortText | None = None
    method: ShortText | None = None
    assurance: ShortText | None = None
    until: ShortText | None = None
    provider: Identifier | None = None
    assertion: Annotated[str, Field(max_length=TOKEN_MAX_BYTES)] | None = None


class ClaimRevocation(RequestBody):
    """Whose claim is taken back: a provider's; null: the organization's."""

    provider: Identifier | None = None


class SignatoryKey(RequestBody):
    """An Ed25519 public key, as PEM or base64."""

    key: Annotated[str, Field(max_length=1_024)]


class ProviderRequest(RequestBody):
    """An identity provider: its keys as a JWK Set, or where they are fetched from, or both."""

    issuer: Annotated[str, Field(min_length=1, max_length=URI_MAX)]
    audience: Annotated[str, Field(min_length=1, max_length=URI_MAX)]
    algorithms: Annotated[list[ShortText], Field(min_length=1, max_length=len(ALGORITHMS))]
    jwks: dict[str, Any] | None = None
    jwks_url: Annotated[str, Field(max_length=TARGET_MAX)] | None = None
    max_age_s: int = 3_600


class KeySet(RequestBody):
    """A JWK Set; null: what is at the provider's URL now."""

    jwks: dict[str, Any] | None = None


class OwnClaim(RequestBody):
    """What a person says of their own status; null takes it back."""

    status: ShortText | None


@router.post("/api/v1/grants/{grant}/members", tags=["members"])
def register_members(
    grant: str, body: MemberRows, ledger: TheLedger, command: CommandId, by: MemberChanger
) -> Any:
    """Register members of the organization that holds a grant, all of the rows or none."""
    return answer(persons.register(ledger, by, command, grant, body.model_dump()))


@router.get("/api/v1/grants/{grant}/members", tags=["members"])
def list_members(
    grant: str,
    ledger: TheLedger,
    by: MemberReader,
    identifier: Annotated[str | None, Query(max_length=64)] = None,
) -> Any:
    """The organization's members, or the one with an identifier; what it claims, and what is disputed."""
    return answer(persons.listed(ledger, by, grant, identifier))


@router.post("/api/v1/grants/{grant}/members/remove", tags=["members"])
def remove_members(
    grant: str, body: MemberNames, ledger: TheLedger, command: CommandId, by: MemberChanger
) -> Any:
    """Forget members; the credentials bound to them are revoked."""
    return answer(persons.remove(ledger, by, command, grant, body.members))


@router.post("/api/v1/members/{member}/claim", tags=["members"])
def claim_status(
    member: str, body: StatusRequest, ledger: TheLedger, command: CommandId, by: MemberChanger
) -> Any:
    """Claim a member's status: the organization's word, or a provider's by what it signed."""
    return answer(persons.claim(ledger, by, command, member, body.model_dump()))


@router.post("/api/v1/members/{member}/revoke", tags=["members"])
def revoke_claim(
    member: str, body: ClaimRevocation, ledger: TheLedger, command: CommandId, by: MemberChanger
) -> Any:
    """Take back what the organization, or one of its providers, claims of a member."""
    return answer(persons.revoke(ledger, by, command, member, body.provider))


@router.post("/api/v1/members/{member}/link", tags=["members"])
def link_member(member: str, ledger: TheLedger, by: Annotated[Principal, Depends(may("member.link"))]) -> Any:
    """A member's private link, in place of the one before; its token is in this answer and nowhere else."""
    return answer(persons.link(ledger, by, member))


@router.post("/api/v1/grants/{grant}/signatories", tags=["signatories"])
def pin_signatory(
    grant: str, body: SignatoryKey, ledger: TheLedger, command: CommandId, by: SignatoryChanger
) -> Any:
    """Let a key attest for the organization that holds a grant."""
    return answer(attestations.pin(ledger, by, command, grant, body.key))


@router.get("/api/v1/grants/{grant}/signatories", tags=["signatories"])
def list_signatories(
    grant: str, ledger: TheLedger, by: Annotated[Principal, Depends(may("signatory.read"))]
) -> Any:
    """The organization's signatories, and what they attest."""
    return answer(attestations.listed(ledger, by, grant))


@router.post("/api/v1/grants/{grant}/signatories/{signatory}/retire", tags=["signatories"])
def retire_signatory(
    grant: str, signatory: str, ledger: TheLedger, command: CommandId, by: SignatoryChanger
) -> Any:
    """Let a signatory attest no more; what it attests now ends."""
    return answer(attestations.retire(ledger, by, command, grant, signatory))


@router.post("/api/v1/attestations", tags=["signatories"])
def attest_credential(body: EnvelopeRequest, ledger: TheLedger, command: CommandId, by: Attester) -> Any:
    """Put a signed attestation of everyone able to reach a credential in force."""
    return answer(attestations.attest(ledger, by, command, body.envelope))


@router.post("/api/v1/credentials/{credential}/withdraw", tags=["signatories"])
def withdraw_attestation(credential: str, ledger: TheLedger, command: CommandId, by: Attester) -> Any:
    """Attest nothing of a credential any more."""
    return answer(attestations.withdraw(ledger, by, command, credential))


@router.post("/api/v1/grants/{grant}/providers", tags=["providers"])
async def register_provider(
    grant: str,
    body: ProviderRequest,
    services: TheServices,
    command: CommandId,
    by: ProviderChanger,
) -> Any:
    """Register an identity provider of the organization that holds a grant."""
    ledger = services.ledger
    organization = await run_in_threadpool(persons.organization_of, ledger, by, grant)
    if isinstance(organization, Refusal):
        return answer(organization)
    asked = body.model_dump()
    if body.jwks is None:
        if body.jwks_url is None:
            raise InvalidInput("no keys, expected 'jwks' or 'jwks_url'")
        asked["jwks"] = await _fetched(services, body.jwks_url)
    return answer(await run_in_threadpool(providers.register, ledger, by, command, grant, asked))


@router.get("/api/v1/grants/{grant}/providers", tags=["providers"])
def list_providers(
    grant: str, services: TheServices, by: Annotated[Principal, Depends(may("provider.read"))]
) -> Any:
    """The organization's providers, and why keys could not be fetched the last time, if they could not."""
    return answer(providers.listed(services.ledger, by, grant, services.refresher.failures))


@router.post("/api/v1/providers/{provider}/rotate", tags=["providers"])
async def rotate_keys(
    provider: str, body: KeySet, services: TheServices, command: CommandId, by: ProviderChanger
) -> Any:
    """Put another key set in the place of a provider's."""
    ledger = services.ledger
    jwks: Any = body.jwks
    if jwks is None:
        url = await run_in_threadpool(providers.url_of, ledger, by, provider)
        if isinstance(url, Refusal):
            return answer(url)
        jwks = await _fetched(services, url)
    return answer(await run_in_threadpool(providers.rotate, ledger, by, command, provider, jwks))


@router.post("/api/v1/providers/{provider}/remove", tags=["providers"])
def remove_provider(provider: str, ledger: TheLedger, command: CommandId, by: ProviderChanger) -> Any:
    """Believe a provider no more."""
    return answer(providers.remove(ledger, by, command, provider))


@router.get("/api/v1/person", tags=["person"])
def show_person(
    ledger: TheLedger, by: Annotated[Principal, Depends(may("person.read"))], response: Response
) -> Any:
    """All that is claimed of the caller, by whom, how and until when."""
    response.headers["cache-control"] = "no-store"
    return answer(persons.show(ledger, by))


@router.post("/api/v1/person/claim", tags=["person"])
def correct_status(body: OwnClaim, ledger: TheLedger, command: CommandId, by: Oneself) -> Any:
    """Say what the caller's status is, or take that back. What differs makes the status unknown."""
    return answer(persons.correct(ledger, by, command, body.status))


@router.post("/api/v1/person/link", tags=["person"])
def renew_link(ledger: TheLedger, by: Oneself) -> Any:
    """A link that only the caller knows, in place of the one they have."""
    return answer(persons.renew_link(ledger, by))


@router.get("/person", include_in_schema=False)
def person_page() -> Response:
    """The page behind a private link. What the link carries stays in the browser."""
    return HTMLResponse(page.HTML, headers=page.HEADERS)


async def _fetched(services: ControlPlane, url: str) -> Any:
    """The key set at a URL. Raises: InvalidInput, Unreachable."""
    source = services.refresher.source
    if source is None:
        raise InvalidInput("this control plane fetches no keys, expected 'jwks'")
    return providers.read(await source.fetch(url))
