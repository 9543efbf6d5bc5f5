"""The story's third part: the agencies agree, and the model is for everyone."""

from __future__ import annotations

from demo import customer as sdk
from demo import streams
from demo.cast import LIBRARY, MODEL, OFFICER, PREVIEW, UTILITY
from demo.paperwork import Credential
from demo.scene import Scene
from demo.streams import Stream
from demo.telling import Page, expect
from sluicegate.acts.releases import StageStatus

STAGE = "general"
BEFORE = 10
"""How many streams a partner has open while the stage opens."""


class General:
    """`widened`, `everyone`."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._site = scene.site
        self._paperwork = scene.paperwork
        self._newcomer: Credential | None = None
        self._across: list[Stream] = []

    def widened(self, page: Page) -> None:
        """The next plan adds a stage for everyone; it opens by itself when the agencies have agreed to it."""
        self._newcomer = self._paperwork.issue(LIBRARY, self._paperwork.open_account(LIBRARY))
        self._site.followed(self._newcomer.size)
        page(f"{LIBRARY.name} has an account, a key and no case: {self._refused()}.")
        applied = self._paperwork.apply_plan(self._scene.general)
        expect(self._general().terms_case in applied.cases, "the plan asks nobody to agree to the new stage")
        page(f"The developer applies the next plan of {applied.release}: a stage for everyone comes last.")
        agencies = " and ".join(self._general().awaiting)
        agreed = self._paperwork.decide(str(self._general().terms_case))
        expect(agreed.determination == "approved", f"the terms of {STAGE} are {agreed.determination}")
        page(f"Its terms: signed by {agencies}.")
        opening = self._paperwork.open_stage(PREVIEW.release, STAGE)
        expect(opening.case is not None and not self._general().open, f"{STAGE} is open before they agree")
        page(f"The {OFFICER} asks them to agree to the opening itself; until then, {self._refused()}.")
        self._across = [self._stream(number) for number in range(1, BEFORE + 1)]
        streams.under_way(self._across)
        case = self._paperwork.decide(str(opening.case))
        expect(case.determination == "approved", f"the opening is {case.determination}")
        expect(self._general().open, "the agencies agree, and the stage stays closed")
        page(f"Signed by {agencies}: the stage opens by itself. {UTILITY.name} has {BEFORE} streams open.")
        self._site.followed(self._paperwork.head().size)

    def everyone(self, page: Page) -> None:
        """Who has an account is answered, and who was a partner has noticed nothing."""
        said = sdk.ask(self._site.gateway_url, self._key, MODEL, "hello from the library")
        expect(isinstance(said, str), f"{LIBRARY.name} got {said}")
        page(f"{LIBRARY.name} asks {MODEL} with the same key and is answered: {said!r}.")
        streams.unharmed(self._scene.upstream, self._across)
        page(f"All {BEFORE} streams of {UTILITY.name} ended properly, not one byte lost or changed.")
        said = sdk.ask(self._site.gateway_url, self._scene.key(UTILITY), MODEL, "and now?")
        expect(isinstance(said, str), f"{UTILITY.name} got {said}")
        page(f"{UTILITY.name} goes on with the key that it had: {said!r}.")

    @property
    def _key(self) -> str:
        assert self._newcomer is not None
        return self._newcomer.key

    def _refused(self) -> str:
        """How the gateway refuses the newcomer, in words."""
        no = sdk.ask(self._site.gateway_url, self._key, MODEL, "hello")
        as_told = isinstance(no, sdk.Refused) and no.status == 403
        expect(as_told, f"{LIBRARY.name}, without a case, got {no}")
        assert isinstance(no, sdk.Refused)
        return f"the library asks {MODEL} and gets status {no.status}, {no.reason}"

    def _general(self) -> StageStatus:
        return next(found for _, found in self._paperwork.stages() if found.stage == STAGE)

    def _stream(self, number: int) -> Stream:
        name = f"{UTILITY.name}, stream {number} across the opening"
        opened = Stream(self._scene.gateway, self._scene.key(UTILITY), MODEL, name)
        opened.start()
        return opened
