"""Every type of entry: what was written reads back, what is hidden stays so, what is strange is named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from sluicegate.errors import InvalidInput, VerificationFailed
from sluicegate_record.entries import (
    TYPES,
    Body,
    Draft,
    Entry,
    Hidden,
    Unknown,
    Withheld,
    cases,
    credentials,
    directives,
    grants,
    people,
    place,
    place_all,
    read,
    releases,
    seen,
)
from sluicegate_record.entries.body import Part, part_of
from sluicegate_record.form import ABSENT, FormField, shape_of
from sluicegate_record.log import canonical
from sluicegate_record.log import leaf as leaves
from sluicegate_record.log.leaf import GATE_BYTES_MAX, LEAF_BYTES_MAX, Entropy, Leaf, Opening
from sluicegate_record.statements.question import Question
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.rule import Rule
from tests.vectors.make_every_act import read_entry, stored_entries

AT_MS = 1_782_000_000_123
SALT = bytes(range(32))
OPENING = Opening(SALT, b'{"name":"Example Utility"}')
RULE = Rule("allOf", ("oncd",))
QUESTION = Question(log="log", case="case_1", kind="admission")


def case_opened(**changes: Any) -> cases.CaseOpened:
    made = cases.CaseOpened(
        case="case_1",
        kind="admission",
        question=QUESTION,
        rule=RULE,
        organization="org_1",
        sealed_parts={"application": OPENING},
    )
    return replace(made, **changes)


def placed(body: Body | None = None, **changes: Any) -> Entry:
    draft = Draft.of("case_1", body or case_opened(), Entropy(bytes(32)))
    return place(replace(draft, **changes), seq=7, at_ms=AT_MS, by="developer_1", command="cmd_1")


@cache
def stored() -> Mapping[str, list[Entry]]:
    """Entries of every type, by their type, as an earlier build wrote them."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for line in stored_entries():
        entry = read_entry(line)
        found[entry.type].append(entry)
    return found


def altered(entry: Entry, of: Part, changes: Mapping[str, Any], *without: str) -> Entry:
    """An entry with fields of a part of its leaf changed, others left out, read without its openings."""
    value: Any = canonical.loads(entry.leaf)
    fields = {**value[of.value], **changes}
    value[of.value] = {name: field for name, field in fields.items() if name not in without}
    return read(canonical.dumps(value))


def parts_of(body: type[Body]) -> list[tuple[FormField, Part]]:
    """The fields of a body, each with its part."""
    return [(each, part_of(each)) for each in shape_of(body).fields]


# Every type


@pytest.mark.parametrize("type_", TYPES)
def test_what_an_earlier_build_wrote_is_read_whole_and_written_the_same(type_: str) -> None:
    assert stored()[type_]
    for entry in stored()[type_]:
        assert type(entry.body) is TYPES[type_]
        assert not entry.body.strange
        assert entry.body.public() == entry.public
        written = {name: canonical.dumps(value) for name, value in entry.body.gate().items()}
        assert written == {name: opened.body for name, opened in entry.gate.items()}
        assert entry.body.sealed() == entry.sealed


@pytest.mark.parametrize("type_", TYPES)
def test_an_entry_that_is_placed_again_is_the_same(type_: str) -> None:
    for entry in stored()[type_]:
        draft = Draft(entry.stream, entry.body, entry.gate, entry.sealed)
        assert place(draft, seq=entry.seq, at_ms=entry.at_ms, by=entry.by, command=entry.id) == entry


@pytest.mark.parametrize("type_", TYPES)
def test_whoever_is_not_given_a_field_sees_that_it_is_hidden(type_: str) -> None:
    for entry in stored()[type_]:
        bare = read(entry.leaf)
        assert bare.body.public() == entry.public
        gate = {name: Hidden(each.commitment("gate", name)) for name, each in entry.gate.items()}
        sealed = {name: Hidden(each.commitment("sealed", name)) for name, each in entry.sealed.items()}
        for field, part in parts_of(type(bare.body)):
            value = getattr(bare.body, field.name)
            if part is Part.GATE and field.key in gate:
                assert value == gate[field.key]
            if part is Part.SEALED and field.key in sealed:
                assert value == sealed[field.key]
            if part is Part.OPENINGS:
                assert value == sealed


@pytest.mark.parametrize("type_", TYPES)
def test_an_entry_that_lacks_a_field_cannot_be_read(type_: str) -> None:
    entry = stored()[type_][0]
    for each, part in parts_of(TYPES[type_]):
        if each.is_required and part is not Part.OPENINGS:
            found = altered(entry, part, {}, each.key).body
            assert isinstance(found, Unknown)
            assert found.name == type_
            assert found.why.startswith(f"it lacks what its type needs: expected the field '{each.key}'")


@pytest.mark.parametrize("type_", TYPES)
def test_a_field_of_another_type_cannot_be_read(type_: str) -> None:
    entry = stored()[type_][0]
    for each, part in parts_of(TYPES[type_]):
        is_anything = not each.codec.schema
        if part is Part.PUBLIC and not is_anything:
            wrong = {"x": 1} if each.codec.schema.get("type") == "array" else [1]
            found = altered(entry, Part.PUBLIC, {each.key: wrong}).body
            assert isinstance(found, Unknown), each.key
            assert f"needs: {each.key}" in found.why


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("part", [Part.PUBLIC, Part.GATE, Part.SEALED])
def test_a_field_that_is_not_known_is_named_and_stays(type_: str, part: Part) -> None:
    entry = stored()[type_][0]
    later = "0" * 64
    found = altered(entry, part, {"later": later})
    is_ours_to_name = part is Part.SEALED and any(of is Part.OPENINGS for _, of in parts_of(TYPES[type_]))
    assert found.body.strange == (frozenset() if is_ours_to_name else {f"{part.value}.later"})
    assert getattr(leaves.read(found.leaf), part.value)["later"] == later


def test_a_type_that_is_not_known_cannot_be_read() -> None:
    leaf = leaves.read(placed().leaf)._replace(type="grant.sparkled")
    found = read(leaf.to_bytes())
    assert found.type == "grant.sparkled"
    assert isinstance(found.body, Unknown)
    assert "'grant.sparkled' is unknown to this build" in found.body.why


@pytest.mark.parametrize("v", [-1, 0, leaves.VERSION + 1, 2**40])
def test_a_version_that_is_not_known_cannot_be_read(v: int) -> None:
    found = read(leaves.read(placed().leaf)._replace(v=v).to_bytes())
    assert (found.type, found.v) == ("case.opened", v)
    assert isinstance(found.body, Unknown)
    assert found.body.why == f"the version {v} is unknown to this build; update it"


# Entries in their places


def test_a_leaf_holds_of_gate_and_sealed_only_commitments() -> None:
    entry = placed()
    value: Any = canonical.loads(entry.leaf)
    assert value["sealed"] == {"application": OPENING.commitment("sealed", "application")}
    assert value["gate"].keys() == {"organization"}
    assert value["public"].keys() == {"case", "kind", "question", "rule"}
    for secret in (b"Example Utility", b"org_1", SALT.hex().encode(), canonical.b64(SALT).encode()):
        assert secret not in entry.leaf


def test_what_was_placed_reads_back() -> None:
    entry = placed()
    assert read(entry.leaf, entry.gate, entry.sealed) == entry
    assert entry.size == 8
    assert entry.type == "case.opened"


def test_the_drafts_of_a_command_take_consecutive_places() -> None:
    draft = Draft.of("case_1", case_opened(), Entropy(bytes(32)))
    entries = place_all([draft] * 3, seq=4, at_ms=AT_MS, by="a", command="c")
    assert [entry.seq for entry in entries] == [4, 5, 6]
    assert {entry.id for entry in entries} == {"c"}


def test_a_gate_part_draws_its_salts_in_the_order_of_its_declaration() -> None:
    described = cases.Description(organization="org_1", name="tag", registered_in="US")
    body = case_opened(kind="amendment", named={"x": {}}, described=described)
    drawn = Entropy(bytes(32))
    salts = [drawn.bytes() for _ in range(3)]
    gate = Draft.of("case_1", body, Entropy(bytes(32))).gate
    assert [(name, opened.salt) for name, opened in gate.items()] == list(
        zip(("organization", "described", "named"), salts, strict=True)
    )


def test_a_body_without_a_gate_part_draws_nothing() -> None:
    entropy = Entropy(bytes(32))
    draft = Draft.of("s", case_opened(organization=None), entropy)
    assert (draft.gate, draft.sealed) == ({}, {"application": OPENING})
    assert entropy.bytes() == Entropy(bytes(32)).bytes()


def test_a_leaf_has_a_largest_size() -> None:
    room = LEAF_BYTES_MAX - len(placed(case_opened(basis="x")).leaf)
    assert len(placed(case_opened(basis="x" * (room + 1))).leaf) == LEAF_BYTES_MAX
    with pytest.raises(InvalidInput, match=r"a case\.opened entry of 65536 bytes, expected at most 65535"):
        placed(case_opened(basis="x" * (room + 2)))


def test_a_gate_part_may_be_larger_than_a_leaf_up_to_what_an_answer_carries() -> None:
    large = placed(case_opened(organization="a" * 100_000))
    found = read(large.leaf, large.gate).body
    assert isinstance(found, cases.CaseOpened)
    assert found.organization == "a" * 100_000
    placed(gate={"organization": Opening(SALT, b"1" * GATE_BYTES_MAX)})
    with pytest.raises(InvalidInput, match="name fewer"):
        placed(gate={"organization": Opening(SALT, b"1" * (GATE_BYTES_MAX + 1))})


@pytest.mark.parametrize("part", ["gate", "sealed"])
def test_a_wrong_opening_is_refused(part: str) -> None:
    entry = placed()
    given = {"gate": {"organization": OPENING}, "sealed": {"application": entry.gate["organization"]}}[part]
    with pytest.raises(VerificationFailed, match="does not open"):
        read(entry.leaf, **{part: given})


def test_an_opened_gate_part_of_another_type_cannot_be_read() -> None:
    entry = placed()
    opened = leaves.opening(["org_1"], Entropy(bytes(32)))
    leaf = leaves.read(entry.leaf)._replace(gate={"organization": opened.commitment("gate", "organization")})
    found = read(leaf.to_bytes(), {"organization": opened}).body
    assert isinstance(found, Unknown)
    assert "organization: expected text" in found.why


# What is hidden, left out, or null


def test_what_is_withheld_is_told_apart_from_what_is_not_there() -> None:
    bare = read(placed().leaf).body
    assert isinstance(bare, cases.CaseOpened)
    assert isinstance(bare.organization, Hidden)
    with pytest.raises(Withheld, match="hidden behind its commitment") as caught:
        seen(bare.organization)
    assert caught.value.commitment == bare.organization.commitment
    assert bare.sealed_parts == {"application": Hidden(OPENING.commitment("sealed", "application"))}
    assert seen(bare.named) is None


def test_what_is_honoured_of_an_entry_stands_at_its_place() -> None:
    entry = placed()
    other = entry.saying(case_opened(basis="order"))
    assert (other.seq, other.leaf, other.type) == (entry.seq, entry.leaf, entry.type)
    assert isinstance(other.body, cases.CaseOpened)
    assert other.body.basis == "order"


@pytest.mark.parametrize(("due_ms", "said"), [(ABSENT, {}), (None, {"wholeDue": None})])
def test_a_field_that_is_left_out_is_not_one_that_is_null(due_ms: Any, said: dict[str, Any]) -> None:
    body = cases.CaseAnswered(case="c", agency="a", question="q", due_ms=None, whole_due_ms=due_ms)
    assert body.public() == {"case": "c", "agency": "a", "question": "q", "due": None, **said}
    assert read(placed(body).leaf).body == body


def test_a_default_is_written_only_where_it_is_not_one() -> None:
    body = grants.GrantEnded(grant="g", case="c", how="removed")
    assert body.public() == {"grant": "g", "case": "c", "how": "removed"}
    supported = replace(body, silent=("oncd",), unopposed=True, positions=())
    assert supported.public() == {**body.public(), "silent": ["oncd"], "unopposed": True, "positions": []}


@pytest.mark.parametrize("announced", [True, False])
def test_a_plan_stands_in_the_part_that_its_announcement_says(announced: bool) -> None:
    entry = next(e for e in stored()["release.applied"] if e.public["announced"] is announced)
    assert isinstance(entry.body, releases.ReleaseApplied)
    assert entry.body.given == (entry.body.plan if announced else entry.body.unannounced)
    assert ("plan" in entry.public, "plan" in entry.gate) == (announced, not announced)
    bare = read(entry.leaf).body
    assert isinstance(bare, releases.ReleaseApplied)
    assert isinstance(bare.given, Hidden) is not announced


def test_a_plan_that_stands_nowhere_is_missing() -> None:
    entry = next(e for e in stored()["release.applied"] if e.public["announced"])
    bare = altered(entry, Part.PUBLIC, {}, "plan").body
    assert isinstance(bare, releases.ReleaseApplied)
    with pytest.raises(KeyError):
        _ = bare.given


def test_who_signed_a_position_stands_in_it_though_earlier_builds_named_one() -> None:
    entry = stored()["position.recorded"][0]
    body = altered(entry, Part.PUBLIC, {}, "owners").body
    assert isinstance(body, cases.PositionRecorded)
    assert body.owners is None
    assert body.owner == entry.public["owner"]


def test_nothing_attested_is_not_what_is_hidden() -> None:
    body = credentials.CredentialAttested(credential="c", attested=None)
    entry = placed(body)
    assert entry.gate["attested"].body == b"null"
    found = read(entry.leaf, entry.gate).body
    assert isinstance(found, credentials.CredentialAttested)
    assert found.attested is None


def test_bytes_are_bytes_in_a_body_and_text_in_a_leaf() -> None:
    issued = credentials.CredentialIssued(credential="c", grant="g", digest=bytes([171] * 32))
    assert issued.gate() == {"digest": "ab" * 32}
    member = people.Member(member="m", identifiers=(b"\x01\x02",))
    registered = people.MembersRegistered(organization="o", members=(member,))
    assert registered.gate()["members"] == [{"member": "m", "identifiers": ["0102"]}]


def test_what_is_sealed_is_never_read_as_json() -> None:
    strange = Opening(SALT, b"\xff not json")
    body = cases.CaseReplied(case="c", reply_by_ms=AT_MS, reply=strange)
    entry = placed(body)
    assert read(entry.leaf, entry.gate, entry.sealed).body == body


def test_conditions_that_an_earlier_build_left_out_are_told_apart_from_none_at_all() -> None:
    entry = stored()["grant.approved"][0]
    for without, expected in (("conditions", None), ("", Conditions())):
        body = altered(entry, Part.PUBLIC, {"conditions": {}}, without).body
        assert isinstance(body, grants.GrantApproved)
        assert body.conditions == expected


def test_every_type_has_a_body_of_its_own_that_says_what_it_is() -> None:
    assert len(TYPES) == len(set(TYPES.values())) == 88
    assert all(body.type == name and body.__doc__ for name, body in TYPES.items())


def test_the_statuses_of_a_definition_are_written_in_order() -> None:
    body = directives.DefinitionAdded(definition="d", statuses=frozenset({"b", "a", "c"}), source="s")
    assert body.public()["statuses"] == ["a", "b", "c"]


@pytest.mark.parametrize("data", [b"", b"null", b"{}", b"\xff"])
def test_what_is_no_leaf_is_no_entry(data: bytes) -> None:
    with pytest.raises((VerificationFailed, InvalidInput)):
        read(data)


def test_an_entry_tells_what_it_holds_of_a_leaf_it_cannot_read() -> None:
    leaf = Leaf(0, AT_MS, "grant.approved", "s", "b", "c", {"grant": 7}, {}, {})
    found = read(leaf.to_bytes())
    assert (found.type, found.public) == ("grant.approved", {"grant": 7})


# What the plan language cannot express


@pytest.mark.parametrize("type_", ["grant.approved", "grant.amended"])
@pytest.mark.parametrize(
    "conditions", [{"requestsPerMinute": 0}, {"validFor": "P0D"}, {"logs": 30}], ids=repr
)
def test_conditions_that_no_plan_has_cannot_be_read(type_: str, conditions: dict[str, Any]) -> None:
    leaf = leaves.read(stored()[type_][0].leaf)
    found = read(leaf._replace(public={**leaf.public, "conditions": conditions}).to_bytes())
    assert isinstance(found.body, Unknown)
    assert found.body.why.startswith("it lacks what its type needs: conditions.")
