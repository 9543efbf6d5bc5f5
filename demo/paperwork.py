"""The paperwork of a release, over the HTTP API, as each party does it: with its own token and its own key.

Every act looks first at the record: it continues what has been done, and does not repeat it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from demo.cast import OFFICER, Cast, Customer
from demo.site import Site
from sluicegate.acts import releases
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.releases import StageArgument
from sluicegate.client import export, signing
from sluicegate.client.directives import Binding, signed_directive
from sluicegate.client.http import Client
from sluicegate.core.access import apikey
from sluicegate.core.directives import directive
from sluicegate.core.terms import document
from sluicegate.errors import CommandRefused, Unreachable
from sluicegate.store import keyfile

IN_FORCE_S = 30.0
_STAFF = "developer"


class Credential(NamedTuple):
    """An API key under a grant. It counts from log size `size` on."""

    id: str
    key: str
    grant: str
    size: int


class Paperwork:
    """What the parties of a cast do at a site."""

    def __init__(self, site: Site, cast: Cast, examples: Path) -> None:
        self._site = site
        self._cast = cast
        self._examples = examples
        self._tokens = site.folder / "tokens"
        self._tokens.mkdir(mode=0o700, exist_ok=True)
        self._clients: dict[str, Client] = {}

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            client.close()

    def staff(self) -> Client:
        """The developer's staff, as a client."""
        return self._client(self._site.token(_STAFF))

    def agency(self, name: str) -> Client:
        """An agency."""
        return self._client(self._site.token(name))

    def customer(self, customer: Customer) -> Client:
        """A customer's staff, with a token that the developer makes once."""
        path = self._tokens / f"{customer.slug}.token"
        if not path.exists():
            made = self.staff().post("/api/v1/tokens", {"role": "applicant", "name": customer.slug})
            keyfile.write_secret(path, f"{made['token']}\n".encode())
        return self._client(path.read_text().strip())

    def apply_plan(self, path: Path) -> dict[str, Any]:
        """Put a plan in force."""
        answer: dict[str, Any] = self.staff().post(
            "/api/v1/releases", {"text": path.read_text(), "file": path.name}
        )
        return answer

    def stages(self) -> list[dict[str, Any]]:
        """Every stage of every release in its present state, each with its `release`."""
        found = self.staff().get("/api/v1/releases")["releases"]
        return [{**stage, "release": release["release"]} for release in found for stage in release["stages"]]

    def open_stage(self, release: str, stage: str) -> dict[str, Any]:
        """The officer opens a stage."""
        staff = self.staff()
        asked = staff.do(releases.OPENING, StageArgument(release=release, stage=stage))
        envelope = signing.opening(asked, self._cast.key(OFFICER))
        return staff.do(releases.OPEN, SignedStatement(envelope=envelope)).to_json()

    def decide(self, case: str) -> dict[str, Any]:
        """Every agency that is awaited in a case reads it and signs its approval; return the case."""
        for agency in self.case(case)["awaiting"]:
            self.approve(case, agency)
        return self.case(case)

    def approve(self, case: str, agency: str) -> dict[str, Any]:
        """One agency reads a case and signs its approval."""
        client = self.agency(agency)
        exported = export.read(client.get(f"/api/v1/cases/{case}/export"))
        envelope = signing.position(exported, signing.Review("approve"), self._cast.key(agency))
        answer: dict[str, Any] = client.post("/api/v1/positions", {"envelope": envelope})
        return answer

    def case(self, case: str) -> dict[str, Any]:
        """A case in its present state."""
        answer: dict[str, Any] = self.staff().get(f"/api/v1/cases/{case}")
        return answer

    def submit(self, customer: Customer) -> str:
        """A customer applies; return the case.

        If an earlier case is open or has given a grant, return that one.
        """
        body = {
            **customer.place._asdict(),
            "organization": (self._examples / f"{customer.slug}.yaml").read_text(),
            "file": f"{customer.slug}.yaml",
        }
        try:
            return str(self.customer(customer).post("/api/v1/applications", body)["application"])
        except CommandRefused as refused:
            if refused.code not in ("already_applied", "already_granted"):
                raise
            return self._newest_application(customer)

    def issue(self, customer: Customer, grant: str) -> Credential:
        """A customer makes an API key under its grant; only the key's digest leaves this process."""
        key = apikey.make(apikey.KEY_PREFIX, secrets.token_bytes(32))
        body = {"digest": apikey.digest(key).hex()}
        made = self.customer(customer).post(f"/api/v1/grants/{grant}/credentials", body)
        return Credential(made["credential"], key, grant, made["size"])

    def revoke(self, customer: Customer, credential: str) -> None:
        """A customer revokes a key of its own."""
        self.customer(customer).post(f"/api/v1/credentials/{credential}/revoke")

    def preview(self, text: str) -> dict[str, Any]:
        """Who a directive would cover."""
        answer: dict[str, Any] = self.staff().post("/api/v1/directives/preview", {"text": text})
        return answer

    def order(
        self, text: str, annexes: Mapping[str, Mapping[str, list[str]]] | None = None
    ) -> dict[str, Any]:
        """The issuer in a directive signs it and puts it in force.

        `annexes` are the names in its annexes, as `annex.read` gives them.
        """
        given = directive.read(document.read(text, "directive.yaml"))
        issuer = given["spec"]["issuer"]
        bound = Binding(self.staff().get("/api/v1/log")["vkey"], annexes or {})
        body = signed_directive(given, bound, self._cast.key(issuer)).to_json()
        answer: dict[str, Any] = self.agency(issuer).post("/api/v1/directives", body)
        return answer

    def lift(self, name: str, agency: str) -> dict[str, Any]:
        """An agency signs that a directive is to be lifted."""
        case = self.agency(agency).post(f"/api/v1/directives/{name}/lift")["case"]
        return self.approve(case, agency)

    def directives(self) -> list[dict[str, Any]]:
        """Every directive on the record, newest first."""
        listed: list[dict[str, Any]] = self.staff().get("/api/v1/directives")["directives"]
        return listed

    def in_force(self, name: str) -> dict[str, Any]:
        """Wait until a directive is in force everywhere; return its state, gateway by gateway.

        Raises: Unreachable: it is still not, after a time that is longer than any lease.
        """
        ends = time.monotonic() + IN_FORCE_S
        while time.monotonic() < ends:
            status: dict[str, Any] = self.staff().get(f"/api/v1/directives/{name}/status")
            if status["inForce"]:
                return status
            time.sleep(0.005)
        raise Unreachable(f"the directive {name} is not in force everywhere after {IN_FORCE_S:.0f} s")

    def _client(self, token: str) -> Client:
        if token not in self._clients:
            self._clients[token] = Client(self._site.control_url, token)
        return self._clients[token]

    def _newest_application(self, customer: Customer) -> str:
        cases = self.customer(customer).get("/api/v1/cases")["cases"]
        of_place = customer.place._asdict().items()
        return next(
            str(case["case"]) for case in cases if case["kind"] == "admission" and of_place <= case.items()
        )
