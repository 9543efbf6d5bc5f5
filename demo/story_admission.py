"""The story's first part: organizations apply, agencies sign, keys work, and a stranger's does not."""

from __future__ import annotations

import secrets

from demo import customer as sdk
from demo.cast import CUSTOMERS, FALLBACK, MODEL, OFFICER, SECURITY_TEAM, UTILITY
from demo.scene import Scene
from demo.telling import Page, expect
from sluicegate.acts.grants import GrantView
from sluicegate.core.access import apikey
from sluicegate_record.log import times


class Admission:
    """`apply`, `positions`, `admitted`, `answered`, `refused`."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._site = scene.site
        self._paperwork = scene.paperwork

    def apply(self, page: Page) -> None:
        """The developer applies its plans; three organizations apply."""
        for path in self._scene.plans:
            applied = self._paperwork.apply_plan(path)
            expect(applied.cases, f"the plan {applied.release} asks nobody to agree to its terms")
            page(f"The developer applies the plan {applied.release}. No stage of it is open.")
        for customer in CUSTOMERS:
            self._scene.cases[customer.slug] = self._paperwork.submit(customer)
            where = f"{customer.place.release}/{customer.place.stage} on {customer.place.surface}"
            page(f"{customer.name} applies for {where}.")

    def positions(self, page: Page) -> None:
        """Terms, openings and applications are signed, each with its party's own key."""
        for release, stage in self._paperwork.stages():
            name = f"{release}/{stage.stage}"
            agencies = " and ".join(stage.awaiting)
            agreed = self._paperwork.decide(str(stage.terms_case))
            expect(agreed.determination == "approved", f"the terms of {name} are {agreed.determination}")
            page(f"The terms of {name}: signed by {agencies}.")
            if stage.opens_when is not None:
                continue
            self._paperwork.open_stage(release, stage.stage)
            page(f"The stage {name}: opened, signed by the developer's {OFFICER}.")
        for customer in CUSTOMERS:
            self._positions_on(page, customer.name, self._scene.cases[customer.slug])

    def _positions_on(self, page: Page, name: str, case: str) -> None:
        asked = self._paperwork.case(case)
        expect(asked.grant is None, f"{name} has a grant before any agency has taken a position")
        agencies = asked.awaiting
        for agency in agencies:
            expect(self._paperwork.case(case).grant is None, f"{name} has a grant without {agency}")
            self._paperwork.approve(case, agency)
        page(f"The application of {name}: approved, signed by {' and '.join(agencies)}.")

    def admitted(self, page: Page) -> None:
        """Grants follow from the positions, and each organization makes its own key."""
        for customer in CUSTOMERS:
            case = self._paperwork.case(self._scene.cases[customer.slug])
            expect(case.determination == "approved" and case.grant, f"{customer.name} is not admitted")
            grant = case.grant
            assert grant is not None
            credential = self._paperwork.issue(customer, grant.grant)
            self._scene.credentials[customer.slug] = credential
            models, until = ", ".join(grant.models), _until(grant)
            page(f"{customer.name} is admitted to {models} until {until} and has made a key.")
        self._site.followed(max(credential.size for credential in self._scene.credentials.values()))

    def answered(self, page: Page) -> None:
        """An admitted organization gets an answer through the gateway."""
        said = sdk.ask(self._site.gateway_url, self._scene.key(UTILITY), MODEL, "hello from the grid")
        expect(isinstance(said, str) and said.startswith("You said: hello from the grid"), f"it got {said}")
        page(f"{UTILITY.name} asks {MODEL} with the official OpenAI SDK and is answered: {said!r}.")

    def refused(self, page: Page) -> None:
        """Strangers are refused, and the refusal says why."""
        key = self._scene.key(SECURITY_TEAM)
        no = sdk.ask(self._site.gateway_url, key, MODEL, "hello")
        as_told = isinstance(no, sdk.Refused) and (no.status, no.reason) == (403, "not_admitted")
        expect(as_told and no[-1] == FALLBACK, f"{SECURITY_TEAM.name} got {no}")
        page(f"{SECURITY_TEAM.name} asks {MODEL}, to which it is not admitted: {_words(no)}")
        said = sdk.ask(self._site.gateway_url, key, FALLBACK, "hello instead")
        expect(isinstance(said, str), f"{SECURITY_TEAM.name} got {said} of {FALLBACK}")
        page(f"It is offered {FALLBACK} instead, asks that, and is answered: {said!r}.")
        made_up = apikey.make(apikey.KEY_PREFIX, secrets.token_bytes(32))
        no = sdk.ask(self._site.gateway_url, made_up, MODEL, "hello")
        as_told = isinstance(no, sdk.Refused) and (no.status, no.reason) == (401, "credential_unknown")
        expect(as_told, f"a key that nobody issued got {no}")
        page(f"A key that nobody issued: {_words(no)}")


def _until(grant: GrantView) -> str:
    assert grant.valid_until_ms is not None
    return times.format_time(grant.valid_until_ms)


def _words(no: str | sdk.Refused) -> str:
    assert isinstance(no, sdk.Refused)
    return f"{no.raised}, status {no.status}, {no.reason}: {no.message!r}."
