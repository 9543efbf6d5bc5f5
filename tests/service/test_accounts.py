"""Accounts, asked of a control plane: opened by the lab, keyed by their holders, listed, closed."""

from __future__ import annotations

import json

from sluicegate.acts import accounts as acts
from sluicegate.acts import credentials, releases
from sluicegate.acts.accounts import AccountView
from sluicegate_record.terms.exposure import Measure
from tests.plane import Plane, no, yes
from tests.worlds import STAGE, plan_value, stage


def text(name: str = "Example Labs") -> str:
    return json.dumps({"name": name, "registeredIn": "US"})


def opened(plane: Plane, name: str = "Example Labs", **more: str) -> str:
    account: str = yes(plane.do("developer", acts.OPEN, organization=text(name), **more)).account
    return account


def test_the_lab_opens_an_account_issues_a_key_and_closes_it() -> None:
    plane = Plane()
    account = opened(plane)
    assert opened(plane) == account
    assert plane.credential(account, who="developer").grant == account
    (row,) = yes(plane.do("developer", acts.LIST)).accounts
    assert row == AccountView(account=account, organization="Example Labs", open=True, keys=1)
    assert yes(plane.do("developer", acts.CLOSE, account=account)).open is False
    assert no(plane.credential(account, "other", who="developer")) == "account_closed"
    assert no(plane.do("developer", acts.CLOSE, account="acct_none")) == "account_unknown"


def test_a_page_of_accounts_goes_on_where_the_one_before_ended() -> None:
    plane = Plane()
    names = [opened(plane, f"Example {number}") for number in range(3)]
    first = yes(plane.do("developer", acts.LIST, limit=2))
    assert ([each.account for each in first.accounts], first.next) == (names[:0:-1], names[1])
    rest = yes(plane.do("developer", acts.LIST, limit=2, before=first.next))
    assert ([each.account for each in rest.accounts], rest.next) == ([names[0]], None)
    assert no(plane.do("developer", acts.LIST, before="acct_none")) == "account_unknown"


def test_a_holder_issues_keys_of_its_own_and_no_one_elses() -> None:
    plane = Plane()
    assert no(plane.do("developer", acts.OPEN, organization=text(), holder="nobody")) == "token_unknown"
    account = opened(plane, holder=plane.who["applicant"].id)
    assert no(plane.credential(account, who="rival")) == "grant_unknown"
    issued = yes(plane.credential(account))
    assert no(plane.do("rival", credentials.REVOKE, credential=issued.credential)) == "credential_unknown"
    yes(plane.do("applicant", credentials.REVOKE, credential=issued.credential))


def test_the_keys_of_an_account_are_listed_also_where_there_is_none() -> None:
    plane = Plane()
    account = opened(plane)
    assert yes(plane.do("developer", credentials.LIST, grant=account)).credentials == ()
    keys = [yes(plane.credential(account, label, who="developer")).credential for label in ("old", "new")]
    first = yes(plane.do("developer", credentials.LIST, grant=account, limit=1))
    assert ([each.credential for each in first.credentials], first.next) == ([keys[1]], keys[1])
    rest = yes(plane.do("developer", credentials.LIST, before=first.next))
    assert ([each.credential for each in rest.credentials], rest.next) == ([keys[0]], None)


def test_the_status_says_for_whom_a_stage_is_and_what_it_waits_for() -> None:
    plane = Plane()
    asked = {"allOf": [{"soak": "P1D"}]}
    ramp = [{"share": 5, "for": "P1D"}, {"share": 100}]
    general = stage(
        "general", audience="everyone", admission=None, conditions=None, opensWhen=asked, ramp=ramp
    )
    plane.opened(plan_value(stages=[stage(), general]))
    first, last = yes(plane.do("applicant", releases.STATUS)).releases[0].stages
    assert (first.stage, first.audience, first.requirements) == (STAGE, "applicants", ())
    assert (last.audience, last.open, last.share) == ("everyone", False, None)
    assert last.opens_ms is not None
    plane.wall.at_ms = last.opens_ms
    plane.ledger.tick()
    last = yes(plane.do("applicant", releases.STATUS)).releases[0].stages[1]
    assert (last.open, last.share, last.requirements[0].state) == (True, 5, "met")


def test_the_status_shows_what_a_stage_lets_into_the_world_beside_what_is_stated() -> None:
    plane = Plane()
    plane.opened(plan_value(stages=[stage(exposure={"organizations": 24, "people": 2_000})]))
    plane.admit()
    (shown,) = yes(plane.do("developer", releases.STATUS)).releases[0].stages
    assert (shown.exposure.organizations, shown.exposure.people) == (1, 0)
    assert shown.exposure.stated.measures == {"organizations": Measure(24), "people": Measure(2_000)}
    (shown,) = yes(plane.do("applicant", releases.STATUS)).releases[0].stages
    assert (shown.exposure.organizations, shown.exposure.people) == (None, None)
