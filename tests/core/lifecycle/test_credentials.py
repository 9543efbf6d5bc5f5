from __future__ import annotations

import hashlib

import pytest

from sluicegate.core.access.decision import Allow, Ask, Instant, decide
from sluicegate.core.access.refusals import Deny
from sluicegate.core.lifecycle.credentials import (
    DIGEST,
    OVERLAP_MAX_MS,
    IssueCredential,
    RevokeCredential,
    RotateCredential,
)
from sluicegate_record.log import times
from tests.forging import gate_value
from tests.worlds import API, AT_MS, DAY_MS, MODEL, World

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
    assert world.state.table.credentials_by_id[credential].state.revoked


def test_revoking_one_leaves_the_others(world: World) -> None:
    grant = world.admit()
    first = world.must(IssueCredential(grant, KEY))["credential"]
    second = world.must(IssueCredential(grant, "0" * 64))["credential"]
    world.must(RevokeCredential(first))
    assert not world.state.table.credentials_by_id[second].state.revoked


@pytest.mark.parametrize("credential", ["", "cred_aaaaaaaaaaaaaaaa", "x" * 200])
def test_what_is_not_there_is_not_revoked(world: World, credential: str) -> None:
    assert world.refused(RevokeCredential(credential)) == "credential_unknown"


@pytest.mark.parametrize(
    "text", ["", KEY[:-1], KEY + "0", KEY.upper(), KEY + "\n", " " + KEY, "g" * 64, "\u0660" * 64]
)
def test_what_is_no_digest(text: str) -> None:
    assert DIGEST.fullmatch(KEY)
    assert not DIGEST.fullmatch(text)


# Labels, expiry, rotation


def answer(world: World, key: str, at_ms: int) -> str:
    """What a request with a key gets."""
    ask = Ask(bytes.fromhex(key), MODEL, API)
    found = decide(ask, world.state.table, Instant(at_ms, at_ms))
    return found.reason.value if isinstance(found, Deny) else "allow"


OTHER = hashlib.sha256(b"other").hexdigest()


def test_a_key_ends_at_its_expiry_and_so_does_what_is_in_flight(world: World) -> None:
    until_ms = AT_MS + 5 * DAY_MS
    issued = world.must(IssueCredential(world.admit(), KEY, label="build", expires_ms=until_ms))
    assert (issued["label"], issued["expires"]) == ("build", times.format_time(until_ms))
    assert world.types(-2) == ["credential.issued", "credential.expiring"]
    allowed = decide(Ask(bytes.fromhex(KEY), MODEL, API), world.state.table, Instant(AT_MS, AT_MS))
    assert isinstance(allowed, Allow)
    assert allowed.until_ms == until_ms
    assert answer(world, KEY, until_ms - 1) == "allow"
    assert answer(world, KEY, until_ms) == "credential_expired"
    late = decide(Ask(bytes.fromhex(KEY), MODEL, API), world.state.table, Instant(until_ms - 9, until_ms))
    assert isinstance(late, Deny)


def test_neither_a_label_nor_an_expiry_is_in_the_open(world: World) -> None:
    world.must(IssueCredential(world.admit(), KEY, label="build server", expires_ms=AT_MS + DAY_MS))
    issued, expiring = world.entries[-2:]
    assert issued.sealed["label"].value() == "build server"
    assert "label" not in issued.gate
    assert b"build" not in issued.leaf
    assert gate_value(expiring, "until") == times.format_time(AT_MS + DAY_MS)
    assert times.format_time(AT_MS + DAY_MS).encode() not in expiring.leaf


@pytest.mark.parametrize("label", ["", "x" * 65, "a\u202eb", "a\nb"])
def test_a_label_has_bounds(world: World, label: str) -> None:
    assert world.refused(IssueCredential(world.admit(), KEY, label=label)) == "label_invalid"


def test_no_key_begins_after_its_end(world: World) -> None:
    grant = world.admit()
    assert world.refused(IssueCredential(grant, KEY, expires_ms=world.now_ms)) == "expiry_passed"


def test_two_keys_are_valid_until_the_old_one_has_ended(world: World) -> None:
    old = world.must(IssueCredential(world.admit(), KEY))["credential"]
    done = world.must(RotateCredential(old, OTHER, 2 * DAY_MS))
    assert (done["replaces"], done["until"]) == (old, times.format_time(world.now_ms + 2 * DAY_MS))
    until_ms = world.now_ms + 2 * DAY_MS
    assert [answer(world, key, until_ms - 1) for key in (KEY, OTHER)] == ["allow", "allow"]
    assert [answer(world, key, until_ms) for key in (KEY, OTHER)] == ["credential_expired", "allow"]


def test_a_rotation_never_makes_the_old_key_live_longer(world: World) -> None:
    until_ms = AT_MS + DAY_MS
    old = world.must(IssueCredential(world.admit(), KEY, expires_ms=until_ms))["credential"]
    done = world.must(RotateCredential(old, OTHER, 7 * DAY_MS))
    assert done["until"] == times.format_time(until_ms)
    assert world.types(-1) == ["credential.issued"]
    world.write("credential.expiring", {"credential": old}, until=times.format_time(until_ms + 1))
    assert world.state.table.credentials_by_id[old].state.expires_ms == until_ms


@pytest.mark.parametrize("overlap_ms", [0, -1, OVERLAP_MAX_MS + 1])
def test_an_overlap_has_bounds(world: World, overlap_ms: int) -> None:
    old = world.must(IssueCredential(world.admit(), KEY))["credential"]
    assert world.refused(RotateCredential(old, OTHER, overlap_ms)) == "overlap_out_of_range"


def test_what_has_ended_is_not_rotated(world: World) -> None:
    grant = world.admit()
    assert world.refused(RotateCredential("cred_x", OTHER, DAY_MS)) == "credential_unknown"
    old = world.must(IssueCredential(grant, KEY, expires_ms=world.now_ms + DAY_MS))["credential"]
    assert world.refused(RotateCredential(old, KEY, DAY_MS)) == "key_known"
    world.later(1)
    assert world.refused(RotateCredential(old, OTHER, DAY_MS)) == "credential_expired"
    other = world.must(IssueCredential(grant, "1" * 64))["credential"]
    world.must(RevokeCredential(other))
    assert world.refused(RotateCredential(other, OTHER, DAY_MS)) == "credential_revoked"
