"""A licence under a directive by command line alone: asked for, decided by its issuer, listed, ended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.timed import TimedPlane, timed_plane
from tests.worlds import OFFICER

ORDER = """\
apiVersion: sluicegate/v1
kind: Directive
metadata: {name: bis-1}
spec:
  issuer: oncd
  basis: {kind: order, authority: a letter}
  action: suspend
  models: [gpt-5.6]
  surfaces: all
  covers: everyone
  reasons: {form: verbal}
  licensedBy: {anyOf: [oncd]}
"""


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    """An organization that is admitted, and an order that covers everyone."""
    with timed_plane(cli, tmp_path) as made:
        made.answer("stage", "open", "gpt-5.6", "trusted-partners", "--key", made.key(OFFICER))
        case = made.submit("Example Utility")
        for agency in ("oncd", "ostp"):
            made.say(case, agency)
        issue = ("directive", "issue", made.file("order.yaml", ORDER), "--key", made.key("oncd"))
        made.answer(*issue, by="oncd")
        yield made


def test_who_is_covered_asks_and_the_issuer_decides(plane):
    assert plane.text("licence", "list", by="applicant").strip() == "No licence."
    asked = plane.answer("licence", "request", "bis-1", by="applicant")
    case = asked["case"]
    assert plane.answer("licence", "request", "bis-1", by="applicant")["case"] == case
    told = plane.show(case)
    assert f"{case}: licence of bis-1 for Example Utility" in told
    assert "decided by: oncd" in told
    limits = plane.file("limits.yaml", "requestsPerMinute: 5\nvalidFor: P30D\n")
    assert plane.say(case, "oncd", "approve-with-conditions", "--conditions", limits)["determination"] == (
        "approved-with-conditions"
    )
    (found,) = plane.answer("licence", "list", by="applicant")["licences"]
    assert (found["directive"], found["state"], found["requestsPerMinute"]) == ("bis-1", "valid", 5)
    assert plane.answer("licence", "list", by="rival")["licences"] == []
    why = ("--reason", "it was misused")
    assert plane.error("licence", "end", found["licence"], *why, by="caisi")["code"] == "not_to_end"
    told = plane.text("licence", "end", found["licence"], *why, by="oncd")
    assert told.startswith(f"licence {found['licence']} under bis-1: revoked")


def test_who_is_not_covered_or_holds_no_grant_is_told_so(plane):
    assert plane.error("licence", "request", "bis-1", by="rival")["code"] == "grant_unknown"
    assert plane.error("licence", "request", "none", by="applicant")["code"] == "directive_unknown"
    assert plane.error("licence", "list", "--before", "none")["code"] == "licence_unknown"


WIDE = f"""\
apiVersion: sluicegate/v1
kind: Release
metadata: {{name: gpt-7, developer: openai}}
spec:
  models: [{{id: gpt-7, upstream: demo, digest: "sha256:{"1" * 64}", safeguards: "sha256:{"2" * 64}"}}]
  surfaces: [api]
  agencies:
    oncd: {{name: Office of the National Cyber Director}}
  stages:
    - name: general
      basis: {{kind: agreed, askedBy: [oncd], how: memorandum, askedOn: "2026-06-24"}}
      audience: everyone
"""


def test_who_has_an_account_and_no_grant_asks_for_one(plane):
    (case,) = plane.answer("apply", plane.file("wide.yaml", WIDE))["cases"]
    plane.say(case, "oncd")
    plane.answer("stage", "open", "gpt-7", "general", "--key", plane.key(OFFICER))
    known = plane.answer("token", "list")["tokens"]
    holder = next(each["principal"] for each in known if each["name"] == "rival")
    open_ = ("account", "open", "--organization", plane.organization("Example Labs"), "--holder", holder)
    account = plane.answer(*open_)["account"]
    order = plane.file("wide-order.yaml", ORDER.replace("bis-1", "bis-2").replace("[gpt-5.6]", "[gpt-7]"))
    plane.answer("directive", "issue", order, "--key", plane.key("oncd"), by="oncd")
    assert plane.error("licence", "request", "bis-2", "--grant", account, by="applicant")["code"] == (
        "grant_unknown"
    )
    asked = plane.answer("licence", "request", "bis-2", by="rival")
    assert asked["grant"] == account
    assert f"{asked['case']}: licence of bis-2 for Example Labs" in plane.show(asked["case"], by="rival")
    shown = plane.text("review", "export", asked["case"], "-o", plane.folder / "c.json", by="oncd")
    assert plane.say(asked["case"], "oncd")["determination"] == "approved", shown
    (found,) = plane.answer("licence", "list", by="rival")["licences"]
    assert (found["grant"], found["state"]) == (account, "valid")
    plane.answer("account", "close", account)
    assert plane.error("licence", "request", "bis-2", by="rival")["code"] == "grant_unknown"


RAMP = "      ramp: [{share: 1, for: P1D}, {share: 100}]\n"


def test_who_came_in_by_time_alone_asks_for_one(plane):
    (case,) = plane.answer("apply", plane.file("wide.yaml", WIDE + RAMP))["cases"]
    plane.say(case, "oncd")
    plane.answer("stage", "open", "gpt-7", "general", "--key", plane.key(OFFICER))
    known = plane.answer("token", "list")["tokens"]
    holder = next(each["principal"] for each in known if each["name"] == "rival")
    plane.answer("account", "open", "--organization", plane.organization("Example Labs"), "--holder", holder)
    order = plane.file("wide-order.yaml", ORDER.replace("bis-1", "bis-2").replace("[gpt-5.6]", "[gpt-7]"))
    plane.answer("directive", "issue", order, "--key", plane.key("oncd"), by="oncd")
    assert plane.error("licence", "request", "bis-2", by="rival")["code"] == "not_covered"
    plane.later(2)
    assert plane.answer("licence", "request", "bis-2", by="rival")["case"]
