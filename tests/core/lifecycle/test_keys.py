from __future__ import annotations

import pytest

from sluicegate.core import lifecycle
from sluicegate.core.lifecycle import Acceptance, Refusal
from sluicegate.core.lifecycle.keys import signer_for, signers
from sluicegate.core.terms.trust import Pin
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Entropy
from tests.worlds import (
    DEVELOPER,
    LOG,
    OFFICER,
    ORIGIN,
    OTHER_OFFICER,
    PINS,
    World,
    ending,
    keyid,
    pinning,
    public_key,
    signed,
    start,
)


def test_a_log_starts_with_its_name_and_every_pinned_key() -> None:
    world = World()
    assert [entry.type for entry in world.entries] == ["log.started"] + ["key.pinned"] * len(PINS)
    assert world.entries[0].public == {"origin": ORIGIN, "vkey": LOG, "developer": DEVELOPER}
    pinned = {entry.public["owner"]: entry.public for entry in world.entries[1:]}
    assert pinned["oncd"] == {
        "owner": "oncd",
        "party": "oncd",
        "keyid": keyid("oncd"),
        "publicKey": canonical.b64(public_key("oncd")),
        "from": "configuration",
    }
    assert pinned[OFFICER]["party"] == DEVELOPER
    assert world.state.parties == {DEVELOPER, "caisi", "oncd", "ostp"}


def test_starting_again_adds_nothing() -> None:
    world = World()
    decided = lifecycle.decide(world.state, start(), world.now_ms, Entropy(bytes(32)))
    assert isinstance(decided, Acceptance)
    assert decided.drafts == []


def test_a_key_may_come_later() -> None:
    world = World(started=False)
    world.must(start(pins=PINS[:2]))
    world.must(start())
    assert world.state.parties == {DEVELOPER, "caisi", "oncd", "ostp"}
    assert [entry.type for entry in world.entries].count("log.started") == 1


@pytest.mark.parametrize(
    "changes", [{"origin": "log.example/other"}, {"developer": "anthropic"}, {"origin": "", "developer": ""}]
)
def test_another_log_is_refused(changes: dict[str, str]) -> None:
    assert World().refused(start(**changes)) == "other_log"


@pytest.mark.parametrize(
    "pins",
    [
        PINS[:-1],
        [],
        [*PINS[:-1], Pin("ostp", "ostp", public_key("another"))],
        [*PINS[:-1], Pin("ostp", "oncd", public_key("ostp"))],  # speaks for another
        [*PINS[:-2], Pin("oncd", "oncd", public_key("ostp")), Pin("ostp", "ostp", public_key("oncd"))],
    ],
    ids=["one less", "none", "another key", "another party", "exchanged"],
)
def test_a_key_that_the_log_holds_does_not_change(pins: list[Pin]) -> None:
    assert World().refused(start(pins=pins)) == "key_changed"


def test_an_owner_that_the_trust_file_no_longer_names_is_named() -> None:
    refused = World().do(start(pins=PINS[:-1]))
    assert isinstance(refused, Refusal)
    assert refused.message == f"the trust file does not name {PINS[-1].owner!r}, whose key the log holds"


@pytest.mark.parametrize(
    "pins",
    [
        [*PINS, Pin("oncd", "oncd", public_key("another"))],
        [*PINS, Pin("another", "oncd", public_key("oncd"))],
    ],
    ids=["an owner with two keys", "a key of two owners"],
)
def test_a_key_has_one_owner_and_an_owner_one_key(pins: list[Pin]) -> None:
    world = World(started=False)
    assert world.refused(start(pins=pins)) == "pinned_twice"
    world.must(start())


# Who signed


EVERYONE = {"oncd", "ostp", "caisi", "bis", DEVELOPER}


def test_only_pinned_keys_count() -> None:
    state = World().state
    given = signed(b"x", "oncd", "stranger", OFFICER)
    assert {key.owner for key in signers(state, given, EVERYONE)} == {"oncd", OFFICER}
    assert signers(state, signed(b"x", "stranger"), EVERYONE) == frozenset()


def test_only_the_keys_of_the_parties_asked_about_count() -> None:
    state = World().state
    given = signed(b"x", "oncd", "ostp")
    assert {key.owner for key in signers(state, given, {"ostp", DEVELOPER})} == {"ostp"}
    assert signers(state, given, {"bis"}) == signers(state, given, ()) == frozenset()


def test_the_same_signature_twice_counts_once() -> None:
    assert len(signers(World().state, signed(b"x", "oncd", "oncd", "oncd"), EVERYONE)) == 1


def test_a_signer_may_have_ids_of_its_own() -> None:
    state = World().state
    (signature,) = signed(b"x", "oncd").signatures
    for other in (keyid("ostp"), "", "0" * 64, keyid("stranger")):
        renamed = Envelope(dsse.PAYLOAD_TYPE_INTOTO, b"x", (dsse.Signature(other, signature.sig),))
        assert {key.owner for key in signers(state, renamed, EVERYONE)} == {"oncd"}
        assert signers(state, renamed, EVERYONE - {"oncd"}) == frozenset()


def test_a_signature_over_another_type_or_other_words_does_not_count() -> None:
    state = World().state
    given = signed(b"x", "oncd")
    assert signers(state, Envelope("application/json", b"x", given.signatures), EVERYONE) == frozenset()
    assert signers(state, Envelope(given.payload_type, b"y", given.signatures), EVERYONE) == frozenset()


def test_any_officer_speaks_for_the_developer() -> None:
    state = World().state
    for officer in (OFFICER, OTHER_OFFICER):
        key = signer_for(state, signed(b"x", officer), DEVELOPER)
        assert not isinstance(key, Refusal)
        assert key.owner == officer


@pytest.mark.parametrize(
    ("signer", "party", "code"),
    [
        (OFFICER, "oncd", "key_of_another_party"),  # the developer cannot take an agency's position
        ("ostp", "oncd", "key_of_another_party"),
        ("oncd", DEVELOPER, "key_of_another_party"),
        ("stranger", "oncd", "signature_invalid"),
        ("oncd", "nobody", "key_of_another_party"),
        (OFFICER, OFFICER, "key_of_another_party"),  # an officer is no party of their own
    ],
)
def test_nobody_signs_for_another(signer: str, party: str, code: str) -> None:
    refused = signer_for(World().state, signed(b"x", signer), party)
    assert isinstance(refused, Refusal)
    assert (refused.kind, refused.code) == ("unverified", code)


def test_the_party_among_several_signers_is_found() -> None:
    found = signer_for(World().state, signed(b"x", "stranger", "ostp", "oncd"), "oncd")
    assert not isinstance(found, Refusal)
    assert found == World().state.keys[keyid("oncd")]


def test_a_log_starts_again_with_first_keys_though_they_were_rotated() -> None:
    world = World()
    world.must(pinning("ostp", "ostp", "ostp-2", "ostp", replaces=keyid("ostp")))
    world.must(start())
    changed = [*PINS[:-1], Pin("ostp", "ostp", public_key("ostp-2"))]
    assert world.refused(start(pins=changed)) == "key_changed"


def test_a_trust_file_gives_no_other_key_to_an_owner_that_its_party_pinned() -> None:
    world = World()
    world.must(pinning("ostp-too", "ostp", "ostp-too", "ostp"))
    world.must(start(pins=[*PINS, Pin("ostp-too", "ostp", public_key("ostp-too"))]))
    other = Pin("ostp-too", "ostp", public_key("another"))
    assert world.refused(start(pins=[*PINS, other])) == "key_changed"


def test_what_each_key_signed_is_known() -> None:
    world = World.opened()
    last = world.state.signings.of(keyid(OFFICER))
    assert (last.places, last.at_ms) == ([world.entries[-1].seq], world.entries[-1].at_ms)
    world.must(pinning("ostp", "ostp", "ostp-2", "ostp", replaces=keyid("ostp")))
    assert world.state.signings.of(keyid("ostp")).places[-1] == world.entries[-1].seq
    assert not world.state.signings.of(keyid("ostp-2")).places
    world.must(ending("revokes", "ostp", "ostp", "ostp", "ostp-2", since=world.state.size))
    assert world.state.signings.of(keyid("ostp-2")).places == [world.entries[-1].seq]
