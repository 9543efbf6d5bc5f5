"""`deploy/`: alerts, their runbook, the dashboard, units and the compose file agree with what the code is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from sluicegate.cli.main import COMMANDS, program
from sluicegate.control import operations
from sluicegate.control.plane import ControlPlane
from sluicegate.core.access.table import Table
from sluicegate.feed import app as feed
from sluicegate.gate.engine import Engine
from sluicegate.gate.intake import Intake
from sluicegate.gate.metrics import Metrics, _Findings
from sluicegate.gate.trace import Trace
from sluicegate.http import measures
from sluicegate.http.measures import Requests
from sluicegate.journal import SECURITY
from sluicegate.parsing.parsers import Parsers
from sluicegate.settings import ControlSettings
from tests.clock import Clock
from tests.gate.running import settings
from tests.gate.world import SURFACE
from tests.plane import Plane
from tests.worlds import ORIGIN

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
OF_PROMETHEUS = {"up"}
ENDS = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
NAMES = re.compile(r"\b(?:sluicegate|process)_[a-z_]+\b")


def rules() -> list[dict[str, Any]]:
    read = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())
    return [rule for group in read["groups"] for rule in group["rules"]]


def asked() -> Iterator[tuple[str, str]]:
    """What asks for metrics, and where it is."""
    for rule in rules():
        yield rule["alert"], rule["expr"]
    board = json.loads((DEPLOY / "grafana" / "sluicegate.json").read_text())
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def exposed() -> dict[str, set[str]]:
    """The metrics of all three processes, with the names of their labels where there are samples."""
    plane = Plane()
    control = measures.registry("control")
    Requests(control)
    of_control = ControlSettings(Path("unused"), Path("unused"), ORIGIN)
    operations.routes(ControlPlane.over(plane.ledger, plane.fleet, of_control, Parsers()), control)
    fed = feed._counts(plane.feed)
    found: dict[str, set[str]] = {}
    for text in (measures.text(control), measures.text(fed), gateway_text()):
        for family in text_string_to_metric_families(text.decode()):
            names = [family.name, *(sample.name for sample in family.samples)]
            for name in [*names, *(family.name + end for end in ENDS.get(family.type, ()))]:
                found.setdefault(name, set())
            for sample in family.samples:
                found[sample.name] |= set(sample.labels)
    return found


def gateway_text() -> bytes:
    """The metrics of a gateway that writes a request log and has a trust file, after one request."""
    clock = Clock()
    engine = Engine(SURFACE, clock, Table())
    lines: Any = SimpleNamespace(dropped=0)
    made = Metrics(engine, Intake(settings(), 8, clock), lines, lines)
    trace = Trace()
    trace.first_s, trace.upstream_status = 1.0, 200
    made.took(trace, "answered", 2.0)
    vouched: Any = SimpleNamespace(findings={"grant.approved": 1})
    made._registry.register(_Findings(vouched))
    return made.text()


def test_every_alert_has_a_section_in_the_runbook_and_no_section_is_left_over() -> None:
    sections = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert sections == [rule["alert"] for rule in rules()]


def test_every_alert_has_a_severity_that_the_runbook_says_and_a_summary() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text()
    for rule in rules():
        begins = text.partition(f"## {rule['alert']}\n\n")[2]
        assert begins.lower().startswith(f"*{rule['labels']['severity']}.*"), rule["alert"]
        assert rule["annotations"]["summary"]


def test_every_metric_that_is_asked_for_is_exposed() -> None:
    known = exposed()
    for where, expression in asked():
        for name in NAMES.findall(expression):
            assert name in known, f"{where}: {name}"


def test_every_event_that_an_alert_names_is_one_and_each_is_named() -> None:
    named = {
        event
        for rule in rules()
        for group in re.findall(r'event=~?"([^"]+)"', rule["expr"])
        for event in group.split("|")
    }
    assert named == set(SECURITY)


def test_units_and_the_compose_file_call_commands_with_options_that_exist() -> None:
    lines = [
        line.partition("bin/sluicegate ")[2].split()
        for unit in sorted((DEPLOY / "systemd").glob("*.service"))
        for line in unit.read_text().splitlines()
        if line.startswith("ExecStart=")
    ]
    services = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text())["services"]
    lines += [service["command"] for service in services.values()]
    lines += [service["healthcheck"]["test"][2:] for service in services.values()]
    assert len(lines) == 11
    for word, *rest in lines:
        assert word in COMMANDS
        known = {option for each in program().commands[word].loaded.params for option in each.opts}  # type: ignore[attr-defined]
        assert {each for each in rest if each.startswith("--")} <= known, word


def test_the_image_is_made_of_what_is_in_the_checkout() -> None:
    text = (DEPLOY / "container" / "Containerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_reads_the_rules() -> None:
    for what, name in (("rules", "alerts.yaml"), ("config", "prometheus.yaml")):
        file = DEPLOY / "prometheus" / name
        subprocess.run(["promtool", "check", what, file], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_reads_the_units(tmp_path: Path) -> None:
    """Its program is not installed there: any other that exists is put in its place."""
    for unit in (DEPLOY / "systemd").glob("*.service"):
        name = unit.name.replace("@.", "@gateway-1.")
        (tmp_path / name).write_text(unit.read_text().replace("/opt/sluicegate/bin/sluicegate", "/bin/true"))
    found = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *tmp_path.iterdir()],
        check=False,
        capture_output=True,
        text=True,
    )
    ours = [line for line in found.stderr.splitlines() if str(tmp_path) in line]
    assert (found.returncode, ours) == (0, []), found.stderr
