"""The paperwork of a release, over the HTTP API, as each party does it: with its own token and its own key.

Every act looks first at the record: it continues what has been done, and does not repeat it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from demo.cast import OFFICER, Cast, Customer
from demo.site import Site
from sluicegate.acts import applications, cases, credentials, directives, log, releases, review, tokens
from sluicegate.acts.act import APPLICANT, Nothing
from sluicegate.acts.applications import Submission
from sluicegate.acts.cases import CaseArgument, CaseFilter, CaseView
from sluicegate.acts.credentials import CredentialArgument, KeyDigest
from sluicegate.acts.directives import (
    AcceptedDirective,
    DirectiveArgument,
    DirectivePreview,
    DirectiveStatus,
    DirectiveSummary,
    DirectiveText,
    LiftCase,
    LiftPart,
)
from sluicegate.acts.documents import DocumentText, SignedStatement
from sluicegate.acts.log import LogHead
from sluicegate.acts.releases import PlanReceipt, StageArgument, StageReceipt, StageStatus
from sluicegate.acts.review import ReviewStatement, StatementReceipt
from sluicegate.acts.tokens import TokenRequest
from sluicegate.client import export, signing
from sluicegate.client.directives import Binding, lift_request, signed_directive
from sluicegate.client.http import Client
from sluicegate.core.access import apikey
from sluicegate.core.directives import directive
from sluicegate.core.terms import document
from sluicegate.errors import CommandRefused, Unreachable
from sluicegate.store import keyfile
from sluicegate_record.terms import kinds

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
            made = self.staff().do(tokens.ISSUE, TokenRequest(role=APPLICANT, name=customer.slug))
            keyfile.write_secret(path, f"{made.token}\n".encode())
        return self._client(path.read_text().strip())

    def head(self) -> LogHead:
        """The key of the log, and its size."""
        return self.staff().do(log.HEAD, Nothing())

    def apply_plan(self, path: Path) -> PlanReceipt:
        """Put a plan in force."""
        return self.staff().do(releases.APPLY, DocumentText(text=path.read_text(), file=path.name))

    def stages(self) -> list[tuple[str, StageStatus]]:
        """Every stage of every release in its present state, each with its release."""
        found = self.staff().do(releases.STATUS, Nothing()).releases
        return [(release.release, stage) for release in found for stage in release.stages]

    def open_stage(self, release: str, stage: str) -> StageReceipt:
        """The officer opens a stage."""
        staff = self.staff()
        asked = staff.do(releases.OPENING, StageArgument(release=release, stage=stage))
        envelope = signing.opening(asked, self._cast.key(OFFICER))
        return staff.do(releases.OPEN, SignedStatement(envelope=envelope))

    def decide(self, case: str) -> CaseView:
        """Every agency that is awaited in a case reads it and signs its approval; return the case."""
        for agency in self.case(case).awaiting:
            self.approve(case, agency)
        return self.case(case)

    def approve(self, case: str, agency: str) -> StatementReceipt:
        """One agency reads a case and signs its approval."""
        client = self.agency(agency)
        exported = export.checked(client.do(review.EXPORT, CaseArgument(case=case)))
        signed = signing.position(exported, signing.Review("approve"), self._cast.key(agency))
        return client.do(review.IMPORT, ReviewStatement(envelope=signed))

    def case(self, case: str) -> CaseView:
        """A case in its present state."""
        return self.staff().do(cases.SHOW, CaseArgument(case=case))

    def submit(self, customer: Customer) -> str:
        """A customer applies; return the case.

        If an earlier case is open or has given a grant, return that one.
        """
        file = self._examples / f"{customer.slug}.yaml"
        asked = Submission(**customer.place._asdict(), organization=file.read_text(), file=file.name)
        try:
            return self.customer(customer).do(applications.SUBMIT, asked).application
        except CommandRefused as refused:
            if refused.code not in ("already_applied", "already_granted"):
                raise
            return self._newest_application(customer)

    def issue(self, customer: Customer, grant: str) -> Credential:
        """A customer makes an API key under its grant; only the key's digest leaves this process."""
        key = apikey.make(apikey.KEY_PREFIX, secrets.token_bytes(32))
        asked = KeyDigest(grant=grant, digest=apikey.digest(key).hex())
        made = self.customer(customer).do(credentials.ISSUE, asked)
        return Credential(made.credential, key, grant, made.size)

    def revoke(self, customer: Customer, credential: str) -> None:
        """A customer revokes a key of its own."""
        self.customer(customer).do(credentials.REVOKE, CredentialArgument(credential=credential))

    def preview(self, text: str) -> DirectivePreview:
        """Who a directive would cover."""
        return self.staff().do(directives.PREVIEW, DirectiveText(text=text))

    def order(
        self, text: str, annexes: Mapping[str, Mapping[str, list[str]]] | None = None
    ) -> AcceptedDirective:
        """The issuer in a directive signs it and puts it in force.

        `annexes` are the names in its annexes, as `annex.read` gives them.
        """
        given = directive.read(document.read(text, "directive.yaml"))
        issuer = given["spec"]["issuer"]
        bound = Binding(self.head().vkey, annexes or {})
        signed = signed_directive(given, bound, self._cast.key(issuer))
        return self.agency(issuer).do(directives.ISSUE, signed)

    def lift(self, name: str, agency: str) -> LiftCase:
        """An agency signs that a directive is to be lifted."""
        client, part = self.agency(agency), LiftPart(directive=name)
        asked = export.checked(client.do(directives.LIFTING, part))
        signed = signing.position(asked, signing.Review("approve"), self._cast.key(agency))
        return client.do(directives.LIFT, lift_request(part, asked.question.case, signed))

    def directives(self) -> tuple[DirectiveSummary, ...]:
        """Every directive on the record, newest first."""
        return self.staff().do(directives.LIST, Nothing()).directives

    def status(self, name: str) -> DirectiveStatus:
        """Where a directive is in force now."""
        return self.staff().do(directives.STATUS, DirectiveArgument(directive=name))

    def in_force(self, name: str) -> DirectiveStatus:
        """Wait until a directive is in force everywhere; return its state, gateway by gateway.

        Raises: Unreachable: it is still not, after a time that is longer than any lease.
        """
        ends = time.monotonic() + IN_FORCE_S
        while time.monotonic() < ends:
            status = self.status(name)
            if status.in_force:
                return status
            time.sleep(0.005)
        raise Unreachable(f"the directive {name} is not in force everywhere after {IN_FORCE_S:.0f} s")

    def _client(self, token: str) -> Client:
        if token not in self._clients:
            self._clients[token] = Client(self._site.control_url, token)
        return self._clients[token]

    def _newest_application(self, customer: Customer) -> str:
        found = self.customer(customer).do(cases.LIST, CaseFilter(kind=kinds.ADMISSION)).cases
        place = customer.place
        return next(each.case for each in found if (each.release, each.stage, each.surface) == place)
