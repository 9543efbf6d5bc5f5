"""The law of deployments: whose word it is, which one it follows, and for how long.

Whether it is what was agreed to is not law: it may be said before a plan, and a request that rests on other
terms is refused by the terms.
"""

from __future__ import annotations

from sluicegate_record.entries import Body
from sluicegate_record.entries.deployments import DeploymentAttested, DeploymentEnded
from sluicegate_record.law.rule import At, LawRule, is_named_by_its_digest, known, require, same, signed_by
from sluicegate_record.statements.deployments import DeploymentStatement


def is_its_developers_word(at: At, body: DeploymentAttested) -> None:
    """An officer signed this for this log, about a release of it, and the entry says what was signed."""
    stated = DeploymentStatement.read(body.envelope)
    same(body, stated, "log release serves signed_at_ms until_ms", "a deployment that was signed otherwise")
    why = "a deployment that no officer signed for this log"
    require(stated.log == at.log, why)
    signed_by(at, body.envelope, at.keys.developer, [body.officer], why)
    at.release(body.release)


def follows_the_last_deployment(at: At, body: DeploymentAttested) -> None:
    """A statement names the last one about its release, so that an earlier one does not come again."""
    last = at.record.deployments.get(body.release)
    previous = DeploymentStatement.read(body.envelope).previous
    require(previous == (None if last is None else last.id), "a deployment that does not follow the last one")


def holds_for_a_while(at: At, body: DeploymentAttested) -> None:
    """A statement ends after it is entered."""
    require(at.at_ms < body.until_ms, "a deployment whose time is over")


def ends_the_last_deployment(at: At, body: DeploymentEnded) -> None:
    """What is taken back is the newest statement about the release, once, and before its end."""
    last = known(at.record.deployments, body.release, "deployment of the release")
    is_last = last.id == body.deployment and last.ended_ms is None
    require(is_last and at.at_ms < last.until_ms, "the end of a deployment that does not hold")


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    DeploymentAttested: (
        is_its_developers_word,
        follows_the_last_deployment,
        holds_for_a_while,
        is_named_by_its_digest,
    ),
    DeploymentEnded: (ends_the_last_deployment,),
}
