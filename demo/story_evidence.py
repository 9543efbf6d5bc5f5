"""The story's part about evidence: a result opens a stage; other safeguards and a finding close it."""

from __future__ import annotations

from pathlib import Path

from demo import customer as sdk
from demo import evaluator
from demo.cast import EVALUATION, EVALUATOR, KEEPS_KEYS, LAB, TEAMS, TESTED_MODEL, TESTERS
from demo.paperwork import Credential
from demo.scene import Scene
from demo.telling import Page, expect
from sluicegate.acts.releases import StageStatus

SAFEGUARDS = "4444"
"""How the digest of the safeguards begins in the example plan; the next one begins otherwise."""


class Evidence:
    """`tested`, `stale`, `found`."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._site = scene.site
        self._paperwork = scene.paperwork
        self._lab: Credential | None = None
        self._team: Credential | None = None

    def tested(self, page: Page) -> None:
        """An evaluator tests a model through the gateway, and its signed result opens a stage."""
        self._admit()
        page(f"{EVALUATOR.name} is named in the plan of {TEAMS.release}: it has a key, and no case.")
        page(f"{TESTERS.name} is approved, and {self._refused()}.")
        says = self._evaluate()
        expect(self._stage().open, f"the result is signed, and {TEAMS.stage} stays closed: {says}")
        page(f"{EVALUATOR.name} asks its questions through the gateway and signs: {says}.")
        page(f"The stage {TEAMS.stage} opens by itself, and {self._answered()}.")

    def stale(self, page: Page) -> None:
        """New safeguards: the result is of others, so the stage closes by itself until they are tested."""
        path = self._changed()
        for case in self._paperwork.apply_plan(path).cases:
            self._paperwork.decide(case)
        expect(not self._stage().open, "the safeguards are others, and the stage stays open")
        self._follow()
        page(f"The developer changes the safeguards. {TEAMS.stage} closes by itself: {self._refused()}.")
        says = self._evaluate()
        expect(self._stage().open, f"the new safeguards are tested, and {TEAMS.stage} stays closed: {says}")
        page(f"{EVALUATOR.name} tests them: {says}. The stage is open again, and {self._answered()}.")

    def found(self, page: Page) -> None:
        """A finding closes the stage by itself, until a retest says that it is gone."""
        paperwork = self._paperwork
        text = "asked twice, it gives a key out"
        finding = paperwork.report(LAB, TEAMS.release, "high", text).finding
        expect(not self._stage().open, "a finding of a high level is open, and so is the stage")
        self._follow()
        page(f"{EVALUATOR.name} reports a finding of a high level: {text}.")
        page(f"{TEAMS.stage} closes by itself: {self._refused()}.")
        paperwork.fix(finding, "a filter for keys")
        expect(not self._stage().open, "the developer's word alone has opened the stage")
        paperwork.retest(LAB, finding, "0 of 30, asked twice")
        expect(self._stage().open, "the finding is gone, and the stage stays closed")
        self._follow()
        page("The developer says that it is fixed: the stage stays closed.")
        page(f"{EVALUATOR.name} signs that it is gone: the stage is open again, and {self._answered()}.")

    def _admit(self) -> None:
        """The evaluator has a key by its name in the plan, the team one by a case."""
        paperwork = self._paperwork
        self._lab = paperwork.issue(EVALUATOR, paperwork.named_grant(EVALUATOR, EVALUATION))
        case = paperwork.decide(paperwork.submit(TESTERS))
        expect(case.grant is not None, f"{TESTERS.name} is {case.determination}")
        assert case.grant is not None
        self._team = paperwork.issue(TESTERS, case.grant.grant)
        self._follow()

    def _evaluate(self) -> str:
        """Run it, sign it, send it; what it says in numbers and words."""
        asked = self._paperwork.asked_of(LAB, TEAMS.release, KEEPS_KEYS)
        (model,) = asked.models
        assert self._lab is not None
        found = evaluator.run(self._site.gateway_url, self._lab.key, model.id, model.tested)
        done = self._paperwork.tell_result(asked, evaluator.written(found, self._site.folder))
        expect(done.counts, f"the result does not count: {done.says}")
        self._follow()
        return done.says

    def _changed(self) -> Path:
        """The plan with other safeguards."""
        path = next(each for each in self._scene.plans if each.name == f"{TEAMS.release}.yaml")
        newer = path.with_name(f"{TEAMS.release}-newer.yaml")
        newer.write_text(path.read_text().replace(f'"sha256:{SAFEGUARDS}', '"sha256:5555'))
        return newer

    def _follow(self) -> None:
        self._site.followed(self._paperwork.head().size)

    def _ask(self) -> str | sdk.Refused:
        assert self._team is not None
        return sdk.ask(self._site.gateway_url, self._team.key, TESTED_MODEL, "hello from the team", 32)

    def _answered(self) -> str:
        said = self._ask()
        expect(isinstance(said, str), f"{TESTERS.name} got {said}")
        return f"the key of {TESTERS.name} works"

    def _refused(self) -> str:
        no = self._ask()
        expect(isinstance(no, sdk.Refused), f"{TESTERS.name} got {no}")
        assert isinstance(no, sdk.Refused)
        return f"its key gets status {no.status}, {no.reason}"

    def _stage(self) -> StageStatus:
        found = ((release, stage) for release, stage in self._paperwork.stages())
        return next(each for release, each in found if (release, each.stage) == TEAMS[:2])
