"""Lies that an honest history allows to be told after it, each believed by a gateway that checks nothing."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import pytest

from sluicegate.core.access.decision import Allow
from sluicegate.core.access.refusals import Deny
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.applications import Accept, Withdraw
from sluicegate.core.lifecycle.grants import OpenRemoval, ResumeGrant, SurrenderGrant, SuspendGrant
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.errors import VerificationFailed
from sluicegate_record.entries import Entry
from sluicegate_record.log import canonical, times
from sluicegate_record.log.leaf import Entropy
from sluicegate_record.statements.releases import StageOpening
from sluicegate_record.terms.rule import Rule
from tests import forging
from tests.core.access.test_vouch import FLOOR, KEY, asked, folded, honest, trust
from tests.forging import filled, forged, openings
from tests.worlds import (
    AGENCIES,
    API,
    DAY_MS,
    LOG,
    OFFICER,
    RELEASE,
    STAGE,
    World,
    approval,
    plan_value,
    position,
    signed,
    stage,
)


def entry(type_: str, public: dict[str, Any], seq: int, at_ms: int, **gate: Any) -> Entry:
    opened = openings(gate, Entropy(bytes([seq % 256]) * 32))
    return forged(type_, filled(type_, public), opened, seq=seq, at_ms=at_ms)


class Liar:
    """An honest world, and what the control plane writes after it."""

    def __init__(self, world: World) -> None:
        self.world, self.entries = world, list(world.entries)

    def write(self, type_: str, public: dict[str, Any], **gate: Any) -> None:
        self.entries.append(entry(type_, public, len(self.entries), self.world.now_ms, **gate))

    def again(self, e: Entry, public: dict[str, Any] | None = None, **gate: Any) -> None:
        opened = openings(gate, Entropy(bytes(32)))
        self.entries.append(
            forging.told(e, public or {}, opened, seq=len(self.entries), at_ms=self.world.now_ms)
        )

    def last(self, type_: str) -> Entry:
        return [e for e in self.entries if e.type == type_][-1]

    def opens(self, *met: str | dict[str, Any], name: str = STAGE, **said: Any) -> None:
        """The control plane says that a stage is open, by itself, and that these requirements hold."""
        terms = self.world.state.releases[RELEASE].terms[name]
        since = times.format_time(self.world.now_ms)
        found = [{"requirement": each} if isinstance(each, str) else each for each in met]
        about = {"log": LOG, "release": RELEASE, "stage": name, "terms": terms, "officer": None}
        proofs = [{"since": since, **each} for each in found]
        self.write("stage.opened", {**about, "envelope": None, "met": proofs, **said})

    def is_open(self, table: Table, name: str = STAGE) -> bool:
        """Whether a stage is open by a table of these entries."""
        return self.world.state.releases[RELEASE].terms[name] in folded(self.entries, table).open_terms

    def stays_closed(self, name: str = STAGE) -> None:
        """A gateway that checks does not open a stage that one would that does not."""
        assert self.is_open(Table(), name), "not even believed"
        assert not self.is_open(VouchedTable(trust()), name)

    def refused(self, at_ms: int | None = None, floor: Rule = FLOOR) -> None:
        at = self.world.now_ms + 1000 if at_ms is None else at_ms
        believed = asked(folded(self.entries, Table()), at_ms=at)
        assert isinstance(believed, Allow), ("attack is not even believed", believed)
        table = VouchedTable(trust(floor))
        got = asked(folded(self.entries, table), at_ms=at)
        assert isinstance(got, Deny), ("SERVED", dict(table.findings))


def removed(world: World) -> str:
    (grant,) = world.state.grants
    case = world.case(world.must(OpenRemoval(grant, "misuse", "why"))["case"])
    for a in ("oncd", "ostp"):
        world.say(case, a)
    world.now_ms += 11 * DAY_MS
    world.tick()
    assert world.state.grants[grant].standing == "removed"
    return grant


def test_removed_grant_resumed():
    w = honest()
    g = removed(w)
    liar = Liar(w)
    liar.write("grant.resumed", {"grant": g, "case": "x"})
    liar.refused()


def test_removed_then_granted_again_on_the_same_signatures():
    w = honest()
    removed(w)
    liar = Liar(w)
    first = liar.last("grant.approved")
    liar.again(first, {"grant": "grant_again", "validUntil": times.format_time(w.now_ms + 30 * DAY_MS)})
    liar.again(liar.last("credential.issued"), {"credential": "cred_again", "grant": "grant_again"})
    liar.refused()


def test_expired_then_granted_again_on_the_same_signatures():
    w = honest()
    w.now_ms += 40 * DAY_MS
    w.tick()
    liar = Liar(w)
    liar.again(
        liar.last("grant.approved"),
        {"grant": "grant_again", "validUntil": times.format_time(w.now_ms + 30 * DAY_MS)},
    )
    liar.again(liar.last("credential.issued"), {"credential": "cred_again", "grant": "grant_again"})
    liar.refused()


def test_one_renewal_signed_renewed_for_ever():
    w = honest()
    (g,) = w.state.grants
    w.now_ms += 20 * DAY_MS
    c = w.case(w.must(w.amend(g, renew=True))["application"])
    w.say(c, "oncd")
    w.say(c, "ostp")
    w.now_ms += 25 * DAY_MS
    liar = Liar(w)
    liar.again(liar.last("grant.amended"), {"validUntil": times.format_time(w.now_ms + 30 * DAY_MS)})
    w.now_ms += 20 * DAY_MS
    liar.refused()


def test_one_allowed_appeal_reinstates_twice():
    w = honest()
    g = removed(w)
    first = [c for c in w.cases() if c.kind == "removal"][-1]
    ap = w.case(w.must(w.appeal(first.id, "wrong"))["case"])
    for a in sorted(ap.parties):
        w.say(ap, a)
    assert w.state.grants[g].is_live
    c = w.case(w.must(OpenRemoval(g, "misuse", "again"))["case"])
    w.say(c, "oncd")
    w.say(c, "ostp")
    w.now_ms += 11 * DAY_MS
    w.tick()
    assert not w.state.grants[g].is_live
    liar = Liar(w)
    liar.again(liar.last("grant.reinstated"))
    liar.refused(floor=Rule("anyOf", AGENCIES))


def test_a_second_grant_of_the_same_id_shadows_the_first_from_its_removal():
    w = honest()
    (g,) = w.state.grants
    liar = Liar(w)
    liar.again(liar.last("grant.approved"), {"surface": "codex"})
    liar.write("grant.ended", {"grant": g, "case": "x", "how": "removed"})
    liar.refused()


def test_a_second_credential_of_the_same_id_shadows_the_first_from_its_revocation():
    w = honest()
    liar = Liar(w)
    c = liar.last("credential.issued")
    liar.again(c, {}, digest="00" * 32)
    liar.write("credential.revoked", {"credential": c.public["credential"]})
    liar.refused()


def lift_without_signature(liar: Liar, name: str, rule: Any) -> None:
    d = liar.last("directive.issued")
    q = {
        "log": LOG,
        "case": "case_lift",
        "kind": "lift",
        "directive": name,
        "document": canonical.digest(d.public["document"]),
    }
    liar.write(
        "case.opened",
        {"case": "case_lift", "kind": "lift", "directive": name, "question": q, "rule": rule},
    )
    liar.write("directive.lifted", {"directive": name, "case": "case_lift"})


@pytest.mark.parametrize("rule", [{"atLeast": {"n": 0, "of": []}}, {"allOf": []}])
def test_a_signed_directive_recorded_with_another_lifted_by(rule):
    w = honest()
    w.direct()
    liar = Liar(w)
    d = liar.entries.pop()
    doc = d.public["document"]
    liar.again(d, {"document": {**doc, "spec": {**doc["spec"], "liftedBy": rule}}})
    lift_without_signature(liar, "d-1", rule)
    liar.refused()


def test_a_signed_directive_recorded_with_another_scope():
    w = honest()
    w.direct()
    liar = Liar(w)
    d = liar.entries.pop()
    doc = d.public["document"]
    liar.again(d, {"document": {**doc, "spec": {**doc["spec"], "models": ["other"]}}})
    liar.refused()


def test_a_name_taken_first_by_an_unsigned_directive():
    w = honest()
    w.direct()
    liar = Liar(w)
    real = liar.entries.pop()
    doc = real.public["document"]
    liar.write(
        "directive.issued",
        {
            "directive": "d-1",
            "issuer": "oncd",
            "document": {**doc, "spec": {**doc["spec"], "models": ["other"]}},
        },
    )
    liar.again(real)
    table = VouchedTable(trust())
    got = asked(folded(liar.entries, table), at_ms=w.now_ms + 1000)
    assert isinstance(got, Deny), (
        "a directive signed by oncd stands on the record and is not obeyed",
        dict(table.findings),
    )


def test_terms_tightened_by_a_countersignature_and_an_older_case_granted_without_it():
    w = World.opened()
    case = w.submit()
    w.say(case, "oncd")
    env = position(case, "ostp")
    r = w.apply(
        plan_value(
            stages=[
                stage(
                    admission={
                        "mode": "approve",
                        "grant": {"allOf": ["oncd", "ostp"]},
                        "countersign": ["ostp"],
                    }
                )
            ]
        )
    )
    assert r["tightened"] == [STAGE]
    assert w.case(case.id).outcome == "superseded"
    liar = Liar(w)
    liar.write(
        "position.recorded",
        {"case": case.id, "agency": "ostp", "position": "approve", "envelope": env.to_json()},
    )
    lie_grant(liar, case, w.state.releases[RELEASE].terms[STAGE])
    liar.refused()


def test_a_revoked_key_registered_again():
    w = honest()
    liar = Liar(w)
    c = liar.last("credential.issued")
    liar.write("credential.revoked", {"credential": c.public["credential"]})
    liar.again(c, {"credential": "cred_again"})
    liar.refused()


def lie_grant(liar: Liar, case: Any, terms: str, **conditions: Any) -> None:
    w = liar.world
    cond = conditions or {"requestsPerMinute": 600, "validFor": "P30D"}
    until = times.format_time(w.now_ms + 30 * DAY_MS)
    liar.write(
        "grant.approved",
        {
            "grant": "g_lie",
            "case": case.id,
            "release": RELEASE,
            "stage": STAGE,
            "surface": API,
            "terms": terms,
            "conditions": cond,
            "party": case.question.party,
            "validFrom": times.format_time(w.now_ms),
            "validUntil": until,
        },
        organization="org-1",
    )
    liar.write("credential.issued", {"credential": "c_lie", "grant": "g_lie"}, digest=KEY.hex())


def waiting(seats: int = 1) -> tuple[World, Any]:
    """org-1 approved by both, but on the waitlist: org-2 holds the only seat."""
    w = World.opened(stages=[stage(seats=seats)])
    w.admit("org-2")
    case = w.submit("org-1")
    w.say(case, "oncd")
    w.say(case, "ostp")
    assert w.case(case.id).state == "waitlisted"
    return w, case


def test_terms_replaced_and_an_application_under_the_old_ones_granted():
    w, case = waiting()
    old = case.question.terms
    w.apply(
        plan_value(
            stages=[
                stage(
                    seats=1,
                    conditions={"requestsPerMinute": 5, "validFor": "P3D"},
                    title=None,
                    admission={"mode": "approve", "grant": {"allOf": ["oncd", "ostp", "caisi"]}},
                )
            ]
        )
    )
    w.agree()
    assert w.case(case.id).outcome == "superseded"
    assert w.state.releases[RELEASE].terms[STAGE] != old
    liar = Liar(w)
    lie_grant(liar, case, old)
    liar.refused()


def test_a_withdrawn_application_granted():
    w, case = waiting()
    w.must(Withdraw(case.id))
    liar = Liar(w)
    lie_grant(liar, case, case.question.terms)
    liar.refused()


def test_positions_on_an_admission_taken_for_agreement_to_terms():
    w = World()
    w.apply(plan_value())
    tc = next(c for c in w.cases() if c.kind == "terms")
    q = replace(tc.question, case="case_a", kind="admission", surface=API, party="p" * 64)
    liar = Liar(w)
    # opened as a terms case, though what is asked and signed is an admission
    liar.write(
        "case.opened",
        {
            "case": "case_a",
            "kind": "terms",
            "release": RELEASE,
            "stage": STAGE,
            "question": q.to_json(),
            "rule": {"allOf": ["oncd", "ostp"]},
        },
    )
    for a in ("oncd", "ostp"):
        env = signed(approval(q, a).payload(), a)
        liar.write(
            "position.recorded",
            {"case": "case_a", "agency": a, "position": "approve", "envelope": env.to_json()},
        )
    liar.write("case.determined", {"case": "case_a", "outcome": "approved"})
    about = {"log": LOG, "release": RELEASE, "stage": STAGE, "terms": q.terms}
    liar.write(
        "stage.opened",
        {
            **about,
            "officer": OFFICER,
            "envelope": signed(StageOpening.from_json(about).payload(), OFFICER).to_json(),
        },
    )
    table = VouchedTable(trust())
    folded(liar.entries, table)
    assert q.terms not in table.open_terms, "OPENED"


def test_an_extra_stage_in_an_applied_plan_does_not_crash_the_feed():
    w = honest()
    liar = Liar(w)
    e = liar.last("release.applied")
    liar.again(e, {"terms": {**e.public["terms"], "ghost": "sha256:" + "0" * 64}})
    with contextlib.suppress(VerificationFailed):
        folded(liar.entries, VouchedTable(trust()))


def test_grant_suspended_after_removal_then_resumed():
    w = honest()
    g = removed(w)
    liar = Liar(w)
    liar.write("grant.suspended", {"grant": g, "case": "x", "reasonCode": "misuse"})
    liar.write("grant.resumed", {"grant": g, "case": "x"})
    liar.refused()


def test_honest_recusal_in_a_terms_case_is_honoured():
    w = World()
    w.apply(
        plan_value(
            stages=[
                stage(
                    basis={"kind": "agreed", "askedBy": ["caisi"], "how": "a call", "askedOn": "2026-06-24"}
                )
            ]
        )
    )
    tc = next(c for c in w.cases() if c.kind == "terms")
    w.must(RecordPosition(position(tc, "caisi", "recuse", reason="own interest")))
    w.say(tc, "oncd")
    w.say(tc, "ostp")
    w.open()
    w.credential(w.admit())
    b, v = asked(folded(w.entries, Table())), asked(folded(w.entries, VouchedTable(trust())))
    assert isinstance(b, Allow), b
    assert v == b, v


def test_the_developer_cannot_name_a_judge_of_appeals_without_new_terms():
    two = {a: {"name": a} for a in ("oncd", "ostp")}
    w = World.opened(agencies=two)
    before = w.state.releases[RELEASE].terms
    w.apply(plan_value(agencies={**two, "caisi": {"name": "CAISI"}}))
    assert w.state.releases[RELEASE].terms != before
    case = w.submit()
    assert w.refused(RecordPosition(position(case, "ostp", "object"))) == "terms_not_agreed"


def test_an_unsigned_amendment_then_the_grant_is_not_widened_by_rate():
    w = honest()
    (g,) = w.state.grants
    liar = Liar(w)
    liar.write(
        "grant.amended",
        {
            "grant": g,
            "case": "x",
            "terms": w.state.releases[RELEASE].terms[STAGE],
            "conditions": {},
            "validUntil": None,
        },
    )
    table = VouchedTable(trust())
    got = asked(folded(liar.entries, table))
    assert isinstance(got, Allow)
    assert got.requests_per_minute == 600


# Honest histories: what they allow is allowed


def same(w: World, floor: Rule = FLOOR) -> None:
    table = VouchedTable(trust(floor))
    at = w.now_ms + 1000
    b, v = asked(folded(w.entries, Table()), at_ms=at), asked(folded(w.entries, table), at_ms=at)
    assert isinstance(b, Allow), b
    assert v == b, (v, table.told)
    assert not table.findings, table.told


def test_honest_removed_appealed_without_a_seat_offered_and_granted_again():
    w = World.opened(stages=[stage(seats=1)])
    w.admit("org-1")
    removed(w)
    other = w.admit("org-2")
    first = [c for c in w.cases() if c.kind == "removal"][-1]
    ap = w.case(w.must(w.appeal(first.id, "wrong"))["case"])
    for a in sorted(ap.parties):
        w.say(ap, a)
    w.must(SurrenderGrant(other))
    w.tick()
    offered = [c for c in w.cases() if c.state == "offered"]
    assert offered
    g = w.must(Accept(offered[0].id))["grant"]
    w.credential(g)
    same(w, Rule("anyOf", AGENCIES))


def test_honest_renewed_twice_by_two_cases():
    w = honest()
    (g,) = w.state.grants
    for _ in range(2):
        w.now_ms += 20 * DAY_MS
        c = w.case(w.must(w.amend(g, renew=True))["application"])
        w.say(c, "oncd")
        w.say(c, "ostp")
    same(w)


def test_honest_a_case_outlives_a_tightening():
    w = World.opened()
    case = w.submit()
    w.say(case, "oncd")
    r = w.apply(plan_value(stages=[stage(conditions={"requestsPerMinute": 60, "validFor": "P30D"})]))
    assert r["tightened"]
    assert not r["superseded"]
    w.say(case, "ostp")
    w.credential(w.case(case.id).grant or "")
    same(w)


def test_honest_reinstated_after_an_appeal():
    w = honest()
    removed(w)
    first = [c for c in w.cases() if c.kind == "removal"][-1]
    ap = w.case(w.must(w.appeal(first.id, "wrong"))["case"])
    for a in sorted(ap.parties):
        w.say(ap, a)
    same(w, Rule("anyOf", AGENCIES))


def test_honest_suspended_and_resumed():
    w = honest()
    (g,) = w.state.grants
    w.must(SuspendGrant(g, "misuse"))
    w.must(ResumeGrant(g))
    same(w)


def test_honest_directives_by_name_lifted():
    w = honest()
    w.direct("d-1", ["org-1"])
    w.direct("d-2")
    w.lift("d-2")
    w.lift("d-1")
    same(w)


def test_honest_expired_and_admitted_again_by_a_new_case():
    w = honest()
    w.now_ms += 40 * DAY_MS
    w.tick()
    w.credential(w.admit(), "key-2")
    Liar(w)
    table = VouchedTable(trust())
    folded(w.entries, table)
    assert not table.findings, table.told


def test_honest_tightened_twice_opened_before():
    w = honest()
    for n in (60, 6):
        w.apply(plan_value(stages=[stage(conditions={"requestsPerMinute": n, "validFor": "P30D"})]))
    same(w)
