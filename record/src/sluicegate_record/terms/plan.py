"""The plan as the record holds it: canonical JSON that `core.terms.plan.read` made of what a person wrote.

Rules:
- Nothing is checked here but the shape that is relied on: the record holds what was accepted when it came.
- A stage's *terms* are its normative fields; their digest is what agencies agree to. Titles are not in it;
  models, surfaces and the agencies that decide are. It is taken over the JSON as it stands in the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from sluicegate_record.form import Form, Verbatim, form
from sluicegate_record.log import canonical
from sluicegate_record.terms import durations, quorum
from sluicegate_record.terms.conditions import UNCONDITIONAL, Conditions
from sluicegate_record.terms.rule import Rule

REPLY, OFFER, APPEAL = "P10D", "P7D", "P30D"
"""What `reply`, `offer` and `appeal.within` are where a plan leaves them out."""


@form
class Model(Form):
    """A model: its public id, the upstream that serves it, and digests of weights and safeguards."""

    id: str
    upstream: str
    digest: str
    safeguards: str


@form
class ModelDigests(Form):
    """What a model is: the digests of its weights and of its safeguards, without its name."""

    digest: str
    safeguards: str


@form
class Agency(Form):
    """A body whose position counts."""

    name: str


@form
class StageBasis(Form):
    """Why a stage's rules bind: who asked, how, when, and until when. Dates are such as 2026-06-24."""

    kind: str
    asked_by: tuple[str, ...]
    how: str
    asked_on: str
    until: str | None = None


@form
class Rung(Form):
    """A step of a ladder: where silence is taken to, and how long there is then, else as before."""

    name: str
    within: int | None = None
    is_bare: bool = field(default=False, metadata={"kept": True})
    """It is written as its name alone."""

    @classmethod
    def from_json(cls, value: object) -> Rung:
        """The step in a name, or in an object. Raises: Misread."""
        if type(value) is str:
            return cls(name=value, is_bare=True)
        return super(Rung, cls).from_json(value)

    def to_json(self) -> Any:
        """The step as it was written."""
        return self.name if self.is_bare else Form.to_json(self)


@form
class Overall(Form):
    """How long a whole case may take, time waiting for the applicant excluded, and what follows then."""

    within: int
    then: str


@form
class Clock(Form):
    """How long an agency has, from its signed receipt, and what its silence means.

    `to` is the ladder of `escalate`; `then` what silence of its last step means.
    Units: `within` in `unit`s; local dates of the calendar's time zone. `warn` before an agency's due date.
    """

    within: int
    unit: str
    calendar: str
    silence: str
    to: tuple[Rung, ...] = ()
    then: str | None = None
    warn: str | None = None
    overall: Overall | None = None

    def within_at(self, rung: int) -> int:
        """How long there is at a step of the ladder, counted from 1; at 0, the agency itself."""
        within = self.to[rung - 1].within if rung else None
        return self.within if within is None else within


@form
class Hearing(Form):
    """Within how long an appeal may be made."""

    within: str | None = None


@form
class Appeal(Hearing):
    """Who hears appeals, and within how long one may be made."""

    decide: Rule


@form
class Procedure(Form):
    """How a case goes, whoever decides it: the part of an `Admission` that a case keeps.

    `reply`: how long an applicant has to answer a denial, and a holder to answer before a removal counts.
    `offer`: how long a freed seat is offered to the next on the waitlist.
    `countersign`: agencies for whose positions two of their owners must sign.
    """

    mode: str
    clock: Clock | None = None
    countersign: tuple[str, ...] = ()
    reply: str | None = None
    offer: str | None = None
    appeal: Hearing | None = None

    @property
    def is_notified(self) -> bool:
        """Whether agencies are only notified, and silence admits."""
        return self.mode == "notify"

    @property
    def reply_ms(self) -> int:
        """How long there is to reply."""
        return durations.milliseconds(REPLY if self.reply is None else self.reply)

    @property
    def offer_ms(self) -> int:
        """How long a seat is offered."""
        return durations.milliseconds(OFFER if self.offer is None else self.offer)

    @property
    def appeal_within(self) -> str:
        """Within how long an appeal may be made, as a duration."""
        within = None if self.appeal is None else self.appeal.within
        return APPEAL if within is None else within

    @property
    def appeal_ms(self) -> int:
        """Within how long an appeal may be made."""
        return durations.milliseconds(self.appeal_within)


UNTIMED = Procedure(mode="approve")
"""The procedure of a case that keeps none."""


@form
class Admission(Procedure):
    """How organizations are admitted and removed: the procedure, and the rules over agencies' positions."""

    grant: Rule
    remove: Rule | None = None
    appeal: Appeal | None = None

    @property
    def procedure(self) -> Procedure:
        """What a case keeps of it."""
        within = None if self.appeal is None else self.appeal.within
        return Procedure(
            mode=self.mode,
            clock=self.clock,
            countersign=self.countersign,
            reply=self.reply,
            offer=self.offer,
            appeal=None if within is None else Hearing(within=within),
            unknown=self.unknown,
        )


@form
class OwnerThreshold(Form):
    """Which owners an applicant must name: all that hold more than this share.

    Units: per cent.
    """

    above: int


@form
class Eligibility(Form):
    """Who may apply, and what is looked at; shown before anybody applies.

    `registered_in` holds for the organization and for the affiliates that will use the model.
    """

    registered_in: tuple[str, ...] | None = None
    owners: OwnerThreshold | None = None
    screening: str | None = None
    onward_access: tuple[str, ...] | None = None
    criteria: tuple[str, ...] = ()

    @property
    def onward_eligible(self) -> tuple[str, ...]:
        """Which onward access is eligible; where it is left out, none is."""
        return ("none",) if self.onward_access is None else self.onward_access


@form
class Requirement(Form):
    """One thing that must hold: the terms are agreed, or these agencies agree in a case of its own."""

    terms: str | None = None
    agreed_by: Rule | None = None


@form
class OpensWhen(Form):
    """What must hold before an officer's opening counts."""

    all_of: tuple[Requirement, ...]


@form
class Stage(Verbatim):
    """A step of the release. An officer's signed entry opens it, once what `opens_when` asks for holds."""

    name: str
    title: str | None = None
    basis: StageBasis
    opens_when: OpensWhen | None = None
    seats: int | None = None
    admission: Admission
    eligibility: Eligibility = Eligibility()
    conditions: Conditions = UNCONDITIONAL

    @property
    def agreed_by(self) -> Rule | None:
        """The rule of the opening, where agencies must agree to it."""
        asked = () if self.opens_when is None else self.opens_when.all_of
        rules = tuple(each.agreed_by for each in asked if each.agreed_by is not None)
        return rules[0] if len(rules) == 1 else Rule("allOf", rules) if rules else None

    @property
    def admittance(self) -> tuple[Eligibility, Admission]:
        """Who may apply, and how it is decided: where either changes, no case goes on."""
        return self.eligibility, self.admission

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule that the stage states."""
        admission = self.admission
        decide = None if admission.appeal is None else admission.appeal.decide
        stated = (admission.grant, admission.remove, decide, self.agreed_by)
        return tuple(rule for rule in stated if rule is not None)

    @property
    def agencies(self) -> frozenset[str]:
        """The agencies it names: those that asked, and those whose positions count in any of its rules."""
        return frozenset(self.basis.asked_by).union(*map(quorum.parties_of, self.rules))


@form
class Disclosure(Form):
    """What the public record says of organizations."""

    organizations: str


@form
class OnRefusal(Form):
    """What a refused caller is offered."""

    fallback_model: str


@form
class PlanSpec(Form):
    """What is released, where, by whose leave, in which stages."""

    models: tuple[Model, ...]
    surfaces: tuple[str, ...]
    announced: bool
    lease_ms: int
    agencies: Mapping[str, Agency]
    stages: tuple[Stage, ...]
    disclosure: Disclosure
    on_refusal: OnRefusal | None = None


@form
class PlanMetadata(Form):
    """The release's name, its developer, and a title for people."""

    name: str
    developer: str
    title: str | None = None


@form
class Plan(Verbatim):
    """A plan: one release of a model, in stages."""

    api_version: str
    kind: str
    metadata: PlanMetadata
    spec: PlanSpec

    @property
    def stages(self) -> dict[str, Stage]:
        """The plan's stages by name."""
        return {stage.name: stage for stage in self.spec.stages}

    @property
    def model_digests(self) -> tuple[ModelDigests, ...]:
        """What a statement says of the models: their digests, and their safeguards', without names."""
        return tuple(
            ModelDigests(digest=each.digest, safeguards=each.safeguards) for each in self.spec.models
        )

    def judges(self, stage: Stage) -> list[str] | None:
        """Among whom those are who hear appeals where a stage does not say: all agencies; else None."""
        return None if stage.admission.appeal is not None else sorted(self.spec.agencies)

    def terms_digest(self, stage: Stage) -> str:
        """The digest of a stage's normative fields, as `sha256:…`."""
        spec = self.source["spec"]
        return canonical.digest(
            {
                "release": self.metadata.name,
                "developer": self.metadata.developer,
                "models": spec["models"],
                "surfaces": spec["surfaces"],
                "leaseMs": spec["leaseMs"],
                "disclosure": spec["disclosure"],
                "agencies": sorted(stage.agencies),
                "appealsTo": self.judges(stage),
                "stage": {name: value for name, value in stage.source.items() if name != "title"},
            }
        )

    @property
    def terms(self) -> dict[str, str]:
        """The digest of every stage's terms, by the stage's name."""
        return {stage.name: self.terms_digest(stage) for stage in self.spec.stages}
