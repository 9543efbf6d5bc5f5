"""What applicants do: apply, amend, answer, accept, withdraw, reply, appeal, surrender.

Rules:
- Who applied does what an applicant does, whatever its role; nobody else does it for them.
- Everything an applicant writes is sealed.
"""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

from sluicegate.core.lifecycle import Refusal, State, releases
from sluicegate.core.lifecycle.applications import (
    Accept,
    Amend,
    Answer,
    Nominate,
    OpenAppeal,
    Reply,
    Return,
    SubmitApplication,
    Withdraw,
)
from sluicegate.core.lifecycle.state import Nomination
from sluicegate.core.people import application
from sluicegate.core.terms import document
from sluicegate.errors import InvalidInput
from sluicegate.ports import Ports, Principal, Principals
from sluicegate.service import access
from sluicegate.service.cases import dossier_of, seen
from sluicegate.service.ledger import Ledger
from sluicegate_record.entries.cases import Description
from sluicegate_record.terms import kinds
from sluicegate_record.terms.text import REASON_MAX

OPEN_MAX = 20
"""How many applications of one applicant may be open: each takes the time of several agencies."""


class Submission(NamedTuple):
    """An application for one stage on one surface; `organization` is the text of an organization file."""

    release: str
    stage: str
    surface: str
    organization: str
    file: str


class NominationText(NamedTuple):
    """An organization hoped for in a stage, as the text of an organization file."""

    release: str
    stage: str
    organization: str
    file: str


class AmendmentText(NamedTuple):
    """What is to change of a grant; `organization` is the text of a file, None where the dossier stays."""

    renew: bool
    organization: str | None
    file: str


def submit(
    ledger: Ledger, principal: Principal, command_id: str, asked: Submission
) -> dict[str, Any] | Refusal:
    """Apply for one stage on one surface. Raises: InvalidDocument."""
    application.read(document.read(asked.organization, asked.file))

    def command(ports: Ports) -> SubmitApplication | Refusal:
        return prepared(ledger, principal, ports.principals, asked)

    return ledger.execute(
        command, by=principal.id, command_id=command_id, request=["submit", asked._asdict()]
    )


def prepared(
    ledger: Ledger, principal: Principal, known: Principals, asked: Submission
) -> SubmitApplication | Refusal:
    """The command of an application, its organization noted. Raises: InvalidDocument."""
    organization = application.read(document.read(asked.organization, asked.file))
    with ledger.reading() as state:
        release = state.releases.get(asked.release)
        if release is not None and not access.knows(principal, state, release):
            return releases.stage_unknown(asked.release, asked.stage)
        if principal.role == access.APPLICANT and _open_of(state, principal) >= OPEN_MAX:
            said = f"{OPEN_MAX} of your applications are open"
            return Refusal("conflict", "too_many_open", said, "wait for one to end")
    pseudonym = _pseudonym(ledger, known, principal, organization)
    dossier = {"organization": organization}
    described = describe(ledger, pseudonym, organization)
    return SubmitApplication(asked.release, asked.stage, asked.surface, pseudonym, dossier, described)


def describe(ledger: Ledger, pseudonym: str, organization: dict[str, Any]) -> Description:
    """What directives must know of an organization, from its file."""
    return Description(
        organization=pseudonym,
        name=ledger.tag(organization["name"]),
        registered_in=organization["registeredIn"],
        sector=organization.get("sector"),
    )


def amend(
    ledger: Ledger, principal: Principal, command_id: str, grant: str, asked: AmendmentText
) -> dict[str, Any] | Refusal:
    """Ask for a grant of one's own to be renewed or changed. Raises: InvalidDocument."""
    with ledger.reading() as state:
        found = state.grants.get(grant)
        if found is None or state.cases[found.case].applicant != principal.id:
            said = f"no grant {grant[:80]!r}"
            return Refusal("unknown", "grant_unknown", said, "'application show' names your grant")
        holder = found.organization
    changed, described = None, None
    if asked.organization is not None:
        organization = application.read(document.read(asked.organization, asked.file))
        changed = {"organization": organization}
        described = describe(ledger, holder, organization)

    def command(_: Ports) -> Amend:
        with ledger.reading() as state:
            agreed = dossier_of(ledger, state, state.cases[state.grants[grant].dossier])
        assert agreed is not None
        return Amend(grant, asked.renew, changed or agreed, described)

    request = ["amend", grant, asked._asdict()]
    return ledger.execute(command, by=principal.id, command_id=command_id, request=request)


def act(  # noqa: PLR0913 - who, under which id, what, on which terms
    ledger: Ledger, principal: Principal, command_id: str, case_id: str, name: str, asked: dict[str, str]
) -> dict[str, Any] | Refusal:
    """Do one of `ACTS` in a case. `asked` holds what it needs: `text`, `agency`.

    Raises: InvalidInput: a text is missing or too long.
    """
    with ledger.reading() as state:
        case = seen(state, principal, case_id)
        if isinstance(case, Refusal):
            return case
        if name != "return" and case.applicant != principal.id:
            said = f"only who applied may {name}"
            return Refusal("forbidden", "not_applicant", said, "use the token the application was made with")
        command = ACTS[name](case_id, asked, dossier_of(ledger, state, case))
    return ledger.execute(command, by=principal.id, command_id=command_id, request=[name, case_id, asked])


def nominate(
    ledger: Ledger, principal: Principal, command_id: str, asked: NominationText
) -> dict[str, Any] | Refusal:
    """Note that an organization is hoped for in a stage. Raises: InvalidDocument."""
    organization = application.read(document.read(asked.organization, asked.file))

    def command(ports: Ports) -> Nominate:
        pseudonym = _pseudonym(ledger, ports.principals, principal, organization)
        return Nominate(asked.release, asked.stage, pseudonym, {"organization": organization})

    return ledger.execute(
        command, by=principal.id, command_id=command_id, request=["nominate", asked._asdict()]
    )


def nominations(ledger: Ledger) -> dict[str, Any]:
    """Every nomination, and whether its organization has applied, by name."""
    with ledger.reading() as state:
        return {
            "size": state.size,
            "nominations": [
                {
                    "nomination": known.nomination,
                    "release": known.release,
                    "stage": known.stage,
                    "organization": name_of(ledger, known.organization),
                    "applied": _applied(ledger, state, known),
                }
                for known in state.nominations.values()
            ],
        }


def name_of(ledger: Ledger, organization: str) -> str | None:
    """The legal name behind a pseudonym, as `core.people.application.name_key` spells it."""
    found = ledger.store.principals.registered(organization)
    return found.name if found is not None else None


def _applied(ledger: Ledger, state: State, known: Nomination) -> list[str]:
    return [
        name
        for organization in ledger.store.principals.organizations(name_of(ledger, known.organization) or "")
        for name in state.cases_of.get(organization, ())
        if state.cases[name].kind == kinds.ADMISSION
        and state.cases[name].question.release == known.release
        and state.cases[name].question.stage == known.stage
    ]


def _text(asked: dict[str, str]) -> str:
    text = asked.get("text", "")
    if not text.strip() or len(text) > REASON_MAX:
        raise InvalidInput(f"a text of 1 to {REASON_MAX} characters expected")
    return text


ACTS: dict[str, Any] = {
    "answer": lambda case, asked, _: Answer(case, asked.get("agency", ""), _text(asked)),
    "accept": lambda case, *_: Accept(case),
    "withdraw": lambda case, *_: Withdraw(case),
    "return": lambda case, asked, _: Return(case, _text(asked)),
    "reply": lambda case, asked, _: Reply(case, _text(asked)),
    "appeal": lambda case, asked, dossier: OpenAppeal(case, _text(asked), dossier),
}
"""The commands of acts in a case that need no signature: of the case, what is asked, and its dossier."""


def _open_of(state: State, principal: Principal) -> int:
    own = (state.cases[name] for name in state.cases_of.get(principal.id, ()))
    return sum(case.kind == kinds.ADMISSION and case.state != kinds.DETERMINED for case in own)


def _pseudonym(ledger: Ledger, known: Principals, principal: Principal, organization: dict[str, Any]) -> str:
    """The organization's pseudonym: the one this applicant named it by before, or a new one."""
    name, country = application.name_key(organization["name"]), organization["registeredIn"]
    found = known.organization(principal.id, name, country)
    if found is None:
        found = "org_" + base64.b32encode(ledger.random(10)).decode().lower()
        known.add_organization(found, principal.id, name, country)
    return found
