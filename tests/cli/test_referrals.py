"""All relevant parts by command line alone: a case is referred, declined, objected to for another concern."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.timed import PLAN, TimedPlane, timed_plane
from tests.worlds import OFFICER

CONCERNS = {
    "Director}": "Director, concerns: [cyber]}",
    "Policy}": "Policy, concerns: [cyber, export]}",
    "Standards and Innovation}": "Standards and Innovation, concerns: [cyber]}",
    "  stages:\n": "  referrals: {from: [oncd], to: [caisi], binding: true, within: 5}\n  stages:\n",
    "      seats: 2\n": "      concern: cyber\n      seats: 2\n",
    "        countersign: [caisi]\n": "",
}


def gated() -> str:
    """A plan with a concern, remits and referrals."""
    text = PLAN
    for old, new in CONCERNS.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    with timed_plane(cli, tmp_path) as made:
        made.text("apply", made.file("gated.yaml", gated()))
        (case,) = made.answer("case", "list", "--kind", "terms", "--state", "in_review")["cases"]
        for agency in ("oncd", "ostp", "caisi"):
            made.say(case["case"], agency)
        made.text("stage", "open", "gpt-5.6", "trusted-partners", "--key", made.key(OFFICER))
        yield made


def test_a_case_is_referred_and_declined_and_an_objection_outside_does_not_count(plane):
    case = plane.submit("Example Utility")
    why = ("--reason", "it tests such systems", "--key", plane.key("oncd"))
    told = plane.text("review", "refer", case, "--to", "caisi", *why, by="oncd")
    assert f"oncd has referred {case} to caisi" in told
    told = plane.show(case, "caisi")
    assert "oncd referred it to caisi, which joins those who decide: it tests such systems" in told
    assert "decided by: (oncd and ostp) and caisi" in told
    no = ("object", "--reason", "chips", "--concern", "export")
    plane.say(case, "ostp", *no)
    assert "ostp object (export), outside this gate's concern: it does not count: chips" in plane.show(case)
    plane.say(case, "oncd")
    plane.say(case, "ostp")
    told = plane.text("review", "decline", case, "--key", plane.key("caisi"), by="caisi")
    assert "the position of caisi in" in told
    assert ": approved" in told
    assert plane.answer("case", "show", case)["declined"] == ["caisi"]


def test_an_objection_without_a_concern_and_a_referral_that_terms_do_not_give_say_what_to_do(plane):
    case = plane.submit("Example Utility")
    signed = plane.sign(case, "ostp", "object", "--reason", "no")
    refused = plane.error("review", "import", signed, by="ostp")
    assert (refused["code"], refused["remedy"]) == ("concern_missing", "sign it with --concern")
    why = ("--reason", "why", "--key", plane.key("ostp"))
    refused = plane.error("review", "refer", case, "--to", "caisi", *why, by="ostp")
    assert refused["code"] == "not_to_refer"


def test_the_status_lists_who_is_heard(plane):
    told = plane.text("status")
    assert "for cyber: asked: caisi, oncd, ostp" in told
