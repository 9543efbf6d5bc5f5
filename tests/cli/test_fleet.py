"""Following a directive until it is in force everywhere, points where others enforce among them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.commands import EXAMPLES, Plane, lying
from tests.cli.commands import plane as running_plane
from tests.waiting import BOUND_S

ORDER = """
apiVersion: sluicegate/v1
kind: Directive
metadata: {name: NAME}
spec:
  issuer: oncd
  basis: {kind: order, authority: a letter}
  action: suspend
  models: [gpt-5.6]
  surfaces: all
  covers: everyone
  reasons: {form: verbal}
"""


@pytest.fixture(scope="module")
def plane(cli, tmp_path_factory) -> Iterator[Plane]:
    """A control plane of this module's own, with a plan and a point declared for one of its surfaces."""
    folder = tmp_path_factory.mktemp("fleet")
    with running_plane(cli, folder) as made:
        made.answer("apply", EXAMPLES / "gpt-5.6-preview.yaml")
        cli("keys", "generate", "-o", folder / "cloud.key")
        declared = made.answer("point", "declare", "cloud", *declaring(made))
        assert (declared["point"], declared["surface"], declared["state"]) == ("cloud", "codex", "declared")
        yield made


def declaring(plane: Plane) -> tuple[object, ...]:
    return (
        *("--surface", "codex", "--public", plane.folder / "cloud.key.pub"),
        *("--key", plane.key("release-officer")),
    )


def issue(plane: Plane, name: str, folder: Path) -> None:
    (folder / "order.yaml").write_text(ORDER.replace("NAME", name))
    plane.answer("directive", "issue", folder / "order.yaml", "--key", plane.key("oncd"), by="oncd")


@contextmanager
def watching(plane: Plane, name: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    # Whatever runs the tests in the background may have it ignore the signal.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "sluicegate"]
    command += ["directive", "status", name, "--watch", *options]
    environment = {**os.environ, "SLUICEGATE_URL": plane.url, "SLUICEGATE_TOKEN": plane.token("developer")}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        yield running
        running.kill()


def line(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    return running.stdout.readline()


def test_a_directive_is_followed_until_the_last_has_said_so(plane: Plane, tmp_path: Path):
    issue(plane, "d-1", tmp_path)
    with watching(plane, "d-1") as running:
        assert line(running) == "point cloud on codex, which others run: waiting\n"
        assert line(running) == "d-1: not yet in force everywhere\n"
        said = plane.answer("point", "state", "cloud", "d-1", "--key", plane.key("cloud"))
        assert (said["point"], said["directive"], said["says"]) == ("cloud", "d-1", "enforced")
        assert line(running).startswith("point cloud on codex, which others run: stated at 20")
        assert line(running) == "d-1: in force everywhere\n"
        assert (running.wait(BOUND_S), line(running)) == (0, "")
    status = plane.answer("directive", "status", "d-1")
    assert status["inForce"]
    assert (
        f"in force everywhere since {status['inForceSince']}, as entry {status['entry']} says"
        in plane("directive", "status", "d-1").out
    )


def test_each_change_is_one_object_in_json(plane: Plane, tmp_path: Path):
    issue(plane, "d-2", tmp_path)
    with watching(plane, "d-2", "--json") as running:
        first = json.loads(line(running))
        assert [point["state"] for point in first["points"]] == ["waiting"]
        plane.answer("point", "state", "cloud", "d-2", "--key", plane.key("cloud"))
        assert running.stdout is not None
        states = [json.loads(each) for each in running.stdout]
        assert running.wait(BOUND_S) == 0
    assert all(before != after for before, after in zip([first, *states], states, strict=False))
    assert (states[-1]["inForce"], states[-1]["points"][0]["state"]) == (True, "stated")
    assert states[-1]["entry"] is not None


def test_whoever_has_seen_enough_ends_it(plane: Plane, tmp_path: Path):
    issue(plane, "d-3", tmp_path)
    with watching(plane, "d-3") as running:
        line(running)
        line(running)
        running.send_signal(signal.SIGINT)
        assert running.wait(BOUND_S) == 130


def test_one_that_is_lifted_will_not_be_in_force(plane: Plane, tmp_path: Path):
    issue(plane, "d-4", tmp_path)
    with watching(plane, "d-4", "--json") as running:
        line(running)
        plane.answer("directive", "lift", "d-4", "--key", plane.key("oncd"), by="oncd")
        assert running.wait(BOUND_S) == 1
        assert running.stderr is not None
        assert json.loads(running.stderr.read())["error"]["code"] == "directive_lifted"
    restored = ("point", "state", "cloud", "d-4", "--says", "restored", "--key", plane.key("cloud"))
    assert plane.answer(*restored)["says"] == "restored"


def test_what_a_point_was_not_told_to_say_is_not_signed(plane: Plane):
    for point, directive in (("other", "d-1"), ("cloud", "d-2")):
        answer = {"log": "log", "point": point, "directive": directive, "document": "sha256:"}
        with lying({"/d-1": answer}) as (url, asked):
            state = ("point", "state", "cloud", "d-1", "--key", plane.key("cloud"))
            said = plane.cli(*state, "--json", url=url)
        assert f"answered about {point!r} and {directive!r}" in said.error["message"]
        assert asked[-1] == "/api/v1/points/cloud/directives/d-1"
        assert all(path.startswith("/api/v1/ids/") for path in asked[:-1])


def test_points_are_listed_and_retired(plane: Plane):
    stranger = plane("point", "declare", "other", *declaring(plane)[:-1], plane.key("oncd"), "--json")
    assert (stranger.code, stranger.error["code"]) == (1, "key_of_another_party")
    assert plane.error("point", "retire", "nobody", "--key", plane.key("release-officer"))["code"] == (
        "point_unknown"
    )
    retired = plane.answer("point", "retire", "cloud", "--key", plane.key("second-officer"))
    assert retired["state"] == "retired"
    assert plane("point", "list").out.splitlines()[1].split()[:3] == ["cloud", "codex", "retired"]
    late = plane("point", "state", "cloud", "d-3", "--key", plane.key("cloud"), "--json")
    assert (late.code, late.error["code"]) == (1, "point_retired")
