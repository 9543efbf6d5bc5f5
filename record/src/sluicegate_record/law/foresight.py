"""The law of what is said before a stage opens: to those whose grants go on as a part of it."""

from __future__ import annotations

from sluicegate_record.entries import Body
from sluicegate_record.entries.releases import StageForeseen
from sluicegate_record.law.requirements import StageFacts
from sluicegate_record.law.rule import At, LawRule, of_the_record, require


@of_the_record
def foresees_what_comes(at: At, body: StageForeseen) -> None:
    """An opening is foreseen in the time that the terms give before it, once for each moment of it."""
    release = at.release(body.release)
    require(release.terms.get(body.stage) == body.terms, "an opening foreseen under terms not in force")
    require(at.record.opened.get(body.terms) is None, "an opening foreseen of what is open")
    stage = at.terms(body.terms).body
    require(stage.grants, "an opening foreseen for no one")
    opens_ms = StageFacts(at, release, body.stage).opens_ms(stage)
    require(opens_ms == body.opens_ms, "an opening foreseen for another moment")
    is_near = body.opens_ms - stage.notice_ms <= at.at_ms < body.opens_ms
    require(is_near, "an opening foreseen too early, or when it is due")
    require(at.record.foreseen.get(body.terms) != body.opens_ms, "an opening foreseen twice")


RULES: dict[type[Body], tuple[LawRule, ...]] = {StageForeseen: (foresees_what_comes,)}
