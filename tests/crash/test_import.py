"""An import of keys whose control plane is killed after any of its parts: the same command finishes it."""

from __future__ import annotations

import hashlib
from contextlib import closing

import httpx2
import pytest

from sluicegate.acts import imports as acts
from sluicegate.acts.imports import KeyPart, WholeImport
from sluicegate.client.http import Client
from sluicegate.core.access import keylist
from tests.crash.customers import admitted
from tests.crash.parties import MODEL
from tests.crash.plane import Plane, Site, running
from tests.waiting import BOUND_S

NAME = "imp_aaaaaaaaaaaaaaaa"
PARTS = 3


def answered(plane: Plane, key: str) -> int:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
    url, headers = f"{plane.gateway_url}/v1/chat/completions", {"x-api-key": key}
    return httpx2.post(
        url, json=body, headers=headers, timeout=BOUND_S, trust_env=False, verify=False
    ).status_code


def part(grant: str, number: int) -> KeyPart:
    digest = hashlib.sha256(f"sk-example-{number}".encode()).hexdigest()
    (made,) = keylist.parts(["sha256,grant", f"{digest},{grant}"])
    return KeyPart(name=NAME, part=number, text=made.text)


@pytest.mark.parametrize("after", [1, PARTS])
def test_an_import_goes_on_where_its_control_plane_was_killed(site: Site, after: int) -> None:
    with running(site, apart=True) as plane:
        with closing(plane.developer()) as client:
            admitted(client, plane.parties, "The Organization")
            (grant,) = [each["grant"] for each in client.ask("/api/v1/grants")["grants"]]
        with closing(Client(plane.control_url, plane.token("developer"))) as client:
            size = max(client.do(acts.IMPORT, part(grant, number)).size for number in range(after))
        plane.control.kill()
        plane.start_control()
        plane.wait_ready(size)
        assert answered(plane, "sk-example-0") == 401
        with closing(Client(plane.control_url, plane.token("developer"))) as client:
            for number in range(PARTS):
                assert client.do(acts.IMPORT, part(grant, number)).parts == max(after, number + 1)
            size = client.do(acts.COMPLETE, WholeImport(name=NAME, count=PARTS)).size
        plane.wait_ready(size)
        assert [answered(plane, f"sk-example-{number}") for number in range(PARTS)] == [200] * PARTS
        plane.control.kill()
        plane.start_control()
        assert answered(plane, "sk-example-0") == 200
