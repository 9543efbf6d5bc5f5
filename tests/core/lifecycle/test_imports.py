"""Imports of keys: parts without effect, then all of them at once, or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import pytest

from sluicegate.acts.imports import OPEN_MAX, ROWS_MAX
from sluicegate.core.access import keylist
from sluicegate.core.access.decision import Allow, Ask, Instant, decide
from sluicegate.core.access.refusals import Deny
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle import decide as decided
from sluicegate.core.lifecycle.credentials import IssueCredential, RevokeCredential, RotateCredential
from sluicegate.core.lifecycle.imports import CompleteImport, DiscardImport, TakeKeys
from sluicegate.errors import InvalidDocument, VerificationFailed
from sluicegate_record.entities.keyimport import KeyImport
from sluicegate_record.entries import Draft, Entry, place_all, read
from sluicegate_record.entries.credentials import CredentialsChunk, CredentialsImported
from sluicegate_record.log import leaf, merkle
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.record import Record
from tests.core.access.test_vouch import trust
from tests.forging import gate_value, openings, told
from tests.worlds import API, AT_MS, DAY_MS, MODEL, World

NAME, OTHER = "imp_aaaaaaaaaaaaaaaa", "imp_bbbbbbbbbbbbbbbb"


def key(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def listed(grant: str, *names: str, expires: str = "", label: str = "") -> keylist.KeyList:
    rows = "\n".join(f"{key(name).hex()},{grant},{label},{expires}" for name in names)
    return keylist.read(f"sha256,grant,label,expires\n{rows}", "keys.csv")


def part(grant: str, *names: str, number: int = 0, of: str = NAME, **more: str) -> TakeKeys:
    return TakeKeys(of, number, listed(grant, *names, **more), "keys.csv")


def answer(table: Table, name: str, at_ms: int = AT_MS) -> str:
    """What a request with a key gets: `allow`, or why not."""
    found = decide(Ask(key(name), MODEL, API), table, Instant(at_ms, at_ms))
    return "allow" if isinstance(found, Allow) else found.reason.value


def faults(world: World, command: TakeKeys) -> list[str]:
    size = world.state.size
    with pytest.raises(InvalidDocument) as caught:
        decided(world.state, command, world.now_ms, Entropy(bytes(32)))
    assert world.state.size == size
    return [f"{each.line}: {each.found}" for each in caught.value.at]


@pytest.fixture
def world() -> World:
    return World.opened()


@pytest.fixture
def grant(world: World) -> str:
    return world.admit()


def test_no_key_counts_before_all_do(world: World, grant: str) -> None:
    world.must(part(grant, "a", "b"))
    assert [answer(world.state.table, name) for name in "ab"] == ["credential_unknown"] * 2
    taken = world.must(part(grant, "c", number=1))
    assert (taken["parts"], taken["count"]) == (2, 3)
    assert answer(world.state.table, "a") == "credential_unknown"
    world.must(CompleteImport(NAME, 3))
    assert [answer(world.state.table, name) for name in "abcd"] == [*["allow"] * 3, "credential_unknown"]
    assert world.types(-3) == ["credentials.chunk", "credentials.chunk", "credentials.imported"]


def test_what_counts_is_named_by_the_root_over_its_parts(world: World, grant: str) -> None:
    world.must(part(grant, "a"))
    world.must(part(grant, "b", number=1))
    committed = [bytes.fromhex(leaf.read(entry.leaf).gate["keys"]) for entry in world.entries[-2:]]
    world.must(CompleteImport(NAME, 2))
    assert world.entries[-1].public["root"] == merkle.node_hash(*map(merkle.leaf_hash, committed)).hex()


def test_the_record_shows_no_digest_label_or_expiry_in_the_open(world: World, grant: str) -> None:
    world.must(part(grant, "a", label="blue", expires="2099-01-31"))
    for hidden in (key("a").hex().encode(), b"blue", b"2099", grant.encode()):
        assert hidden not in world.entries[-1].leaf
    assert world.entries[-1].sealed["labels"].value() == ["blue"]
    assert b"blue" not in world.entries[-1].gate["keys"].body


def test_a_part_that_was_taken_is_not_taken_again(world: World, grant: str) -> None:
    world.must(part(grant, "a"))
    size = world.state.size
    again = world.must(part(grant, "a"))
    assert (again["parts"], again["count"], world.state.size) == (1, 1, size)
    world.must(part(grant, "b", number=1))
    assert world.refused(part(grant, "d", number=3)) == "import_out_of_order"


def test_an_import_counts_once_and_whole(world: World, grant: str) -> None:
    world.must(part(grant, "a"))
    assert world.refused(CompleteImport(NAME, 2)) == "import_incomplete"
    assert world.refused(CompleteImport(OTHER, 1)) == "import_unknown"
    world.must(CompleteImport(NAME, 1))
    size = world.state.size
    assert world.must(CompleteImport(NAME, 1))["count"] == 1
    assert world.state.size == size
    assert world.refused(part(grant, "b", number=1)) == "import_counted"
    assert world.refused(DiscardImport(NAME)) == "import_counted"


def test_a_discarded_import_never_counts_and_leaves_its_keys(world: World, grant: str) -> None:
    assert world.refused(DiscardImport(NAME)) == "import_unknown"
    world.must(part(grant, "a", "b"))
    assert faults(world, part(grant, "b", "c", of=OTHER)) == [f"2: the key of {NAME}.1"]
    world.must(DiscardImport(NAME))
    size = world.state.size
    world.must(DiscardImport(NAME))
    assert world.state.size == size
    for command in (part(grant, "c", number=1), CompleteImport(NAME, 2)):
        assert world.refused(command) == "import_discarded"
    world.must(part(grant, "a", "b", of=OTHER))
    world.must(CompleteImport(OTHER, 2))
    assert answer(world.state.table, "a") == "allow"
    assert world.state.table.credentials[key("a")].id == f"{OTHER}.0"


def test_a_key_that_was_revoked_before_its_import_was_discarded_stays_so(world: World, grant: str) -> None:
    world.must(part(grant, "a", "b"))
    world.must(RevokeCredential(f"{NAME}.0"))
    world.must(DiscardImport(NAME))
    assert faults(world, part(grant, "a", of=OTHER)) == [f"2: the key of {NAME}.0"]
    assert world.refused(IssueCredential(grant, key("a").hex())) == "key_known"
    assert world.must(IssueCredential(grant, key("b").hex()))["grant"] == grant


def test_what_is_refused_is_said_for_every_key_at_once(world: World, grant: str) -> None:
    other = world.admit("org-2")
    world.must(IssueCredential(other, key("a").hex()))
    issued = world.state.table.credentials[key("a")].id
    given = keylist.read(
        f"sha256,grant,expires\n{key('a').hex()},{grant},\n{key('b').hex()},grant_x,\n"
        f"{key('c').hex()},{grant},2020-01-01",
        "keys.csv",
    )
    assert faults(world, TakeKeys(NAME, 0, given, "keys.csv", 12)) == [
        f"12: the key of {issued}",
        "13: no grant 'grant_x'",
        "14: 2020-01-01T00:00:00.000Z",
    ]
    many = [str(number) for number in range(keylist.FAULTS_MAX + 1)]
    assert len(faults(world, part("grant_x", *many))) == keylist.FAULTS_MAX


def test_no_key_comes_under_a_grant_that_has_ended(world: World, grant: str) -> None:
    world.now_ms = AT_MS + 30 * DAY_MS
    assert faults(world, part(grant, "a")) == [f"2: grant {grant!r} has expired"]


def test_a_check_takes_nothing(world: World, grant: str) -> None:
    size = world.state.size
    checked = TakeKeys(NAME, 7, listed(grant, "a"), is_check=True)
    assert world.must(checked)["count"] == 0
    assert world.state.size == size
    world.must(part(grant, "a"))
    assert faults(world, TakeKeys(NAME, 1, listed(grant, "a"), is_check=True)) == [f"2: the key of {NAME}.0"]


def test_there_is_a_limit_to_what_is_open(world: World, grant: str) -> None:
    letters = "abcdefgh"
    assert len(letters) == OPEN_MAX
    for letter in letters:
        world.must(part(grant, letter, of=f"imp_{letter * 16}"))
    assert world.refused(part(grant, "x", of="imp_" + "x" * 16)) == "too_many_imports"
    world.must(part(grant, "more", of=NAME, number=1))
    world.must(DiscardImport("imp_" + "h" * 16))
    world.must(part(grant, "x", of="imp_" + "x" * 16))


def test_an_import_has_a_limit(world: World, grant: str) -> None:
    world.must(part(grant, "a"))
    found = world.state.record.imports[NAME]
    world.state.record.imports[NAME] = found.from_json({**found.to_json(), "count": ROWS_MAX})
    assert world.refused(part(grant, "b", number=1)) == "import_too_large"


def test_an_imported_key_ends_as_any_other(world: World, grant: str) -> None:
    world.must(part(grant, "a", "b", expires="2026-08-01"))
    world.must(CompleteImport(NAME, 2))
    expires_ms = world.state.table.credentials_by_id[f"{NAME}.0"].state.expires_ms
    assert expires_ms is not None
    table = world.state.table
    found = decide(Ask(key("a"), MODEL, API), table, Instant(expires_ms - 1, expires_ms - 1))
    assert isinstance(found, Deny) or found.until_ms == expires_ms
    assert answer(table, "a", expires_ms) == "credential_expired"
    world.must(RevokeCredential(f"{NAME}.0"))
    assert [answer(table, name, AT_MS) for name in "ab"] == ["credential_revoked", "allow"]


def test_keys_share_their_state_until_something_happens_to_one(world: World, grant: str) -> None:
    world.must(part(grant, "a", "b"))
    world.must(CompleteImport(NAME, 2))
    one, other = (world.state.table.credentials[key(name)] for name in "ab")
    assert one.state is other.state
    world.must(RevokeCredential(one.id))
    assert [answer(world.state.table, name) for name in "ab"] == ["credential_revoked", "allow"]


def test_counts_are_of_the_keys_that_count(world: World, grant: str) -> None:
    ring = world.state.keyring
    world.must(part(grant, "a", "b", "c"))
    world.must(RevokeCredential(f"{NAME}.1"))
    assert (ring.valid[grant], grant in ring.valid) == (0, False)
    world.must(CompleteImport(NAME, 3))
    assert ring.valid[grant] == 2
    world.must(RevokeCredential(f"{NAME}.0"))
    assert ring.valid[grant] == 1


def test_a_key_is_found_by_its_place(world: World, grant: str) -> None:
    issued = world.must(IssueCredential(grant, key("first").hex()))["credential"]
    world.must(part(grant, "a", "b"))
    world.must(part(grant, "c", number=1))
    ring = world.state.keyring
    names = [issued, f"{NAME}.0", f"{NAME}.1", f"{NAME}.2"]
    assert ring.lists[grant] == names
    assert [ring.place_in(grant, name) for name in names] == [0, 1, 2, 3]
    assert [ring.row_of(name) for name in names] == [0, 0, 1, 0]


def again(entries: Sequence[Entry]) -> list[Entry]:
    """Entries as a gateway reads them: without what is sealed."""
    return [read(entry.leaf, entry.gate) for entry in entries]


@pytest.mark.parametrize(
    "changes",
    [
        {"of": [0, 1]},
        {"of": [0, -1]},
        {"of": [0]},
        {"digests": ""},
        {"grants": ["grant_x"]},
        {"expires": [None]},
    ],
)
def test_a_table_takes_no_part_of_which_it_cannot_take_each_key(
    world: World, grant: str, changes: dict[str, Any]
) -> None:
    world.must(part(grant, "a", "b"))
    table = Table()
    *before, chunk = again(world.entries)
    for entry in before:
        table.apply(entry)
    keys = {**gate_value(chunk, "keys"), **changes}
    with pytest.raises(VerificationFailed):
        table.apply(told(chunk, {}, openings({"keys": keys}, Entropy(bytes(32)))))
    assert not table.credentials
    assert not table.imports


def test_a_snapshot_continues_as_the_record_would(world: World, grant: str) -> None:
    world.must(part(grant, "a"))
    kept = Record.from_json(world.state.record.to_json())
    world.must(part(grant, "b", number=1))
    world.must(CompleteImport(NAME, 2))
    for entry in again(world.entries[-2:]):
        kept.apply(entry)
    assert kept.imports == world.state.record.imports
    assert kept.to_json() == world.state.record.to_json()


def test_a_layer_above_the_record_leaves_its_imports(world: World, grant: str) -> None:
    world.must(part(grant, "a"))
    above = world.state.record.overlay()
    (entry,) = world.entries[-1:]
    above.apply(entry)
    assert (above.imports[NAME].parts, world.state.record.imports[NAME].parts) == (2, 1)


# At a gateway with a trust file


def test_a_gateway_with_a_trust_file_lets_no_import_take_a_key(world: World, grant: str) -> None:
    """Else a key that was revoked, or is another's, would come back as another one."""
    table = VouchedTable(trust())
    world.must(IssueCredential(grant, key("a").hex()))
    for entry in again(world.entries):
        table.apply(entry)
    issued = table.credentials[key("a")].id
    body = CredentialsChunk(name=NAME, part=0, count=2, keys=listed(grant, "b", "a").keys)
    entropy = Entropy(bytes(32))
    whole = KeyImport(name=NAME)
    for draft in (
        Draft.of(NAME, body, entropy),
        Draft(NAME, CredentialsImported(name=NAME, parts=1, count=2, root=whole.root)),
    ):
        table.apply(*again(place_all([draft], seq=table.size, at_ms=world.now_ms, by="liar", command="cmd")))
    assert table.credentials[key("a")].id == issued
    assert key("b") not in table.credentials
    assert table.findings == {"credentials.chunk": 1, "credentials.imported": 1}


def test_such_a_gateway_counts_an_honest_import(world: World, grant: str) -> None:
    table = VouchedTable(trust())
    world.must(part(grant, "a"))
    world.must(CompleteImport(NAME, 1))
    for entry in again(world.entries):
        table.apply(entry)
    assert answer(table, "a") == "allow"
    assert not table.findings


def test_a_table_lets_no_discarded_import_count(world: World, grant: str) -> None:
    """Nor one that counted: what discards it narrows, and nothing gives that back."""
    world.must(part(grant, "a"))
    world.must(DiscardImport(NAME))
    whole = {"import": NAME, "parts": 1, "count": 1, "root": "00" * 32}
    world.write("credentials.imported", whole)
    assert answer(world.state.table, "a") == "credential_unknown"
    world.must(part(grant, "b", of=OTHER))
    world.must(CompleteImport(OTHER, 1))
    world.write("credentials.discarded", {"import": OTHER})
    assert answer(world.state.table, "b") == "credential_unknown"
    taken = world.state.table.taken(key("b"))
    assert taken is not None
    assert taken.id == f"{OTHER}.0"


def test_a_key_that_does_not_count_is_not_rotated(world: World, grant: str) -> None:
    world.must(part(grant, "a"))
    rotating = RotateCredential(f"{NAME}.0", key("b").hex(), DAY_MS)
    assert world.refused(rotating) == "credential_unknown"
    world.must(CompleteImport(NAME, 1))
    assert world.must(rotating)["replaces"] == f"{NAME}.0"
