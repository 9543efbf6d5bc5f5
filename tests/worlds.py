"""A small world that many tests share: a developer, three agencies, their keys, and a log made by the rules.

Envelopes are made by functions that take the state, so that a test may forge each part of them. `World` runs
commands through `lifecycle.decide` and `entries.place_all`, as the ledger does, without a database.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate.core import lifecycle
from sluicegate.core.access.decision import ANYBODY
from sluicegate.core.access.other_names import OtherNames
from sluicegate.core.access.table import Table
from sluicegate.core.directives.cover import DirectiveIndex, Resolution
from sluicegate.core.lifecycle import Acceptance, Command, Refusal, State
from sluicegate.core.lifecycle.applications import Amend, OpenAppeal, SubmitApplication
from sluicegate.core.lifecycle.closures import CloseRelease
from sluicegate.core.lifecycle.credentials import IssueCredential, RevokeCredential
from sluicegate.core.lifecycle.deployments import AttestDeployment
from sluicegate.core.lifecycle.digests import planned
from sluicegate.core.lifecycle.directives import IssueDirective, OpenLift
from sluicegate.core.lifecycle.docket import Docket
from sluicegate.core.lifecycle.epochs import BeginEpoch
from sluicegate.core.lifecycle.keys import RecordKey, StartLog
from sluicegate.core.lifecycle.lists import seal
from sluicegate.core.lifecycle.logkeys import ReplaceLogKey
from sluicegate.core.lifecycle.observations import RecordObservation
from sluicegate.core.lifecycle.points import SetPoint, StatePoint
from sluicegate.core.lifecycle.positions import Proceed, Receive, RecordPosition, Screen
from sluicegate.core.lifecycle.promises import RecordPromise
from sluicegate.core.lifecycle.ramps import MoveRamp
from sluicegate.core.lifecycle.releases import ApplyPlan, OpenStage
from sluicegate.core.lifecycle.signings import Signings
from sluicegate.core.lifecycle.ticks import Tick, due
from sluicegate.core.lifecycle.trail import Trail
from sluicegate.core.people.persons import Person
from sluicegate.core.terms import document, plan
from sluicegate.core.terms.trust import Pin
from sluicegate_record import entries, law
from sluicegate_record.directives.received import Arrival
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.observation import key_of
from sluicegate_record.entries import Entry
from sluicegate_record.law import Support
from sluicegate_record.law.closures import report_of
from sluicegate_record.log import canonical, checkpoint, dsse, merkle, publickey
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Entropy, Opening
from sluicegate_record.log.merkle import Frontier
from sluicegate_record.log.times import DAY_MS as DAY_MS  # noqa: PLC0414 - tests count with it
from sluicegate_record.record import Record
from sluicegate_record.statements.cases import Position, Proceeding, Receipt, Screening, Transcription
from sluicegate_record.statements.deployments import DeploymentStatement
from sluicegate_record.statements.directives import DirectiveStatement
from sluicegate_record.statements.epochs import Epoch, TreeHead
from sluicegate_record.statements.handovers import Handover
from sluicegate_record.statements.keys import KeyStatement
from sluicegate_record.statements.observations import ObservationStatement
from sluicegate_record.statements.points import Enforcement, Pointing
from sluicegate_record.statements.promises import Promising
from sluicegate_record.statements.question import Question
from sluicegate_record.statements.ramps import RampMove
from sluicegate_record.statements.releases import ReleaseClosing, StageClosing, StageOpening
from sluicegate_record.terms.observations import Probe, ProbeOutcome
from sluicegate_record.terms.plan import Plan
from sluicegate_record.terms.quorum import parties_of
from tests import listing
from tests.forging import filled, forged, openings

DEVELOPER = "openai"
OFFICER, OTHER_OFFICER = "release-officer", "second-officer"
AGENCIES = ("caisi", "oncd", "ostp")
ORIGIN = "log.example/openai"
RELEASE, MODEL, STAGE = "gpt-5.6", "gpt-5.6", "trusted-partners"
API, CODEX = "api", "codex"
AT_MS = 1_782_000_000_000
COVERED = "covers.organizations"


@cache
def private_key(name: str) -> Ed25519PrivateKey:
    """The key that `name` signs with, in every test the same."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


@cache
def public_key(name: str) -> bytes:
    return private_key(name).public_key().public_bytes_raw()


def keyid(name: str) -> str:
    return publickey.keyid(public_key(name))


def pin(owner: str, party: str | None = None) -> Pin:
    return Pin(owner, party or owner, public_key(owner))


def pins_of(agencies: Sequence[str]) -> list[Pin]:
    """The developer's officers, and these agencies."""
    return [pin(OFFICER, DEVELOPER), pin(OTHER_OFFICER, DEVELOPER), *map(pin, agencies)]


PINS = pins_of(AGENCIES)


LOG = checkpoint.vkey(ORIGIN, public_key("log"))
"""The log's verifier key, to which every statement is bound."""
LOG_2, LOG_3 = "log-2", "log-3"
"""The names of its next keys."""


def digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


# Documents


def stage(name: str = STAGE, **changes: Any) -> dict[str, Any]:
    """A stage that two agencies decide, for 30 days; a change to None leaves the field out."""
    return _without_nones(
        {
            "name": name,
            "basis": {"kind": "voluntary", "askedBy": ["oncd"], "how": "a call", "askedOn": "2026-06-24"},
            "admission": {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}},
            "conditions": {"requestsPerMinute": 600, "validFor": "P30D"},
            **changes,
        }
    )


def looser(name: str = STAGE) -> dict[str, Any]:
    """The same stage on terms that allow more, so that they are asked about again."""
    return stage(name, conditions={"requestsPerMinute": 600, "validFor": "P60D"})


def plan_value(name: str = RELEASE, *, models: Sequence[str] = (MODEL,), **changes: Any) -> dict[str, Any]:
    """A plan as a person would write it; a change to None leaves the field of `spec` out."""
    spec = {
        "models": [
            {"id": model, "upstream": "demo", "digest": digest(model), "safeguards": digest("safe")}
            for model in models
        ],
        "surfaces": [API, CODEX],
        "agencies": {agency: {"name": agency.upper()} for agency in AGENCIES},
        "stages": [stage()],
        **changes,
    }
    return {
        "apiVersion": "sluicegate/v1",
        "kind": "Release",
        "metadata": {"name": name, "developer": DEVELOPER},
        "spec": _without_nones(spec),
    }


def read_plan(value: Mapping[str, Any]) -> Plan:
    """What the reader makes of a plan. JSON is YAML."""
    return _read_plan(json.dumps(value))


@cache
def _read_plan(text: str) -> Plan:
    return plan.read(document.read(text, "plan.yaml"))


def raw_plan(
    name: str, upstreams: Mapping[str, str], stages: Mapping[str, Mapping[str, Any]], **changes: Any
) -> dict[str, Any]:
    """A plan as the record holds it, which no reader checked: upstreams by model, conditions by stage."""
    value = plan_value(
        name,
        models=list(upstreams),
        announced=changes.pop("announced", True),
        leaseMs=changes.pop("leaseMs", 5_000),
        disclosure={"organizations": "never"},
        stages=[stage(each, conditions=dict(conditions)) for each, conditions in stages.items()],
        **changes,
    )
    for model in value["spec"]["models"]:
        model["upstream"] = upstreams[model["id"]]
    return value


def directive_value(name: str = "d-1", *, covers: Any = "everyone", **changes: Any) -> dict[str, Any]:
    """A directive of `oncd` that suspends the model, as it is signed unless `covers` names anybody."""
    return {
        "apiVersion": "sluicegate/v1",
        "kind": "Directive",
        "metadata": {"name": name},
        "spec": _without_nones(
            {
                "issuer": "oncd",
                "basis": {"kind": "order", "authority": "a letter"},
                "action": "suspend",
                "models": [MODEL],
                "surfaces": "all",
                "covers": covers,
                "effective": "immediately",
                "reasons": {"form": "verbal"},
                "drain": "PT0S",
                "liftedBy": {"allOf": ["oncd"]},
                **changes,
            }
        ),
    }


def opened_names(names: Sequence[str]) -> Opening:
    """What opens the commitment of a directive that covers these organizations."""
    return Opening(hashlib.sha256(repr(names).encode()).digest(), canonical.dumps(list(names)))


def committed(names: Sequence[str], **changes: Any) -> dict[str, Any]:
    """`covers` of a signed directive that names these organizations."""
    commitment = opened_names(names).commitment("sealed", COVERED)
    return {"organizations": {"count": len(names), "commitment": commitment, **changes}}


def _without_nones(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: field for name, field in value.items() if field is not None}


# Envelopes


class Signer(Protocol):
    """Who signs with another key than that of its name: a passkey, or a program with ids of its own."""

    def sign(self, payload: bytes, payload_type: str) -> Envelope:
        """An envelope with its signature."""


def signed(payload: bytes, *signers: str | Signer, payload_type: str = dsse.PAYLOAD_TYPE_INTOTO) -> Envelope:
    """One envelope with the signature of each signer."""
    envelopes = [
        dsse.sign(payload_type, payload, private_key(each))
        if isinstance(each, str)
        else each.sign(payload, payload_type)
        for each in signers
    ]
    return Envelope(payload_type, payload, tuple(each.signatures[0] for each in envelopes))


def position(
    case: Case | Followed,
    agency: str,
    word: str = "approve",
    *,
    signer: str | Signer | None = None,
    **changes: Any,
) -> Envelope:
    """An agency's position in a case; `changes` alter the predicate."""
    said = case.positions.get(agency)
    fields = {
        "position": word,
        "reason": "because" if word == "object" else "",
        "previous": said.digest if said else None,
        **changes,
    }
    return signed(
        approval(fields.pop("question", case.question), agency, **fields).payload(), signer or agency
    )


def approval(question: Question, agency: str, **changes: Any) -> Position:
    """An agency's first position on a question: that it approves."""
    fields = {"position": "approve", "reason": "", "previous": None, **changes}
    return Position(question=question, agency=agency, **fields)


def by_letter(question: Question, agency: str, received: Any, word: str = "approve") -> Transcription:
    """What officers transcribe of an agency's letter."""
    came = Arrival.from_json(received)
    return Transcription(question=question, agency=agency, position=word, previous=None, received=came)


def receipt(case: Case | Followed, agency: str, *, signer: str | None = None) -> Receive:
    """An agency's receipt of a case."""
    return Receive(signed(Receipt(question=case.question, agency=agency).payload(), signer or agency))


def screened(
    case: Case | Followed,
    decision: str = "clear",
    *,
    version: str = "1",
    signer: str = OFFICER,
    seen: Any = (),
) -> Screen:
    """An officer's decision on comparing the applicant with a list; `seen` are the matches, sealed."""
    opened = Opening(hashlib.sha256(b"candidates").digest(), canonical.dumps(list(seen)))
    commitment = opened.commitment("sealed", "candidates")
    said = Screening(
        question=case.question,
        list="the list",
        version=version,
        decision=decision,
        reason="looked",
        candidates=commitment,
    )
    return Screen(signed(said.payload(), signer), opened)


def proceeding(case: Case | Followed, *signers: str, reason: str = "it is right") -> Proceed:
    """The officers' decision to go on where positions are advice."""
    payload = Proceeding(question=case.question, reason=reason).payload()
    return Proceed(signed(payload, *(signers or (OFFICER, OTHER_OFFICER))))


def opening(
    state: State, release: str = RELEASE, name: str = STAGE, *, signer: str | Signer = OFFICER
) -> Envelope:
    """An officer's opening of a stage, on the terms in force."""
    terms = state.releases[release].terms[name]
    closing = state.record.shut_by(release, name)
    digest = None if closing is None else closing.digest
    return signed(stage_opening(state.log, release, name, terms, digest), signer)


def stage_opening(log: str, release: str, name: str, terms: str, closing: str | None = None) -> bytes:
    """What is signed to open a stage; `closing` is the closing that it undoes."""
    return StageOpening(log=log, release=release, stage=name, terms=terms, closing=closing).payload()


def stage_closing(
    release: str = RELEASE,
    name: str = STAGE,
    *,
    reason: str = "it is unsafe",
    recalls: bool = False,
    signer: str = OFFICER,
) -> Envelope:
    """An officer's closing of a stage; `recalls`: of the whole release."""
    said = StageClosing(log=LOG, release=release, stage=name, reason=reason, recalls=recalls)
    return signed(said.payload(), signer)


def promising(party: str, says: str, *, signer: str | Signer | None = None, **said: Any) -> RecordPromise:
    """A party's signed word on a promise; `says` makes, keeps, changes or breaks."""
    payload = Promising(log=LOG, party=party, says=says, **said).payload()
    return RecordPromise(signed(payload, signer or (OFFICER if party == DEVELOPER else party)))


def moving(
    state: State,
    says: str,
    release: str = RELEASE,
    name: str = STAGE,
    *,
    signer: str | Signer = OFFICER,
    **said: Any,
) -> MoveRamp:
    """An officer's word on a ramp, after the last one; `says` pauses, continues or returns."""
    course = state.record.course_of(release, name)
    about = {"log": LOG, "release": release, "stage": name, "says": says, "reason": "errors"}
    previous = None if course is None else course.digest
    return MoveRamp(signed(RampMove(**{**about, "previous": previous, **said}).payload(), signer))


def closing(
    state: State, release: str = RELEASE, *, signer: str | Signer = OFFICER, **said: Any
) -> CloseRelease:
    """An officer's closing of a release, with its report as it is now."""
    report = report_of(state.record, release).digest
    payload = ReleaseClosing(**{"log": LOG, "release": release, "report": report, **said}).payload()
    return CloseRelease(signed(payload, signer))


def deployment(
    state: State, release: str = RELEASE, /, *, signer: str | Signer = OFFICER, **said: Any
) -> AttestDeployment:
    """The developer's word that what the plan names serves a release, after its last one."""
    last = state.record.deployments.get(release)
    fields = {
        "log": LOG,
        "release": release,
        "serves": planned(state.releases[release]),
        "signed_at_ms": state.at_ms,
        "until_ms": state.at_ms + 7 * DAY_MS,
        "previous": None if last is None else last.id,
    }
    return AttestDeployment(signed(DeploymentStatement(**{**fields, **said}).payload(), signer))


def head_of(entries: Sequence[Entry]) -> TreeHead:
    """The head of a log of these entries."""
    frontier = Frontier()
    for entry in entries:
        frontier.append(merkle.leaf_hash(entry.leaf))
    return TreeHead(size=frontier.size, root=frontier.root())


def epoch(
    restored: TreeHead,
    *abandoned: TreeHead,
    at_ms: int = AT_MS,
    signers: Sequence[str] = (OFFICER, OTHER_OFFICER),
    **said: Any,
) -> BeginEpoch:
    """The command with which a restored log goes on, without what led to some heads."""
    heads = tuple(sorted(abandoned, key=lambda each: (each.size, each.root)))
    fields = {"log": LOG, "restored": restored, "abandoned": heads, "reason": "the disk died"}
    stated = Epoch(**{**fields, "signed_at_ms": at_ms, **said})
    return BeginEpoch(signed(stated.payload(), *signers))


def log_vkey(name: str) -> str:
    """The verifier key of a key of the log."""
    return checkpoint.vkey(ORIGIN, public_key(name))


def handover(
    entries: Sequence[Entry], key: str, *signers: str, before: str = "log", **said: Any
) -> ReplaceLogKey:
    """The command by which the key of the name `key` signs a log of these entries, in place of `before`."""
    head = head_of(entries)
    fields = {"log": LOG, "replaces": log_vkey(before), "key": log_vkey(key), "reason": "it is old"}
    stated = Handover(**{**fields, "signed_at_ms": AT_MS, **said})
    note = checkpoint.sign(ORIGIN, head.size, head.root, private_key(before))
    return ReplaceLogKey(signed(stated.payload(), *signers), note)


def pinning(owner: str, party: str, key: str, *signers: str, **said: Any) -> RecordKey:
    """A further key of a party, that of the name `key`, which signs, too."""
    fields = {"log": LOG, "party": party, "owner": owner, "says": "pins", "keyid": keyid(key)}
    stated = KeyStatement(**{**fields, "key": public_key(key), **said})
    return RecordKey(signed(stated.payload(), *signers, key))


def ending(says: str, owner: str, party: str, key: str, *signers: str, **said: Any) -> RecordKey:
    """The end of a key; `says` retires or revokes."""
    fields = {"log": LOG, "party": party, "owner": owner, "says": says, "keyid": keyid(key), "reason": "lost"}
    return RecordKey(signed(KeyStatement(**{**fields, **said}).payload(), *signers))


def observation(
    state: State,
    model: str,
    outcome: ProbeOutcome,
    observer: str = "ostp",
    /,
    *,
    signer: str = "",
    **said: Any,
) -> RecordObservation:
    """What a party got now when it asked for a model; what else is said of the probe or in the statement."""
    asked = {"release": model, "model": model, "surface": API, "address": "https://api.example"}
    probe = {**asked, "ask": "chat", "expects": "answered"}
    names = {each.name for each in dataclasses.fields(Probe)} & said.keys()
    found = Probe(**{**probe, **{name: said.pop(name) for name in names}})
    last = state.record.observations.get(key_of(observer, found))
    fields = {
        "log": LOG,
        "observer": observer,
        "probe": found,
        "outcome": outcome,
        "size": state.size,
        "signed_at_ms": state.at_ms if last is None else max(state.at_ms, last.signed_at_ms + 1),
        "previous": None if last is None else last.id,
    }
    return RecordObservation(signed(ObservationStatement(**{**fields, **said}).payload(), signer or observer))


def directive(value: Mapping[str, Any], *, signer: str | None = None) -> Envelope:
    bound = {**value, "metadata": {"log": LOG, **value["metadata"]}}
    return signed(directive_payload(bound), signer or value["spec"]["issuer"])


def directive_payload(document: Mapping[str, Any]) -> bytes:
    """What is signed to put a document in force."""
    return DirectiveStatement(document=dict(document)).payload()


def pointing(point: str = "cloud", surface: str = API, says: str = "declared", **changes: Any) -> Pointing:
    """What an officer says of a point, whose key is that of its name."""
    fields = {"log": LOG, "point": point, "surface": surface, "key": public_key(point), "says": says}
    return Pointing(**{**fields, **changes})


def set_point(*given: str, signer: str = OFFICER, **changes: Any) -> SetPoint:
    """A point declared or retired, see `pointing`."""
    return SetPoint(signed(pointing(*given, **changes).payload(), signer))


def stated(state: State, point: str = "cloud", name: str = "d-1", **changes: Any) -> Enforcement:
    """What a point says of a directive as it is on the record."""
    document = state.directives[name].document.digest if name in state.directives else ""
    fields: dict[str, Any] = {"log": LOG, "point": point, "directive": name, "document": document}
    return Enforcement(**{**fields, "says": "enforced", "at_ms": AT_MS, **changes})


def state_point(said: Enforcement, signer: str = "") -> StatePoint:
    """The command that puts a point's word on the record."""
    return StatePoint(signed(said.payload(), signer or said.point))


# Histories


class Followed:
    """A case as it stands whenever something of it is looked at: the record goes on, its cases are frozen."""

    def __init__(self, state: State, name: str) -> None:
        self._state, self.id = state, name

    @property
    def now(self) -> Case:
        """The case as it stands."""
        return self._state.cases[self.id]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.now, name)


class World:
    """A log and its state. `now_ms` is the wall clock, moved at will."""

    def __init__(self, *, started: bool = True) -> None:
        self.state = State()
        self.entries: list[Entry] = []
        self.now_ms = AT_MS
        self._commands = 0
        self._followed: dict[str, Followed] = {}
        if started:
            self.must(start())

    @classmethod
    def agreed(cls, **changes: Any) -> World:
        """A world with a plan in force whose terms every agency has agreed to."""
        world = cls()
        world.apply(plan_value(**changes))
        world.agree()
        return world

    @classmethod
    def opened(cls, **changes: Any) -> World:
        """The same, with the stage open."""
        world = cls.agreed(**changes)
        world.open()
        return world

    def do(self, command: Command, by: str = "tester") -> dict[str, Any] | Refusal:
        """Decide a command, append what follows, fold it in. Time goes first, as it does in the ledger."""
        self.tick()
        result = self._do(command, by)
        self.tick()
        return result

    def tick(self) -> None:
        """Let everything happen that is due."""
        while due(self.state, max(self.now_ms, self.state.at_ms)) is not None:
            assert isinstance(self._do(Tick(), "clock"), dict)

    def _decided(self, command: Command, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
        return lifecycle.decide(self.state, command, now_ms, entropy)

    def _do(self, command: Command, by: str) -> dict[str, Any] | Refusal:
        self._commands += 1
        name = f"cmd_{self._commands}"
        entropy = Entropy(hashlib.sha256(name.encode()).digest())
        now_ms = max(self.now_ms, self.state.at_ms)
        decided = self._decided(command, now_ms, entropy)
        if isinstance(decided, Refusal):
            return decided
        made = entries.place_all(decided.drafts, seq=self.state.size, at_ms=now_ms, by=by, command=name)
        self._judge(made)
        for entry in made:
            self.state.apply(entry)
        self.entries += made
        return {**decided.result.to_json(), "size": self.state.size}

    def _judge(self, made: Sequence[Entry]) -> None:
        """Assert that entries are lawful, as the ledger does."""
        overlay = self.state.record.overlay()
        for entry in made:
            found = law.breach(overlay, entry, overlay.pinned(), LOG, Support.RECORD)
            assert found is None, (entry.seq, entry.type, found)
            overlay.apply(entry)

    def must(self, command: Command, by: str = "tester") -> dict[str, Any]:
        """Do a command that the rules allow."""
        result = self.do(command, by)
        assert isinstance(result, dict), result
        return result

    def refused(self, command: Command) -> str:
        """The code of the refusal of a command, which left no trace."""
        self.tick()
        before = self.state.size
        result = self.do(command)
        assert isinstance(result, Refusal), result
        assert self.state.size == before
        assert result.message
        return result.code

    def write(self, type_: str, public: Mapping[str, Any], **gate: Any) -> Entry:
        """An entry that no rule made, folded in."""
        entropy = Entropy(hashlib.sha256(f"written {self.state.size}".encode()).digest())
        entry = forged(
            type_,
            filled(type_, public),
            openings(gate, entropy),
            seq=self.state.size,
            at_ms=self.state.at_ms,
            stream="written",
            command="written",
        )
        self.state.apply(entry)
        self.entries.append(entry)
        return entry

    def case(self, name: str) -> Followed:
        """A case, to be followed."""
        return self._followed.setdefault(name, Followed(self.state, name))

    def cases(self) -> list[Followed]:
        """Every case, oldest first."""
        return [self.case(name) for name in self.state.cases]

    def apply(self, value: Mapping[str, Any]) -> dict[str, Any]:
        plan_, listed = seal(read_plan(value), listing.opened, listing.tags)
        return self.must(ApplyPlan(plan_, listed=listed))

    def agree(self) -> None:
        """Every agency approves every terms case that is open."""
        for case in self.cases():
            if case.kind == "terms" and case.state != "determined":
                for agency in sorted(parties_of(case.rule)):
                    self.must(RecordPosition(position(case, agency)))

    def open(self, release: str = RELEASE, name: str = STAGE) -> dict[str, Any]:
        return self.must(OpenStage(opening(self.state, release, name)))

    def submit(
        self, organization: str = "org-1", surface: str = API, *, release: str = RELEASE, name: str = STAGE
    ) -> Followed:
        """An organization applies."""
        result = self.must(application(organization, surface, release=release, name=name))
        return self.case(result["application"])

    def dossier(self, case: str) -> Opening | None:
        """What opens the commitment to the dossier that a case is about; the service looks it up too."""
        about = self.state.cases[case].dossier
        return self.entries[self.state.cases[about].seq].sealed.get("application")

    def appeal(self, case: str, text: str = "it is wrong") -> OpenAppeal:
        """The command that appeals a case."""
        against = self.state.cases[case]
        return OpenAppeal(case, text, self.dossier(self.state.record.dossier_of_appeal(against)))

    def amend(self, grant: str, *, renew: bool, dossier: Any = None, **more: Any) -> Amend:
        """The command that amends a grant; without another dossier it is about the one agreed to."""
        kept = self.dossier(self.state.grants[grant].dossier)
        assert kept is not None
        return Amend(grant, renew, dossier or kept, **more)

    def say(self, case: Case | Followed, agency: str, word: str = "approve") -> dict[str, Any]:
        return self.must(RecordPosition(position(case, agency, word)))

    def all_say(self, case: Followed, *words: str) -> None:
        """What each agency says, such as `oncd approve`."""
        for said in words:
            agency, word = said.split()
            self.must(RecordPosition(position(case, agency, word, reason="why")))

    def later(self, days: float) -> None:
        """Time passes, and what becomes due happens."""
        self.now_ms += round(days * DAY_MS)
        self.tick()

    def ended(self, directive: str) -> str | None:
        """How a directive has ended, if it has."""
        ended = self.state.directives[directive].ended
        return None if ended is None else ended.how

    def types(self, since: int = 0) -> list[str]:
        """The types of the entries from a log size on."""
        return [entry.type for entry in self.entries[since:]]

    def admit(self, organization: str = "org-1", surface: str = API, **where: str) -> str:
        """An organization applies and is approved by both agencies; its grant."""
        case = self.submit(organization, surface, **where)
        self.say(case, "oncd")
        self.say(case, "ostp")
        grant: str | None = case.grant
        assert grant is not None, case.now
        return grant

    def credential(self, grant: str, key: str = "key-1") -> tuple[bytes, str]:
        """Register a key under a grant; its digest and the credential's id."""
        found = hashlib.sha256(key.encode()).digest()
        return found, self.must(IssueCredential(grant, found.hex()))["credential"]

    def revoke(self, credential: str) -> None:
        self.must(RevokeCredential(credential))

    def direct(self, name: str = "d-1", organizations: Sequence[str] = (), **changes: Any) -> dict[str, Any]:
        """Issue a directive over organizations, given by pseudonym, or over everyone."""
        return self.must(suspension(name, organizations, **changes))

    def lift(self, name: str = "d-1", agency: str = "oncd") -> dict[str, Any]:
        case = self.case(self.must(OpenLift(name))["case"])
        return self.say(case, agency)


def start(**changes: Any) -> StartLog:
    return StartLog(**{"origin": ORIGIN, "vkey": LOG, "developer": DEVELOPER, "pins": PINS, **changes})


def application(
    organization: str = "org-1",
    surface: str = API,
    *,
    release: str = RELEASE,
    name: str = STAGE,
    country: str = "US",
) -> SubmitApplication:
    dossier = {"organization": {"name": f"Example {organization}", "registeredIn": country}}
    return SubmitApplication(release, name, surface, organization, dossier)


def suspension(name: str = "d-1", organizations: Sequence[str] = (), **changes: Any) -> IssueDirective:
    if not organizations:
        return IssueDirective(directive(directive_value(name, **changes)))
    value = directive_value(name, covers=committed(organizations), **changes)
    opened, named = {COVERED: opened_names(organizations)}, {"covers": Resolution(list(organizations))}
    return IssueDirective(directive(value), opened, named)


def covering(table: Table, model: str, surface: str, organization: str) -> list[str]:
    """The directives that enforcement finds to suspend a request of an organization that names nobody."""
    entity = table.entity(organization)
    directed = table.directed.get(model, DirectiveIndex())
    found = (each for each in directed.candidates(entity, ()) if each.restricts is None)
    return sorted({each.name for each in found if each.covers(model, surface, entity, ANYBODY)})


class Rough:
    """A log without rules: whatever entries a test writes."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._entropy = Entropy(bytes(32))

    def write(self, type_: str, public: Mapping[str, Any], **gate: Any) -> Entry:
        seq = len(self.entries)
        entry = forged(
            type_,
            filled(type_, public),
            openings(gate, self._entropy),
            seq=seq,
            at_ms=AT_MS,
            stream="rough",
            command=f"cmd_{seq}",
        )
        self.entries.append(entry)
        return entry


def _filled(times: Mapping[str, Iterable[int]]) -> dict[str, list[int]]:
    return {party: kept for party, found in times.items() if (kept := list(found))}


def content(value: Any) -> Any:  # noqa: C901, PLR0911 - one a kind of value
    """What a state holds, as plain values that can be compared; the order of a dict only where it counts."""
    if isinstance(value, State):
        order = [list(value.cases), list(value.directives), list(value.releases)]
        value.settle()
        return {"order": order} | {name: content(field) for name, field in vars(value).items()}
    if isinstance(value, Table):
        return {name: content(field) for name, field in vars(value).items()}
    if isinstance(value, Record):
        return {name: content(field) for name, field in vars(value).items() if not name.startswith("_")}
    if isinstance(value, Trail | OtherNames | Signings):
        return content(vars(value))
    if isinstance(value, Docket):
        return {
            heading: {
                "cases": [case.id for case in section.cases],
                "times": [list(section.whole), _filled(section.answers), _filled(section.begun)],
                "due": section.by_due,
                "waits": section.waits,
            }
            for heading, section in value.sections.items()
        }
    if isinstance(value, DirectiveIndex):  # the first of several is the one that is named
        return [
            sorted((repr(key), list(by)) for key, by in getattr(value, places).items())
            for places in DirectiveIndex.__slots__
        ]
    if isinstance(value, Person):
        return value.id, value.organization, value.claims, value.keys
    if dataclasses.is_dataclass(value):
        fields = [field.name for field in dataclasses.fields(value) if field.compare]
        return {name: content(getattr(value, name)) for name in fields}
    if isinstance(value, Mapping):
        return {key: content(item) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        return set(value)
    return [content(item) for item in value] if isinstance(value, list) else value
