"""The pages name every limit of the servers."""

from __future__ import annotations

import re
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from sluicegate.acts.act import ROLES
from sluicegate.acts.directives import ISSUE
from sluicegate.cli import pairs
from sluicegate.errors import InvalidInput
from sluicegate.http.lanes import AllLanes
from sluicegate.settings import DailyLimits, HttpSettings

PAGE = (Path(__file__).parents[2] / "docs/how-to/run-it-for-real.md").read_text()
LIMITS = (Path(__file__).parents[2] / "docs/reference/limits.md").read_text()
ROWS = re.findall(r"^\| (`.+?`) \| [^|]+ \|$", PAGE, re.MULTILINE)


def test_the_page_about_running_it_says_what_each_limit_is_for():
    told = [name for names in ROWS for name in re.findall(r"`(.+?)`", names)]
    assert told == [each.name.replace("_", "-") for each in fields(HttpSettings)]


def test_every_lane_is_on_the_page_of_limits():
    lanes = AllLanes()
    named = {lane.name for role in ROLES for act in (None, ISSUE) for lane in [lanes.of(role, act)]}
    assert {lane.name for lane in lanes.all()} == named | {lanes.strangers.name}
    assert all(f"| {name} | " in LIMITS for name in named)


def test_a_limit_is_set_by_its_name():
    made = pairs.http(["max-connections=7", "head-timeout-ms=250", "proxies=10.1.0.0/16, fd00::/8"])
    assert (made.max_connections, made.head_timeout_ms, made.burst) == (7, 250, 200)
    assert [str(each) for each in made.proxies] == ["10.1.0.0/16", "fd00::/8"]


@pytest.mark.parametrize(
    "given",
    [
        *("max-connections", "max-connections=", "max-connections=0", "max-connections=-1", "burst=1.5"),
        *("burst=²", "burst=99999999999", "max_connections=1", "other=1", "=1", "", "proxies=nonsense"),
    ],
)
def test_what_is_no_limit_is_said(given: str):
    with pytest.raises(InvalidInput):
        pairs.http([given])


def test_a_daily_limit_is_spelled_as_the_page_spells_it():
    names = re.findall(r"^\| `([a-z-]+)` \| [\d,]+ \|$", LIMITS, re.MULTILINE)
    assert asdict(pairs.limits([f"{name}=7" for name in names])) == dict.fromkeys(
        (each.name for each in fields(DailyLimits)), 7
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("max-connections", "--http 'max-connections', expected NAME=VALUE, with one of max-connections, "),
        ("proxies", "--http 'proxies', expected NAME=VALUE, with one of max-connections, "),
        (
            "burst=99999999999",
            "--http 'burst=99999999999', expected a whole number from 1 to 2147483647",
        ),
        (
            "max-head-bytes=10",
            "--http 'max-head-bytes=10', expected a whole number from 1024 to 2147483647",
        ),
        ("burst=" + "9" * 5_000, "expected a whole number from 1 to 2147483647"),
    ],
)
def test_what_a_limit_may_be_is_said(given: str, said: str):
    with pytest.raises(InvalidInput) as caught:
        pairs.http([given])
    assert said in caught.value.message
