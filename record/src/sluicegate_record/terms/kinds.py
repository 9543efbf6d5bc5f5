"""What a case is about, and which steps are allowed in it: two tables. Docs and tests are made from them.

Rules:
- A kind is data: who opens it, which rule decides it, what follows. The only code that is special to a kind
  is the consequence that it names.
- A step is allowed in a case of these kinds, in these states, by these roles. A step that is not in the table
  is not allowed.
- `by` names roles. An *agency* is one that the case's rule names. An *officer* signs with the developer's
  key. The *applicant* opened the case, or is the organization that it is about.
"""

from __future__ import annotations

from dataclasses import dataclass

from sluicegate_record.terms import quorum
from sluicegate_record.terms.plan import Plan, Stage
from sluicegate_record.terms.rule import Rule

WEIGHTY = frozenset({"object", "approve-with-conditions", "screening"})
"""What makes a consent stale whose signer did not know of it."""
NEWS_MAX = 3
"""How many objections and conditions of one agency weigh in a case."""
TERMS, ADMISSION, AMENDMENT, OPENING = "terms", "admission", "amendment", "opening"
REMOVAL, LIFT, APPEAL, REVIEW = "removal", "lift", "appeal", "review"
LICENCE, RECONSIDER = "licence", "reconsider"

SUBMITTED, IN_REVIEW, ASKED = "submitted", "in_review", "asked"
WAITLISTED, OFFERED, DETERMINED = "waitlisted", "offered", "determined"
LISTED = frozenset({WAITLISTED, OFFERED})
"""The states of a case that waits for a seat, or whose applicant can take one."""
STATES = (SUBMITTED, IN_REVIEW, ASKED, WAITLISTED, OFFERED, DETERMINED)
OUTCOMES = (
    "approved",
    "approved-with-conditions",
    "denied",
    "returned",
    "lapsed",
    "withdrawn",
    "superseded",
)
REASON_CODES = (
    "criteria_not_met",
    "key_compromised",
    "misuse",
    "safeguards",
    "screening",
    "security",
    "terms_breached",
    "other",
)
"""Reasons to suspend a grant, or to ask for its removal."""

GRANTED = frozenset({"approved", "approved-with-conditions"})
UNHEARD = frozenset({"superseded", "returned", "lapsed"})
"""Outcomes of an appeal that no one decided. Another one is possible."""
ABOUT_ONE = frozenset({ADMISSION, AMENDMENT, REMOVAL, APPEAL})
"""The kinds about one organization."""
OF_ONE = ABOUT_ONE | {LICENCE}
"""The kinds that name an organization: those about one under terms, and its licences."""
APPLIED = frozenset({ADMISSION, AMENDMENT, APPEAL})
"""The kinds an applicant opens."""
ADMITS = frozenset({ADMISSION, AMENDMENT})
"""The kinds whose approval gives a grant, or extends one."""
AGREED = frozenset({TERMS, REVIEW})
"""The kinds about the plan's own terms. The others are about what a scrutiny level makes of them."""
CONCERNED = frozenset({ADMISSION, AMENDMENT, OPENING})
"""The kinds that agencies can refer to others, and in which an objection names a concern."""
LASTING = frozenset({LIFT, REMOVAL, LICENCE, RECONSIDER})
"""The kinds that a later plan does not end: they do not depend on the plan."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of case.

    `binds`: the fields of its question beyond `log`, `case` and `kind`. `clocked`: the stage's clock runs.
    `advice`: if the basis is voluntary, officers may proceed. `follows`: the entries that follow an approval.
    """

    asks: str
    opened_by: str
    rule: str
    binds: tuple[str, ...]
    follows: str
    clocked: bool = False
    advice: bool = True


_STAGE = ("release", "stage", "terms", "models")
_PARTY = (*_STAGE, "surface", "party")

KINDS: dict[str, Kind] = {
    TERMS: Kind(
        "Do you agree to the terms of this stage?",
        "the developer, by applying a plan",
        "every agency the stage names",
        _STAGE,
        "the terms are agreed",
    ),
    ADMISSION: Kind(
        "May this organization use the models of this stage on this surface?",
        "the applicant",
        "admission.grant",
        (*_PARTY, "programmes"),
        "grant.approved",
        clocked=True,
    ),
    AMENDMENT: Kind(
        "May this grant be renewed, or go on with what has changed?",
        "the holder of the grant",
        "admission.grant",
        (*_PARTY, "grant", "renew", "programmes"),
        "grant.amended",
        clocked=True,
    ),
    OPENING: Kind(
        "May this stage open?",
        "an officer, by a signed opening",
        "opensWhen.agreedBy",
        _STAGE,
        "stage.opened",
    ),
    REMOVAL: Kind(
        "Should this grant end, for this reason?",
        "the developer, or an agency the rule names",
        "admission.remove, else admission.grant",
        (*_PARTY, "grant", "reasonCode"),
        "grant.ended",
    ),
    LIFT: Kind(
        "Should this directive be lifted?",
        "the developer or an agency",
        "the directive's liftedBy",
        ("directive", "document"),
        "directive.lifted",
        advice=False,
    ),
    APPEAL: Kind(
        "Was this denial or removal wrong?",
        "the organization that the denial or removal is about",
        "admission.appeal.decide, else a majority of the plan's agencies that the rule of the appealed case "
        "does not name, else that rule; never by an owner who signed in the appealed case",
        (*_PARTY, "against", "programmes"),
        "grant.approved, grant.reinstated or case.waitlisted",
        clocked=True,
        advice=False,
    ),
    REVIEW: Kind(
        "Do the rules of this stage stay when the date of their basis is over?",
        "time, before that date",
        "basis.afterUntil.review.by",
        _STAGE,
        "basis.ended",
        advice=False,
    ),
    LICENCE: Kind(
        "May this organization, or this member, be excepted from this directive?",
        "who is covered by it",
        "the directive's licensedBy, else its liftedBy",
        ("directive", "document", "grant", "party", "member"),
        "licence.granted",
        advice=False,
    ),
    RECONSIDER: Kind(
        "Should this designation end?",
        "the developer",
        "designations.reconsider, else the agency that designated",
        ("release", "designation"),
        "designation.ended",
        advice=False,
    ),
}


def rule_of(kind: str, given: Plan, stage: Stage, against: str = "") -> Rule:
    """The rule for a case about a stage. For an appeal, `against` is the kind of the appealed case.

    Requires: `kind` is about a stage; for an opening, that agencies must agree to it.
    """
    admission = stage.admission
    if kind == TERMS:
        return Rule("allOf", tuple(sorted(given.agencies_of(stage))))
    if kind == OPENING:
        rule = stage.agreed_by
        assert rule is not None
        return rule
    if kind == REVIEW:
        review = stage.basis.review
        assert review is not None
        return review.by
    if kind == REMOVAL and admission.remove is not None:
        return admission.remove
    if kind == APPEAL:
        return _appeal_rule(given, stage, against)
    return admission.grant


def _appeal_rule(given: Plan, stage: Stage, against: str) -> Rule:
    declared = stage.admission.appeal
    if declared is not None:
        return declared.decide
    first = rule_of(against, given, stage)
    others = tuple(sorted(given.spec.agencies.keys() - quorum.parties_of(first)))
    return Rule("majorityOf", others) if others else first


@dataclass(frozen=True, slots=True)
class CaseStep:
    """A step in a case: by which role, in which kinds and states, and with which result."""

    by: str
    roles: frozenset[str]
    kinds: frozenset[str]
    states: frozenset[str]
    effect: str


_ALL = frozenset(KINDS)
_CLOCKED = frozenset(name for name, kind in KINDS.items() if kind.clocked)
_ADVISED = frozenset(name for name, kind in KINDS.items() if kind.advice)
_OPEN = frozenset(STATES) - {DETERMINED}
_BY_APPLICANT = APPLIED | {LICENCE, RECONSIDER}
"""The kinds in which who opened them can answer."""
_REVIEW = frozenset({SUBMITTED, IN_REVIEW, ASKED})

STEPS: dict[str, CaseStep] = {
    "receive": CaseStep(
        "an agency asked", frozenset({"agency", "developer"}), _CLOCKED, _REVIEW, "starts that agency's clock"
    ),
    "position": CaseStep(
        "an agency asked", frozenset({"agency", "developer"}), _ALL, _OPEN, "may determine the case"
    ),
    "answer": CaseStep(
        "the applicant",
        frozenset({"applicant", "developer"}),
        _BY_APPLICANT,
        _OPEN,
        "lets the asker's clock go on",
    ),
    "screen": CaseStep(
        "an officer, in person", frozenset({"developer"}), APPLIED, _OPEN, "clears the case, or holds it"
    ),
    "accept": CaseStep(
        "the applicant",
        frozenset({"applicant", "developer"}),
        frozenset({ADMISSION}),
        frozenset({OFFERED}),
        "takes the seat offered",
    ),
    "withdraw": CaseStep(
        "the applicant",
        frozenset({"applicant", "developer"}),
        _BY_APPLICANT,
        _OPEN,
        "ends the case: withdrawn",
    ),
    "return": CaseStep(
        "the developer", frozenset({"developer"}), ADMITS, _REVIEW, "ends the case without action: returned"
    ),
    "refer": CaseStep(
        "an agency that the plan lets refer",
        frozenset({"agency"}),
        CONCERNED,
        _REVIEW,
        "asks another agency, too",
    ),
    "proceed": CaseStep(
        "two officers, where the basis is voluntary",
        frozenset({"developer"}),
        _ADVISED,
        frozenset(STATES),
        "decides over silence or objection, on the record",
    ),
    "reply": CaseStep(
        "the organization it is about",
        frozenset({"applicant", "developer"}),
        frozenset({ADMISSION, AMENDMENT, REMOVAL}),
        frozenset(STATES),
        "answers a denial, which is then reviewed again, or a removal before it counts",
    ),
    "appeal": CaseStep(
        "the organization it is about",
        frozenset({"applicant", "developer"}),
        frozenset({ADMISSION, AMENDMENT, REMOVAL}),
        frozenset({DETERMINED}),
        "opens an appeal, which no one who signed in the case decides",
    ),
}


def allows(step: str, kind: str, state: str) -> bool:
    """Whether a step may be taken in a case of this kind in this state."""
    return kind in STEPS[step].kinds and state in STEPS[step].states
