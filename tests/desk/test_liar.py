"""An instance that lies to the desk: what it shows otherwise than its log is seen, and nothing is signed."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest

from sluicegate.acts import grants
from sluicegate.acts.applications import ANSWER
from sluicegate.acts.review import ExportedCase, ExportedDossier
from sluicegate.desk import people, sentences, statements
from sluicegate.desk.checking import ReadCase
from sluicegate.errors import CommandRefused
from sluicegate.statements.cases import Review
from sluicegate_record.entries import Hidden
from sluicegate_record.entries.cases import CaseOpened
from sluicegate_record.form import replace
from sluicegate_record.log import canonical, merkle
from sluicegate_record.log.leaf import Opening
from sluicegate_record.statements.discussion import Discussion
from sluicegate_record.terms.rule import Rule
from tests import worlds
from tests.desk.conftest import Desk, PlaneCounterpart

ANSWERED = "We run a grid of 12,000 km."


def _asked(desk: Desk) -> str:
    """A case in which the agency has asked, and the applicant has answered."""
    case = desk.asked()
    asked = worlds.position(desk.plane.case(case), "ostp", "ask", reason="What do you run?")
    desk.plane.carry(asked, "ostp")
    desk.plane.do("applicant", ANSWER, case=case, text=ANSWERED)
    desk.following.follow()
    return case


def test_an_honest_instance_shows_what_its_log_has(desk: Desk) -> None:
    read = desk.following.read(_asked(desk))
    assert read is not None
    assert (read.lies, read.gaps) == ((), ())
    assert sentences.organization_of(read) == "Example Utility"
    said = [each.body.answer.value() for each in read.discussion if each.type == "case.answered"]  # type: ignore[attr-defined]
    assert said == [ANSWERED]


Lie = Callable[[Desk, ExportedCase], ExportedCase]


def _another_case(desk: Desk, _: ExportedCase) -> ExportedCase:
    other = desk.plane.submit("rival", f"Example Rival {desk.plane.size}").application
    return PlaneCounterpart(desk.plane).export(other)


def _another_applicant(desk: Desk, case: ExportedCase) -> ExportedCase:
    return replace(case, dossier=_another_case(desk, case).dossier)


def _another_name(_: Desk, case: ExportedCase) -> ExportedCase:
    assert case.dossier is not None
    told = {"organization": {"name": "Example Bank", "registeredIn": "US"}}
    return replace(case, dossier=ExportedDossier(application=told, salt=case.dossier.salt))


def _another_surface(_: Desk, case: ExportedCase) -> ExportedCase:
    asked = case.question.to_json() | {"surface": "codex"}
    return replace(case, question=type(case.question).from_json(asked))


def _another_rule(_: Desk, case: ExportedCase) -> ExportedCase:
    return replace(case, rule=Rule("anyOf", ("ostp",)))


def _other_positions(_: Desk, case: ExportedCase) -> ExportedCase:
    return replace(case, previous={})


def _other_terms(_: Desk, case: ExportedCase) -> ExportedCase:
    assert case.terms is not None
    told = case.terms.to_json()
    told["spec"]["stages"][0]["conditions"]["requestsPerMinute"] = 6
    return replace(case, terms=type(case.terms).from_json(told))


def _without_the_answer(_: Desk, case: ExportedCase) -> ExportedCase:
    """As the case was before the applicant answered."""
    said = case.discussion[:-1]
    return replace(case, discussion=said, said=Discussion.of(merkle.leaf_hash(each.leaf) for each in said))


def _another_answer(_: Desk, case: ExportedCase) -> ExportedCase:
    last = case.discussion[-1]
    told = Opening(secrets.token_bytes(32), canonical.dumps("We run nothing."))
    return replace(case, discussion=(*case.discussion[:-1], replace(last, opened={"answer": told})))


def _another_opening(desk: Desk, case: ExportedCase) -> ExportedCase:
    return replace(case, opening=_another_case(desk, case).opening)


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        (_another_case, "in the place of this one"),
        (_another_applicant, "something else than the question binds"),
        (_another_name, "something else than the question binds"),
        (_another_surface, "another question"),
        (_another_rule, "another rule"),
        (_other_positions, "other positions"),
        (_other_terms, "something else than the question binds"),
        (_without_the_answer, "leaves out 1 contribution"),
        (_another_answer, "does not open its commitment"),
        (_another_opening, "another entry than the one that opened the case"),
    ],
)
def test_a_lie_is_seen_and_nothing_is_signed(desk: Desk, lie: Lie, said: str) -> None:
    desk.counterpart.shown = lambda case: lie(desk, case)
    case = _asked(desk)
    read = desk.following.read(case)
    assert read is not None
    assert any(said in each for each in read.lies), read.lies
    assert read.dossier is None
    assert read.discussion == ()
    for word in ("approve", "object"):
        with pytest.raises(CommandRefused, match="nothing is signed"):
            statements.position(desk.following, read, Review(word, "why"))


def test_an_answer_that_is_not_shown_is_missed_and_no_yes_is_signed(desk: Desk) -> None:
    desk.counterpart.shown = lambda case: replace(
        case, discussion=tuple(replace(each, opened={}) for each in case.discussion)
    )
    read = desk.following.read(_asked(desk))
    assert read is not None
    assert read.lies == ()
    assert [each.partition(" in ")[0] for each in read.gaps] == ["the answer of the applicant"]
    with pytest.raises(CommandRefused, match="does not show the answer"):
        statements.position(desk.following, read, Review("approve"))
    statements.position(desk.following, read, Review("object", "no answer"))


def test_an_old_export_is_seen_once_the_log_has_more(desk: Desk) -> None:
    case = desk.asked()
    old = desk.counterpart.export(case)
    desk.counterpart.shown = lambda _: old
    desk.plane.say(case, "oncd", "object")
    desk.following.follow()
    read = desk.following.read(case)
    assert read is not None
    assert any("leaves out 1 contribution" in each for each in read.lies)


def test_a_case_that_is_newer_than_the_copy_of_the_log_is_waited_for(desk: Desk) -> None:
    case = desk.asked()
    desk.plane.say(case, "oncd")
    read = desk.following.read(case)
    assert read is not None
    desk.following.follow()
    again = desk.following.read(case)
    assert again is not None
    assert again.lies == ()
    assert len(again.discussion) == 1


def test_an_instance_that_shows_more_than_its_log_ever_has_is_seen(desk: Desk) -> None:
    case = desk.asked()
    size, note = desk.plane.size, desk.plane.ledger.checkpoint().encode()
    desk.plane.say(case, "oncd")
    desk.counterpart.served = lambda path, data: note if path == "checkpoint" else data
    desk.plane.submit("rival", "Example Rival")
    desk.following.follow()
    with desk.following.lock:
        desk.following._read.clear()
    read = desk.following.read(case)
    assert read is not None
    assert any("does not come to fit its log" in each for each in read.lies)
    assert desk.following.size == size


def test_what_is_signed_is_what_the_log_says(desk: Desk) -> None:
    read = desk.following.read(_asked(desk))
    assert read is not None
    stated = statements.position(desk.following, read, Review("approve", "we are content"))
    made = statements.prepared(desk.following, stated, people.principal_of("anna"))
    again = statements.stated_in(made)
    with desk.following.lock:
        words = list(sentences.statement(desk.following.record, {read.case.id: read}, again, made.at_ms))
    assert words[0].startswith("You approve “Example Utility” for gpt-5.6 on the surface api until ")
    assert words[-1] == "Your reason will be public: “we are content”"


def _removal(desk: Desk) -> str:
    """A case about the end of a grant, with a notice to its holder."""
    desk.plane.opened()
    asked = {"grant": desk.plane.admit(), "code": "misuse", "text": "You resell it."}
    case: str = desk.plane.do("developer", grants.REMOVE, **asked).case
    desk.following.follow()
    return case


def _notice(read: ReadCase) -> object:
    assert isinstance(read.opening.body, CaseOpened)
    return read.opening.body.sealed_parts["notice"]


def test_the_notice_of_a_removal_is_shown_as_the_log_commits_to_it(desk: Desk) -> None:
    read = desk.following.read(_removal(desk))
    assert read is not None
    found = _notice(read)
    assert isinstance(found, Opening)
    assert found.value() == "You resell it."


def test_a_notice_that_is_not_shown_is_missed(desk: Desk) -> None:
    desk.counterpart.shown = lambda case: replace(case, opening=None)
    read = desk.following.read(_removal(desk))
    assert read is not None
    assert isinstance(_notice(read), Hidden)
    assert [each.partition(" in ")[0] for each in read.gaps] == ["the notice"]


def test_another_notice_is_seen(desk: Desk) -> None:
    def shown(case: ExportedCase) -> ExportedCase:
        assert case.opening is not None
        told = Opening(secrets.token_bytes(32), canonical.dumps("You are charming."))
        return replace(case, opening=replace(case.opening, opened={"notice": told}))

    desk.counterpart.shown = shown
    read = desk.following.read(_removal(desk))
    assert read is not None
    assert any("does not open its commitment" in each for each in read.lies)
