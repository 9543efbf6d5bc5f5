"""Requirements in words, as a person reads them."""

from __future__ import annotations

import json
import re

from sluicegate_record.form import Json, Misread
from sluicegate_record.terms.phrases import duration, rule
from sluicegate_record.terms.requirements import (
    Adopted,
    After,
    AgreedBy,
    Attested,
    EvaluationTime,
    Evidenced,
    Group,
    Hold,
    NoOpenFindings,
    OnDate,
    Requirement,
    Soak,
    StandardBy,
    TermsAgreed,
)

_NEXT = re.compile(r", (?=[A-Za-z]+: )")
"""What is between two fields of a requirement, in its `text`."""


def stated(text: str) -> str:
    """A requirement in words, of its `text`. What is not one, such as the id of a finding, stays as it is."""
    fields = dict(map(_field, _NEXT.split(text)))
    try:
        (found,) = Group.from_json({"allOf": [fields]}).leaves
    except Misread:
        return text
    return required(found) if found.text == text else text


def _field(said: str) -> tuple[str, Json]:
    name, _, value = said.partition(": ")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def required(asked: Requirement) -> str:  # noqa: C901, PLR0911 - one for each kind
    """What is required, such as `10 days since partners opened`. One of a later build as its plan says it."""
    match asked:
        case TermsAgreed():
            return "agreement to its terms"
        case After():
            return f"the opening of {asked.after}"
        case Soak():
            return f"{duration(asked.soak)} since {asked.of or 'the stage before it'} opened"
        case OnDate():
            return f"the date {asked.date}"
        case AgreedBy():
            return f"agreement to its opening by {rule(asked.agreed_by)}"
        case Adopted():
            return f"the adoption of {_standard(asked.adopted)}"
        case Attested():
            return f"an attestation of {_standard(asked.attested)}"
        case EvaluationTime():
            most, by = duration(asked.evaluation_time.at_most), rule(asked.by)
            return f"an evaluation by {by}, of at most {most} (silence: {asked.evaluation_time.silence})"
        case Evidenced():
            return f"results that meet {' and '.join(asked.evidence)}"
        case NoOpenFindings():
            return f"no open finding of level {asked.no_open_findings.at_least} or higher"
        case Hold():
            return f"the end of the hold by {asked.hold.by} ({asked.hold.reason})"
        case _:
            return asked.text


def _standard(given: StandardBy) -> str:
    version = f" {given.version}" if given.version else ""
    return f"{given.standard}{version} by {rule(given.by)}"
