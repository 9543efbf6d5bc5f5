"""Themes about lists: organizations that the terms name, and evaluators; a licence for an account."""

from __future__ import annotations

from sluicegate.core.lifecycle.applications import Amend, OpenAppeal
from sluicegate.core.lifecycle.grants import OpenRemoval
from sluicegate.core.lifecycle.licences import RequestLicence
from sluicegate.core.lifecycle.lists import opened_in
from sluicegate.core.lifecycle.releases import ApplyPlan
from tests.listing import LISTED, applying, opening_account, party, read_listed
from tests.vectors.history import History
from tests.worlds import API, application, plan_value, stage

LISTS, TESTED, NAMED = "gpt-9", "tested", "named"
LABS = {"caisi": {"name": "Example Test Body"}}


def _value(*names: str, **changes: object) -> ApplyPlan:
    first = stage(TESTED, audience="evaluators", conditions={"validFor": "P30D"})
    second = stage(NAMED, audience=LISTED, seats=3, **changes)
    plan = plan_value(LISTS, models=(LISTS,), stages=[first, second], evaluators=LABS)
    return applying(plan, names)


def _listed(h: History) -> None:
    """An evaluator first, then the organizations of a list, each once it has an account."""
    h.no("names_in_clear", ApplyPlan(read_listed(_unsealed(), ["List One"])))
    h.must(_value("List One", "List Two", "List Three"))
    h.agree_to(LISTS)
    h.must(opening_account("Example Test Body", organization="list-lab"), by="operator")
    h.opens(LISTS, TESTED)
    assert h.newest("grant.approved", stage=TESTED)["surface"] == "codex"
    h.must(opening_account("List One", "user of list-1", organization="list-1"), by="operator")
    h.opens(LISTS, NAMED)
    h.must(opening_account("List Two", "user of list-2", organization="list-2"), by="operator")
    assert h.newest("grant.approved", stage=NAMED)["party"] == party("List Two")
    h.no("no_application_needed", application("list-9", release=LISTS, name=NAMED))
    h.issues(h.state.table.grants["list-1", LISTS, API].id, "key of list-1")


def _unsealed() -> dict[str, object]:
    return plan_value(LISTS, models=(LISTS,), stages=[stage(NAMED, audience=LISTED)])


def _goes_on(h: History) -> None:
    """A grant by a list is renewed; another is removed, and comes back on appeal."""
    first, second = (h.state.table.grants[name, LISTS, API].id for name in ("list-1", "list-2"))
    sealed = h.entries[h.state.cases[h.state.grants[first].dossier].seq].sealed
    dossier = opened_in(sealed, party("List One"))
    assert dossier is not None
    case = h.must(Amend(first, renew=True, dossier=dossier), by="user of list-1")["application"]
    h.says(case, "oncd approve", "ostp approve")
    removal = h.must(OpenRemoval(second, "misuse", "a notice"), by="operator")["case"]
    h.says(removal, "oncd approve", "ostp approve")
    h.later(11)
    assert h.newest("grant.ended", how="removed")["grant"] == second
    appeal = OpenAppeal(removal, "it was another one", opened_in(sealed, party("List Two")))
    h.says(h.must(appeal, by="user of list-2")["case"], "caisi approve")
    assert h.newest("grant.reinstated")["grant"] == second


def _another(h: History) -> None:
    """A name leaves the list, which needs no agreement; another one comes, which does."""
    h.must(_value("List One", "List Three"))
    h.must(_value("List One", "List Three", "List Four", conditions={"validFor": "P60D"}))
    h.agree_to(LISTS)
    h.must(opening_account("List Four", organization="list-4"), by="operator")
    h.opens(LISTS, NAMED)
    assert h.newest("grant.approved", stage=NAMED)["party"] == party("List Four")


def _licensed(h: History) -> None:
    """An organization with an account and no grant asks for a licence under an order."""
    h.must(h.order("list-order", models=[LISTS], liftedBy={"allOf": ["oncd"]}))
    account = h.must(opening_account("No Grant", organization="list-5"), by="operator")["account"]
    case = h.must(RequestLicence("list-order", account), by="user of list-5")["case"]
    h.asks_for(case, "oncd", requestsPerMinute=5)
    assert h.newest("licence.granted", case=case)["grant"] == account
    h.says(h.lifting("list-order"), "oncd approve")


LISTING = (_listed, _goes_on, _another, _licensed)
