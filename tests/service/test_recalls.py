"""Who a release reaches, before it is withdrawn, and who may ask."""

from __future__ import annotations

import pytest

from sluicegate.acts import recalls as acts
from sluicegate.acts.accounts import CLOSE
from sluicegate.core.access.naming import NOBODY, UsageKey
from sluicegate.core.lifecycle import Refusal
from sluicegate.service.usage import UsageCount
from tests.plane import Plane, yes
from tests.service import test_accounts as accounts
from tests.worlds import MODEL, RELEASE, STAGE, plan_value, stage


@pytest.fixture
def plane() -> Plane:
    return Plane()


def test_a_recall_shows_holders_keys_and_what_is_in_flight(plane):
    plane.opened(plan_value(stages=[stage(), stage("later")]))
    grant = plane.admit("applicant")
    plane.admit("rival", "Example Grid")
    plane.submit("applicant", "Example Third")
    yes(plane.credential(grant))
    now_ms = plane.ledger.now_ms()
    uses = (UsageKey("cred", MODEL, NOBODY), 2, 7), (UsageKey("cred", "another-model", NOBODY), 5, 9)
    plane.services.usage.report(("g", "i"), [UsageCount(*use) for use in uses], now_ms)
    found = plane.do("developer", acts.RECALLING, release=RELEASE)
    assert [(each.stage, each.open, each.grants) for each in found.stages] == [
        (STAGE, True, 2),
        ("later", False, 0),
    ]
    assert found.reach == acts.ReleaseReach(
        organizations=2, grants=2, accounts=0, keys=1, streams=2, requests=7, open_applications=1
    )


def test_accounts_and_their_keys_are_counted_where_a_stage_is_for_everyone(plane):
    plane.opened(plan_value(stages=[{"name": STAGE, "basis": stage()["basis"], "audience": "everyone"}]))
    first, second = (accounts.opened(plane, name) for name in ("Example Labs", "Example Mill"))
    yes(plane.credential(first, who="developer"))
    yes(plane.do("developer", CLOSE, account=second))
    reach = plane.do("developer", acts.RECALLING, release=RELEASE).reach
    assert (reach.accounts, reach.keys, reach.grants) == (1, 1, 0)


@pytest.mark.parametrize("act", [acts.RECALLING, acts.RESTORING])
def test_a_release_that_does_not_exist_is_refused(plane, act):
    found = plane.do("developer", act, release="none")
    assert isinstance(found, Refusal)
    assert found.code == "release_unknown"
