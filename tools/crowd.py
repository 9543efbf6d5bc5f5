"""Many applicants of a release, whose names are long, short, or in other scripts.

All names are plainly examples.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from demo.cast import DEVELOPER, Customer, Place
from demo.moved import MovedSite
from demo.paperwork import Paperwork
from sluicegate.statements.cases import Review

VETTED = Place("gpt-5.6-cyber", "vetted-teams", "api")
SEATS = 24
APPLICANTS = 300
DAYS = 6
"""Over how many days of July they apply."""
PARTIES = ("oncd", "ostp")
NAMES = (
    "Example Utility",
    "شركة المثال لتوزيع الكهرباء والمياه",
    "Example Interregional Cooperative for the Distribution of Electricity, Water and District Heating",
    "Παράδειγμα Ενέργεια",
    "Пример энергосбыт",
    "בית חולים לדוגמה",
    "Ex",
    "Beispiel-Stadtwerke Süd-Nordrhein GmbH & Co. KG",
    "Exemple Sécurité Réseaux S.A.",
    "სანიმუშო საავადმყოფო",
)
CRITERIA = (
    "A security officer answers within an hour, on every day.",
    "Output that describes a weakness goes to its owner first, and to no one else for 90 days.",
    "Each person who uses the model is named, and has signed the rules of use.",
)


FATES: Sequence[Sequence[tuple[str, Review]]] = (
    [(each, Review("approve")) for each in PARTIES],
    [("oncd", Review("approve"))],
    [("ostp", Review("ask", "Which of your sites are in scope, and who answers there at night?"))],
    [],
    [("oncd", Review("object", "It shares an owner with an organization that lost its access."))],
    [],
    [("ostp", Review("approve"))],
    [],
)
"""What agencies say of an application, one of these after the other."""


def plan() -> dict[str, Any]:
    """A release that security teams apply for, one by one."""
    zeros = "sha256:" + "0" * 64
    clock = {"within": 10, "unit": "business-days", "calendar": "us-federal", "silence": "no-objection"}
    return {
        "apiVersion": "sluicegate/v1",
        "kind": "Release",
        "metadata": {"name": VETTED.release, "developer": DEVELOPER, "title": "GPT-5.6 for security teams"},
        "spec": {
            "models": [{"id": VETTED.release, "upstream": "demo", "digest": zeros, "safeguards": zeros}],
            "surfaces": [VETTED.surface],
            "agencies": {
                "oncd": {"name": "Office of the National Cyber Director"},
                "ostp": {"name": "Office of Science and Technology Policy"},
                "commerce": {"name": "Department of Commerce"},
            },
            "referrals": {"from": ["oncd", "ostp"], "to": ["commerce"], "binding": True},
            "stages": [
                {
                    "name": VETTED.stage,
                    "basis": {
                        "kind": "voluntary",
                        "askedBy": list(PARTIES),
                        "how": "a call, and a letter on the day after",
                        "askedOn": "2026-06-24",
                    },
                    "opensWhen": {"allOf": [{"terms": "agreed"}]},
                    "seats": SEATS,
                    "admission": {
                        "mode": "approve",
                        "grant": {"allOf": list(PARTIES)},
                        "clock": clock,
                    },
                    "eligibility": {"criteria": list(CRITERIA)},
                    "conditions": {"requestsPerMinute": 600, "validFor": "P30D"},
                }
            ],
        },
    }


def arrive(site: MovedSite, paperwork: Paperwork, folder: Path) -> None:
    """Put the plan in force, and have all apply, day by day; agencies answer some."""
    path = folder / "vetted.yaml"
    path.write_text(json.dumps(plan()))
    for case in paperwork.apply_plan(path).cases:
        paperwork.decide(case)
    paperwork.open_stage(VETTED.release, VETTED.stage)
    for number in range(APPLICANTS):
        if number and number % (APPLICANTS // DAYS) == 0:
            site.until(f"2026-07-{number // (APPLICANTS // DAYS):02}T{number % 20:02}:00")
        case = paperwork.submit(_applicant(number, folder))
        for agency in PARTIES[: number % 3]:
            paperwork.receive(case, agency)
        for agency, said in FATES[number % len(FATES)]:
            paperwork.say(case, agency, said)


def _applicant(number: int, folder: Path) -> Customer:
    name = NAMES[number % len(NAMES)] + (f" {number // len(NAMES)}" if number >= len(NAMES) else "")
    customer = Customer(name, f"applicant-{number}", VETTED)
    (folder / f"{customer.slug}.yaml").write_text(json.dumps(organization(name)))
    return customer


def organization(name: str) -> dict[str, Any]:
    """What an applicant says of itself."""
    return {
        "name": name,
        "registeredIn": "US",
        "intendedUse": "Finding weaknesses in control software of our own before others do.",
        "criteria": dict.fromkeys(CRITERIA, "Yes. Part 4 of our procedure says so, and who is responsible."),
    }
