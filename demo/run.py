"""`demo run`: everything on this machine, with the example release under way, until Ctrl-C.

The record has what an earlier run did, and this run continues it: the same keys, terms, opening and grants.
Only the API keys are new, because no one stores them. The API keys of the run before are revoked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from demo import guide, site
from demo.cast import (
    APPLIES,
    CUSTOMERS,
    EVALUATION,
    EVALUATOR,
    GRID_OPERATOR,
    SECURITY_TEAM,
    UTILITY,
    Cast,
    Customer,
    Newcomer,
    agencies_of,
)
from demo.examples import EXAMPLES
from demo.paperwork import Credential, Paperwork
from demo.processes import Processes
from demo.site import Ports, Site
from demo.state import State, opened
from sluicegate.acts.act import DEVELOPER
from sluicegate.core.directives import directive
from sluicegate.core.terms import document
from sluicegate.errors import CommandRefused

PLANS = ("gpt-5.6-preview.yaml", "gpt-5.5-trusted-access.yaml", "small-model.yaml")
DIRECTIVE = "suspend-gpt-5.6.yaml"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Started:
    """What is running: `answer` for machines, `text` for people."""

    answer: dict[str, Any]
    text: str


def run(folder: Path, ports: Ports, say: Say, ready: Callable[[Started], None], server: str) -> None:
    """Run until SIGINT or SIGTERM; `ready` is called once, when all is prepared. `server` is the command of
    `demo` that serves the models.

    Raises: InvalidInput: the state or a port. Unreachable: a process ended by itself.
    """
    folder = folder.absolute()
    with opened(folder) as state:
        ports.check()
        plans = state.plans(EXAMPLES, PLANS, datetime.now(UTC).date())
        cast = Cast(folder, agencies_of(plans))
        cast.assemble(log_exists=(folder / "control" / "ledger.db").exists())
        with Processes(folder, say, watched=say) as processes:
            running = site.start(processes, folder, cast, ports, plans, dict.fromkeys(site.UPSTREAMS, server))
            made = _prepared(state, running, Paperwork(running, cast, EXAMPLES), plans, say)
            reviewer = site.start_desk(processes, running, guide.ISSUER, ports.desk)
            links = {**made.links, "agency": reviewer, "auditor": f"{running.control_url}/record"}
            made = replace(made, links=links, is_real=server != site.UPSTREAMS["demo"])
            ready(Started(made.answer(), made.text()))
            processes.wait()
        say(f"everything has ended; the next start goes on from {folder}")


def _prepared(
    state: State, running: Site, paperwork: Paperwork, plans: list[Path], say: Say
) -> guide.Newcomer:
    """Bring the release to the point where an organization has access,
    and write what a newcomer's shell needs.
    """
    for path in plans:
        applied = paperwork.apply_plan(path)
        say(f"{applied.release}: {'applied' if applied.cases else 'in force'}")
    _open_stages(paperwork, say)
    issued = {customer.slug: _fresh_key(state, paperwork, customer, say) for customer in CUSTOMERS}
    waiting = paperwork.case(paperwork.submit(APPLIES))
    say(f"{APPLIES.name}: its application for {waiting.release} is {waiting.state}")
    lab = _new_key(state, paperwork, EVALUATOR, paperwork.named_grant(EVALUATOR, EVALUATION))
    running.followed(lab.size)
    order = state.write("directive.yaml", _unused_name((EXAMPLES / DIRECTIVE).read_text(), paperwork))
    env = state.write("env", guide.env(running))
    state.write("log.vkey", running.vkey + "\n")
    return guide.Newcomer(
        running,
        works=issued[UTILITY.slug],
        refused=issued[SECURITY_TEAM.slug],
        covered=issued[GRID_OPERATOR.slug],
        evaluates=lab,
        env=env,
        order=order,
        in_force=[found.directive for found in paperwork.directives() if found.in_force],
        links={
            "developer": paperwork.link(paperwork.staff()),
            "officer": paperwork.link(paperwork.holder(DEVELOPER, guide.OFFICER)),
            "applicant": paperwork.link(paperwork.customer(UTILITY)),
        },
    )


def _open_stages(paperwork: Paperwork, say: Say) -> None:
    for release, stage in paperwork.stages():
        name = f"{release}/{stage.stage}"
        if stage.terms_case is not None and not stage.terms_agreed:
            agencies = ", ".join(stage.awaiting)
            paperwork.decide(stage.terms_case)
            say(f"{name}: terms signed by {agencies}")
        if not stage.open and stage.opens_when is None:
            paperwork.open_stage(release, stage.stage)
            say(f"{name}: opened by the officer")


def _fresh_key(state: State, paperwork: Paperwork, customer: Customer, say: Say) -> Credential:
    """Admit a customer, if it is not admitted yet, and replace its API key."""
    case = paperwork.decide(paperwork.submit(customer))
    if case.grant is None:
        raise CommandRefused(
            f"{customer.name} is not admitted: its application {case.case} is {case.state}",
            code="not_admitted",
            remedy=f"decide it, or delete {state.folder} to begin again",
        )
    credential = _new_key(state, paperwork, customer, case.grant.grant)
    say(f"{customer.name}: admitted to {', '.join(case.grant.models)}, with a new key")
    return credential


def _new_key(state: State, paperwork: Paperwork, customer: Customer | Newcomer, grant: str) -> Credential:
    """A new key under a grant, in place of that of the run before."""
    before = state.credentials.get(customer.slug)
    if before is not None:
        paperwork.revoke(customer, before)
    credential = paperwork.issue(customer, grant)
    state.credentials[customer.slug] = credential.id
    state.save()
    return credential


def _unused_name(text: str, paperwork: Paperwork) -> str:
    """The example directive under a name that is not on the record yet."""
    name = directive.read(document.read(text, DIRECTIVE))["metadata"]["name"]
    taken = {found.directive for found in paperwork.directives()}
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return text.replace(f"name: {name}", f"name: {free}")
