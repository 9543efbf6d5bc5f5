"""The plan of DESIGN 4.1: this build has all of it."""

from __future__ import annotations

from pathlib import Path

from sluicegate.core.terms import document, plan

TEXT = Path(__file__).with_name("design.yaml").read_text().replace("sha256:…", "sha256:" + "0" * 64)


def test_the_plan_of_the_design_is_a_plan() -> None:
    spec = plan.read(document.read(TEXT, "design.yaml")).spec
    compared = spec.evaluations["cyber-capability"].when_comparable
    assert compared is not None
    assert compared.scrutiny in spec.scrutiny
