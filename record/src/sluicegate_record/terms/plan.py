"""The plan as the record has it: canonical JSON that `core.terms.plan.read` made from what a person wrote.

Rules:
- This module checks the shape that it relies on, and every number: it does not read a number that the plan
  language cannot express. Otherwise the record holds what was valid when it was accepted.
- A stage's *terms* are its normative fields. Agencies agree to their digest. Titles and target dates are not
  in the terms; models, surfaces, the agencies that decide, the evaluations, what follows from findings, that
  deployments are stated, who may designate and to what that leads, and what a plan says that agencies direct
  are. The digest is over the JSON in the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, TypeAlias

from sluicegate_record.form import Form, Verbatim, form, replace, within
from sluicegate_record.log import canonical
from sluicegate_record.terms import audience as audiences
from sluicegate_record.terms import durations, quorum
from sluicegate_record.terms import findings as found
from sluicegate_record.terms.after import AfterUntil, ReviewClause
from sluicegate_record.terms.audience import (
    EVALUATORS,
    EVERYONE,
    FOR_APPLICANTS,
    NOTICE,
    Audience,
    RampStep,
    Succession,
)
from sluicegate_record.terms.conditions import UNCONDITIONAL, Conditions
from sluicegate_record.terms.deployments import Deployments
from sluicegate_record.terms.durations import Duration
from sluicegate_record.terms.evaluations import Evaluation
from sluicegate_record.terms.exposure import UNSTATED, Exposure
from sluicegate_record.terms.findings import Findings
from sluicegate_record.terms.programmes import Programmes, stated_as
from sluicegate_record.terms.referrals import Referrals
from sluicegate_record.terms.requirements import Group, NoOpenFindings
from sluicegate_record.terms.rule import Rule

REPLY, OFFER, APPEAL = "P10D", "P7D", "P30D"
"""The values of `reply`, `offer` and `appeal.within` if a plan leaves them out."""
Days: TypeAlias = Annotated[int, within(1, 1_000)]
"""How many days of a calendar something may take."""


@form
class ModelDigests(Form):
    """What a model is: the digests of its weights and of its safeguards, without its name."""

    digest: str
    safeguards: str


@form
class Model(Form):
    """A model: its public id, the upstream that serves it, and digests of weights and safeguards."""

    id: str
    upstream: str
    digest: str
    safeguards: str

    @property
    def digests(self) -> ModelDigests:
        """What it is, without its name."""
        return ModelDigests(digest=self.digest, safeguards=self.safeguards)


@form
class Agency(Form):
    """An agency whose position counts. `directs` are the models about which it alone may issue directives.

    None: the plan does not say. Plans of earlier builds do not. `concerns` are its remit.
    """

    name: str
    directs: tuple[str, ...] | None = None
    concerns: tuple[str, ...] = ()


@form
class Evaluator(Form):
    """Who evaluates a model before a stage."""

    name: str


@form
class StageBasis(Form):
    """Why a stage's rules bind: who asked, how, when, and until when. Dates are written as 2026-06-24.

    `after_until` says what follows when the day `until` is over; without it, the rules stay.
    """

    kind: str
    asked_by: tuple[str, ...]
    how: str
    asked_on: str
    until: str | None = None
    after_until: AfterUntil | None = None

    @property
    def review(self) -> ReviewClause | None:
        """The review before its date, if there is one."""
        return None if self.after_until is None else self.after_until.review


@form
class Rung(Form):
    """A step of a ladder: who is asked next after a silence, and for how long;
    without a time, as long as before.
    """

    name: str
    within: Days | None = None
    is_bare: bool = field(default=False, metadata={"kept": True})
    """Whether it was written as its name alone."""

    @classmethod
    def from_json(cls, value: object) -> Rung:
        """Read the step from a name, or from an object. Raises: Misread."""
        if type(value) is str:
            return cls(name=value, is_bare=True)
        return super(Rung, cls).from_json(value)

    def to_json(self) -> Any:
        """The step as it was written."""
        return self.name if self.is_bare else Form.to_json(self)


@form
class Overall(Form):
    """How long a whole case may take, without the time spent waiting for the applicant;
    and what follows then.
    """

    within: Days
    then: str


@form
class Clock(Form):
    """How long an agency has, from its signed receipt, and what its silence means.

    `to` is the ladder of `escalate`; `then` says what silence at its last step means.
    Units: `within` in `unit`s; local dates of the calendar's time zone. `warn` before an agency's due date.
    """

    within: Days
    unit: str
    calendar: str
    silence: str
    to: tuple[Rung, ...] = ()
    then: str | None = None
    warn: Duration | None = None
    overall: Overall | None = None

    def within_at(self, rung: int) -> int:
        """How long there is at a step of the ladder, counted from 1; step 0 is the agency itself."""
        within = self.to[rung - 1].within if rung else None
        return self.within if within is None else within


@form
class Hearing(Form):
    """How long after a decision an appeal is possible."""

    within: Duration | None = None


@form
class Appeal(Hearing):
    """The rule that decides appeals, and how long after a decision one is possible."""

    decide: Rule


@form
class Procedure(Form):
    """How a case proceeds: the part of an `Admission` that a case keeps.

    `reply`: how long an applicant has to answer a denial, and a holder to answer before a removal counts.
    `offer`: how long the next organization on the waitlist has to take a free seat.
    `countersign`: agencies for whose positions two of their owners must sign.
    """

    mode: str
    clock: Clock | None = None
    countersign: tuple[str, ...] = ()
    reply: Duration | None = None
    offer: Duration | None = None
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
        """How long after a decision an appeal is possible, as a duration."""
        within = None if self.appeal is None else self.appeal.within
        return APPEAL if within is None else within

    @property
    def appeal_ms(self) -> int:
        """How long after a decision an appeal is possible."""
        return durations.milliseconds(self.appeal_within)


UNTIMED = Procedure(mode="approve")
"""The procedure for a case that does not keep one."""


@form
class Admission(Procedure):
    """How organizations are admitted and removed: the procedure, and the rules over agencies' positions."""

    grant: Rule
    remove: Rule | None = None
    appeal: Appeal | None = None

    @property
    def procedure(self) -> Procedure:
        """The part of it that a case keeps."""
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


NO_ADMISSION = Admission(mode="none", grant=Rule("anyOf", ()))
"""That of a stage for which no one applies. No positions satisfy its rule."""


@form
class OwnerThreshold(Form):
    """Which owners an applicant must name: all with more than this share.

    Units: per cent.
    """

    above: Annotated[int, within(0, 99)]


@form
class Eligibility(Form):
    """Who may apply, and what is checked. Everyone can see it before they apply.

    `registered_in` applies to the organization, and to the affiliates that will use the model.
    """

    registered_in: tuple[str, ...] | None = None
    owners: OwnerThreshold | None = None
    screening: str | None = None
    onward_access: tuple[str, ...] | None = None
    criteria: tuple[str, ...] = ()

    @property
    def onward_eligible(self) -> tuple[str, ...]:
        """Which onward access is eligible. If the plan leaves it out, no onward access is eligible."""
        return ("none",) if self.onward_access is None else self.onward_access


UNBOUND = frozenset({"title", "target"})
"""The fields of a stage that its terms do not bind."""


@form
class Stage(Verbatim):
    """A step of the release. It opens by itself once `opens_when` holds; without that, by an officer.

    `concern` is what the gate is there for: an objection counts if it names that. `target` is the day until
    which it opens, as the developer promises.
    """

    name: str
    title: str | None = None
    target: str | None = None
    basis: StageBasis
    concern: str | None = None
    opens_when: Group | None = None
    exposure: Exposure = UNSTATED
    audience: Audience = FOR_APPLICANTS
    ramp: tuple[RampStep, ...] = ()
    grants: Mapping[str, Succession] = field(default_factory=dict)
    seats: Annotated[int, within(1, 1_000_000)] | None = None
    admission: Admission = NO_ADMISSION
    eligibility: Eligibility = Eligibility()
    conditions: Conditions = UNCONDITIONAL

    @property
    def agreed_by(self) -> Rule | None:
        """The rule for the opening, if agencies must agree to it."""
        asked = () if self.opens_when is None else self.opens_when.leaves
        rules = tuple(rule for each in asked for rule in each.rules)
        return rules[0] if len(rules) == 1 else Rule("allOf", rules) if rules else None

    @property
    def notice_ms(self) -> int:
        """How long before it opens the holders of grants that go on as part of it hear of that."""
        stated = (NOTICE if each.notice is None else each.notice for each in self.grants.values())
        return max(map(durations.milliseconds, stated), default=0)

    @property
    def is_for_everyone(self) -> bool:
        """Whether an organization needs no case."""
        return self.audience.kind == EVERYONE

    @property
    def admittance(self) -> tuple[Eligibility, Admission]:
        """Who may apply, and how that is decided. If either changes, every open case ends."""
        return self.eligibility, self.admission

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule that the stage states."""
        admission = self.admission
        decide = None if admission.appeal is None else admission.appeal.decide
        review = None if self.basis.review is None else self.basis.review.by
        stated = (admission.grant, admission.remove, decide, self.agreed_by, review)
        return tuple(rule for rule in stated if rule is not None)

    @property
    def agencies(self) -> frozenset[str]:
        """The agencies that it names: those that asked, and those in any of its rules."""
        return frozenset(self.basis.asked_by).union(*map(quorum.parties_of, self.rules))


@form
class DesignatedClass(Form):
    """To which scrutiny level a designation of a class leads."""

    scrutiny: str


@form
class Designations(Form):
    """Who may designate models of the release, and to which level each class leads.

    `reconsider` decides whether a designation ends that the developer appeals; without it, its own agency.
    """

    by: tuple[str, ...]
    classes: Mapping[str, DesignatedClass]
    reconsider: Rule | None = None


@form
class Scrutiny(Form):
    """What a level adds to the terms of every stage. `terms.scrutiny` says how."""

    add_agencies: tuple[str, ...] = ()
    clock: Clock | None = None
    seats: Annotated[int, within(1, 1_000_000)] | None = None
    requires: Group | None = None


@form
class Disclosure(Form):
    """What the public record says of organizations."""

    organizations: str


@form
class OnRefusal(Form):
    """What a refused caller gets as an offer."""

    fallback_model: str


@form
class PlanSpec(Form):
    """What is released, where, with whose permission, in which stages."""

    models: tuple[Model, ...]
    surfaces: tuple[str, ...]
    announced: bool
    lease_ms: Annotated[int, within(500, 60_000)]
    agencies: Mapping[str, Agency]
    evaluators: Mapping[str, Evaluator] = field(default_factory=dict)
    evaluations: Mapping[str, Evaluation] = field(default_factory=dict)
    stages: tuple[Stage, ...]
    disclosure: Disclosure
    on_refusal: OnRefusal | None = None
    referrals: Referrals | None = None
    designations: Designations | None = None
    scrutiny: Mapping[str, Scrutiny] = field(default_factory=dict)
    programmes: Programmes = field(default_factory=dict)
    deployments: Deployments | None = None
    findings: Findings | None = None

    @property
    def scale(self) -> Findings:
        """What counts of findings: what the plan says of them, or the levels of the draft."""
        return found.UNSTATED if self.findings is None else self.findings

    @property
    def closers(self) -> frozenset[str]:
        """Who may close findings of others, if the terms of a stage rest on that: agencies and evaluators."""
        asks = [stage.opens_when for stage in self.stages] + [
            level.requires for level in self.scrutiny.values()
        ]
        leaves = (leaf for each in asks if each is not None for leaf in each.leaves)
        if self.findings is None and not any(isinstance(leaf, NoOpenFindings) for leaf in leaves):
            return frozenset()
        return frozenset({*self.agencies, *self.evaluators})

    @property
    def directs(self) -> dict[str, tuple[str, ...]]:
        """The models that agencies direct, by agency, where the plan says so."""
        stated = ((name, agency.directs) for name, agency in self.agencies.items())
        return {name: models for name, models in stated if models is not None}

    @property
    def remits(self) -> dict[str, tuple[str, ...]]:
        """The concerns of agencies, sorted, by agency, where the plan says so."""
        return {name: tuple(sorted(each.concerns)) for name, each in self.agencies.items() if each.concerns}

    def directed_by(self, agency: str) -> frozenset[str]:
        """The models that an agency directs by this plan: those it says, or all of its own."""
        if agency not in self.agencies:
            return frozenset()
        return frozenset(self.directs.get(agency, (model.id for model in self.models)))


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
        """How a statement names the models: by the digests of their weights and safeguards, without names."""
        return tuple(each.digests for each in self.spec.models)

    @property
    def weights(self) -> dict[str, str]:
        """The digests of the weights of the models, by model."""
        return {model.id: model.digest for model in self.spec.models}

    def running(self, newest: Plan) -> Plan:
        """This plan with the models as a later plan has them: what its terms ask for is asked of those.

        A model that the later plan does not have stays as it was.
        """
        known = {model.id: model for model in newest.spec.models}
        models = tuple(known.get(model.id, model) for model in self.spec.models)
        return replace(self, spec=replace(self.spec, models=models))

    def agencies_of(self, stage: Stage) -> frozenset[str]:
        """The agencies that agree to a stage's terms: those that it names, and those that a level adds."""
        return stage.agencies.union(*(each.add_agencies for each in self.spec.scrutiny.values()))

    def listed(self, stage: Stage) -> tuple[str, ...]:
        """The commitments to the organizations that a stage admits by its terms, without a case of their own:
        those of its list, or the evaluators of the plan.
        """
        if stage.audience.kind != EVALUATORS:
            return stage.audience.organizations
        named = (audiences.evaluator(each.name) for each in self.spec.evaluators.values())
        return tuple(map(audiences.committed, named))

    def programme_of(self, stage: Stage) -> str | None:
        """The programme, by label, that those hold who a stage is for; None if it is for others."""
        return stated_as(stage.audience.programme, self.spec.programmes)

    def judges(self, stage: Stage) -> list[str] | None:
        """The agencies that can be asked in an appeal if a stage names no rule for it; None if it does."""
        return None if stage.admission.appeal is not None else sorted(self.spec.agencies)

    def terms_digest(self, stage: Stage) -> str:
        """The digest of a stage's normative fields, as `sha256:…`."""
        spec, directs = self.source["spec"], self.spec.directs
        stated: dict[str, Any] = {}
        if directs:
            stated["directs"] = {name: sorted(models) for name, models in directs.items()}
        if self.spec.remits:
            stated["concerns"] = {name: list(each) for name, each in self.spec.remits.items()}
        named = (
            *("referrals", "designations", "scrutiny", "programmes", "evaluations", "findings"),
            "deployments",
        )
        stated |= {name: spec[name] for name in named if name in spec}
        if self.spec.closers:
            stated["closers"] = sorted(self.spec.closers)
        if stage.audience.kind == EVALUATORS:
            stated["evaluators"] = spec.get("evaluators", {})
        return canonical.digest(
            {
                **stated,
                "release": self.metadata.name,
                "developer": self.metadata.developer,
                "models": spec["models"],
                "surfaces": spec["surfaces"],
                "leaseMs": spec["leaseMs"],
                "disclosure": spec["disclosure"],
                "agencies": sorted(self.agencies_of(stage)),
                "appealsTo": self.judges(stage),
                "stage": {name: value for name, value in stage.source.items() if name not in UNBOUND},
            }
        )

    @property
    def terms(self) -> dict[str, str]:
        """The digest of every stage's terms, by the stage's name."""
        return {stage.name: self.terms_digest(stage) for stage in self.spec.stages}
