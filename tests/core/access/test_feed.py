from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.core.access import feed
from sluicegate.core.access.feed import PAYLOAD_TYPE, FeedKey, SignedAnswer, Signer, open_answer
from sluicegate.errors import BadFeed
from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.log import canonical, checkpoint, dsse, merkle, times
from sluicegate_record.log.merkle import Frontier
from tests.forging import answer_json
from tests.worlds import AT_MS, World, private_key
from tests.worlds import LOG as LOG_VKEY

LOG = private_key("log")
VERIFIER = checkpoint.parse_vkey(LOG_VKEY)
ASKED = {"gateway": "gateway-1", "incarnation": "i" * 32, "nonce": "n" * 32, "after": 2}


def history() -> list[Entry]:
    world = World.opened()
    world.credential(world.admit())
    world.direct("d-1", ["org-1"])
    return world.entries


ENTRIES = history()
SIZE = len(ENTRIES)


def root_of(size: int) -> bytes:
    frontier = Frontier()
    for entry in ENTRIES[:size]:
        frontier.append(merkle.leaf_hash(entry.leaf))
    return frontier.root()


def signed(**changes: Any) -> dict[str, Any]:
    """The fields that are signed."""
    return {
        **ASKED,
        "size": SIZE,
        "root": root_of(SIZE).hex(),
        "controlTime": times.format_time(AT_MS),
        "leaseMs": 5_000,
        "ageMs": 12,
        **changes,
    }


def answered(fields: dict[str, Any] | None = None, entries: Sequence[Entry] | None = None) -> dict[str, Any]:
    return answer_json(fields or signed(), ENTRIES[2:] if entries is None else entries, LOG)


def opened(answer: Any, **asked: Any) -> feed.FeedAnswer:
    data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return open_answer(data, {**ASKED, **asked}, VERIFIER)


def test_an_answer_reads_back() -> None:
    answer = opened(answered())
    assert [entry.leaf for entry in answer.entries] == [entry.leaf for entry in ENTRIES[2:]]
    assert [entry.gate for entry in answer.entries] == [entry.gate for entry in ENTRIES[2:]]
    assert (answer.size, answer.root) == (SIZE, root_of(SIZE))
    assert (answer.control_ms, answer.lease_ms, answer.age_ms) == (AT_MS, 5_000, 12)


def test_an_answer_is_written_as_it_is_read() -> None:
    made = SignedAnswer.from_json(signed())
    assert (made.root, made.control_ms, made.lease_ms) == (root_of(SIZE), AT_MS, 5_000)
    assert json.dumps(feed.answer_json(made, ENTRIES[2:], Signer(LOG))) == json.dumps(answered())


def test_what_is_sealed_is_never_sent() -> None:
    sealed = [opening for entry in ENTRIES for opening in entry.sealed.values()]
    assert sealed
    wire = json.dumps(answered())
    for opening in sealed:
        assert canonical.b64(opening.salt) not in wire
        assert opening.body.decode() not in wire
    assert "Example org-1" not in wire


def test_the_signature_is_over_type_and_canonical_fields() -> None:
    message = dsse.pae(PAYLOAD_TYPE, canonical.dumps(signed()))
    LOG.public_key().verify(canonical.unb64(answered()["sig"]), message)


def test_an_answer_may_be_empty() -> None:
    fields = signed(after=SIZE)
    assert opened(answer_json(fields, [], LOG), after=SIZE).entries == []


@pytest.mark.parametrize(
    "field", ["gateway", "incarnation", "nonce", "after", "size", "root", "controlTime", "leaseMs", "ageMs"]
)
def test_every_field_is_signed(field: str) -> None:
    answer = answered()
    other = signed(
        size=SIZE - 1, root="0" * 64, controlTime=times.format_time(AT_MS + 1), leaseMs=60_000, ageMs=0
    )
    answer[field] = {"gateway": "g-2", "incarnation": "j" * 32, "nonce": "m" * 32, "after": 1}.get(
        field, other[field]
    )
    asked = {field: answer[field]} if field in ASKED else {}
    with pytest.raises(BadFeed, match="did not sign"):
        opened(answer, **asked)
    del answer[field]
    with pytest.raises(BadFeed):
        opened(answer)


@pytest.mark.parametrize("field", ["gateway", "incarnation", "nonce", "after"])
def test_an_answer_to_another_question_is_refused(field: str) -> None:
    other = {"gateway": "gateway-2", "incarnation": "j" * 32, "nonce": "m" * 32, "after": 1}[field]
    with pytest.raises(BadFeed, match="another question"):
        opened(answered(), **{field: other})


@pytest.mark.parametrize("signer", ["stranger", "oncd"])
def test_an_answer_by_another_key_is_refused(signer: str) -> None:
    with pytest.raises(BadFeed, match="did not sign"):
        opened(answer_json(signed(), ENTRIES[2:], private_key(signer)))


def test_a_signature_of_another_kind_is_refused() -> None:
    answer = answered()
    for message in (canonical.dumps(signed()), dsse.pae("application/json", canonical.dumps(signed()))):
        answer["sig"] = canonical.b64(LOG.sign(message))
        with pytest.raises(BadFeed, match="did not sign"):
            opened(answer)


@pytest.mark.parametrize("sig", [None, "", "AAAA", "not base64", 5, ["x"], canonical.b64(bytes(64))])
def test_an_unsigned_answer_is_refused(sig: Any) -> None:
    with pytest.raises(BadFeed):
        opened({**answered(), "sig": sig})
    answer = answered()
    del answer["sig"]
    with pytest.raises(BadFeed):
        opened(answer)


# Entries


def _gate_entry(answer: dict[str, Any]) -> Any:
    return next(item for item in answer["entries"] if item["gate"])


def _other_value(answer: dict[str, Any]) -> None:
    item = _gate_entry(answer)
    (name, (salt, _)), *_ = item["gate"].items()
    item["gate"][name] = [salt, '"org-2"']


def _other_salt(answer: dict[str, Any]) -> None:
    item = _gate_entry(answer)
    (name, (_, body)), *_ = item["gate"].items()
    item["gate"][name] = [canonical.b64(bytes(32)), body]


def _unknown_part(answer: dict[str, Any]) -> None:
    _gate_entry(answer)["gate"]["more"] = [canonical.b64(bytes(32)), "1"]


def _part_left_out(answer: dict[str, Any]) -> None:
    item = _gate_entry(answer)
    item["gate"].pop(next(iter(item["gate"])))


def _no_part_at_all(answer: dict[str, Any]) -> None:
    for item in answer["entries"]:
        item["gate"] = {}


def _other_place(answer: dict[str, Any]) -> None:
    answer["entries"].reverse()


@pytest.mark.parametrize(
    ("alter", "match"),
    [
        (_other_value, "does not open"),
        (_other_salt, "does not open"),
        (_unknown_part, "does not open"),
        (_part_left_out, "without all of its gate part"),
        (_no_part_at_all, "without all of its gate part"),
        (_other_place, "exactly the entries"),
        (lambda answer: answer["entries"].pop(), "exactly the entries"),
        (lambda answer: answer["entries"].pop(0), "exactly the entries"),
        (lambda answer: answer["entries"].pop(3), "exactly the entries"),
        (lambda answer: answer["entries"].append(answer["entries"][-1]), "exactly the entries"),
        (lambda answer: answer["entries"].clear(), "exactly the entries"),
        (lambda answer: answer.pop("entries"), "malformed"),
        (lambda answer: answer.update(entries={}), "exactly the entries"),
        (lambda answer: answer.update(entries="x"), "malformed"),
        (lambda answer: answer["entries"].__setitem__(0, "x"), "malformed"),
        (lambda answer: answer["entries"].__setitem__(0, {}), "malformed"),
        (lambda answer: answer["entries"][0].update(leaf=5), "malformed"),
        (lambda answer: answer["entries"][0].update(leaf="{}"), "not an entry"),
        (lambda answer: answer["entries"][0].update(leaf="{"), "malformed"),
        (lambda answer: answer["entries"][0].update(gate=[]), "malformed"),
        (lambda answer: answer["entries"][0].update(gate={"x": 5}), "malformed"),
        (lambda answer: answer["entries"][0].update(gate={"x": ["AA==", 5]}), "malformed"),
        (lambda answer: answer["entries"][0].update(gate={"x": ["AA==", "1", "2"]}), "malformed"),
    ],
)
def test_entries_that_do_not_fit_are_refused(alter: Callable[[dict[str, Any]], None], match: str) -> None:
    answer = answered()
    alter(answer)
    with pytest.raises(BadFeed, match=match):
        opened(answer)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"size": -1}, "size"),
        ({"size": str(SIZE)}, "size"),
        ({"size": True}, "size"),
        ({"size": None}, "size"),
        ({"size": 2**53 - 1}, "exactly the entries"),
        ({"size": 0}, "exactly the entries"),
        ({"leaseMs": -1}, "leaseMs"),
        ({"leaseMs": "5000"}, "leaseMs"),
        ({"leaseMs": None}, "leaseMs"),
        ({"ageMs": -1}, "ageMs"),
        ({"ageMs": True}, "ageMs"),
        ({"root": "zz"}, "malformed"),
        ({"root": None}, "malformed"),
        ({"controlTime": "now"}, "now"),
        ({"controlTime": 5}, "5"),
    ],
)
def test_a_signed_answer_is_still_checked(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(BadFeed, match=match):
        opened(answered(signed(**changes)))


@pytest.mark.parametrize(
    "data", [b"", b"null", b"[]", b"{}", b"5", b"{", b"\xff", b'{"a":1,"a":1}', b"[" * 100_000]
)
def test_what_is_no_answer(data: bytes) -> None:
    with pytest.raises(BadFeed):
        opened(data)


def test_an_answer_with_a_key_twice_is_refused() -> None:
    data = json.dumps(answered()).encode()
    with pytest.raises(BadFeed, match="twice"):
        opened(data[:-1] + b', "leaseMs": 60000}')


def test_a_truncated_answer_is_refused() -> None:
    data = json.dumps(answered()).encode()
    for cut in (1, 2, len(data) // 2, len(data) - 1):
        with pytest.raises(BadFeed):
            opened(data[:cut])


@given(st.data())
def test_a_changed_byte_is_refused_or_changes_nothing(data: st.DataObject) -> None:
    """Whatever stands in the way of the bytes, what comes out is what the log said, or nothing."""
    wire = bytearray(json.dumps(answered()).encode())
    at = data.draw(st.integers(0, len(wire) - 1))
    wire[at] = data.draw(st.integers(0, 255))
    try:
        answer = opened(bytes(wire))
    except BadFeed:
        return
    frontier = Frontier()
    for entry in [*ENTRIES[:2], *answer.entries]:
        frontier.append(merkle.leaf_hash(entry.leaf))
    same_gate = all(a.gate == b.gate for a, b in zip(answer.entries, ENTRIES[2:], strict=True))
    assert (answer.root, answer.lease_ms, same_gate) == (root_of(SIZE), 5_000, True)
    if frontier.root() == answer.root:  # else `gate.feed.Tail` refuses it
        assert [entry.leaf for entry in answer.entries] == [entry.leaf for entry in ENTRIES[2:]]


# By a feed's own key


FEED = private_key("feed-1")
STATED = FeedKey(
    feed="feed-1",
    key=FEED.public_key().public_bytes_raw(),
    issued_at_ms=AT_MS - 1_000,
    valid_until_ms=AT_MS + 1_000,
)


def head_of(size: int, root: bytes, key: Ed25519PrivateKey = LOG) -> str:
    return checkpoint.sign(VERIFIER.name, size, root, key)


HEAD = head_of(SIZE, root_of(SIZE))


def by_feed(
    stated: FeedKey = STATED, head: str = HEAD, *, log: str = "log", key: str = "feed-1", **changes: Any
) -> dict[str, Any]:
    """An answer that a feed has signed, with what the log's key says of it."""
    made = SignedAnswer.from_json(signed(**changes))
    signer = Signer(private_key(key), feed.certify(stated, private_key(log)))
    after = changes.get("size", SIZE)
    return feed.answer_json(made, ENTRIES[2:after], signer, head)


def test_a_certified_feed_is_believed() -> None:
    assert opened(by_feed()).root == root_of(SIZE)


def test_a_part_of_the_tail_needs_no_head_because_it_gives_no_lease() -> None:
    part = by_feed(head="", size=5, root=root_of(5).hex(), leaseMs=0)
    assert (opened(part).size, opened(part).lease_ms) == (5, 0)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (by_feed(log="oncd"), "the log's key did not sign"),
        (by_feed(key="feed-2"), "did not sign"),
        (by_feed(replace(STATED, valid_until_ms=AT_MS)), "not good at its time"),
        (by_feed(replace(STATED, issued_at_ms=AT_MS - feed.CERTIFIED_MS)), "longer than a day"),
        (by_feed(head=""), "malformed"),
        (by_feed(head=head_of(SIZE, bytes(32))), "another signed head"),
        (
            by_feed(head=head_of(SIZE - 1, root_of(SIZE - 1))),
            "another signed head",
        ),
        (by_feed(head=head_of(SIZE, root_of(SIZE), FEED)), "malformed"),
        (by_feed() | {"certificate": None}, "did not sign"),
        (by_feed() | {"certificate": {}}, "malformed"),
        ({name: value for name, value in by_feed().items() if name != "head"}, "malformed"),
    ],
    ids=range(11),
)
def test_what_the_logs_key_did_not_certify_gives_no_lease(answer: Any, said: str) -> None:
    with pytest.raises(BadFeed, match=said):
        opened(answer)
