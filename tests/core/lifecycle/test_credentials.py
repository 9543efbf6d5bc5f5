from __future__ import annotations

import hashlib

import pytest

from sluicegate.core.lifecycle.credentials import DIGEST, IssueCredential, RevokeCredential
from tests.forging import gate_value
from tests.worlds import AT_MS, DAY_MS, World

KEY = hashlib.sha256(b"key").hexdigest()


@pytest.fixture
def world() -> World:
    return World.opened()


def test_a_credential_is_issued_under_a_grant(world: World) -> None:
    grant = world.admit()
    result = world.must(IssueCredential(grant, KEY))
    assert result["grant"] == grant
    found = world.state.table.credentials[bytes.fromhex(KEY)]
    assert (found.id, found.grant.organization, found.grant.id) == (result["credential"], "org-1", grant)


def test_the_record_holds_no_digest_in_the_open(world: World) -> None:
    world.must(IssueCredential(world.admit(), KEY))
    assert KEY.encode() not in world.entries[-1].leaf
    assert gate_value(world.entries[-1], "digest") == KEY


@pytest.mark.parametrize("grant", ["", "grant_aaaaaaaaaaaaaaaa", "x" * 200])
def test_no_credential_without_a_grant(world: World, grant: str) -> None:
    assert world.refused(IssueCredential(grant, KEY)) == "grant_unknown"


def test_no_credential_under_a_grant_that_has_ended(world: World) -> None:
    grant = world.admit()
    world.now_ms = AT_MS + 30 * DAY_MS - 1
    world.must(IssueCredential(grant, KEY))
    world.now_ms = AT_MS + 30 * DAY_MS
    assert world.refused(IssueCredential(grant, "0" * 64)) == "grant_expired"


def test_a_key_is_registered_once_even_after_it_was_revoked(world: World) -> None:
    grant, other = world.admit(), world.admit("org-2")
    credential = world.must(IssueCredential(grant, KEY))["credential"]
    assert world.refused(IssueCredential(grant, KEY)) == "key_known"
    assert world.refused(IssueCredential(other, KEY)) == "key_known"
    world.must(RevokeCredential(credential))
    assert world.refused(IssueCredential(grant, KEY)) == "key_known"


def test_a_credential_is_revoked_once_and_for_good(world: World) -> None:
    credential = world.must(IssueCredential(world.admit(), KEY))["credential"]
    world.must(RevokeCredential(credential))
    size = world.state.size
    world.must(RevokeCredential(credential))
    assert world.state.size == size
    assert [entry.type for entry in world.entries].count("credential.revoked") == 1
    assert world.state.table.revoked(credential)


def test_revoking_one_leaves_the_others(world: World) -> None:
    grant = world.admit()
    first = world.must(IssueCredential(grant, KEY))["credential"]
    second = world.must(IssueCredential(grant, "0" * 64))["credential"]
    world.must(RevokeCredential(first))
    assert not world.state.table.revoked(second)


@pytest.mark.parametrize("credential", ["", "cred_aaaaaaaaaaaaaaaa", "x" * 200])
def test_what_is_not_there_is_not_revoked(world: World, credential: str) -> None:
    assert world.refused(RevokeCredential(credential)) == "credential_unknown"


@pytest.mark.parametrize(
    "text", ["", KEY[:-1], KEY + "0", KEY.upper(), KEY + "\n", " " + KEY, "g" * 64, "\u0660" * 64]
)
def test_what_is_no_digest(text: str) -> None:
    assert DIGEST.fullmatch(KEY)
    assert not DIGEST.fullmatch(text)
