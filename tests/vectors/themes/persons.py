"""Themes about persons: members, claims, providers, attestations."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle.attestations import (
    AttestCredential,
    PinSignatory,
    RetireSignatory,
    WithdrawAttestation,
)
from sluicegate.core.lifecycle.credentials import IssueCredential, RevokeCredential
from sluicegate.core.lifecycle.persons import (
    SELF,
    ClaimStatus,
    HandInAssertion,
    MemberRegistration,
    RegisterMembers,
    RemoveMembers,
    RevokeClaim,
    StatusClaim,
)
from sluicegate.core.lifecycle.providers import RegisterProvider, RemoveProvider, RotateKeys
from sluicegate.core.people.assertion import read_jwks
from sluicegate.core.people.members import PART_ROWS
from sluicegate.core.people.persons import identifier
from sluicegate_record.directives.status import Assurance
from sluicegate_record.statements.people import Attestation
from tests.core.people.test_assertion import jwk, provider, token
from tests.vectors.history import History
from tests.vectors.themes.plans import MAIN
from tests.worlds import DAY_MS, LOG, public_key, signed

URL = "https://login.example.org/jwks.json"
CITIZEN = StatusClaim("us_citizen", Assurance.ORGANIZATION, "document-seen")


def _members(h: History) -> None:
    until_ms = h.now_ms + 20 * DAY_MS
    rows = [
        MemberRegistration((identifier("ada"), identifier("ada@example.org")), said=CITIZEN),
        MemberRegistration(
            (identifier("ben"),), said=StatusClaim("other", Assurance.ORGANIZATION, "i-9", until_ms)
        ),
        MemberRegistration((identifier("cyd"),)),
        MemberRegistration((identifier("dan"),), said=StatusClaim("unknown", Assurance.SELF_ASSERTED)),
    ]
    found = h.must(RegisterMembers("org-1", rows), by="admin of org-1")["members"]
    h.ids |= dict(zip(("ada", "ben", "cyd", "dan"), found, strict=True))
    again = [
        MemberRegistration((identifier("ada"), identifier("ada-2")), said=CITIZEN),
        MemberRegistration((identifier("cyd-2"),), member=h.ids["cyd"]),
    ]
    h.must(RegisterMembers("org-1", again, is_update=True), by="admin of org-1")
    h.must(RegisterMembers("org-1", again[:1], is_update=True), by="admin of org-1")
    h.no("identifier_taken", RegisterMembers("org-1", [MemberRegistration((identifier("ada"),))]))
    theirs = [
        MemberRegistration((identifier("ada"),), said=StatusClaim("other")),
        MemberRegistration((identifier("eve"),)),
    ]
    h.ids["eve"] = h.must(RegisterMembers("org-2", theirs), by="admin of org-2")["members"][1]


def _many_members(h: History) -> None:
    """More than one entry holds: they are registered, and removed, in two."""
    rows = [MemberRegistration((identifier(f"member {number}"),)) for number in range(PART_ROWS + 1)]
    size = h.state.size
    members = h.must(RegisterMembers("org-3", rows))["members"]
    assert h.types(size) == ["members.registered"] * 2
    h.must(RemoveMembers("org-3", members))
    assert h.types(size + 2) == ["members.removed"] * 2


def _bound_keys(h: History) -> None:
    grant = h.ids["org-1"]
    h.issues(grant, "key of ada", h.ids["ada"])
    h.issues(grant, "key of ben", h.ids["ben"])
    h.no("member_unknown", IssueCredential(grant, "0" * 64, h.ids["eve"]))
    h.must(RevokeCredential(h.issues(grant, "key that is lost")))
    h.must(RevokeCredential(h.ids["key that is lost"]))


def _claims(h: History) -> None:
    ada, cyd, dan = (h.ids[name] for name in ("ada", "cyd", "dan"))
    h.must(
        ClaimStatus(cyd, "org-1", StatusClaim("us_protected_person", Assurance.ORGANIZATION, "document-seen"))
    )
    h.must(
        ClaimStatus(cyd, "org-1", StatusClaim("us_protected_person", Assurance.ORGANIZATION, "document-seen"))
    )
    h.must(ClaimStatus(ada, SELF, StatusClaim("us_citizen", Assurance.SELF_ASSERTED)), by="ada")
    h.must(ClaimStatus(dan, SELF, StatusClaim("other", Assurance.SELF_ASSERTED)), by="dan")
    h.no("assurance_not_yours", ClaimStatus(dan, SELF, StatusClaim("other")))
    h.must(RevokeClaim(dan, "org-1"))
    h.must(RevokeClaim(dan, "org-1"))
    h.must(RevokeClaim(dan, SELF), by="dan")


def _token(h: History, status: str, subject: str, key: str = "ed") -> str:
    now_s = h.now_ms // 1_000
    times = {"iat": now_s, "exp": now_s + 300}
    return token(algorithm="EdDSA", name=key, sub=subject, sluicegate_status=status, **times)


def _providers(h: History) -> None:
    mine = h.must(RegisterProvider("org-1", provider("ed"), URL))["provider"]
    h.must(RegisterProvider("org-1", provider("ed"), URL))
    h.no("issuer_taken", RegisterProvider("org-1", provider("ed")))
    until_ms = h.now_ms + 60 * DAY_MS
    for name, status in (("ada", "us_citizen"), ("ben", "us_citizen"), ("dan", "us_permanent_resident")):
        h.must(HandInAssertion(h.ids[name], mine, _token(h, status, name), until_ms))
    h.must(HandInAssertion(h.ids["dan"], mine, _token(h, "us_permanent_resident", "dan"), until_ms))
    h.no("assertion_of_another", HandInAssertion(h.ids["ada"], mine, _token(h, "other", "ben")))
    h.must(RotateKeys(mine, read_jwks({"keys": [jwk("new-ed"), jwk("ed")]}).keys, URL))
    h.must(RotateKeys(mine, read_jwks({"keys": [jwk("new-ed")]}).keys))
    h.no("assertion_invalid", HandInAssertion(h.ids["ada"], mine, _token(h, "other", "ada")))
    h.must(HandInAssertion(h.ids["cyd"], mine, _token(h, "other", "cyd", "new-ed")))
    h.must(RevokeClaim(h.ids["dan"], mine))
    theirs = h.must(RegisterProvider("org-2", provider("ed", audience="https://example.com/2")))["provider"]
    h.must(RemoveProvider(theirs))
    h.no("provider_unknown", RemoveProvider(theirs))


def _attests(h: History, key: str, *statuses: str, signer: str = "signatory", **changes: Any) -> None:
    stated_ = Attestation.from_json(
        {"log": LOG, "credential": h.ids[key], "statuses": list(statuses), "until": h.until(40), **changes}
    )
    h.must(AttestCredential(signed(stated_.payload(), signer)))


def _attestations(h: History) -> None:
    one, two = (
        h.must(PinSignatory("org-1", public_key(name)))["signatory"] for name in ("signatory", "signatory 2")
    )
    h.must(PinSignatory("org-1", public_key("signatory")))
    h.no("key_of_another_party", PinSignatory("org-1", public_key("oncd")))
    _attests(h, "key of org-1", "us_citizen")
    _attests(h, "key of org-1", "us_citizen", "us_permanent_resident", models=[MAIN], excluded=[h.ids["ben"]])
    _attests(h, "key of ada", "us_citizen", signer="signatory 2")
    _attests(h, "key of org-1 codex", "us_permanent_resident")
    h.must(WithdrawAttestation(h.ids["key of org-1 codex"]))
    h.must(WithdrawAttestation(h.ids["key of org-1 codex"]))
    assert h.must(RetireSignatory("org-1", two))["withdrawn"] == [h.ids["key of ada"]]
    h.no("signatory_unknown", RetireSignatory("org-2", one))


def _removed_members(h: History) -> None:
    removed = h.must(RemoveMembers("org-1", [h.ids["ben"]]))
    assert removed["revoked"] == [h.ids["key of ben"]]
    h.no("member_unknown", RemoveMembers("org-1", [h.ids["ben"]]))


PERSONS = (_members, _many_members, _bound_keys, _claims, _providers, _attestations)
REMOVED = (_removed_members,)
