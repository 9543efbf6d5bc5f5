"""Acts on deployments: what the developer says serves the models of a release, and what rests on it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.fields import ReleaseName, text
from sluicegate.errors import InvalidInput
from sluicegate_record.form import Note, Time, form, replace
from sluicegate_record.log import times
from sluicegate_record.terms import durations, phrases
from sluicegate_record.terms.deployments import LONGEST, ServedModel
from sluicegate_record.terms.text import REASON_MAX


@form
class DeploymentArgument(Arguments):
    """Which release."""

    release: ReleaseName


@form
class DeploymentEnd(Arguments):
    """The release whose statement is taken back, and why."""

    release: ReleaseName
    reason: Annotated[str, text(1, REASON_MAX), Note("Why. It is public.")]


@form
class DeploymentView(ActAnswer):
    """A statement of the developer, as it is shown: who asserts it, what, and until when.

    `holds`: whether it holds now. `ended` is when it was taken back.
    """

    deployment: str
    asserted_by: Annotated[str, Note("The developer: it is its word, and not measured.")]
    officer: str
    signed_ms: Time
    until_ms: Time
    at_ms: Time
    seq: int
    holds: bool
    ended_ms: Time | None = None
    serves: tuple[ServedModel, ...]


@form
class RestingDigests(ActAnswer):
    """Weights and safeguards of a model, and what rests on them.

    `surfaces` are those where the statement says that the upstream serves them now. `stages` are those of the
    plan in force whose terms name them; `grants` are valid ones. `asked`: some of those terms ask for a
    statement. `counting` is evidence that counts by the plan, `stale` such that does not any more.
    """

    model: str
    upstream: str
    digest: str
    safeguards: str
    surfaces: tuple[str, ...]
    stages: tuple[str, ...]
    open_stages: tuple[str, ...]
    grants: Annotated[int | None, Note("How many; only staff and agencies see it.")]
    asked: bool
    counting: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()


@form
class ReleaseDeployment(ActAnswer):
    """What the developer says serves a release, and what rests on which digests.

    `at_most` is how long a statement holds by the plan in force; without it the plan asks for none.
    """

    size: int
    log: str
    release: str
    developer: str
    at_most: str | None
    statement: DeploymentView | None
    digests: tuple[RestingDigests, ...]
    planned: Annotated[tuple[ServedModel, ...], Note("What the plan in force names, on all its surfaces.")]

    def last_ms(self, now_ms: int) -> int:
        """Until when a statement holds at most that is signed now. Units: milliseconds since 1970 UTC."""
        return now_ms + durations.milliseconds(self.at_most or LONGEST)

    def until_ms(self, now_ms: int, wanted_ms: int | None) -> int:
        """Until when a statement holds that is signed now: as long as is wanted, or as it can.

        Raises: InvalidInput: longer than the plan lets it.
        """
        last_ms = self.last_ms(now_ms)
        if wanted_ms is not None and wanted_ms > last_ms:
            most = phrases.duration(self.at_most or LONGEST)
            remedy = f"at most until {times.format_time(last_ms)}; without one it is that"
            raise InvalidInput(f"{times.format_time(wanted_ms)} is more than {most} away", remedy=remedy)
        return last_ms if wanted_ms is None else wanted_ms

    def serving(self, surfaces: Collection[str] = (), *, keep: bool = False) -> tuple[ServedModel, ...]:
        """What a statement says: the models of the plan on some surfaces, or on all of them; `keep`: and what
        the last one says of other upstreams.

        Raises: InvalidInput: a surface that the plan does not have.
        """
        known = {name for each in self.planned for name in each.surfaces}
        for name in surfaces:
            if name not in known:
                listed = ", ".join(sorted(known))
                raise InvalidInput(f"no surface {name!r} in the plan", remedy=f"it has {listed}")
        wanted = set(surfaces) or known
        found = [_only(each, [name for name in each.surfaces if name in wanted]) for each in self.planned]
        said = {(each.model, each.upstream, name) for each in found for name in each.surfaces}
        before = self.statement.serves if keep and self.statement is not None and self.statement.holds else ()
        for each in before:
            left = [name for name in each.surfaces if (each.model, each.upstream, name) not in said]
            found += [_only(each, left)] if left else []
        return tuple(found)

    def losing(self, serves: Sequence[ServedModel]) -> int:
        """How many grants are refused then: what they rest on is left out, and their terms ask for it."""
        return sum(each.grants or 0 for each in self.digests if _loses(each, serves))


def _only(each: ServedModel, surfaces: Sequence[str]) -> ServedModel:
    return replace(each, surfaces=tuple(surfaces))


def _loses(each: RestingDigests, serves: Sequence[ServedModel]) -> bool:
    kind = (each.model, each.upstream, each.digest, each.safeguards)
    stays = {
        name
        for one in serves
        if (one.model, one.upstream, one.digest, one.safeguards) == kind
        for name in one.surfaces
    }
    return each.asked and not stays.issuperset(each.surfaces)


@form
class StatedDeployment(ActAnswer):
    """What a plan asks for, and the newest statement. `at_most` is how long one holds, if it asks for any."""

    developer: str
    at_most: str | None
    statement: DeploymentView | None


@form
class DeploymentReceipt(Done):
    """The statement that is on the record. `holds`: not if it was taken back."""

    deployment: str
    release: str
    until_ms: Time
    holds: bool = True


SHOW = Act(
    "deployment.show",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/releases/{release}/deployment",
    DeploymentArgument,
    ReleaseDeployment,
    "Show what the developer asserts serves a release, until when, and what rests on which digests.",
)
ATTEST = Act(
    "deployment.attest",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/deployments",
    SignedStatement,
    DeploymentReceipt,
    "Put a signed statement of what serves a release on the record.",
)
END = Act(
    "deployment.end",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/releases/{release}/deployment/end",
    DeploymentEnd,
    DeploymentReceipt,
    "Take the newest statement about a release back. What rests on it is refused at once.",
    effect="narrows",
)
