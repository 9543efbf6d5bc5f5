"""The paperwork of a release, over the HTTP API, as each party does it: with its own token and its own key.

Every act looks first at the record: it continues what has been done, and does not repeat it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from demo.cast import OFFICER, Cast, Customer, Newcomer, Place
from demo.site import Site
from sluicegate.acts import (
    accounts,
    applications,
    cases,
    credentials,
    directives,
    evidence,
    findings,
    grants,
    log,
    releases,
    review,
    tokens,
)
from sluicegate.acts.accounts import NewAccount
from sluicegate.acts.act import APPLICANT, Nothing
from sluicegate.acts.applications import Submission
from sluicegate.acts.cases import CaseArgument, CaseFilter, CaseView
from sluicegate.acts.credentials import CredentialArgument, KeyDigest
from sluicegate.acts.directives import (
    AcceptedDirective,
    DirectiveArgument,
    DirectiveFilter,
    DirectivePreview,
    DirectiveStatus,
    DirectiveSummary,
    DirectiveText,
    LiftCase,
    LiftPart,
)
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.evidence import EvaluationArgument, EvaluationToSign, EvidenceReceipt, SignedResult
from sluicegate.acts.findings import FindingReceipt, FindingToSignArgument
from sluicegate.acts.grants import GrantFilter
from sluicegate.acts.log import LogHead
from sluicegate.acts.releases import PlanReceipt, PlanText, StageArgument, StageReceipt, StageStatus
from sluicegate.acts.review import ReviewStatement, StatementReceipt
from sluicegate.acts.sign_ins import INVITE, InvitationRequest
from sluicegate.acts.tokens import TokenRequest
from sluicegate.cli.wording import BARRED
from sluicegate.client import export, signing
from sluicegate.client.directives import lift_request, signed_directive
from sluicegate.client.evidence import reading, result
from sluicegate.client.evidence.result import Provenance
from sluicegate.client.http import Client
from sluicegate.core.access import apikey
from sluicegate.core.directives import directive
from sluicegate.core.directives.directive import Signing
from sluicegate.core.terms import document
from sluicegate.errors import CommandRefused, Unreachable
from sluicegate.pages.frame import CONTROL
from sluicegate.statements.cases import Review, receipt
from sluicegate.statements.directives import salt
from sluicegate.statements.findings import FINDING, WordOnFinding
from sluicegate.statements.stages import opening
from sluicegate.store import keyfile
from sluicegate_record.statements.findings import FIXES, GONE, REPORTS, RETESTS
from sluicegate_record.terms import kinds

IN_FORCE_S = 30.0
_STAFF = "developer"


class Credential(NamedTuple):
    """An API key under a grant, or under an account. It counts from log size `size` on."""

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

    def customer(self, customer: Customer | Newcomer) -> Client:
        """A customer's staff."""
        return self.holder(APPLICANT, customer.slug)

    def holder(self, role: str, name: str) -> Client:
        """Someone of a role, with a token that the developer makes once."""
        path = self._tokens / f"{name}.token"
        if not path.exists():
            made = self.staff().do(tokens.ISSUE, TokenRequest(role=role, name=name))
            keyfile.write_secret(path, f"{made.token}\n".encode())
        return self._client(path.read_text().strip())

    def head(self) -> LogHead:
        """The key of the log, and its size."""
        return self.staff().do(log.HEAD, Nothing())

    def apply_plan(self, path: Path) -> PlanReceipt:
        """Put a plan in force."""
        return self.staff().do(releases.APPLY, PlanText(text=path.read_text(), file=path.name))

    def stages(self) -> list[tuple[str, StageStatus]]:
        """Every stage of every release in its present state, each with its release."""
        found = self.staff().do(releases.STATUS, Nothing()).releases
        return [(release.release, stage) for release in found for stage in release.stages]

    def open_stage(self, release: str, stage: str) -> StageReceipt:
        """The officer opens a stage, or asks the agencies whose agreement it needs."""
        staff = self.staff()
        asked = staff.do(releases.OPENING, StageArgument(release=release, stage=stage))
        envelope = signing.for_record(opening(asked), self._cast.key(OFFICER))
        return staff.do(releases.OPEN, SignedStatement(envelope=envelope))

    def decide(self, case: str) -> CaseView:
        """Every agency that is awaited in a case reads it and signs its approval; return the case."""
        for agency in self.case(case).awaiting:
            self.approve(case, agency)
        return self.case(case)

    def approve(self, case: str, agency: str) -> StatementReceipt:
        """One agency reads a case and signs its approval."""
        return self.say(case, agency, Review("approve"))

    def receive(self, case: str, agency: str) -> StatementReceipt:
        """One agency confirms that it received a case: its time starts."""
        client = self.agency(agency)
        exported = export.checked(client.do(review.EXPORT, CaseArgument(case=case)))
        key = self._cast.key(agency)
        signed = signing.for_record(receipt(exported, export.party_of(exported, key)), key)
        return client.do(review.IMPORT, ReviewStatement(envelope=signed))

    def say(self, case: str, agency: str, said: Review) -> StatementReceipt:
        """One agency reads a case and signs its position."""
        client = self.agency(agency)
        exported = export.checked(client.do(review.EXPORT, CaseArgument(case=case)))
        signed = signing.position(exported, said, self._cast.key(agency))
        return client.do(review.IMPORT, ReviewStatement(envelope=signed))

    def case(self, case: str) -> CaseView:
        """A case in its present state."""
        return self.staff().do(cases.SHOW, CaseArgument(case=case))

    def submit(self, customer: Customer) -> str:
        """A customer applies; return the case.

        If an earlier case is open or has given a grant, return that one.
        """
        asked = Submission(**customer.place._asdict(), **self._file_of(customer))
        try:
            return self.customer(customer).do(applications.SUBMIT, asked).application
        except CommandRefused as refused:
            if refused.code not in ("already_applied", "already_granted"):
                raise
            return self._newest_application(customer)

    def open_account(self, newcomer: Newcomer) -> str:
        """The developer opens an account for an organization, which may issue keys; return the account."""
        self.customer(newcomer)
        known = self.staff().do(tokens.LIST, tokens.TokenFilter(limit=500)).tokens
        holder = next(token.principal for token in known if token.name == newcomer.slug)
        asked = NewAccount(**self._file_of(newcomer), holder=holder)
        return self.staff().do(accounts.OPEN, asked).account

    def issue(self, customer: Customer | Newcomer, grant: str) -> Credential:
        """A customer makes an API key under its grant or account; only its digest leaves this process."""
        key = apikey.make(apikey.KEY_PREFIX, secrets.token_bytes(32))
        asked = KeyDigest(grant=grant, digest=apikey.digest(key).hex())
        made = self.customer(customer).do(credentials.ISSUE, asked)
        return Credential(made.credential, key, grant, made.size)

    def named_grant(self, newcomer: Newcomer, place: Place) -> str:
        """The grant of an organization that a stage names, and that has an account now.

        Raises: CommandRefused: it has none.
        """
        self.open_account(newcomer)
        asked = GrantFilter(release=place.release)
        found = self.customer(newcomer).do(grants.LIST, asked).grants
        here = (each for each in found if (each.stage, each.surface) == (place.stage, place.surface))
        grant = next((each.grant for each in here if each.state not in BARRED), None)
        if grant is None:
            raise CommandRefused(f"{newcomer.name} has no grant in {place.release}/{place.stage}")
        return grant

    def asked_of(self, party: str, release: str, evaluation: str) -> EvaluationToSign:
        """What a party's result of an evaluation answers."""
        asked = EvaluationArgument(release=release, evaluation=evaluation)
        return self.agency(party).do(evidence.TO_SIGN, asked)

    def tell_result(self, asked: EvaluationToSign, log: Path) -> EvidenceReceipt:
        """A party reads its own log, and signs and sends what it says of an evaluation."""
        found = reading.read(log, asked.evaluation)
        envelope = result.signed(
            asked, found, Provenance(independence="independent"), self._cast.key(asked.party)
        )
        return self.agency(asked.party).do(evidence.IMPORT, SignedResult(envelope=envelope))

    def report(self, party: str, release: str, level: str, text: str) -> FindingReceipt:
        """A party reports a weakness of the safeguards of a release's only model."""
        about = FindingToSignArgument(release=release)
        return self._word(party, REPORTS, about, release=release, kind="safeguard", level=level, text=text)

    def fix(self, finding: str, text: str) -> FindingReceipt:
        """The developer says that the models in force have a fix."""
        return self._word(OFFICER, FIXES, FindingToSignArgument(finding=finding), text=text)

    def retest(self, party: str, finding: str, text: str) -> FindingReceipt:
        """A party has tested it again, and it is gone."""
        about = FindingToSignArgument(finding=finding)
        return self._word(party, RETESTS, about, text=text, outcome=GONE)

    def _word(self, owner: str, says: str, about: FindingToSignArgument, **said: Any) -> FindingReceipt:
        client = self.staff() if owner == OFFICER else self.agency(owner)
        asked = client.do(findings.TO_SIGN, about)
        word = WordOnFinding(finding=asked.finding, says=says, **said)
        unsigned = signing.made(FINDING, asked, word)
        return signing.recorded(client, FINDING, self._cast.key(owner), unsigned)

    def revoke(self, customer: Customer | Newcomer, credential: str) -> None:
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
        bound = Signing(self.head().vkey, salt, annexes or {})
        signed = signed_directive(given, bound, self._cast.key(issuer))
        return self.agency(issuer).do(directives.ISSUE, signed)

    def lift(self, name: str, agency: str) -> LiftCase:
        """An agency signs that a directive is to be lifted."""
        client, part = self.agency(agency), LiftPart(directive=name)
        asked = export.checked(client.do(directives.LIFTING, part))
        signed = signing.position(asked, Review("approve"), self._cast.key(agency))
        return client.do(directives.LIFT, lift_request(part, asked.question.case, signed))

    def directives(self) -> tuple[DirectiveSummary, ...]:
        """Every directive on the record, newest first."""
        return self.staff().do(directives.LIST, DirectiveFilter()).directives

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
            time.sleep(0.02)
        raise Unreachable(f"the directive {name} is not in force everywhere after {IN_FORCE_S:.0f} s")

    def link(self, client: Client) -> str:
        """A link that signs in to the pages of this machine as a client's holder, once."""
        made = client.do(INVITE, InvitationRequest())
        return CONTROL.reached(self._site.control_url) + made.path

    def _client(self, token: str) -> Client:
        if token not in self._clients:
            self._clients[token] = Client(self._site.control_url, token)
        return self._clients[token]

    def _file_of(self, customer: Customer | Newcomer) -> dict[str, Any]:
        file = self._examples / f"{customer.slug}.yaml"
        return {"organization": file.read_text(), "file": file.name}

    def _newest_application(self, customer: Customer) -> str:
        found = self.customer(customer).do(cases.LIST, CaseFilter(kind=kinds.ADMISSION)).cases
        place = customer.place
        return next(each.case for each in found if (each.release, each.stage, each.surface) == place)
