"""The story's weeks: from 2 June to 9 July 2026, on a clock that is moved, each entry checked by the record.

An order covers foreign persons, and all it cannot tell apart; it is amended, and lifted agency by agency.
Meanwhile another model goes from a short list to everyone.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from demo.cast import DEVELOPER, OFFICER, Cast, Customer, Newcomer, Place
from demo.moved import ANSWERED, FollowingGateway, MovedSite
from demo.telling import Page, expect
from sluicegate.acts import credentials, directives, members, review
from sluicegate.acts.cases import CaseArgument
from sluicegate.acts.credentials import KeyDigest
from sluicegate.acts.directives import DirectiveArgument
from sluicegate.acts.members import MemberRow, MemberRows
from sluicegate.acts.review import ReviewStatement
from sluicegate.cli.presets import PRESETS
from sluicegate.client import export, signing
from sluicegate.client.directives import lift_part, lift_request, signed_directive
from sluicegate.core.access import apikey
from sluicegate.core.directives import directive
from sluicegate.core.directives.directive import Signing
from sluicegate.core.people import persons
from sluicegate.core.terms import document, renewal
from sluicegate.core.terms.renewal import Renewal
from sluicegate.statements.cases import Review
from sluicegate.statements.directives import salt
from sluicegate_record.directives.scope import Scope
from sluicegate_record.log import canonical

FIRST, SECOND = "fable-5", "mythos-5"
LABS_OWN = Place("june", "customers", "api")
PARTNERS, NEW_MODEL = Place("gpt-5.6", "trusted-partners", "api"), "gpt-5.6"
GENERAL = "general"
ISSUER, OTHER = "bis", "commerce"
AGENCIES = (ISSUER, OTHER, "oncd", "ostp")
ORDER, ANNEX = "bis-2026-06-12", "annex-a"
UTILITY = Customer("Example Utility", "utility", LABS_OWN)
INSTITUTE = Customer("Example Institute", "institute", LABS_OWN)
LABORATORY = Customer("Example Government Laboratory", "laboratory", LABS_OWN)
LIBRARY = Newcomer("Example Public Library", "library")
BEGUN = 20
"""About two dozen organizations were planned for the preview, and about twenty began."""
REFUSED = "directive_in_force"


@dataclass
class Weeks:
    """`june`, `ordered`, `previewed`, `restored`, `general`."""

    folder: Path
    stack: ExitStack
    keys: dict[str, str] = field(default_factory=dict)

    def june(self, page: Page) -> None:
        """2 June: two models are in use; the order of 12 June has not come."""
        self.folder.mkdir()
        cast = Cast(self.folder, AGENCIES, (OFFICER, "second-officer"))
        self.site = MovedSite(self.folder, cast, "2026-06-02T00:00")
        self.paperwork = self.stack.enter_context(self.site.open())
        self._gateways = [FollowingGateway(self.site, f"{each}-1", each) for each in ("api", "codex")]
        self._release(json.dumps(_own_plan()))
        self.paperwork.open_stage(LABS_OWN.release, LABS_OWN.stage)
        grants = {each: self._admitted(each) for each in (UTILITY, INSTITUTE, LABORATORY)}
        for customer, grant in grants.items():
            self.keys[customer.name] = self.paperwork.issue(customer, grant).key
        self._registered(UTILITY, grants[UTILITY])
        page("A clock that is moved, from 2 June 2026 on: a control plane over HTTP, its feed, two gateways.")
        page(
            f"{len(grants)} organizations use {FIRST} and {SECOND}. {UTILITY.name} has registered who uses "
            "one of its keys, a citizen; no other key says who uses it."
        )
        self._expect(dict.fromkeys(self.keys, ANSWERED), (FIRST, SECOND))
        self._checked(page)

    def ordered(self, page: Page) -> None:
        """12 June, 17:21 in Washington: the letter."""
        self.site.until("2026-06-12T21:21")
        self._issue(())
        page(
            f"12 June, 17:21 in Washington: {ISSUER} orders that no foreign person uses the two models, at "
            "once; who is not known is covered. The reasons were given by telephone."
        )
        said = dict.fromkeys(self.keys, REFUSED) | {CITIZEN: ANSWERED}
        self._expect(said, (FIRST, SECOND))
        page("Refused in the same minute: every key that does not say who uses it. Answered: the citizen's.")
        self._checked(page)

    def previewed(self, page: Page) -> None:
        """24 June: another preview is asked for. 26 June: it begins, and the letter gets an annex."""
        self.site.until("2026-06-24T15:00")
        text = (PRESETS / "preview-to-everyone.yaml").read_text()
        wanted = Renewal(PARTNERS.release, DEVELOPER, start=date(2026, 6, 24), models={"id": [NEW_MODEL]})
        self._release(renewal.renewed(document.read(text, "preview"), text, wanted))
        page(f"24 June: oncd and ostp ask that {NEW_MODEL} goes to a short list first, and agree to terms.")
        self.site.until("2026-06-26T00:00")
        self._issue((INSTITUTE.name,))
        self._expect({UTILITY.name: REFUSED, INSTITUTE.name: ANSWERED, LABORATORY.name: REFUSED}, (FIRST,))
        page(f"26 June: a second letter has an annex; {INSTITUTE.name} is on it, and is answered again.")
        partners = [Customer(f"Example Partner {n}", f"partner-{n}", PARTNERS) for n in range(1, BEGUN + 1)]
        for each in partners:
            self.keys[each.name] = self.paperwork.issue(each, self._admitted(each)).key
        self._general_refused()
        page(
            f"The same day the preview opens by itself: {BEGUN} organizations are approved, one by one, on "
            "the API. On the other surface they get surface_not_granted."
        )
        said = {gate.surface: gate.asked(self.keys[partners[0].name], NEW_MODEL) for gate in self._gateways}
        expect(said == {"api": ANSWERED, "codex": "surface_not_granted"}, f"a partner is told {said}")
        self._checked(page)

    def restored(self, page: Page) -> None:
        """30 June and 1 July: the order is lifted in parts, agency by agency."""
        self.site.until("2026-06-30T16:00")
        self._lift((FIRST,), [LABORATORY.name])
        self._expect({LABORATORY.name: ANSWERED, UTILITY.name: REFUSED}, (FIRST,))
        self._expect({LABORATORY.name: REFUSED}, (SECOND,))
        page(f"30 June: {ISSUER} and {OTHER} lift it for {LABORATORY.name}, on {FIRST} alone.")
        self.site.until("2026-07-01T16:00")
        self._lift((), None)
        own = [UTILITY.name, CITIZEN, INSTITUTE.name, LABORATORY.name]
        self._expect(dict.fromkeys(own, ANSWERED), (FIRST, SECOND))
        page("1 July: they lift all of it. The four keys are answered on both models.")
        self._checked(page)

    def general(self, page: Page) -> None:
        """8 July: the agencies have agreed, and the first shares are in. 9 July: everyone is."""
        opening = self.paperwork.open_stage(PARTNERS.release, GENERAL)
        case = self.paperwork.decide(str(opening.case))
        agreed = ", ".join(sorted(each.agency for each in case.positions))
        page(f"An officer asks {agreed}: they agree that {NEW_MODEL} is for everyone.")
        self.site.until("2026-07-07T23:00")
        self._general_refused()
        self.site.until("2026-07-09T00:00")
        for name in (LIBRARY.name, f"Example Partner {BEGUN}"):
            said = {gate.surface: gate.asked(self.keys[name], NEW_MODEL) for gate in self._gateways}
            expect(set(said.values()) == {ANSWERED}, f"{name} is told {said}")
        page(
            "8 July: the stage opens by itself when its time is over, for 5 per cent, then for half. 9 July: "
            "it is for everyone. The partners' keys go on, on both surfaces; an account is enough."
        )
        self._checked(page)

    # What parties do

    def _release(self, text: str) -> None:
        path = self.folder / "plan.yaml"
        path.write_text(text)
        for case in self.paperwork.apply_plan(path).cases:
            self.paperwork.decide(case)

    def _admitted(self, customer: Customer) -> str:
        file = {"name": customer.name, "registeredIn": "US"}
        (self.folder / f"{customer.slug}.yaml").write_text(json.dumps(file))
        case = self.paperwork.decide(self.paperwork.submit(customer))
        assert case.grant is not None
        return case.grant.grant

    def _registered(self, customer: Customer, grant: str) -> None:
        """Register a citizen, with a key that no one else uses."""
        client = self.paperwork.customer(customer)
        row = MemberRow(
            identifiers=(persons.identifier("engineer@example.org"),),
            status="us_citizen",
            method="document-seen",
            assurance="organization",
        )
        (member,) = client.do(members.REGISTER, MemberRows(grant=grant, rows=(row,))).members
        key = apikey.make(apikey.KEY_PREFIX, secrets.token_bytes(32))
        client.do(credentials.ISSUE, KeyDigest(grant=grant, digest=apikey.digest(key).hex(), member=member))
        self.keys[CITIZEN] = key

    def _issue(self, annex: Sequence[str]) -> None:
        """The issuer signs the order; with an annex also who would lift it, as that takes some out."""
        given = directive.read(document.read(json.dumps(_order(annex)), "order.yaml"))
        names = {ANNEX: {"organizations": list(annex)}} if annex else {}
        replaced = self._document() if annex else None
        bound = Signing(self.site.ledger.vkey(), salt, annexes=names, replaced=replaced)
        signers = (ISSUER, OTHER) if annex else (ISSUER,)
        signed = signed_directive(given, bound, *map(self.site.cast.key, signers))
        self.paperwork.agency(ISSUER).do(directives.ISSUE, signed)

    def _document(self) -> str:
        asked = DirectiveArgument(directive=ORDER)
        return self.paperwork.staff().do(directives.SHOW, asked).document.digest

    def _lift(self, models: Sequence[str], organizations: list[str] | None) -> None:
        part = lift_part(ORDER, Scope(models=tuple(models) or None), organizations)
        case = self.paperwork.staff().do(directives.LIFT, lift_request(part)).case
        for agency in (OTHER, ISSUER):
            client = self.paperwork.agency(agency)
            asked = export.checked(client.do(review.EXPORT, CaseArgument(case=case)))
            signed = signing.position(asked, Review("approve"), self.site.cast.key(agency))
            client.do(review.IMPORT, ReviewStatement(envelope=signed))

    def _general_refused(self) -> None:
        """Who has an account alone is not in before the stage for everyone is open."""
        if LIBRARY.name not in self.keys:
            file = {"name": LIBRARY.name, "registeredIn": "US"}
            (self.folder / f"{LIBRARY.slug}.yaml").write_text(json.dumps(file))
            account = self.paperwork.open_account(LIBRARY)
            self.keys[LIBRARY.name] = self.paperwork.issue(LIBRARY, account).key
        said = self._gateways[0].asked(self.keys[LIBRARY.name], NEW_MODEL)
        expect(said == "not_admitted", f"{LIBRARY.name}, without a case, is told {said}")

    # What is checked

    def _expect(self, said: dict[str, str], models: Sequence[str]) -> None:
        for name, word in said.items():
            for model in models:
                found = self._gateways[0].asked(self.keys[name], model)
                expect(found == word, f"{name} asks {model} and is told {found}, not {word}")

    def _checked(self, page: Page) -> None:
        size = self.site.audited()
        page.figures["entries"] = size
        page(f"The record alone finds each of the {size} entries lawful.")


CITIZEN = "the citizen"


def _own_plan() -> dict[str, Any]:
    """The plan of the two models that were in use."""
    zeros = "sha256:" + "0" * 64
    return {
        "apiVersion": "sluicegate/v1",
        "kind": "Release",
        "metadata": {"name": LABS_OWN.release, "developer": DEVELOPER},
        "spec": {
            "models": [
                {"id": name, "upstream": "demo", "digest": zeros, "safeguards": zeros}
                for name in (FIRST, SECOND)
            ],
            "surfaces": [LABS_OWN.surface],
            "agencies": {
                ISSUER: {"name": "Bureau of Industry and Security", "directs": [FIRST, SECOND]},
                OTHER: {"name": "Department of Commerce"},
            },
            "stages": [
                {
                    "name": LABS_OWN.stage,
                    "basis": {"kind": "agreed", "askedBy": [OTHER], "how": "a call", "askedOn": "2026-06-02"},
                    "admission": {"mode": "approve", "grant": {"allOf": [OTHER]}},
                }
            ],
        },
    }


def _order(annex: Sequence[str]) -> dict[str, Any]:
    """The order as its issuer writes it; with an annex, as it was amended."""
    spec: dict[str, Any] = {
        "issuer": ISSUER,
        "basis": {"kind": "order", "authority": "letter of 12 June 2026"},
        "action": "suspend",
        "models": [FIRST, SECOND],
        "surfaces": "all",
        "covers": {"persons": {"definition": "ear-foreign-person", "unknown": "covered"}},
        "liftedBy": {"allOf": [ISSUER, OTHER]},
        "reasons": {"form": "verbal", "summary": "given by telephone, without detail"},
    }
    metadata = {"name": ORDER}
    if annex:
        file = "\n".join(["organization", *annex]) + "\n"
        spec["except"] = {"annexes": [ANNEX]}
        spec["annexes"] = {ANNEX: {"file": f"{ANNEX}.csv", "digest": canonical.sha256_hex(file.encode())}}
        metadata["replaces"] = ORDER
    return {"apiVersion": "sluicegate/v1", "kind": "Directive", "metadata": metadata, "spec": spec}
