"""Statements that wait for signatures, while what they are about goes on: none is for what came later."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from demo.fleet import served
from sluicegate.acts import releases
from sluicegate.settings import HttpSettings
from sluicegate_record.terms.quorum import parties_of
from tests.attacks.test_signed_in import CLIENTS, Browser
from tests.authenticator import Authenticator
from tests.control.conftest import Plane
from tests.pages import applicants, offices
from tests.pages.officers import pinned, trusted
from tests.worlds import STAGE, plan_value

Officer = tuple[Browser, Authenticator]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    made = Plane(tmp_path_factory.mktemp("prepared"), HttpSettings(burst=10_000))
    with served(made.wired) as made.url:
        offices.opened(made, applicants.plan())
        yield made
        for each in CLIENTS:
            each.close()
        CLIENTS.clear()


@pytest.fixture(scope="module")
def officers(plane: Plane) -> tuple[Officer, Officer]:
    return officer(plane, "anna"), officer(plane, "bert")


def officer(plane: Plane, name: str) -> Officer:
    browser = Browser(plane).enter("developer", name)
    passkey = browser.authenticator()
    trusted(plane.ledger, pinned(plane.ledger, browser.origin, name))
    return browser, passkey


def sign(by: Officer, path: str) -> int:
    browser, passkey = by
    return browser.post(
        path, answer=passkey.asserted(browser.options(path)), _form=browser.form()
    ).status_code


def made(by: Officer, **said: str) -> str:
    answer = by[0].post("/to-sign", _form=by[0].form(), **said)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


@pytest.mark.parametrize("is_on_the_page", [False, True])
def test_who_signs_over_silence_does_not_sign_over_what_is_said_later(
    plane: Plane, officers: tuple[Officer, Officer], *, is_on_the_page: bool
) -> None:
    anna, bert = officers
    name = f"owner-{int(is_on_the_page)}"
    case = applicants.applied(plane, name, f"Example {name}")
    path = made(anna, what="proceeding", case=case, reason="no one answers")
    assert "You override oncd, which is silent; ostp, which is silent." in anna[0].get(path).text
    assert sign(anna, path) == 303
    before = bert[0].options(path)
    offices.say(plane, case, "oncd", "object", reason="it is dangerous")
    if is_on_the_page:
        answer = bert[1].asserted(before)
        refused = bert[0].post(path, answer=answer, _form=bert[0].form())
        assert (refused.status_code, "make it again" in refused.text) == (400, True)
    shown = bert[0].get(path).text
    assert "It says something else than when it was made." in shown
    assert "data-passkey" not in shown
    assert offices.case(plane, case).outcome != "approved"


def test_what_was_refused_once_is_put_on_the_record_by_an_officer_alone(
    plane: Plane, officers: tuple[Officer, Officer]
) -> None:
    anna, _ = officers
    plan = {"text": json.dumps(plan_value("later", models=("m-later",)))}
    applied = offices.put(plane, "developer", "developer", releases.APPLY.path, plan)
    path = made(anna, what="opening", release="later", stage=STAGE)
    assert sign(anna, path) == 400
    for case in applied["cases"]:
        for agency in sorted(parties_of(offices.case(plane, case).rule)):
            offices.say(plane, case, agency)
    staff = Browser(plane).enter("developer", "intern")
    assert "<button>Put it on the record" not in staff.get(path).text
    assert staff.post(path, answer="", _form=staff.form()).status_code == 400
    assert anna[0].post(path, answer="", _form=anna[0].form()).status_code == 303
