"""Random histories: honest and forged commands in any order, checked against the literal rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from sluicegate.core.access import decision, feed
from sluicegate.core.access.decision import Ask, Instant
from sluicegate.core.access.table import Table
from sluicegate.core.lifecycle import Command, Refusal, State
from sluicegate.core.lifecycle.applications import Accept, Reply, Withdraw
from sluicegate.core.lifecycle.credentials import IssueCredential, RevokeCredential
from sluicegate.core.lifecycle.directives import IssueDirective, OpenLift
from sluicegate.core.lifecycle.grants import (
    ChooseFallback,
    OpenRemoval,
    ProveGrant,
    ResumeGrant,
    SurrenderGrant,
    SuspendGrant,
)
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.releases import ApplyPlan, OpenStage
from sluicegate.errors import SluicegateError
from sluicegate.gate.engine import Engine
from sluicegate_record import entries
from sluicegate_record.entities.grant import SUSPENDED
from sluicegate_record.entries import Entry
from sluicegate_record.log import canonical, checkpoint, publickey, times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.terms.quorum import parties_of
from tests.core import reference_model
from tests.forging import answer_json
from tests.worlds import (
    API,
    CODEX,
    DAY_MS,
    LOG,
    MODEL,
    OFFICER,
    Followed,
    World,
    application,
    content,
    digest,
    directive,
    directive_value,
    opening,
    plan_value,
    position,
    private_key,
    public_key,
    read_plan,
    signed,
    stage,
    suspension,
)

OTHER_LOG = LOG.replace("openai", "other")
SIGNERS = ("oncd", "ostp", "caisi", OFFICER, "stranger")
WORDS = (
    *("approve", "approve", "approve", "object", "abstain", "no-objection"),
    *("recuse", "approve-with-conditions"),
)
ORGANIZATIONS = ("org-1", "org-2", "org-3")

PLANS = [
    plan_value(stages=[stage(seats=2)]),
    plan_value(stages=[stage(seats=1, eligibility={"registeredIn": ["US"]})]),
    plan_value(
        models=[MODEL, "gpt-5.6-mini"],
        stages=[
            stage(
                admission={"mode": "approve", "grant": {"atLeast": {"n": 2, "of": ["oncd", "ostp", "caisi"]}}}
            ),
            stage("later", conditions={"validFor": "P2D"}),
        ],
    ),
    plan_value("secret", models=["gpt-6"], announced=False, leaseMs=700, stages=[stage(conditions=None)]),
]


class Player:
    """Plays random commands, some of them forged, and keeps every envelope to replay it later."""

    def __init__(self, seed: int) -> None:
        self.random, self.looks = Random(seed), Random(f"looks {seed}")
        self.world = World()
        self.sent: list[Envelope] = []
        self.refusals: list[str] = []
        self.keys: list[str] = []

    def play(self) -> World:
        """Mostly a release is open before anything else happens."""
        self.do(ApplyPlan(read_plan(PLANS[0])))
        if self.random.random() < 0.8:
            self.world.agree()
            self.world.open()
        for _ in range(self.random.randrange(10, 60)):
            self.random.choice(MOVES)(self)
        return self.world

    def do(self, command: Command) -> dict[str, Any] | Refusal:
        self.world.tick()
        size = self.world.state.size
        before = content(self.world.state) if self.random.random() < 0.2 else None  # it takes its time
        try:
            result = self.world.do(command)
        except SluicegateError as error:
            result = Refusal("conflict", error.code, error.message)
        if isinstance(result, Refusal):
            self.refusals.append(f"{type(command).__name__}: {result.code}")
            assert self.world.state.size == size
            assert before is None or content(self.world.state) == before, "a refusal left a trace"
        return result

    def apply(self) -> None:
        self.do(ApplyPlan(read_plan(self.random.choice(PLANS))))

    def open(self) -> None:
        stages = [
            (release, name) for release, found in self.world.state.releases.items() for name in found.terms
        ]
        signer = self.random.choice([OFFICER, OFFICER, OFFICER, "oncd", "stranger"])
        given = opening(self.world.state, *self.random.choice(stages), signer=signer)
        if self.random.random() < 0.1:
            given = signed(given.payload.replace(LOG.encode(), OTHER_LOG.encode()), signer)
        self.do(OpenStage(given))

    def submit(self) -> None:
        release, name = self.random.choice(
            [("gpt-5.6", "trusted-partners"), ("gpt-5.6", "later"), ("secret", "trusted-partners")]
        )
        organization, surface = self.random.choice(ORGANIZATIONS), self.random.choice([API, API, CODEX])
        country = self.random.choice(["US", "US", "US", "NO"])
        self.do(application(organization, surface, release=release, name=name, country=country))

    def case(self) -> Followed | None:
        cases = list(self.world.cases())
        undetermined = [case for case in cases if case.state != "determined"]
        return self.random.choice(undetermined or cases) if cases else None

    def say(self) -> None:
        """An agency that is asked says something, signed by itself."""
        case = self.case()
        if case is not None:
            agency = self.random.choice(sorted(parties_of(case.rule)))
            self.send(self.said(case, agency))

    def said(self, case: Followed, agency: str) -> Envelope:
        word = self.random.choice(WORDS)
        changes: dict[str, Any] = {"reason": "why"}
        if word == "approve-with-conditions":
            changes["conditions"] = {"requestsPerMinute": self.random.choice([5, 60, 6_000])}
        if self.looks.random() < 0.7:
            late = self.looks.choice([0, 0, 1, 2])
            changes["said"] = case.discussed(max(len(case.discussion) - late, 0))
        return position(case, agency, word, **changes)

    def agree(self) -> None:
        """All who are asked approve."""
        case = self.case()
        if case is not None:
            for agency in sorted(parties_of(case.rule)):
                self.send(position(case, agency))

    def admit(self) -> None:
        """An application, approved at once by all who are asked."""
        before = set(self.world.state.cases)
        self.submit()
        for name in self.world.state.cases.keys() - before:
            case = self.world.case(name)
            for agency in sorted(parties_of(case.rule)):
                self.send(position(case, agency))

    def forge(self) -> None:
        """A position with something wrong in it, mostly."""
        case, other = self.case(), self.case()
        if case is None or other is None:
            return
        random = self.random
        agency = random.choice(SIGNERS)
        changes: dict[str, Any] = random.choice(
            [
                {"signer": random.choice(SIGNERS)},
                {"question": replace(other.question, case=case.id)},
                {"question": replace(case.question, case=other.id)},
                {"question": replace(case.question, terms=digest("other"))},
                {"question": replace(case.question, surface=CODEX)},
                {"question": replace(case.question, log=OTHER_LOG)},
                {"previous": digest("none")},
                {"previous": None},
            ]
        )
        self.send(position(case, agency, random.choice(WORDS[:6]), **changes))

    def tamper(self) -> None:
        """An envelope of before with its words or its signatures changed."""
        if len(self.sent) < 2:
            return
        one, other = self.random.sample(self.sent, 2)
        self.do(
            RecordPosition(
                self.random.choice(
                    [
                        Envelope(
                            one.payload_type, one.payload.replace(b"abstain", b"approve"), one.signatures
                        ),
                        Envelope(
                            one.payload_type, one.payload.replace(b"object", b"approve"), one.signatures
                        ),
                        Envelope(one.payload_type, one.payload, other.signatures),
                        Envelope(one.payload_type, one.payload, one.signatures + other.signatures),
                        Envelope("application/json", one.payload, one.signatures),
                    ]
                )
            )
        )

    def replay(self) -> None:
        if self.sent:
            self.do(RecordPosition(self.random.choice(self.sent)))

    def send(self, envelope: Envelope) -> None:
        self.sent.append(envelope)
        self.do(RecordPosition(envelope))

    def issue(self) -> None:
        grants = sorted(self.world.state.table.grants_by_id)
        if grants:
            key = f"{len(self.keys) if self.random.random() < 0.8 else 0}"
            self.keys.append(key)
            self.do(IssueCredential(self.random.choice(grants), digest(key).removeprefix("sha256:")))

    def revoke(self) -> None:
        issued = sorted(self.world.state.keyring.places)
        if issued:
            self.do(RevokeCredential(self.random.choice(issued)))

    def suspend(self) -> None:
        random = self.random
        issuer = random.choice(["oncd", "ostp"])
        name = f"d-{random.randrange(6)}"
        lifted_by = random.choice(
            [{"allOf": [issuer]}, {"anyOf": ["oncd", "ostp"]}, {"allOf": ["oncd", "ostp"]}]
        )
        models = random.choice([[MODEL], ["gpt-6"], [MODEL, "gpt-6"]])
        changes = {
            "issuer": issuer,
            "liftedBy": lifted_by,
            "models": models,
            "surfaces": random.choice(["all", [API]]),
        }
        if random.random() < 0.3:
            self.do(
                IssueDirective(directive(directive_value(name, **changes), signer=random.choice(SIGNERS)))
            )
        else:
            named = random.sample(ORGANIZATIONS, random.randrange(3))
            self.do(suspension(name, named, **changes))

    def accept(self) -> None:
        for case in list(self.world.cases()):
            if case.state == "offered":
                self.do(Accept(case.id))

    def withdraw(self) -> None:
        case = self.case()
        if case is not None:
            self.do(Withdraw(case.id))

    def change(self) -> None:
        """Something becomes of a grant."""
        grants = sorted(self.world.state.table.grants_by_id)
        if not grants:
            return
        grant = self.random.choice(grants)
        commands: list[Command] = [
            *(
                SuspendGrant(grant, "misuse"),
                ResumeGrant(grant),
                SurrenderGrant(grant),
                ProveGrant(grant, "g"),
                ChooseFallback(grant, self.random.random() < 0.7),
            ),
            *(OpenRemoval(grant, "misuse", "why"), self.world.amend(grant, renew=self.random.random() < 0.5)),
        ]
        commands += [commands[-1], commands[-1], commands[-2]]
        if self.world.state.grants[grant].standing == SUSPENDED:
            commands += [ResumeGrant(grant)] * len(commands)
        result = self.do(self.random.choice(commands))
        if isinstance(result, dict) and "grant" in result:
            name = result.get("application", result.get("case"))
            case = self.world.case(name) if name else None
            if case is None:
                return
            for agency in sorted(parties_of(case.rule)):
                self.send(position(case, agency) if self.random.random() < 0.8 else self.said(case, agency))

    def remove(self) -> None:
        """A removal that all who are asked agree to; mostly after the time to reply."""
        grants = [grant.id for grant in self.world.state.grants.values() if grant.is_live]
        result = self.do(OpenRemoval(self.random.choice(grants), "misuse", "why")) if grants else {}
        if isinstance(result, dict) and "case" in result:
            self.agree_to(self.world.case(result["case"]))
            self.world.now_ms += self.random.choice([0, 31 * DAY_MS])
            self.world.tick()

    def appeal(self) -> None:
        """An appeal against what has been taken, or refused; mostly allowed."""
        cases = [case for case in self.world.cases() if case.state == "determined"]
        taken = [case for case in cases if case.kind == "removal" and case.appeal is None]
        found = taken or cases
        result = self.do(self.world.appeal(self.random.choice(found).id, "but")) if found else {}
        if isinstance(result, dict) and "case" in result:
            self.agree_to(self.world.case(result["case"]))

    def reply(self) -> None:
        """A denial that is replied to; mostly approved then."""
        cases = self.world.cases()
        denied = [case for case in cases if case.outcome == "denied" and case.reply_by_ms is not None]
        name = self.random.choice(denied).id if denied else None
        if name is not None and isinstance(self.do(Reply(name, "but")), dict):
            self.agree_to(self.world.case(name))

    def come_back(self) -> None:
        """Who was denied, or removed, comes back after a plan that says more narrowly who may apply."""
        self.begin_anew()
        organization, country = self.random.choice(ORGANIZATIONS), self.random.choice(["US", "NO"])
        result = self.do(application(organization, country=country))
        if isinstance(result, Refusal):
            return
        case = self.world.case(result["application"])
        if self.random.random() < 0.5:
            self.agree_to(case)
            self.remove()
        else:
            self.send(position(case, "oncd", "object", reason="why"))
        self.do(ApplyPlan(read_plan(PLANS[1])))
        self.random.choice([Player.appeal, Player.appeal, Player.reply, Player.change])(self)
        self.accept()

    def begin_anew(self) -> None:
        """The first plan, agreed to and open."""
        self.do(ApplyPlan(read_plan(PLANS[0])))
        for case in self.world.cases():
            if case.kind == "terms" and case.state != "determined":
                self.agree_to(case)
        self.do(OpenStage(opening(self.world.state)))

    def agree_to(self, case: Followed) -> None:
        for agency in sorted(parties_of(case.rule)):
            self.send(position(case, agency) if self.random.random() < 0.9 else self.said(case, agency))

    def lift(self) -> None:
        names = sorted(self.world.state.directives)
        if names:
            self.do(OpenLift(self.random.choice(names)))

    def wait(self) -> None:
        self.world.now_ms += self.random.choice([1, DAY_MS, 3 * DAY_MS, 31 * DAY_MS, -DAY_MS])


MOVES: list[Callable[[Player], None]] = [
    *(Player.apply, Player.open, Player.open, Player.submit, Player.submit, Player.submit, Player.say),
    *(Player.say, Player.say, Player.agree, Player.agree, Player.agree, Player.agree, Player.forge),
    *(Player.forge, Player.tamper, Player.replay, Player.issue, Player.issue, Player.issue, Player.revoke),
    *(Player.suspend, Player.suspend, Player.lift, Player.lift, Player.wait, Player.admit, Player.admit),
    *(Player.admit, Player.admit, Player.issue, Player.accept, Player.accept, Player.withdraw),
    *(Player.change, Player.change, Player.change, Player.remove, Player.appeal, Player.appeal),
    *(Player.reply, Player.come_back, Player.come_back),
]

histories = st.builds(Player, st.integers(0, 2**32))


def folded(entries: Iterable[Entry]) -> State:
    state = State()
    for entry in entries:
        state.apply(entry)
    return state


def sent_to_a_gateway(entries: Sequence[Entry], random: Random) -> Table:
    """The table of a gateway that was sent the entries in some batches, over the wire."""
    engine, root = Engine(API, lambda: 0.0), bytes(32).hex()
    while engine.table.size < len(entries):
        after = engine.table.size
        size = random.randrange(after + 1, len(entries) + 1)
        fields: dict[str, Any] = {"gateway": "g", "incarnation": "i", "nonce": "n", "after": after}
        fields |= {"size": size, "root": root, "controlTime": times.format_time(0), "leaseMs": 0, "ageMs": 0}
        answer = answer_json(fields, entries[after:size], private_key("log"))
        opened = feed.open_answer(json.dumps(answer).encode(), fields, checkpoint.parse_vkey(LOG))
        engine.advance(opened.entries)
    return engine.table


@settings(max_examples=40)
@given(histories, st.integers(0, 2**32))
def test_the_fold_is_a_function_of_the_entries_alone(player: Player, seed: int) -> None:
    world = player.play()
    kept = content(world.state)
    assert content(folded(world.entries)) == kept
    assert content(folded(entries.read(e.leaf, e.gate, e.sealed) for e in world.entries)) == kept
    assert content(sent_to_a_gateway(world.entries, Random(seed))) == content(world.state.table)


@settings(max_examples=60)
@given(histories)
@example(
    Player(14_027_599)
)  # terms that come back while a case that an appeal put on the list is reviewed again
@example(Player(57_733))  # an appeal puts a case on the list again, and a seat is offered to it later
def test_whatever_is_allowed_or_narrowed_was_signed_by_those_who_had_to(player: Player) -> None:
    world = player.play()
    for entry in world.entries:
        event(entry.type)
    for code in player.refusals:
        event(f"refused: {code}")
    reference_model.check_consent(world.entries)
    reference_model.check_superseded(world.entries)


@settings(max_examples=40)
@given(histories)
def test_every_decision_after_any_history_is_the_literal_reading(player: Player) -> None:
    world = player.play()
    now = Instant(world.state.at_ms, world.state.at_ms + 1)
    for key in {*player.keys, "unknown"}:
        for model in (MODEL, "gpt-5.6-mini", "gpt-6"):
            for surface in (API, CODEX):
                ask = Ask(bytes.fromhex(digest(key).removeprefix("sha256:")), model, surface)
                expected = reference_model.decide(world.entries, ask, now)
                event(f"decided: {expected.reason or 'allowed'}")
                decided = decision.decide(ask, world.state.table, now)
                assert reference_model.agrees(expected, decided), (expected, decided)


@settings(max_examples=25)
@given(histories)
def test_every_leaf_is_canonical_in_its_place_and_reveals_nobody(player: Player) -> None:
    world = player.play()
    last_ms = 0
    for i, entry in enumerate(world.entries):
        value: Any = canonical.loads(entry.leaf)
        assert canonical.dumps(value) == entry.leaf
        assert (value["seq"], entry.seq) == (i, i)
        assert entry.at_ms >= last_ms
        last_ms = entry.at_ms
    leaves = b"\n".join(entry.leaf for entry in world.entries)
    for secret in (*ORGANIZATIONS, *(digest(key).removeprefix("sha256:") for key in player.keys)):
        assert secret.encode() not in leaves


def test_the_keys_of_the_histories_are_those_they_seem() -> None:
    """A stranger's key is pinned for nobody, or the tests above could not fail."""
    assert publickey.keyid(public_key("stranger")) not in World().state.keys
