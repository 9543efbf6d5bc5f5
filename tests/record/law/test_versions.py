"""The next version of entries, as a later build would have it, and what becomes then of those before it.

What the later build asks more of an entry of that version: that a grant names its party.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from sluicegate.core.access.decision import Allow
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.directives import AddDefinition
from sluicegate.errors import VerificationFailed
from sluicegate_record import law
from sluicegate_record.audit import Audit, Unlawful, audit
from sluicegate_record.entries import Entry, grants
from sluicegate_record.law import RULES, Breach, Support
from sluicegate_record.law.rule import At, require
from sluicegate_record.log import checkpoint, leaf, merkle
from sluicegate_record.log.leaf import VERSION, VERSIONS
from sluicegate_record.record import Record
from sluicegate_record.terms import kinds
from sluicegate_record.terms.audience import CONTINUES
from tests.core.access.test_vouch import asked, folded, honest, trust
from tests.forging import forged, gate_value, told
from tests.plane import Plane
from tests.record.law.test_law import before, judged, of_type, stored, verdict
from tests.vectors.make_every_act import record_of, signed_head
from tests.worlds import AT_MS, LOG, ORIGIN, World, private_key

NEXT = VERSION + 1
OLDER = f"an entry of version {VERSION} after one of version {NEXT}"
UNKNOWN = f"the version {NEXT} is unknown to this build; update it"
VERIFIER = checkpoint.parse_vkey(LOG)
NARROWING = {
    *("case.determined", "credential.revoked", "directive.issued", "grant.ended", "grant.fallback_chosen"),
    *("deployment.ended", "account.closed", "stage.closed", "stage.lacking", "licence.ended"),
    *("grant.suspended", "list.changed", "credentials.discarded", "credential.expiring"),
    *("identifiers.declared", "stage.ramped"),
    *("finding.reported", "finding.answered", "finding.overdue"),
}
"""The types of which an entry of an older version may have an effect."""


def names_its_party(at: At, body: grants.GrantApproved) -> None:
    """A grant names the commitment to whom it is for."""
    require(body.party, "a grant that names no party")


@pytest.fixture
def later_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """This build, as it would be when it knows the next version; it goes on writing this one."""
    monkeypatch.setattr(leaf, "VERSIONS", (*VERSIONS, NEXT))
    rules = RULES[VERSION]
    asks_more = {grants.GrantApproved: (*rules[grants.GrantApproved], names_its_party)}
    monkeypatch.setitem(RULES, NEXT, {**rules, **asks_more})


def newer(seq: int, at_ms: int = AT_MS) -> Entry:
    """An entry of the next version that changes nothing."""
    return forged("list.changed", {"list": "sanctions", "version": "2"}, seq=seq, at_ms=at_ms, v=NEXT)


def after_newer(entries: Iterable[Entry], type_: str) -> list[Entry]:
    """A log with an entry of the next version before the first entry of a type."""
    made: list[Entry] = []
    for entry in entries:
        if entry.type == type_ and not any(each.v == NEXT for each in made):
            made.append(newer(len(made), entry.at_ms))
        made.append(told(entry, {}, seq=len(made)))
    return made


def audited(entries: list[Entry]) -> Audit:
    leaves = [entry.leaf for entry in entries]
    return audit(signed_head(leaves), VERIFIER, leaves)


# The rules of a version


def test_there_are_rules_for_every_version_that_is_known() -> None:
    assert RULES.keys() == set(VERSIONS)
    assert VERSION == VERSIONS[-1] == max(VERSIONS)


def test_every_version_is_judged_by_its_own_rules(later_build: None) -> None:
    entry = of_type("grant.approved")
    public = {key: value for key, value in entry.public.items() if key != "party"}
    for v, rule in ((VERSION, None), (NEXT, "names_its_party")):
        bare = forged(entry.type, public, entry.gate, seq=entry.seq, at_ms=entry.at_ms, v=v)
        found = verdict(bare)
        assert (found.rule if isinstance(found, Breach) else found) == rule
        named = forged(entry.type, entry.public, entry.gate, seq=entry.seq, at_ms=entry.at_ms, v=v)
        assert verdict(named) is None


def test_a_log_of_this_version_is_lawful_to_a_later_build(later_build: None) -> None:
    assert judged(stored()).unlawful_count == 0
    assert audited(honest().entries).ok


def test_a_log_that_goes_on_in_the_next_version_is_lawful(later_build: None) -> None:
    half = len(stored()) // 2
    log = [told(entry, {}, v=VERSION if entry.seq < half else NEXT) for entry in stored()]
    unlawful = judged(log).unlawful
    assert {each.rule for each in unlawful} <= {"names_its_party"}
    assert len(unlawful) == sum(e.type == "grant.approved" and "party" not in e.public for e in log[half:])


# This version after the next


def test_an_older_widening_is_found_and_widens_nothing_at_a_gateway(later_build: None) -> None:
    log = after_newer(honest().entries, "grant.approved")
    table = VouchedTable(trust())
    assert isinstance(asked(folded(log, table)), Deny)
    assert table.findings == {"grant.approved": 1, "credential.issued": 1}
    assert table.told[0].endswith(f"is not vouched for: {OLDER}")
    assert not table.credentials
    newest = [told(e, {}, v=NEXT) if e.type in ("grant.approved", "credential.issued") else e for e in log]
    assert isinstance(asked(folded(newest, VouchedTable(trust()))), Allow)


def test_an_older_narrowing_applies_at_a_gateway_and_is_found(later_build: None) -> None:
    world = honest()
    (grant,) = world.state.grants
    seq = len(world.entries)
    log = [
        *world.entries,
        newer(seq),
        forged("grant.suspended", {"grant": grant, "case": "c", "reasonCode": "x"}, seq=seq + 1, at_ms=AT_MS),
        forged("grant.resumed", {"grant": grant, "case": "c"}, seq=seq + 2, at_ms=AT_MS),
    ]
    table = VouchedTable(trust())
    found = asked(folded(log, table))
    assert isinstance(found, Deny)
    assert found.reason is Reason.GRANT_SUSPENDED
    assert table.findings == {"grant.suspended": 1, "grant.resumed": 1}
    as_new = [*log[: seq + 1], *(told(entry, {}, v=NEXT) for entry in log[seq + 1 :])]
    assert isinstance(asked(folded(as_new, VouchedTable(trust()))), Allow)


def test_an_older_entry_is_in_the_auditors_report(later_build: None) -> None:
    log = after_newer(honest().entries, "grant.approved")
    found = audited(log)
    older = [entry for entry in log if entry.seq > next(each.seq for each in log if each.v == NEXT)]
    assert older
    assert not found.ok
    assert found.law.unlawful == tuple(
        Unlawful(entry.seq, entry.type, "is_no_older", OLDER) for entry in older
    )


def test_the_writer_never_writes_an_older_one(later_build: None) -> None:
    plane = Plane()
    append(plane, newer(plane.size))
    with pytest.raises(AssertionError, match=r"that is not lawful: .*is_no_older"):
        plane.ledger.execute(AddDefinition("d", frozenset({"other"}), "s"), by="d", command_id="define-1234")
    assert plane.store.log.size() == plane.size


def append(plane: Plane, entry: Entry) -> None:
    """Write what another build would, past the ledger."""
    frontier = merkle.Frontier()
    for each in plane.store.log.entries(0, plane.store.log.size()):
        frontier.append(merkle.leaf_hash(each.leaf))
    nodes = list(frontier.append(merkle.leaf_hash(entry.leaf)))
    with plane.store.write() as ports:
        ports.log.append(
            [entry], nodes, checkpoint.sign(ORIGIN, frontier.size, frontier.root(), private_key("log"))
        )


def test_of_older_entries_only_what_narrows_has_an_effect(later_build: None) -> None:
    record = Record()
    for entry in stored():
        keys, above = record.pinned(), record.overlay()
        above.skip(newer(entry.seq))
        widens = entry.public.get("outcome") in [*kinds.GRANTED] or entry.public.get("fallback") is True
        is_declared = entry.type == "identifiers.declared"
        widens = widens or (is_declared and gate_value(entry, "identifiers") == "none")
        widens = widens or (entry.type == "finding.answered" and entry.public.get("outcome") != "persists")
        widens = widens or (entry.type == "stage.ramped" and entry.public["says"] == CONTINUES)
        for support in Support:
            found = law.breach(above, entry, keys, LOG, support)
            assert isinstance(found, Breach)
            assert found.rule == "is_no_older"
            honoured = law.effect(above, entry, found, keys, LOG)
            assert (honoured is not None) is (entry.type in NARROWING and not widens), entry.type
        record.apply(entry)


def test_an_older_directive_applies_and_takes_the_place_of_nothing(later_build: None) -> None:
    replacing = [e for e in stored() if e.type == "directive.issued" and e.public.get("replaces")]
    assert replacing
    for entry in replacing:
        record = before(entry.seq)
        replaced = record.directives[entry.public["replaces"]]
        record.skip(newer(entry.seq))
        found = law.breach(record, entry, record.pinned(), LOG, Support.RECORD)
        honoured = law.effect(record, entry, found, record.pinned(), LOG)
        assert honoured is not None
        record.apply(honoured)
        assert record.directives[replaced.name] == replaced
        assert entry.seq in {each.seq for each in record.directives.values()}


@pytest.mark.parametrize(
    ("type_", "public", "rule"),
    [
        ("grant.resumed", {"grant": "grant_none"}, "is_suspended"),
        ("case.waitlisted", {}, "waits_for_a_seat"),
    ],
)
def test_an_entry_without_effect_is_the_first_newer_one_all_the_same(
    later_build: None, type_: str, public: dict[str, Any], rule: str
) -> None:
    """Else a control plane could go on with older entries after a newer one that nobody honours."""
    world = honest()
    (grant,) = (entry for entry in world.entries if entry.type == "grant.approved")
    first = forged(type_, {"case": "case_none", **public}, seq=grant.seq, at_ms=grant.at_ms, v=NEXT)
    later = world.entries[grant.seq :]
    log = [*world.entries[: grant.seq], first, *(told(each, {}, seq=each.size) for each in later)]
    table = VouchedTable(trust())
    assert isinstance(asked(folded(log, table)), Deny)
    assert table.findings["grant.approved"] == 1
    found = audited(log).law.unlawful
    assert [each.rule for each in found] == [rule, *["is_no_older"] * len(later)]


def test_the_newest_version_is_part_of_the_record(later_build: None) -> None:
    record = record_of(World.opened().entries)
    assert record.newest_v == VERSION
    above = record.overlay()
    above.skip(newer(0))
    assert (above.newest_v, record.newest_v, above.overlay().newest_v) == (NEXT, VERSION, NEXT)
    assert Record.from_json(above.to_json()).newest_v == NEXT
    assert Record().newest_v == 0


# A version that is not known


def test_an_unknown_version_stops_every_reader() -> None:
    world = honest()
    log = [*world.entries, newer(len(world.entries))]
    for table in (Table(), VouchedTable(trust())):
        with pytest.raises(VerificationFailed, match=UNKNOWN):
            folded(log, table)
        assert table.size == len(world.entries)
    found = audited(log)
    assert (found.ok, found.first_bad) == (False, len(world.entries))
    assert found.problem == UNKNOWN


def test_a_control_plane_does_not_start_on_a_version_it_does_not_know() -> None:
    plane = Plane()
    append(plane, newer(plane.size))
    with pytest.raises(VerificationFailed, match=UNKNOWN):
        plane.again()


@pytest.mark.parametrize("changes", [{"v": 0}, {"v": NEXT}, {"type_": "grant.sparkled"}])
def test_what_cannot_be_read_is_unlawful_and_has_no_effect(changes: dict[str, Any]) -> None:
    entry = told(of_type("grant.ended"), {}, **changes)
    record = before(entry.seq)
    for support in Support:
        found = law.breach(record, entry, record.pinned(), LOG, support)
        assert isinstance(found, Breach)
        assert found.rule == "is_known"
        assert law.effect(record, entry, found, record.pinned(), LOG) is None
