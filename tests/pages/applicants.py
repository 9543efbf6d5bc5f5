"""Applicants of a control plane under test: a stage for which they apply, and what they have there. Texts are
hostile, long or in another script.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Page

from demo.fleet import served
from sluicegate.acts import applications, credentials, drafts, fleet
from sluicegate.acts.act import APPLICANT
from sluicegate.settings import HttpSettings
from tests.control.conftest import Plane
from tests.pages import offices
from tests.pages.conftest import HOSTILE, LONG, RTL
from tests.pages.signing_in import named
from tests.waiting import BOUND_S
from tests.worlds import API, MODEL, RELEASE, STAGE, plan_value, stage

CRITERIA = ["A security officer answers within an hour.", HOSTILE, RTL, LONG]


def plan() -> dict[str, Any]:
    """A plan of a stage that has criteria, conditions, programmes and a clock."""
    clock = {"within": 10, "unit": "business-days", "calendar": "us-federal", "silence": "deny"}
    admission = {"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}, "clock": clock}
    eligibility = {"criteria": CRITERIA, "owners": {"above": 25}, "onwardAccess": ["none", "affiliates"]}
    programmes = {"cyber": {"standard": {}, "daybreak_red": {"asks": {"mfa": True}}}}
    stages = [stage(admission=admission, eligibility=eligibility)]
    made = plan_value(stages=stages, programmes=programmes)
    made["metadata"]["title"] = "GPT-5.6 limited preview"
    return made


@contextmanager
def serving(folder: Path) -> Iterator[Plane]:
    """A control plane where that stage is open, while it serves."""
    made = Plane(folder, HttpSettings(burst=10_000))
    with served(made.wired) as made.url:
        offices.opened(made, plan())
        yield made


@contextmanager
def browsing(browser: Browser, site: Plane) -> Iterator[Page]:
    """A page of a browser that no one has used yet."""
    with browser.new_context(base_url=named(site)) as context:
        context.set_default_timeout(BOUND_S * 1_000)
        yield context.new_page()


def applied(plane: Plane, who: str, name: str = "Example Utility", **more: Any) -> str:
    """An application of somebody, by the API; its case. `more` are fields of the organization file."""
    organization = {"name": name, "registeredIn": "US", "owners": [], **more}
    text = json.dumps(organization, ensure_ascii=False)
    asked = {"release": RELEASE, "stage": STAGE, "surface": API, "organization": text}
    done = offices.put(plane, APPLICANT, who, applications.SUBMIT.path, asked)
    found: str = done["application"]
    return found


class Furnished(NamedTuple):
    """What somebody has: a case that waits for an answer, a grant, a draft, and a key that was used."""

    case: str
    grant: str
    draft: str
    key: str


def furnished(plane: Plane, who: str) -> Furnished:
    """Somebody who has something of each kind, with hostile texts."""
    answers = dict.fromkeys(CRITERIA[:-1], f"{LONG} {HOSTILE} {RTL}")
    documents = [{"name": f"{HOSTILE[:60]} {RTL}", "digest": "sha256:" + "ab" * 32}]
    owner = {"name": HOSTILE, "registeredIn": "US", "share": 60}
    sent = {"criteria": answers, "attachments": documents, "owners": [owner], "intendedUse": LONG}
    asked = applied(plane, who, f"{HOSTILE[:60]} {RTL}", **sent)
    offices.receive(plane, asked, "ostp")
    offices.say(plane, asked, "oncd", "ask", reason=f"{LONG} {HOSTILE} {RTL}")
    organization = {"name": HOSTILE, "registeredIn": "ZZ", "criteria": dict.fromkeys(CRITERIA, HOSTILE)}
    draft = {"release": RELEASE, "stage": STAGE, "surface": API, "organization": json.dumps(organization)}
    kept = offices.put(plane, APPLICANT, who, drafts.SAVE.path, draft)["draft"]
    grant = offices.admit(plane, applied(plane, who, LONG))
    key = key_of(plane, grant, who, HOSTILE[:60])
    used(plane, key)
    return Furnished(asked, grant, kept, key)


def key_of(plane: Plane, grant: str, who: str = "owner", label: str | None = None) -> str:
    """A credential that the holder of a grant makes."""
    path = credentials.ISSUE.path.format(grant=grant)
    digest = hashlib.sha256(grant.encode()).hexdigest()
    made: str = offices.put(plane, APPLICANT, who, path, {"digest": digest, "label": label})["credential"]
    return made


def used(plane: Plane, key: str) -> None:
    """A gateway has let requests of a key through, and refused some."""
    report = {"gateway": "gateway", "incarnation": key, "surface": API}
    for number in (1, 2):
        rows = [{"credential": key, "passed": 1_200, "refused": 6, "model": MODEL}]
        rows.append({"credential": key, "passed": 34, "refused": 0})
        tally = {"number": number, "rows": rows}
        offices.put(plane, "gateway", "gateway", fleet.REPORT.path, {**report, "tally": tally})
