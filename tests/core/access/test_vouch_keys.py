"""A control plane that lies about keys, to a gateway that checks signatures itself; and keys that live."""

from __future__ import annotations

from typing import Any

from sluicegate.core.access.decision import Allow
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.grants import ResumeGrant
from sluicegate.core.lifecycle.keys import RecordKey
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate_record.entries import Entry
from sluicegate_record.log import canonical
from sluicegate_record.statements.keys import KeyStatement
from tests.core.access.test_vouch import asked, folded, honest, trust
from tests.core.access.test_vouch_attacks import Liar
from tests.forging import told
from tests.worlds import World, ending, keyid, pinning, position, public_key

ROTATES = pinning("ostp", "ostp", "ostp-2", "ostp", replaces=keyid("ostp"))


def rotated() -> World:
    """A world whose agency has another key, by which an organization is admitted."""
    world = World.opened()
    world.must(ROTATES)
    admit(world, "ostp-2")
    return world


def admit(world: World, signer: str) -> str:
    """An organization with a key, admitted by ostp's position under this key."""
    case = world.submit()
    world.say(case, "oncd")
    world.must(RecordPosition(position(case, "ostp", signer=signer)))
    grant: str | None = case.grant
    assert grant is not None
    world.credential(grant)
    return grant


def pins(command: RecordKey, **otherwise: Any) -> dict[str, Any]:
    """What an entry says of a key that was pinned by a statement."""
    said = KeyStatement.read(command.envelope)
    assert said.key is not None
    return {
        "owner": said.owner,
        "party": said.party,
        "keyid": said.keyid,
        "publicKey": canonical.b64(said.key),
        "from": "statement",
        **({} if said.replaces is None else {"replaces": said.replaces}),
        "digest": command.envelope.digest,
        "envelope": command.envelope.to_json(),
        **otherwise,
    }


class KeyLiar(Liar):
    """A liar that tells what an honest world would, signed otherwise. `said` counts what it put in first."""

    said = 0

    def lies(self, type_: str, public: dict[str, Any]) -> None:
        self.write(type_, public)
        self.said += 1


def admits_by_itself(liar: KeyLiar, signer: str) -> None:
    """The control plane admits an organization by a position that its own key signs for ostp."""
    world = liar.world
    case = world.submit()
    world.say(case, "oncd")
    world.must(RecordPosition(position(case, "ostp")))
    assert case.grant is not None
    world.credential(case.grant)
    for entry in world.entries[len(liar.entries) - liar.said :]:
        if entry.type == "position.recorded" and entry.public["agency"] == "ostp":
            forged = position(case.now, "ostp", previous=None, signer=signer)
            liar.again(entry, {"envelope": forged.to_json(), "digest": forged.digest})
        else:
            liar.again(entry)


def refuses(liar: Liar) -> None:
    assert isinstance(asked(folded(liar.entries, Table())), Allow), "not even believed"
    assert isinstance(asked(folded(liar.entries, VouchedTable(trust()))), Deny)


def test_a_gateway_follows_an_agency_from_its_first_key_to_the_next() -> None:
    table = folded(rotated().entries, VouchedTable(trust()))
    assert isinstance(asked(table), Allow)
    assert not table.findings


def test_what_a_retired_key_signed_stays_valid() -> None:
    world = honest()
    world.must(ROTATES)
    assert isinstance(asked(folded(world.entries, VouchedTable(trust()))), Allow)


def test_a_retired_key_signs_nothing_more() -> None:
    world = World.opened()
    world.must(ROTATES)
    assert world.refused(RecordPosition(position(world.submit(), "ostp"))) == "key_ended"


def test_a_control_plane_that_rotates_an_agencys_key_by_itself_admits_no_one() -> None:
    for command in (
        pinning("ostp", "ostp", "thief", replaces=keyid("ostp")),
        pinning("ostp", "ostp", "thief", "oncd", replaces=keyid("ostp")),
        pinning("ostp-2", "ostp", "thief", "thief"),
    ):
        liar = KeyLiar(World.opened())
        liar.lies("key.pinned", pins(command))
        admits_by_itself(liar, "thief")
        refuses(liar)


def test_a_key_that_the_configuration_is_said_to_have_admits_no_one() -> None:
    liar = KeyLiar(World.opened())
    own = {"publicKey": canonical.b64(public_key("thief")), "keyid": keyid("thief"), "from": "configuration"}
    liar.lies("key.pinned", {"owner": "ostp-2", "party": "ostp", **own})
    admits_by_itself(liar, "thief")
    refuses(liar)


def compromised() -> tuple[World, str]:
    """A grant that rests on a key which was stolen before it was given."""
    world = rotated()
    first = [entry for entry in world.entries if entry.type == "key.pinned"][-1].seq
    (grant,) = world.state.grants
    end = ending("revokes", "ostp", "ostp", "ostp-2", "ostp-2", since=first)
    world.must(end)
    return world, grant


def test_a_grant_that_rests_on_a_compromised_key_is_suspended() -> None:
    world, grant = compromised()
    assert world.types()[-2:] == ["key.ended", "grant.suspended"]
    assert world.state.grants[grant].doubted
    assert world.refused(ResumeGrant(grant)) == "grant_doubted"
    for table in (Table(), VouchedTable(trust())):
        found = asked(folded(world.entries, table))
        assert isinstance(found, Deny)
        assert found.reason is Reason.GRANT_SUSPENDED


def test_what_it_signed_before_the_compromise_stays() -> None:
    world = rotated()
    world.must(ending("revokes", "ostp", "ostp", "ostp-2", "ostp-2", since=world.state.size))
    assert world.types()[-1] == "key.ended"
    assert isinstance(asked(folded(world.entries, VouchedTable(trust()))), Allow)


def test_a_log_that_forgets_to_suspend_what_a_compromised_key_carried_is_not_followed() -> None:
    world, _ = compromised()
    liar = Liar(world)
    del liar.entries[-1]
    refuses(liar)


def test_a_control_plane_does_not_undo_a_revocation() -> None:
    world, grant = compromised()
    pinned = [entry for entry in world.entries if entry.type == "key.pinned"][-1]
    for again in (True, False):
        liar = Liar(world)
        if again:
            liar.again(pinned)
        liar.write("grant.resumed", {"grant": grant, "case": world.state.grants[grant].case})
        refuses(liar)


def test_a_compromise_that_is_backdated_takes_nothing_away() -> None:
    """A lie that would narrow: no agency loses its objections because the control plane says so."""
    world = rotated()
    end = ending("revokes", "ostp", "ostp", "ostp-2", "ostp-2", since=world.state.size)
    world.must(end)
    table = folded(lying_about_since(world.entries, 1), VouchedTable(trust()))
    assert isinstance(asked(table), Allow)
    assert table.findings["key.ended"] == 1
    assert table.record.keys[keyid("ostp-2")].counts


def lying_about_since(entries: list[Entry], since: int) -> list[Entry]:
    return [told(each, {"since": since}) if each.type == "key.ended" else each for each in entries]


def test_a_control_plane_ends_no_key_by_itself() -> None:
    world = rotated()
    liar = Liar(world)
    for signer in ("thief", "oncd", "release-officer"):
        end = ending("revokes", "ostp", "ostp", "ostp-2", signer, since=1)
        said = KeyStatement.read(end.envelope)
        shown = {name: value for name, value in said.to_json().items() if name != "says"}
        more = {"how": "revoked", "by": "ostp", "digest": end.envelope.digest}
        liar.write("key.ended", {**shown, **more, "envelope": end.envelope.to_json()})
    table = folded(liar.entries, VouchedTable(trust()))
    assert isinstance(asked(table), Allow)
    assert table.findings["key.ended"] == 3


def test_an_objection_by_a_compromised_key_stands() -> None:
    """Nothing loosens by revoking a key."""
    world = World.opened()
    case = world.submit()
    world.must(RecordPosition(position(case, "ostp", "object")))
    world.must(pinning("ostp-too", "ostp", "ostp-too", "ostp"))
    world.must(ending("revokes", "ostp", "ostp", "ostp", "ostp-too", since=0))
    assert case.objections == {"ostp"}
    assert case.recused == frozenset()


def test_a_recusal_by_a_compromised_key_leaves_its_party_in_the_rule() -> None:
    world = World.opened()
    case = world.submit()
    world.must(RecordPosition(position(case, "ostp", "recuse", reason="ours")))
    assert case.recused == {"ostp"}
    since = world.state.size - 1
    world.must(pinning("ostp-too", "ostp", "ostp-too", "ostp"))
    world.must(ending("revokes", "ostp", "ostp", "ostp", "ostp-too", since=since))
    assert case.recused == frozenset()
    world.say(case, "oncd")
    assert case.grant is None


def test_keys_that_a_thief_pinned_end_with_the_stolen_key() -> None:
    world = World.opened()
    since = world.state.size
    world.must(pinning("ostp-thief", "ostp", "thief", "ostp"))
    world.must(pinning("ostp-mate", "ostp", "mate", "ostp", "thief"))
    done = world.must(ending("revokes", "ostp", "ostp", "ostp", "ostp", since=since))
    assert done["ended"] == sorted([keyid("thief"), keyid("mate")])
    assert not any(world.state.keys[keyid(name)].counts for name in ("ostp", "thief", "mate"))


def test_one_stolen_key_does_not_become_two_officers() -> None:
    world = World.opened()
    alone = pinning("third-officer", "openai", "third", "release-officer")
    assert world.refused(alone) == "signatures_missing"
    world.must(ending("revokes", "second-officer", "openai", "second-officer", "release-officer", since=0))
    assert world.refused(alone) == "signatures_missing"


def test_a_thief_who_revokes_the_stolen_key_first_keeps_none_of_what_it_carried() -> None:
    """A compromise can be dated earlier by another owner, and never later."""
    world = World.opened()
    world.must(pinning("ostp-too", "ostp", "ostp-too", "ostp"))
    since = world.state.size
    grant = admit(world, "ostp")
    now = world.state.size
    world.must(ending("revokes", "ostp", "ostp", "ostp", "ostp", since=now))
    assert isinstance(asked(folded(world.entries, VouchedTable(trust()))), Allow)
    done = world.must(ending("revokes", "ostp", "ostp", "ostp", "ostp-too", since=since))
    assert done["grants"] == [grant]
    denied = asked(folded(world.entries, VouchedTable(trust())))
    assert isinstance(denied, Deny)
    assert denied.reason is Reason.GRANT_SUSPENDED
    size = world.state.size
    world.must(ending("revokes", "ostp", "ostp", "ostp", "ostp-too", since=now))
    assert world.state.size == size
    assert world.state.keys[keyid("ostp")].signed_unsafely(since)
