from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sluicegate.acts import subscriptions as acts
from sluicegate.core.lifecycle import Refusal, notices
from sluicegate.errors import InvalidInput
from sluicegate.service import subscriptions
from sluicegate.settings import PostSettings
from tests.fakes import Broken
from tests.plane import Plane, no, yes

HOOK = {"kind": "webhook", "target": "https://example.org/hook"}
MAIL = {"kind": "email", "target": "reviews@example.org"}


@pytest.fixture
def plane() -> Plane:
    plane = Plane()
    plane.opened()
    return plane


def subscribe(plane: Plane, who: str, command: str = "") -> str:
    target = f"https://{who}.example/hook"
    return str(yes(plane.do(who, acts.ADD, command, kind="webhook", target=target)).subscription)


def waiting(plane: Plane, subscription: str) -> list[dict[str, object]]:
    """What waits for a subscription, in order."""
    found = sorted(plane.store.contents.waiting.values(), key=lambda each: each[0])
    return [json.loads(letter.body) for _, letter in found if letter.subscription == subscription]


def test_each_hears_of_the_cases_it_may_see_and_of_no_other(plane):
    heard = {name: subscribe(plane, name) for name in ("developer", "oncd", "caisi", "applicant", "rival")}
    plane.admit("applicant")
    topics = {name: [told["type"] for told in waiting(plane, found)] for name, found in heard.items()}
    assert topics["caisi"] == topics["rival"] == []
    assert topics["developer"] == topics["oncd"] == topics["applicant"]
    assert topics["applicant"][0] == "case.opened"
    assert topics["applicant"][-1] == "grant.approved"
    assert "Example Utility" not in str([waiting(plane, found) for found in heard.values()])


def test_what_is_refused_or_broken_is_told_to_nobody(plane):
    heard = subscribe(plane, "developer")
    assert no(plane.submit(stage="nowhere")) == "stage_unknown"
    plane.store.breaks = "before"
    with pytest.raises(Broken):
        plane.submit()
    assert waiting(plane, heard) == []


def test_what_was_done_though_its_answer_was_lost_is_told_once(plane):
    heard = subscribe(plane, "developer")
    plane.store.breaks = "after"
    with pytest.raises(Broken):
        plane.submit()
    plane.restart()
    assert [told["type"] for told in waiting(plane, heard)].count("case.opened") == 1


def test_the_same_command_again_is_the_same_subscription_and_secret(plane):
    def add():
        return yes(plane.do("oncd", acts.ADD, "a-command", **HOOK))

    first = add()
    assert add() == first
    assert first.secret.startswith("whsec_")
    assert first.secret not in str(plane.store.contents)
    assert len(plane.store.outbox.subscriptions(plane.who["oncd"].id)) == 1


def test_nobody_touches_anybody_elses(plane):
    theirs = subscribe(plane, "oncd")
    assert plane.do("rival", acts.LIST).subscriptions == ()
    for act in (acts.REMOVE, acts.TRY):
        assert no(plane.do("rival", act, subscription=theirs)) == "subscription_unknown"
    message = yes(plane.do("oncd", acts.TRY, subscription=theirs)).letter
    plane.store.outbox.bury(message, "no answer")
    assert plane.do("rival", acts.DEAD).letters == ()
    assert no(plane.do("rival", acts.REPLAY, letter=message)) == "letter_unknown"
    (told,) = plane.do("oncd", acts.DEAD).letters
    assert (told.letter, told.topic, told.error) == (message, "test", "no answer")
    assert yes(plane.do("oncd", acts.REPLAY)).replayed == 1


def test_a_subscription_that_is_removed_hears_nothing(plane):
    heard = subscribe(plane, "oncd")
    yes(plane.do("oncd", acts.REMOVE, subscription=heard))
    plane.submit()
    assert plane.store.outbox.counts() == {"waiting": 0, "dead": 0}


def test_mail_wants_a_server_and_targets_are_checked(plane):
    refused = plane.do("oncd", acts.ADD, **MAIL)
    assert isinstance(refused, Refusal)
    said = "use a webhook, or ask the developer's staff to set up mail"
    assert (refused.code, refused.remedy) == ("mail_not_set_up", said)
    plane.services = replace(plane.services, post=PostSettings(smtp_host="localhost"))
    assert "secret" not in yes(plane.do("oncd", acts.ADD, **MAIL)).to_json()
    with pytest.raises(InvalidInput):
        plane.do("oncd", acts.ADD, kind="webhook", target="https://10.0.0.1/")


@pytest.fixture
def mailing(plane: Plane) -> Plane:
    """A plane that sends mail."""
    plane.services = replace(plane.services, post=PostSettings(smtp_host="localhost"))
    return plane


def code_of(plane: Plane, subscription: str) -> str:
    return notices.code(plane.ledger.key, subscription)


def test_an_address_gets_a_code_and_nothing_else_until_it_comes_back(mailing):
    heard = yes(mailing.do("oncd", acts.ADD, **MAIL))
    assert (heard.kind, heard.state) == ("email", "unconfirmed")
    mailing.submit(name="Example Grid Operator")
    assert [told["type"] for told in waiting(mailing, heard.subscription)] == ["confirmation"]
    assert code_of(mailing, heard.subscription) not in str(mailing.store.contents)
    assert no(mailing.do("oncd", acts.TRY, subscription=heard.subscription)) == "unconfirmed"
    for wrong in ("x", "é", code_of(mailing, "sub_other")):
        named = {"subscription": heard.subscription, "code": wrong}
        assert no(mailing.do("oncd", acts.CONFIRM, **named)) == "code_wrong"
    given = {"subscription": heard.subscription, "code": code_of(mailing, heard.subscription)}
    assert no(mailing.do("rival", acts.CONFIRM, **given)) == "subscription_unknown"
    assert yes(mailing.do("oncd", acts.CONFIRM, **given)).state == "active"
    assert no(mailing.do("oncd", acts.CONFIRM, **given)) == "not_to_confirm"
    mailing.admit("applicant", "Example Water")
    assert "grant.approved" in [told["type"] for told in waiting(mailing, heard.subscription)]


def test_whoever_names_an_address_again_and_again_does_not_get_it_more_letters(mailing):
    """Removed ones still count: else an address could be filled by adding and removing."""
    for who, written in (("oncd", "Reviews@Example.org"), ("rival", "reviews+1@example.org"), ("rival", "")):
        named = {"kind": "email", "target": written or MAIL["target"]}
        added = yes(mailing.do(who, acts.ADD, **named)).subscription
        yes(mailing.do(who, acts.REMOVE, subscription=added))
        assert waiting(mailing, added) == []
    assert no(mailing.do("applicant", acts.ADD, **MAIL)) == "address_asked"
    yes(mailing.do("applicant", acts.ADD, kind="email", target="another@example.org"))
    mailing.wall.at_ms += subscriptions.CODE_MS + 1
    yes(mailing.do("applicant", acts.ADD, **MAIL))
    assert mailing.do("rival", acts.LIST).subscriptions == ()


def test_one_who_names_many_addresses_of_others_does_not_get_them_letters_without_end(mailing):
    for number in range(subscriptions.OPEN_MAX):
        yes(mailing.do("rival", acts.ADD, kind="email", target=f"name-{number}@example.org"))
    assert no(mailing.do("rival", acts.ADD, kind="email", target="more@example.org")) == "address_asked"
    yes(mailing.do("oncd", acts.ADD, kind="email", target="more@example.org"))


def test_a_code_is_good_for_a_day(mailing):
    heard = yes(mailing.do("oncd", acts.ADD, **MAIL)).subscription
    mailing.wall.at_ms += subscriptions.CODE_MS + 1
    given = {"subscription": heard, "code": code_of(mailing, heard)}
    assert no(mailing.do("oncd", acts.CONFIRM, **given)) == "code_expired"


def test_there_is_an_end_to_subscriptions(plane):
    for _ in range(subscriptions.SUBSCRIPTIONS_MAX):
        subscribe(plane, "oncd")
    assert no(plane.do("oncd", acts.ADD, **HOOK)) == "too_many_subscriptions"
