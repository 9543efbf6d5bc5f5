"""The versions of the fold: what each brought, and which one an entry needs.

Rules:
- A feed gives a lease only to a gateway that folds by its version, or by an earlier one that gives the same
  decisions from the log so far.
"""

from __future__ import annotations

from collections.abc import Callable

from sluicegate_record.entries import Entry
from sluicegate_record.entries.accounts import AccountClosed, AccountOpened
from sluicegate_record.entries.body import Body, seen
from sluicegate_record.entries.cases import PositionRecorded
from sluicegate_record.entries.clearances import ClearanceRecorded
from sluicegate_record.entries.closures import ReleaseClosed
from sluicegate_record.entries.deployments import DeploymentAttested, DeploymentEnded
from sluicegate_record.entries.designations import DesignationEnded, DesignationRecorded
from sluicegate_record.entries.epochs import EpochBegan
from sluicegate_record.entries.evidence import EvidenceRecorded, EvidenceWithdrawn
from sluicegate_record.entries.findings import FindingAnswered, FindingOverdue, FindingReported
from sluicegate_record.entries.grants import (
    GrantAmended,
    GrantApproved,
    GrantDiffered,
    GrantMoved,
    GrantResumed,
    GrantSuspended,
)
from sluicegate_record.entries.observations import ObservationRecorded
from sluicegate_record.entries.people import OrganizationDescribed
from sluicegate_record.entries.ramps import StageRamped
from sluicegate_record.entries.releases import (
    KeyEnded,
    KeyPinned,
    LogKeyReplaced,
    ReleaseApplied,
    StageClosed,
    StageForeseen,
    StageLacking,
    StageOpened,
)
from sluicegate_record.law import times
from sluicegate_record.terms.audience import PROGRAMME
from sluicegate_record.terms.clearances import CLEARANCES, REPORT

FOLD_VERSION = 22
"""The version of this build's fold. It changes whenever the same entries would give another table:
docs/architecture.md lists what brought each.
"""
OLDEST_FOLD_VERSION = 2
"""The oldest version that this build's fold also is, for a log without what later versions brought."""


def fold_version(entry: Entry) -> int:
    """The oldest version of the fold that gives the same decisions from an entry."""
    newer = _newer(entry.body)
    if newer is not None:
        return newer
    is_by_itself = isinstance(entry.body, StageOpened) and entry.body.envelope is None
    if is_by_itself or isinstance(entry.body, _SINCE_5):
        return 5
    if isinstance(entry.body, OrganizationDescribed) and seen(entry.body.described).bare is not None:
        return 5
    if isinstance(entry.body, PositionRecorded) and not entry.body.weighs:
        return 4
    signed = times.envelopes(entry.body)
    return 3 if any(field in each.payload for each in signed for field in _SINCE_3) else OLDEST_FOLD_VERSION


def _newer(body: Body) -> int | None:
    """The version of what version 5 could not read; None if it could."""
    return next((version for version, is_of in _BROUGHT if is_of(body)), None)


def _is_of_21(body: Body) -> bool:
    """Whether a key was compromised: version 20 took the first word on since when for the last one."""
    return isinstance(body, KeyEnded) and body.since is not None


def _is_of_20(body: Body) -> bool:
    """Whether an entry is about a finding: version 19 held requests to what the newest plan says of findings,
    and none to a finding that suspends its model.
    """
    return isinstance(body, FindingReported | FindingAnswered | FindingOverdue)


def _is_of_18(body: Body) -> bool:
    """Whether an entry changes which keys count: version 17 knew only those of the configuration."""
    return isinstance(body, KeyEnded) or (isinstance(body, KeyPinned) and body.envelope is not None)


def _is_of_16(body: Body) -> bool:
    """Whether an entry is about scrutiny by results: a plan that can lead to it, or a result that does; or
    withdraws a result.
    """
    if not isinstance(body, ReleaseApplied):
        return isinstance(body, EvidenceWithdrawn) or (
            isinstance(body, EvidenceRecorded) and bool(body.raised)
        )
    asked = seen(body.given).spec.evaluations.values()
    return any(each.when_comparable is not None for each in asked)


def _is_of_14(body: Body) -> bool:
    """Whether version 13 let requests through that rest on no statement."""
    if isinstance(body, ReleaseApplied):
        return seen(body.given).spec.deployments is not None
    return isinstance(body, DeploymentAttested | DeploymentEnded)


def _is_of_13(body: Body) -> bool:
    """Whether version 12 would open, or leave out, something by an entry.

    It knew no grant that goes on as part of a stage that is not for everyone, and no recall as such.
    """
    if isinstance(body, StageClosed):
        return body.envelope is not None and b'"recalls":' in body.envelope.payload
    return isinstance(body, GrantMoved) or (isinstance(body, ReleaseApplied) and _takes_over(body))


def _takes_over(body: ReleaseApplied) -> bool:
    """Whether grants go on as part of a stage that is not for everyone."""
    stages = seen(body.given).spec.stages
    taking = [each for each in stages if each.grants and not each.is_for_everyone]
    return bool(taking) or any(each.audience.kind == PROGRAMME for each in stages)


def _is_of_12(body: Body) -> bool:
    """Whether terms rest on findings: version 11 did not know what closes them."""
    return isinstance(body, ReleaseApplied) and bool(seen(body.given).spec.closers)


def _is_of_11(body: Body) -> bool:
    """Whether an entry has a name that is no legal one: version 10 knew no one by another."""
    return isinstance(body, OrganizationDescribed) and bool(seen(body.described).also)


def _is_of_9(body: Body) -> bool:
    """Whether an entry is about programmes: version 8 knew none, and gave and suspended grants as a whole."""
    if isinstance(body, ReleaseApplied):
        return bool(seen(body.given).spec.programmes) or _names_some(body)
    return isinstance(body, _WITH_PROGRAMMES) and bool(body.programmes)


def _names_some(body: ReleaseApplied) -> bool:
    """Whether the terms of a stage name who is admitted: before version 9 no grant rested on terms."""
    return any(stage.audience.is_listed for stage in seen(body.given).spec.stages)


def _is_of_8(body: Body) -> bool:
    """Whether an entry is about designations: version 7 did not know who may make one, nor what follows."""
    if isinstance(body, ReleaseApplied):
        return seen(body.given).spec.designations is not None
    return isinstance(body, DesignationRecorded | DesignationEnded)


def _is_of_7(body: Body) -> bool:
    """Whether version 6 decided otherwise by an entry.

    It took target dates for a part of the terms, enforced no exposure, and began a ramp with each opening.
    """
    if isinstance(body, ReleaseApplied):
        stages = seen(body.given).spec.stages
        enforced = any(each.enforced for stage in stages for each in stage.exposure.measures.values())
        return enforced or any(stage.target is not None for stage in stages)
    if isinstance(body, ClearanceRecorded):
        return CLEARANCES[body.says].kind == REPORT
    is_ramp = isinstance(body, StageOpened) and body.ramp is not None
    return is_ramp or isinstance(body, StageRamped | StageForeseen | ReleaseClosed)


def _is_of_6(body: Body) -> bool:
    """Whether a position declines, or names a concern."""
    return isinstance(body, PositionRecorded) and (body.concern is not None or body.position == "decline")


_WITH_PROGRAMMES = (GrantApproved, GrantAmended, GrantSuspended, GrantResumed)
_BROUGHT: tuple[tuple[int, Callable[[Body], bool]], ...] = (
    (22, lambda body: isinstance(body, LogKeyReplaced)),
    (21, _is_of_21),
    (20, _is_of_20),
    (19, lambda body: isinstance(body, ObservationRecorded)),
    (18, _is_of_18),
    (17, lambda body: isinstance(body, EpochBegan)),
    (16, _is_of_16),
    (15, lambda body: isinstance(body, GrantDiffered)),
    (14, _is_of_14),
    (13, _is_of_13),
    (12, _is_of_12),
    (11, _is_of_11),
    (10, lambda body: isinstance(body, EvidenceRecorded)),
    (9, _is_of_9),
    (8, _is_of_8),
    (7, _is_of_7),
    (6, _is_of_6),
)
"""What is of each version since 6, the newest first."""
_SINCE_5 = (AccountOpened, AccountClosed, StageClosed, StageLacking, ClearanceRecorded)
"""What version 4 could not read, beside stages that open by themselves."""
_SINCE_3 = (b'"signedAt":', b'"said":')
"""Fields of what is signed that version 2 could not read."""
