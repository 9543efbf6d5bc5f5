from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks.webhooks import Webhook

from sluicegate.core.lifecycle import notices
from tests import forging
from tests.worlds import World, private_key


def told(world: World, after: int = 0):
    """What a part of a history tells: topic, case, data."""
    found = notices.news(world.entries[after:], world.state.cases)
    return [(notice.topic, case.id, dict(notice.data)) for case, notice in found]


def test_every_entry_about_a_case_is_news_and_no_other():
    world = World.opened()
    world.credential(world.admit())
    about = {notice.data["seq"] for _, notice in notices.news(world.entries, world.state.cases)}
    assert about == {entry.seq for entry in world.entries if "case" in entry.public}
    assert 0 < len(about) < len(world.entries)


def test_a_notice_says_what_happened_to_which_case():
    world = World.opened()
    before = len(world.entries)
    world.admit()
    topics = [topic for topic, _, _ in told(world, before)]
    assert topics[0] == "case.opened"
    assert "position.recorded" in topics
    (granted,) = [data for topic, _, data in told(world, before) if topic == "grant.approved"]
    entry = next(entry for entry in world.entries if entry.type == "grant.approved")
    assert granted == {
        "case": entry.public["case"],
        "kind": "admission",
        "release": entry.public["release"],
        "stage": entry.public["stage"],
        "surface": entry.public["surface"],
        "grant": entry.public["grant"],
        "seq": entry.seq,
        "size": entry.size,
    }


def test_a_case_that_the_batch_opens_is_known_in_it():
    world = World.opened()
    before = len(world.entries)
    world.admit()
    batch = [entry for entry in world.entries[before:] if "case" in entry.public]
    found = list(notices.news(batch, {}))
    assert [notice.data["seq"] for _, notice in found] == [entry.seq for entry in batch]
    assert {case.principal for case, _ in found} == {batch[0].by}
    assert list(notices.news(batch[1:], {})) == []


def test_an_entry_of_an_unknown_type_or_a_strange_case_is_no_mishap():
    world = World.opened()
    entry = next(entry for entry in world.entries if entry.type == "position.recorded")
    name = entry.public["case"]
    later = forging.told(entry, {"case": name, "outcome": 7, "agency": "oncd"}, type_="case.later")
    strange = [forging.told(entry, {"case": case}) for case in (None, 7, ["x"], "case_unknown")]
    for each in (later, *strange):
        assert list(notices.news([each], world.state.cases)) == []


def test_nothing_is_told_that_the_public_log_does_not_tell():
    world = World.opened()
    world.admit()
    secrets = {
        opened.body
        for entry in world.entries
        for part in (entry.gate, entry.sealed)
        for opened in part.values()
    }
    public = b"".join(entry.leaf for entry in world.entries)
    for _, notice in notices.news(world.entries, world.state.cases):
        body = notice.body()
        assert not any(secret in body for secret in secrets)
        for value in notice.data.values():
            assert json.dumps(value).encode() in public or value == notice.data["size"]
        assert "reason" not in notice.data


def test_a_message_has_one_id_for_each_subscription():
    world = World.opened()
    found = [notice for _, notice in notices.news(world.entries, world.state.cases)]
    ids = {notice.message(name) for notice in found for name in ("sub_1", "sub_2")}
    assert len(ids) == 2 * len(found)
    assert [notice.message("sub_1") for notice in found] == [notice.message("sub_1") for notice in found]
    assert notices.trial("sub_1", "a", 0).message("sub_1") != notices.trial("sub_1", "b", 0).message("sub_1")


def test_a_body_has_the_recommended_form():
    notice = notices.trial("sub_1", "asked", 1_781_299_260_000)
    assert json.loads(notice.body()) == {
        "type": "test",
        "timestamp": "2026-06-12T21:21:00.000Z",
        "data": {"subscription": "sub_1"},
    }


def test_a_secret_is_each_subscriptions_and_each_logs_own():
    log = private_key("log")
    first = notices.secret(log, "sub_1")
    again = Ed25519PrivateKey.from_private_bytes(log.private_bytes_raw())
    assert notices.secret(again, "sub_1") == first
    assert len({first, notices.secret(log, "sub_2"), notices.secret(private_key("oncd"), "sub_1")}) == 3
    assert len(first) == 32
    assert notices.shown(first) == "whsec_" + base64.b64encode(first).decode()


def test_the_signature_is_that_of_the_reference():
    key, body = notices.secret(private_key("log"), "sub_1"), '{"type":"test","ü":1}'.encode()
    at_s = 1_781_299_260
    reference = Webhook(notices.shown(key))
    expected = reference.sign("msg_1", datetime.fromtimestamp(at_s, UTC), body.decode())
    assert notices.sign(key, "msg_1", at_s, body) == expected
