"""Programmes across real processes: a control plane, a feed, a gateway, and a customer's SDK."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import openai

from tests.crash.customers import Client, Command, admitted
from tests.crash.parties import MODEL
from tests.crash.plane import Plane, Site, started
from tests.gate.clients import calls
from tests.waiting import BOUND_S, eventually

PROGRAMMES = {
    "cyber": {
        "standard": {},
        "daybreak_blue": {"asks": {"sso": True}},
        "daybreak_red": {"asks": {"sso": True, "mfa": True}},
    }
}
BLUE = {"concern": "cyber", "name": "daybreak_blue"}


def asks(client: openai.OpenAI, name: str | None) -> dict[str, Any]:
    """Ask with a programme, as the SDK does: nothing if it is answered, or else what the refusal says."""
    more = {} if name is None else {"access_programs": {"cyber": name}}
    try:
        client.responses.create(model=MODEL, input="hello", extra_body=more)
    except openai.APIStatusError as error:
        body: Any = error.body
        said: dict[str, Any] = {"status": error.status_code, **body["sluicegate"]}
        return said
    return {}


def change(client: Client, grant: str, what: str, **body: Any) -> None:
    client.do(Command(what, f"/api/v1/grants/{grant}/{what}", {**body, "programme": ["cyber:daybreak_blue"]}))


def test_a_programme_is_answered_from_its_grant_to_its_suspension(site: Site) -> None:
    with (
        started(Plane(site, apart=True, programmes=PROGRAMMES)) as plane,
        closing(plane.developer()) as staff,
    ):
        key = admitted(staff, plane.parties, "The Customer", programmes=[BLUE])
        (grant,) = (each["grant"] for each in staff.ask("/api/v1/grants")["grants"])
        client = openai.OpenAI(
            base_url=f"{plane.gateway_url}/v1", api_key=key, timeout=BOUND_S, max_retries=0
        )
        with client:
            assert eventually(lambda: asks(client, None) == {})
            before = len(calls(site.upstream_url))
            assert asks(client, "standard") == asks(client, "daybreak_blue") == {}
            refused = asks(client, "daybreak_red")
            assert (refused["status"], refused["reason"]) == (403, "programme_not_granted")
            assert refused["programme"]["active"] == ["cyber: daybreak_blue"]
            assert refused["programme"]["asks"] == ["mfa", "sso"]
            assert len(calls(site.upstream_url)) == before + 2
            change(staff, grant, "suspend", code="misuse")
            assert eventually(lambda: asks(client, "daybreak_blue") != {})
            assert asks(client, "daybreak_blue")["programme"]["why"] == "suspended"
            assert asks(client, None) == {}
            change(staff, grant, "resume")
            assert eventually(lambda: asks(client, "daybreak_blue") == {})
