from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from demo.fleet import served
from sluicegate.settings import HttpSettings
from tests.control.conftest import Plane
from tests.waiting import BOUND_S
from tests.worlds import plan_value, stage

HOSTILE = "<script>alert(1)</script> \"'><img src=x onerror=alert(2)> {{7*7}}"
RTL = "הערכת מודל · تقييم"
LONG = "An-Organization-" * 5


def hostile_plan() -> str:
    """A plan whose texts are not what a page expects."""
    hostile = plan_value("hostile", models=("m-hostile",))
    hostile["metadata"]["title"] = HOSTILE[:100]
    hostile["spec"]["stages"][0]["eligibility"] = {"criteria": [HOSTILE, RTL, LONG]}
    return json.dumps(hostile)


def _plans() -> Iterator[str]:
    after = stage(name="everyone-else", opensWhen={"allOf": [{"after": "trusted-partners"}, {"soak": "P7D"}]})
    plain = plan_value("gpt-5.6", models=("gpt-5.6",), stages=[stage(name="trusted-partners"), after])
    plain["metadata"]["title"] = "GPT-5.6 limited preview"
    yield json.dumps(plain)
    yield hostile_plan()
    yield json.dumps(plan_value("quiet", models=("m-quiet",), announced=False))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """A control plane with a release as usual, one with hostile texts, and one that is not announced."""
    made = Plane(tmp_path_factory.mktemp("site"), HttpSettings(burst=10_000))
    with served(made.wired) as made.url:
        for plan in _plans():
            answer = made.send("/api/v1/releases", {"text": plan})
            assert answer.status_code == 200, answer.text
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium, or the test is skipped.

    Playwright keeps an event loop in this thread: one that lasted would be in the way of other tests.
    """
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        expect.set_options(timeout=BOUND_S * 1_000)  # a busy machine takes longer than the usual 5 s
        yield made
        made.close()
