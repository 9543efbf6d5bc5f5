"""The vocabulary of a scripted history: a world that notes what every command gave.

Rules:
- Pure: no I/O, no clock, no randomness. Time is moved at will; entropy is that of the command's number.
- Cases, grants and the like are named by their ids, so that a script says nothing of how a state holds them.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sluicegate.core.directives.cover import NOBODY, Resolution
from sluicegate.core.lifecycle import Acceptance, Command, Refusal
from sluicegate.core.lifecycle.applications import SubmitApplication
from sluicegate.core.lifecycle.credentials import IssueCredential
from sluicegate.core.lifecycle.directives import Confirm, IssueDirective, OpenLift
from sluicegate.core.lifecycle.fleet import NoteInForce
from sluicegate.core.lifecycle.positions import RecordPosition, TranscribePosition
from sluicegate.core.lifecycle.record import AddNote
from sluicegate.core.lifecycle.releases import ApplyPlan, OpenStage
from sluicegate.core.lifecycle.stages import FORESIGHT
from sluicegate_record.directives.received import Arrival
from sluicegate_record.directives.scope import Scope
from sluicegate_record.entries.cases import Description
from sluicegate_record.entries.directives import AtGateway
from sluicegate_record.log import acknowledgement, canonical, merkle, times
from sluicegate_record.log.leaf import Entropy, Opening
from sluicegate_record.log.merkle import Frontier
from sluicegate_record.statements.about import About
from sluicegate_record.statements.cases import Schedule, ScheduledCase, Transcription
from sluicegate_record.statements.directives import Confirmation, DirectiveStatement
from sluicegate_record.statements.notes import NoteStatement
from sluicegate_record.terms.plan import Plan
from sluicegate_record.terms.quorum import parties_of
from tests.vectors import older
from tests.vectors.themes.plans import SEATS
from tests.worlds import (
    API,
    DAY_MS,
    LOG,
    OFFICER,
    OTHER_OFFICER,
    World,
    directive_value,
    opening,
    position,
    private_key,
    read_plan,
    signed,
)

HOUR = 1 / 24
SIGNERS = {"trade": "first", "openai": OFFICER}
"""Who signs for a party by default, where that is not the owner of its name."""
FOLD = 2
"""The fold that the gateways of this history were built with; it is in what they signed."""
LETTER = {"how": "letter", "on": "2026-06-12", "digest": "sha256:" + "a" * 64}


class History(World):
    """A log made step by step, and the result of every command. `ids` holds what later steps refer to.

    `foresees`: earlier builds did not say before when a stage opens, and their part of the history stays.
    """

    def __init__(self) -> None:
        super().__init__(started=False)
        self.results: list[dict[str, Any]] = []
        self.ids: dict[str, str] = {}
        self.foresees = False

    def _do(self, command: Command, by: str) -> dict[str, Any] | Refusal:
        found = super()._do(command, by)
        at = times.format_time(max(self.now_ms, self.state.at_ms))
        said = {"refused": [found.kind, found.code]} if isinstance(found, Refusal) else {"result": found}
        name = type(command).__name__
        if not self.foresees:
            for what in [each for each in self.state.agenda if each.what == FORESIGHT]:
                self.state.agenda.put(what, None)
        self.results.append({"id": f"cmd_{self._commands}", "command": name, "by": by, "at": at, **said})
        return found

    def _decided(self, command: Command, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
        earlier = older.DECIDES.get(type(command))
        if earlier is not None:
            return earlier(self.state, command, now_ms, entropy)
        return super()._decided(command, now_ms, entropy)

    def no(self, code: str, command: Command) -> None:
        """A command that the rules refuse, and why."""
        assert self.refused(command) == code, code

    # What the log says, read from its entries

    def newest(self, type_: str, **public: Any) -> Mapping[str, Any]:
        """The public part of the newest entry of a type with these fields."""
        for entry in reversed(self.entries):
            if entry.type == type_ and public.items() <= entry.public.items():
                return entry.public
        raise AssertionError(f"no {type_} of {public}")

    def ends(self, case: str, outcome: str, code: str | None = None) -> None:
        """A case has come to this outcome."""
        found = self.newest("case.determined", case=case)
        assert (found["outcome"], found.get("reasonCode")) == (outcome, code), found

    def granted(self, case: str) -> str:
        """The grant that a case has given."""
        grant: str = self.newest("grant.approved", case=case)["grant"]
        return grant

    def last(self, type_: str) -> None:
        """The newest entry is of this type."""
        assert self.entries[-1].type == type_, self.entries[-1].type

    # Releases

    def apply_older(self, value: Mapping[str, Any]) -> None:
        """A plan of an earlier build, whose bases do not say what follows when their date is over."""
        said: Any = copy.deepcopy(value)
        dated = [each["basis"] for each in said["spec"]["stages"] if "until" in each["basis"]]
        for basis in dated:
            basis["afterUntil"] = "stay"
        plan = read_plan(said).to_json()
        for stage in plan["spec"]["stages"]:
            stage["basis"].pop("afterUntil", None)
        self.must(ApplyPlan(Plan.from_json(plan)))

    def agree_to(self, release: str, *but: str) -> None:
        """Every agency approves the open terms cases of a release, but for these stages."""
        for case in list(self.state.cases.values()):
            question = case.question
            is_open = case.kind == "terms" and case.state != "determined"
            if is_open and question.release == release and question.stage not in but:
                for agency in sorted(parties_of(case.rule)):
                    self.says(case.id, f"{agency} approve")

    def terms_case(self, release: str, stage: str) -> str:
        """The newest case about the terms of a stage."""
        case: str = self.newest("case.opened", kind="terms", release=release, stage=stage)["case"]
        return case

    def opens(self, release: str, stage: str, **changes: str) -> dict[str, Any]:
        """An officer opens a stage."""
        return self.must(OpenStage(opening(self.state, release, stage, **changes)), by="officer")

    # Cases

    def applies(
        self,
        organization: str,
        release: str,
        stage: str,
        surface: str = API,
        *,
        described: Description | None = None,
        **dossier: Any,
    ) -> str:
        """An organization applies; its case."""
        sealed = {"organization": {"name": f"Example {organization}", "registeredIn": "US", **dossier}}
        command = SubmitApplication(release, stage, surface, organization, sealed, described)
        case: str = self.must(command, by=f"user of {organization}")["application"]
        return case

    def says(self, case: str, *said: str, **changes: Any) -> None:
        """What agencies say in a case, such as `oncd approve`."""
        for each in said:
            agency, word = each.split()
            stated = {"signer": SIGNERS.get(agency, agency)}
            if word not in {"approve", "no-objection", "abstain"}:
                stated["reason"] = "why"
            envelope = position(self.state.cases[case], agency, word, **{**stated, **changes})
            self.must(RecordPosition(envelope), by=f"reviewer of {agency}")

    def asks_for(self, case: str, agency: str, **conditions: Any) -> None:
        """An agency approves with conditions."""
        self.says(case, f"{agency} approve-with-conditions", conditions=conditions, reason="")

    def seals(self, case: str, agency: str, word: str, reason: str) -> None:
        """An agency's position whose reason is not public."""
        opened = sealed(reason)
        said = position(
            self.state.cases[case], agency, word, reason="", sealed=opened.commitment("sealed", "reason")
        )
        self.must(RecordPosition(said, opened), by=f"reviewer of {agency}")

    def schedules(self, agency: str, word: str, *cases: str) -> None:
        """One signature over several cases."""
        rows = []
        for case in cases:
            said = self.state.cases[case].positions.get(agency)
            digest = self.state.cases[case].question.digest
            rows.append(ScheduledCase(case=case, question=digest, previous=said.digest if said else None))
        schedule = Schedule(log=LOG, agency=agency, position=word, reason="all of them", cases=tuple(rows))
        envelope = signed(schedule.payload(), agency)
        for case in cases:
            self.must(RecordPosition(envelope, case=case), by=f"reviewer of {agency}")

    def admits(self, organization: str, release: str, stage: str, *said: str, surface: str = API) -> str:
        """An organization applies and is admitted; its grant."""
        case = self.applies(organization, release, stage, surface)
        self.says(case, *(said or ("oncd approve", "ostp approve")))
        return self.granted(case)

    def issues(self, grant: str, key: str, member: str | None = None) -> str:
        """Register a key under a grant; the credential's id."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        credential: str = self.must(IssueCredential(grant, digest, member))["credential"]
        self.ids[key] = credential
        return credential

    def amends(self, grant: str, *said: str, renew: bool = True, **more: Any) -> str:
        """A holder asks for a grant to be renewed or changed; the case, and what is said in it."""
        case: str = self.must(self.amend(grant, renew=renew, **more))["application"]
        self.says(case, *said)
        return case

    def waits(self, organization: str, surface: str = API) -> str:
        """An organization is approved where every seat is taken; its case."""
        case = self.applies(organization, SEATS, "seated", surface)
        self.says(case, "oncd approve", "ostp approve")
        self.last("case.waitlisted")
        return case

    def notes(self, party: str, kind: str, text: str, **about: str) -> None:
        """A note for the record; `about` as statements have it."""
        note = NoteStatement(
            log=LOG, party=party, about=About.from_json(about), kind=kind, on="2026-06-24", text=text
        )
        signer = OFFICER if party == "openai" else party
        self.must(AddNote(signed(note.payload(), signer)))

    # Directives

    def order(
        self,
        name: str,
        *signers: str,
        opened: Mapping[str, Opening] | None = None,
        named: Mapping[str, Resolution] | None = None,
        described: Sequence[Description] = (),
        metadata: Mapping[str, Any] | None = None,
        replaces: str = "",
        spares: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> IssueDirective:
        """A directive as it is signed. `replaces` is the one it takes the place of, `spares` its `except`."""
        value = directive_value(name, **changes, **({"except": spares} if spares else {}))
        if replaces:
            metadata = {**(metadata or {}), "replaces": self.standing(replaces)}
        value["metadata"] = {"name": name, "log": LOG, **(metadata or {})}
        envelope = signed(
            DirectiveStatement(document=value).payload(), *(signers or (value["spec"]["issuer"],))
        )
        return IssueDirective(envelope, opened or {}, named or {}, described)

    def transcribes(self, name: str, issuer: str = "bis", **changes: Any) -> IssueDirective:
        """An order that came as a letter, entered by two officers."""
        changes = {"issuer": issuer, "liftedBy": {"allOf": [issuer]}, **changes}
        return self.order(name, OFFICER, OTHER_OFFICER, metadata={"transcribed": LETTER}, **changes)

    def standing(self, name: str) -> dict[str, str]:
        """A directive as it stands, as a change of it binds it."""
        document = self.newest("directive.issued", directive=name)["document"]
        return {"directive": name, "document": canonical.digest(document)}

    def confirms(self, name: str, signer: str) -> None:
        """Its issuer stands by what was transcribed."""
        payload = Confirmation.from_json({"log": LOG, **self.standing(name)}).payload()
        self.must(Confirm(signed(payload, signer)))

    def lifting(
        self, name: str, opened: Opening | None = None, named: Resolution = NOBODY, **scope: Any
    ) -> str:
        """The case about lifting a directive, or a part of it."""
        case: str = self.must(OpenLift(name, Scope.from_json(scope) if scope else None, opened, named))[
            "case"
        ]
        return case

    def letter(self, case: str, agency: str, word: str = "approve") -> TranscribePosition:
        """What the issuer of a transcribed order said about lifting it, as officers enter it."""
        said = Transcription(
            question=self.state.cases[case].question,
            agency=agency,
            position=word,
            previous=None,
            received=Arrival.from_json(LETTER),
        )
        return TranscribePosition(signed(said.payload(), OFFICER, OTHER_OFFICER))

    # Gateways

    def root(self) -> bytes:
        """The log's root as it is."""
        frontier = Frontier()
        for entry in self.entries:
            frontier.append(merkle.leaf_hash(entry.leaf))
        return frontier.root()

    def acknowledged(self, *gateways: str, surface: str = API, **changes: Any) -> list[dict[str, Any]]:
        """Rows of gateways that have acknowledged all there is, each signed with its run's own key."""
        after, root, at = self.state.size, self.root().hex(), times.format_time(self.now_ms)
        rows = []
        for gateway in gateways:
            asked = {"gateway": gateway, "incarnation": "run-1", "surface": surface, "after": after,
                     "root": root, "fold": FOLD, "nonce": "n" * 16}  # fmt: skip
            found = acknowledgement.read(acknowledgement.signed(asked, private_key(gateway)))
            assert found is not None
            rows.append(
                {"gateway": gateway, "incarnation": "run-1", "surface": surface, "state": "acknowledged",
                 "size": after, "at": at, "streamsCut": 2, "signed": True, "drifted": False,
                 "key": found.ask.key, "ask": found.ask.to_json(), "sig": found.sig, **changes}
            )  # fmt: skip
        return rows

    def unsigned(self, gateway: str, **changes: Any) -> dict[str, Any]:
        """The row of a gateway that signs nothing."""
        row = {"gateway": gateway, "incarnation": "run-1", "surface": API, "state": "acknowledged",
               "size": self.state.size, "at": times.format_time(self.now_ms), "streamsCut": 0,
               "signed": False, "drifted": False, "key": None, "ask": None, "sig": None}  # fmt: skip
        return {**row, **changes}

    def in_force(self, name: str, rows: Sequence[dict[str, Any]]) -> NoteInForce:
        """The note that a directive is in force everywhere."""
        return NoteInForce(name, self.state.directives[name].size, [AtGateway.from_json(row) for row in rows])

    def until(self, days: float) -> str:
        """A time so many days from now, as entries write it."""
        return times.format_time(self.now_ms + round(days * DAY_MS))


def dossier(**organization: Any) -> dict[str, Any]:
    """An organization file, as it is sealed."""
    return {"organization": {"name": "Example", "registeredIn": "US", **organization}}


def sealed(value: Any) -> Opening:
    """What opens a commitment to a value."""
    body = canonical.dumps(value)
    return Opening(hashlib.sha256(body).digest(), body)


def committed(value: Sequence[str] | Mapping[str, Sequence[str]], name: str) -> dict[str, Any]:
    """Names as a signed directive has them: how many, and the commitment under the name of a part."""
    count = sum(map(len, value.values())) if isinstance(value, Mapping) else len(value)
    return {"count": count, "commitment": sealed(value).commitment("sealed", name)}


def tag(name: str) -> str:
    """What stands for a legal name in the record."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def describes(organization: str, country: str = "US", sector: str | None = None) -> Description:
    """An organization as directives must know it."""
    return Description(
        organization=organization,
        name=tag(f"Example {organization}"),
        registered_in=country,
        sector=sector,
    )
