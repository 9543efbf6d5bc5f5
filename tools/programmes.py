"""The ways in which foreign clients name a programme, each with its result: a part of `reference/clients.md`.

Rules:
- `tests/clients` asks by each client in each way, and compares what the server saw and what the client
  showed with this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sluicegate.core.people import persons
from sluicegate_record.terms.programmes import FIELD, PROFILE, STANDARD
from tools.clients import CLIENTS, ForeignClient

CONCERN = "cyber"
HEADER = "x-access-program"
OWN_PROFILE, OTHER_PROFILE = "uprof_own", "uprof_other"
STATED = {
    "standard": {},
    "daybreak_blue": {"asks": {"sso": True}},
    "daybreak_red": {"asks": {"sso": True, "mfa": True}},
    "defence": {"travels": HEADER},
    "red_team": {"travels": HEADER, "asks": {"humanReview": True}},
    "c": {"travels": PROFILE},
}
"""The programmes of the plan."""
GRANTED: Mapping[str, tuple[str, ...]] = {
    "daybreak_blue": (),
    "defence": (),
    "c": (persons.identifier(OWN_PROFILE).hex(),),
}
"""Those that the grant has, with their holders."""
ACTIVE = ", ".join(sorted(f"{CONCERN}: {name}" for name in GRANTED))


class Case(StrEnum):
    """What a request names."""

    GRANTED = "granted"
    LACKED = "not granted"
    STANDARD = "standard"
    NONE = "none"


@dataclass(frozen=True)
class Passed:
    """The result of a request. `saw`: what reached the model's server of a programme, None if no request did.

    `shown`: the beginning of the refusal, as the client shows it.
    """

    status: int
    saw: str | None
    shown: str = ""


@dataclass(frozen=True)
class Carrier:
    """What carries a programme: the name that a request gives in each case, and the result."""

    name: str
    names: Mapping[Case, str]
    passed: Mapping[Case, Passed]


def _refused(asked: str, asks: str = "") -> Passed:
    return Passed(403, None, f"the programme '{asked}' is not granted; active: {ACTIVE}{asks}")


CARRIERS = {
    FIELD: Carrier(
        FIELD,
        {Case.GRANTED: "daybreak_blue", Case.LACKED: "daybreak_red", Case.STANDARD: STANDARD},
        {
            Case.GRANTED: Passed(200, f'{FIELD}: {{"{CONCERN}": "daybreak_blue"}}'),
            Case.LACKED: _refused(f"{CONCERN}: daybreak_red", "; it asks mfa, sso"),
            Case.STANDARD: Passed(200, f'{FIELD}: {{"{CONCERN}": "{STANDARD}"}}'),
            Case.NONE: Passed(200, ""),
        },
    ),
    PROFILE: Carrier(
        PROFILE,
        {Case.GRANTED: OWN_PROFILE, Case.LACKED: OTHER_PROFILE},
        {
            Case.GRANTED: Passed(200, f"{PROFILE}: {OWN_PROFILE}"),
            Case.LACKED: _refused(f"user profile {persons.identifier(OTHER_PROFILE).hex()[:8]}…"),
            Case.NONE: Passed(200, ""),
        },
    ),
    HEADER: Carrier(
        HEADER,
        {Case.GRANTED: "defence", Case.LACKED: "red_team", Case.STANDARD: STANDARD},
        {
            Case.GRANTED: Passed(200, f"{HEADER}: defence"),
            Case.LACKED: _refused(f"{CONCERN}: red_team", "; it asks humanReview"),
            Case.STANDARD: Passed(200, ""),
            Case.NONE: Passed(200, ""),
        },
    ),
}


@dataclass(frozen=True)
class Naming:
    """A way in which a client names programmes, as a person writes it."""

    client: ForeignClient
    carrier: Carrier
    how: str

    def expected(self, case: Case) -> Passed:
        """What the result must be. Requires: the carrier has the case."""
        usual = self.carrier.passed[case]
        status = usual.status if usual.status == 200 else self.client.refused_with or usual.status
        return Passed(status, usual.saw, usual.shown)


_BY_NAME = {each.name: each for each in CLIENTS}
NAMINGS = [
    Naming(_BY_NAME[client], CARRIERS[carrier], how)
    for client, carrier, how in (
        ("openai (chat)", FIELD, 'extra_body={"access_programs": {"cyber": …}}'),
        ("openai (chat)", HEADER, 'extra_headers={"x-access-program": …}'),
        ("openai (responses)", FIELD, 'access_programs={"cyber": …}'),
        ("openai (responses)", HEADER, 'extra_headers={"x-access-program": …}'),
        ("anthropic", FIELD, 'extra_body={"access_programs": {"cyber": …}}'),
        ("anthropic", PROFILE, "beta.messages.create(user_profile_id=…)"),
        ("anthropic", HEADER, 'extra_headers={"x-access-program": …}'),
        ("Codex", FIELD, "codex exec --cyber-access-program …"),
        ("Codex", HEADER, 'model_providers.NAME.http_headers={"x-access-program"="…"}'),
    )
]
