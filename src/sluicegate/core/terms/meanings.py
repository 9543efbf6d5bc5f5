"""What each field of a plan means, in a line: what an editor shows beside it, by the JSON Schema.

Rules:
- A field is found by the shape that has it, as the schema names it without `Written`; else by its name alone.
- Every property of the schema has a meaning. A test says which one has not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MEANINGS: Mapping[str, Mapping[str, str]] = {
    "Plan": {
        "apiVersion": "The version of the plan language: sluicegate/v1.",
        "kind": "Release.",
        "metadata": "The release's name and its developer.",
        "spec": "What is released, where, with whose agreement, in which stages.",
    },
    "Deployments": {
        "atMost": "How long one statement holds after it was signed, such as P7D; at most P90D.",
    },
    "PlanMetadata": {
        "name": "The name of the release, as commands and addresses have it.",
        "developer": "Who releases the model; the trust file names the same developer.",
        "title": "A title for people. It can change at any time.",
    },
    "PlanSpec": {
        "models": "The models of the release.",
        "surfaces": "Where the models are offered, such as api. Each surface needs an approval of its own.",
        "announced": "false: only who is admitted can learn that the models exist. Default: true.",
        "leaseMs": "How long a gateway may work without an answer, 500 to 60,000 ms. Default: 5000.",
        "agencies": "The agencies whose positions count, by short name. Each needs a key in the trust file.",
        "evaluators": "Who evaluates a model before a stage, by short name. Each needs a key.",
        "evaluations": "What is run before a stage, by name.",
        "stages": "The steps of the release, in their order.",
        "disclosure": "What the public record says of organizations.",
        "referrals": "Which agencies may have others asked in a case, too.",
        "designations": "Which agencies may sign that a model is of a class, and what follows.",
        "scrutiny": "What each level of scrutiny adds to every stage, by the level's name.",
        "programmes": "Safeguard profiles within the model, by concern and name.",
        "deployments": "Models answer only while the developer states what serves them. Default: not asked.",
        "onRefusal": "What a refused caller is offered.",
        "findings": "Levels of findings, their clocks, what follows, and who may report them.",
    },
    "Model": {
        "id": "What customers write in the field `model` of a request.",
        "upstream": "The name of the server that runs it; each gateway maps it to an address.",
        "digest": "SHA-256 of the weights.",
        "safeguards": "SHA-256 of the safeguards.",
    },
    "Agency": {
        "name": "The agency's full name.",
        "directs": "The models about which it alone may issue directives. Default: those of its releases.",
        "concerns": "Its remit, such as [cyber, export].",
    },
    "Evaluator": {"name": "The evaluator's full name."},
    "OnRefusal": {"fallbackModel": "The model that refusals offer; one of another release."},
    "Disclosure": {"organizations": "never: the public record has no names of organizations."},
    "Stage": {
        "name": "The stage's name.",
        "title": "A title for people.",
        "target": "The day by which the developer promises that it opens, such as 2026-07-09.",
        "basis": "Why its rules bind.",
        "concern": "What this gate is there for, such as cyber. Objections for other concerns do not count.",
        "opensWhen": "What must hold before it opens by itself. Default: an officer opens it.",
        "exposure": "What the stage is meant to let into the world, at most.",
        "audience": "applicants, evaluators, everyone, or {organizations: FILE}. Default: applicants.",
        "ramp": "Shares of all organizations that come in one after the other, in a stage for everyone.",
        "grants": "How grants of earlier stages go on when this one opens, by stage.",
        "seats": "How many organizations it has room for; later ones wait. Default: no limit.",
        "admission": "How organizations are admitted and removed.",
        "eligibility": "Who may apply. Applicants see it before they apply.",
        "conditions": "Duties of every grant of the stage.",
    },
    "StageBasis": {
        "kind": "voluntary: the agencies advise. agreed: both agreed. order: an agency ordered it.",
        "askedBy": "Which agencies asked for it.",
        "how": "In which way they asked, such as memorandum.",
        "askedOn": "On which day they asked, such as 2026-06-24.",
        "until": "The last day of the basis, by UTC. Default: no end.",
        "afterUntil": "What follows when that day is over: lapse, stay, or a review. Required with until.",
    },
    "ReviewBeforeUntil": {"review": "A case that opens by itself before the day: do the rules stay?"},
    "Review": {
        "by": "Who decides it: agencies, all of whom must agree, or a rule.",
        "then": "What follows if they have not decided in time: lapse or stay.",
        "opens": "How long before the day it opens. Default: P14D.",
    },
    "Exposure": {
        "organizations": "How many organizations at most.",
        "people": "How many registered people at most.",
        "requestsPerDay": "How many requests a day of UTC at most, over all gateways.",
        "value": "The most that there may be.",
        "enforced": "true: it binds. Else it is only stated and shown.",
    },
    "Succession": {
        "become": "The name of this stage: keys go on under its conditions.",
        "notice": "How long before the opening their holders hear of it. Default: P7D.",
    },
    "RampStep": {
        "share": "Which share of all organizations is in, in per cent; the last one is 100.",
        "for": "How long this share lasts. The last one has none.",
    },
    "Audience": {"organizations": "The CSV file beside the plan that lists legal names."},
    "Admission": {
        "mode": "approve: agencies must agree. notify: silence admits, one objection denies.",
        "grant": "The rule that admits an organization.",
        "remove": "The rule that ends a grant. Default: the rule grant.",
        "clock": "How long agencies have, and what their silence means.",
        "countersign": "Agencies whose positions need the signatures of two owners.",
        "reply": "How long one may reply to a denial or a removal. Default: P10D.",
        "offer": "How long a free seat is offered to the next applicant. Default: P7D.",
        "appeal": "Who decides appeals, and until when one may appeal.",
    },
    "Appeal": {
        "decide": "The rule that decides appeals. No owner who signed in the case decides.",
        "within": "How long after a decision an appeal may come. Default: P30D.",
    },
    "Clock": {
        "within": "How many days or business days an agency has, from its signed receipt.",
        "unit": "days or business-days. Default: days.",
        "calendar": "Whose holidays and time zone count. Default: weekends.",
        "silence": "What no answer means: escalate, no-objection or deny.",
        "to": "For escalate: whose answer is awaited next, one after the other.",
        "then": "What silence of the last one means: wait, no-objection or deny.",
        "warn": "How long before its time is over an agency gets a reminder.",
        "overall": "How long the whole case may take, and what follows then.",
    },
    "Overall": {"within": "How many days or business days.", "then": "lapse or escalate."},
    "Rung": {"name": "Whose answer is awaited.", "within": "How many days or business days this one has."},
    "Eligibility": {
        "registeredIn": "Countries of the organization and its affiliates, two letters each. Default: any.",
        "owners": "Which owners the applicant names.",
        "screening": "clear: an officer must clear the applicant.",
        "onwardAccess": "To which others an applicant may give access. Default: none.",
        "criteria": "What agencies look at, in words.",
    },
    "OwnerThreshold": {"above": "Owners of more than this many per cent are named."},
    "Conditions": {
        "requestsPerMinute": "How many requests a minute, over all gateways of the surface. Enforced.",
        "validFor": "How long a grant lasts, such as P30D. Enforced.",
    },
    "DeclaredCondition": {
        "value": "What is agreed.",
        "declared": "true: stated and agreed to, not enforced.",
    },
    "Programme": {
        "asks": "What it asks of who uses it, by name. personNamed: true is enforced.",
        "travels": "What carries it in a request. Default: access_programs.",
        "value": "What is asked.",
        "declared": "true: stated, not enforced.",
    },
    "Referrals": {
        "from": "Agencies that may have others asked.",
        "to": "Agencies that may be asked so.",
        "binding": "true: they join the rule of the case.",
        "within": "How many days or business days each has, from the referral.",
        "unit": "days or business-days. Default: days.",
        "silence": "What no answer means: no-objection, deny or wait. Default: no-objection.",
        "depth": "How often a referral may be passed on. Default: 1, not at all.",
    },
    "Designations": {
        "by": "Agencies that may sign that a model is of a class.",
        "classes": "To which level of scrutiny each class leads.",
        "reconsider": "The rule that ends a designation that the developer appeals. Default: its own agency.",
    },
    "DesignatedClass": {"scrutiny": "The level of scrutiny that it leads to."},
    "Scrutiny": {
        "addAgencies": "Agencies that must agree to admissions and openings, too.",
        "clock": "The clock of admission in place of the stage's own.",
        "seats": "At most so many seats.",
        "requires": "What every stage requires beside opensWhen.",
    },
    "Evaluation": {
        "task": "What is run.",
        "metric": "Which of its numbers counts: a share of questions.",
        "from": "Who may run it: parties, all of whom are asked for, or a rule.",
        "atLeast": "The share that its bound must reach, from 0 to 1.",
        "atMost": "The share that its bound must stay below, from 0 to 1.",
        "level": "How sure the bound is. Default: 0.95.",
        "ifDisagree": "Which result of a party counts: worst, newest or best. Default: worst.",
        "compareTo": "Another model's value.",
        "whenComparable": "What follows if the model is comparable to that one.",
    },
    "WhenComparable": {"scrutiny": "The level of scrutiny that it leads to."},
    "Findings": {
        "levels": "The levels of severity, from the lowest to the highest.",
        "from": "Parties that may report findings beside agencies, evaluators and the developer.",
        "misuse": "What follows from a report of a misuse.",
    },
    "FindingLevel": {
        "name": "The level's name.",
        "acknowledge": "How long the developer has to acknowledge a finding, from the report on.",
        "fix": "How long the developer has to fix it, from the report on.",
        "respond": "What follows while one is open: tell, halt or suspend.",
        "overdue": "What follows in addition once one of those times is over.",
        "restrict": "How much each grant has of its model while one is open.",
    },
    "FindingLimit": {"requestsPerMinute": "How many requests a minute, over all gateways of the surface."},
    "Misuse": {"suspendedBy": "Agencies whose report suspends the grant at once, until it is closed."},
    "NoOpenFindings": {"noOpenFindings": "No finding of a level, or of a higher one, is open."},
    "FindingTerms": {"atLeast": "The lowest level that counts."},
    "Comparison": {
        "model": "The other model.",
        "value": "Its share, from 0 to 1.",
        "margin": "How far below it still counts as comparable.",
    },
    "Rule": {
        "allOf": "All of these agree.",
        "anyOf": "At least one of these agrees.",
        "majorityOf": "More than half of these agree.",
        "atLeast": "At least n of these agree.",
        "n": "How many.",
        "of": "Of which ones.",
    },
    "Requirements": {
        "allOf": "All of these hold.",
        "anyOf": "At least one of these holds.",
        "atLeast": "At least n of these hold.",
        "n": "How many.",
        "of": "Of which ones.",
    },
    "TermsAgreed": {"terms": "agreed: every agency of the stage has agreed to its terms."},
    "After": {"after": "An earlier stage that is open."},
    "Soak": {
        "soak": "How long an earlier stage has been open without a break.",
        "of": "Which one. Default: the one before this.",
    },
    "OnDate": {"date": "A day, from midnight UTC on, or a moment."},
    "AgreedBy": {"agreedBy": "The rule over agencies that agree to the opening itself."},
    "Adopted": {"adopted": "A standard that parties adopt."},
    "Attested": {"attested": "A standard that parties attest is met."},
    "EvaluationTime": {"evaluationTime": "The time that evaluators have, until they end it."},
    "Hold": {"hold": "A party that must release the stage."},
    "Evidenced": {"evidence": "Evaluations of the plan that have results that count and meet them."},
    "Standard": {
        "standard": "Its name.",
        "by": "Who signs it: parties, all of whom are asked for, or a rule.",
        "version": "Which version. Default: any.",
    },
    "EvaluationTerms": {
        "atMost": "How long it may take, such as P30D.",
        "by": "Which evaluators.",
        "silence": "What the end of the time means without their word: met or unmet.",
    },
    "HoldTerms": {"by": "Which party holds it.", "reason": "Why, in words."},
}
WHENEVER = {
    "whenLost": "What follows if it no longer holds in an open stage: halt, close or tell. Default: halt."
}
"""Fields that more than one shape has, with one meaning."""
LIST = "Audience"
"""The shape of an audience that is a list. It has no name in the schema."""


def described(schema: Any, owner: str = "Plan") -> Any:
    """A schema with the meaning of each property that has none."""
    if isinstance(schema, list):
        return [described(each, owner) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {
        key: described(value, owner) for key, value in schema.items() if key not in {"properties", "$defs"}
    }
    if "$defs" in schema:
        found["$defs"] = {
            name: described(shape, name.removeprefix("Written")) for name, shape in schema["$defs"].items()
        }
    if "properties" in schema:
        found["properties"] = {
            name: _property(described(each, LIST if name == "audience" else owner), owner, name)
            for name, each in schema["properties"].items()
        }
    return found


def _property(schema: Any, owner: str, name: str) -> Any:
    meaning = MEANINGS.get(owner, {}).get(name) or WHENEVER.get(name, "")
    return schema if not meaning or "description" in schema else {**schema, "description": meaning}
