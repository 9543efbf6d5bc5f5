"""What an applicant sends at a command line is what a reviewer reads at the desk."""

from __future__ import annotations

import html
from pathlib import Path

import httpx2

from tests.cli.commands import Cli
from tests.desk.office import Office
from tests.desk.test_access import entered, origin
from tests.launcher import Launcher
from tests.waiting import BOUND_S
from tests.worlds import RELEASE, STAGE, digest

FILE = f"""\
name: Example Grid
registeredIn: US
criteria:
  It runs a grid.: Of 12,000 km, since 1950.
  We also say this.: <script>alert(1)</script>
attachments:
  - name: plan <b>1</b>.pdf
    digest: {digest("a plan")}
"""


def test_answers_and_documents_are_shown_as_the_applicant_sent_them(
    office: Office, launcher: Launcher, tmp_path: Path
) -> None:
    file = tmp_path / "organization.yaml"
    file.write_text(FILE)
    where = ("--release", RELEASE, "--stage", STAGE, "--surface", "api", "--organization", file)
    given = {"url": office.plane.url, "token": office.plane.token("applicant", "grid")}
    sent = Cli(tmp_path, launcher)("application", "submit", *where, "--json", **given)
    case = sent.answer["application"]
    office.follow_now()
    office.known(case)
    with httpx2.Client(base_url=origin(office), timeout=BOUND_S, trust_env=False, verify=False) as client:
        entered(office, client, "ostp.reads")
        text = client.get(f"/i/openai/cases/{case}").text
    assert "Of 12,000 km, since 1950." in text
    assert "We also say this." in text
    assert html.escape("plan <b>1</b>.pdf") in text
    assert digest("a plan") in text
    assert "<script>alert" not in text
    assert "<b>1</b>" not in text
