"""Findings: who says what of one, what the developer owes, and what follows for stages."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate.core.lifecycle.findings import RecordFinding
from sluicegate.core.lifecycle.grants import ResumeGrant, SuspendGrant
from sluicegate_record.directives.received import Outsider
from sluicegate_record.entities.closing import SOUND
from sluicegate_record.form import replace
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.statements.findings import (
    ACKNOWLEDGES,
    ASKS,
    DISPUTES,
    FIXES,
    GIVES,
    RETESTS,
    SealedDetails,
)
from sluicegate_record.terms.findings import Axes
from sluicegate_record.terms.plan import ModelDigests
from tests.found import (
    BARE,
    LEVELS,
    TESTED,
    asking,
    close,
    command,
    finding,
    is_open,
    misuse,
    report,
    reported,
    retest,
    say,
    spec,
)
from tests.worlds import (
    DEVELOPER,
    MODEL,
    OFFICER,
    RELEASE,
    STAGE,
    World,
    application,
    digest,
    keyid,
    plan_value,
)

LETTER = Outsider.from_json(
    {"reporter": "a researcher", "received": {"how": "message", "on": "2026-06-20", "note": "ticket 12"}}
)


def lacking(world: World) -> tuple[tuple[str, ...], str]:
    found = world.state.record.lacking.get(world.state.releases[RELEASE].terms[STAGE], SOUND)
    return found.lost, found.then


# What is said


def test_the_record_shows_what_was_asked_for_and_what_was_given_and_when() -> None:
    world = World.agreed()
    name = reported(world, axes=Axes(capability_gain=7, breadth=4, weaponization=6, discoverability=3))
    world.later(1)
    assert say(world, name, DEVELOPER, ASKS, text="which prompts?") == "asked"
    world.later(2)
    assert say(world, name, "caisi", GIVES, text="sent by mail") == "given"
    said = finding(world, name).said
    assert [(each.says, each.party, each.text) for each in said] == [
        (ASKS, DEVELOPER, "which prompts?"),
        (GIVES, "caisi", "sent by mail"),
    ]
    assert [each.at_ms - finding(world, name).at_ms for each in said] == [DAY_MS, 3 * DAY_MS]


def test_a_finding_goes_from_the_report_to_the_retest_that_closes_it() -> None:
    world = World.agreed()
    name = reported(world)
    states = [say(world, name, DEVELOPER, says) for says in (ACKNOWLEDGES, FIXES)]
    states.append(world.must(retest(name, world))["state"])
    assert states == ["acknowledged", "fixed", "closed"]
    assert finding(world, name).closed_ms == world.now_ms


def test_a_disputed_finding_stays_open() -> None:
    world = World.agreed()
    name = reported(world)
    assert say(world, name, DEVELOPER, DISPUTES, text="it needs the weights") == "disputed"
    assert finding(world, name).is_open


def test_a_later_retest_opens_it_again() -> None:
    world = asking()
    name = reported(world)
    close(world, name)
    world.later(5)
    world.must(retest(name, world, "oncd", gone=False))
    found = finding(world, name)
    assert (found.state, found.closed_ms, found.since_ms) == ("persists", None, world.now_ms)
    assert lacking(world)[1] == "halt"


def test_the_same_report_again_changes_nothing() -> None:
    world = World.agreed()
    first = report()
    name = world.must(first)["finding"]
    size = world.state.size
    assert world.must(first)["finding"] == name
    assert world.state.size == size
    say(world, name, DEVELOPER, ACKNOWLEDGES)
    assert world.refused(first) == "finding_reported"


def test_no_one_answers_what_it_has_not_seen() -> None:
    world = World.agreed()
    name = reported(world)
    early = command(world, name, DEVELOPER, FIXES)
    say(world, name, DEVELOPER, ASKS, text="which prompts?")
    assert world.refused(early) == "finding_stale"


# Who says it


def test_the_developer_never_closes_a_finding() -> None:
    world = World.agreed()
    for party in ("caisi", DEVELOPER):
        name = reported(world, party, text=f"found by {party}")
        assert world.refused(retest(name, world, DEVELOPER)) == "not_to_retest"
        say(world, name, DEVELOPER, FIXES)
        assert finding(world, name).is_open
        close(world, name, "oncd")


def test_a_developer_among_its_own_evaluators_closes_nothing() -> None:
    world = World.agreed(evaluators={DEVELOPER: {"name": "Ourselves"}})
    assert world.refused(retest(reported(world), world, DEVELOPER)) == "not_to_retest"


@pytest.mark.parametrize("says", [ACKNOWLEDGES, ASKS, DISPUTES, FIXES])
def test_only_the_developer_answers(says: str) -> None:
    world = World.agreed()
    name = reported(world)
    assert world.refused(command(world, name, "caisi", says, text="so")) == "not_the_developer"


def test_who_is_not_named_by_the_plan_reports_nothing() -> None:
    agencies = {name: {"name": name.upper()} for name in ("oncd", "ostp")}
    world = World.agreed(agencies=agencies)
    assert world.refused(report("caisi")) == "not_to_report"
    world = World.agreed(agencies=agencies, evaluators={"caisi": {"name": "CAISI"}})
    name = reported(world, "caisi")
    close(world, name, "caisi")


def test_who_may_only_report_closes_its_own_findings_and_no_others() -> None:
    agencies = {name: {"name": name.upper()} for name in ("oncd", "ostp")}
    world = World.agreed(agencies=agencies, findings={"from": ["caisi"]})
    other, own = reported(world, "oncd"), reported(world, "caisi")
    assert world.refused(retest(other, world, "caisi")) == "not_to_retest"
    close(world, own, "caisi")


def test_the_developers_staff_enter_what_someone_without_a_key_found() -> None:
    world = World.agreed()
    name = reported(world, DEVELOPER, transcribed=LETTER)
    assert finding(world, name).transcribed == LETTER
    say(world, name, DEVELOPER, GIVES, text="the prompts came by mail", transcribed=LETTER)
    assert world.refused(report("caisi", transcribed=LETTER)) == "not_to_transcribe"
    assert world.refused(retest(name, world, DEVELOPER)) == "not_to_retest"
    close(world, name)


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("release_unknown", {"release": "gpt-9"}),
        ("level_unknown", {"level": "terrible"}),
        ("model_unknown", {"model": "gpt-5.5"}),
        ("model_unknown", {"tested": replace(TESTED, digest=digest("other"))}),
        ("signature_invalid", {"signer": "nobody"}),
        ("key_of_another_party", {"signer": "oncd"}),
        ("other_log", {"log": "another"}),
    ],
    ids=repr,
)
def test_a_report_of_nothing_here_is_refused(code: str, changes: dict[str, Any]) -> None:
    assert World.agreed().refused(report(**changes)) == code


def test_a_finding_may_be_of_earlier_safeguards() -> None:
    reported(World.agreed(), tested=replace(TESTED, safeguards=digest("older")))


def test_a_retest_is_of_what_is_in_force() -> None:
    world = World.agreed()
    name = reported(world)
    older = replace(TESTED, safeguards=digest("older"))
    assert world.refused(retest(name, world, tested=older)) == "retest_stale"
    value = plan_value(models=(MODEL, "gpt-5.6-mini"))
    world.apply(value)
    mini = ModelDigests(digest=digest("gpt-5.6-mini"), safeguards=digest("safe"))
    assert world.refused(retest(name, world, tested=mini)) == "retest_stale"
    value["spec"]["models"][0]["safeguards"] = digest("newer")
    world.apply(value)
    assert world.refused(retest(name, world)) == "retest_stale"
    world.must(retest(name, world, tested=replace(TESTED, safeguards=digest("newer"))))


def test_new_safeguards_close_no_finding() -> None:
    world = asking(when_lost="close")
    name = reported(world)
    value = plan_value(**spec(when_lost="close"))
    value["spec"]["models"][0]["safeguards"] = digest("newer")
    world.apply(value)
    world.agree()
    assert finding(world, name).is_open
    assert not is_open(world)


def test_what_is_closed_is_not_answered_or_closed_again() -> None:
    world = World.agreed()
    name = reported(world)
    close(world, name)
    assert world.refused(command(world, name, DEVELOPER, FIXES)) == "finding_closed"
    assert world.refused(retest(name, world)) == "finding_closed"


def test_a_finding_that_is_not_there_is_not_answered() -> None:
    world = World.agreed()
    name = reported(world)
    assert world.refused(command(world, name, DEVELOPER, FIXES, finding="finding_0")) == "finding_unknown"


# What is required


def test_a_stage_opens_by_itself_when_the_last_finding_is_closed() -> None:
    world = World()
    world.apply(plan_value(**spec()))
    first, second = reported(world), reported(world, level="critical")
    world.agree()
    assert not is_open(world)
    close(world, first)
    assert not is_open(world)
    close(world, second, "oncd")
    assert is_open(world)
    opened = next(each for each in world.entries if each.type == "stage.opened")
    assert [each["requirement"] for each in opened.public["met"]] == ["terms", "noOpenFindings"]


def test_a_finding_below_the_level_opens_and_loses_nothing() -> None:
    world = asking()
    reported(world, level="medium")
    assert (is_open(world), lacking(world)) == (True, ((), ""))


@pytest.mark.parametrize(("when_lost", "stays"), [("halt", True), ("tell", True), ("close", False)])
def test_a_finding_takes_an_open_stage_back_as_the_plan_says(when_lost: str, stays: bool) -> None:
    world = asking("high", when_lost)
    name = reported(world)
    assert is_open(world) is stays
    if stays:
        assert lacking(world) == (('noOpenFindings: {"atLeast":"high"}',), when_lost)
    close(world, name)
    assert (is_open(world), lacking(world)) == (True, ((), ""))


def test_no_one_is_admitted_while_a_stage_halts() -> None:
    world = asking()
    case = world.submit()
    name = reported(world)
    world.say(case, "oncd")
    world.say(case, "ostp")
    assert case.grant is None
    close(world, name)
    assert case.grant is not None


def test_a_level_that_a_later_plan_does_not_have_counts_as_its_highest() -> None:
    world = asking()
    reported(world, level="low")
    assert is_open(world)
    world.apply(plan_value(**spec("severe", "close", [{"name": "minor"}, {"name": "severe"}])))
    world.agree()
    assert not is_open(world)


# What follows


@pytest.mark.parametrize(
    ("level", "then", "stays"),
    [("low", "", True), ("medium", "tell", True), ("high", "halt", True), ("critical", "", False)],
)
def test_what_follows_from_each_level_is_agreed_in_the_plan(level: str, then: str, stays: bool) -> None:
    world = asking(None, levels=LEVELS)
    name = reported(world, level=level)
    assert (is_open(world), lacking(world)[1]) == (stays, then)
    if then:
        assert lacking(world)[0] == (f"{name} ({level})",)
    close(world, name)
    assert (is_open(world), lacking(world)) == (True, ((), ""))


def test_the_hardest_of_several_answers_holds() -> None:
    world = asking(None, levels=LEVELS)
    names = [reported(world, level=level) for level in ("medium", "high", "critical")]
    assert not is_open(world)
    close(world, names[2])
    assert not is_open(world), "no stage opens over a finding that halts"
    close(world, names[1])
    assert is_open(world)
    assert lacking(world) == ((f"{names[0]} (medium)",), "tell")


def test_a_stage_that_an_officer_opens_does_not_open_over_such_a_finding() -> None:
    world = World.agreed(findings={"levels": list(LEVELS)})
    name = reported(world)
    with pytest.raises(AssertionError, match="finding_open"):
        world.open()
    close(world, name)
    world.open()
    suspending = reported(world, level="critical")
    assert not is_open(world)
    close(world, suspending)
    assert not is_open(world), "an officer opens it again"
    world.open()
    assert is_open(world)


def test_a_finding_that_is_only_told_hinders_no_opening() -> None:
    world = World.agreed(findings={"levels": list(LEVELS)})
    reported(world, level="medium")
    world.open()
    assert (is_open(world), lacking(world)[1]) == (True, "tell")


# What is owed


def overdue(world: World) -> list[str]:
    return [each.public["step"] for each in world.entries if each.type == "finding.overdue"]


def test_the_developer_is_told_what_it_did_not_do_in_time() -> None:
    world = asking(None, levels=LEVELS)
    name = reported(world)
    world.later(1.99)
    assert overdue(world) == []
    world.later(0.01)
    assert overdue(world) == ["acknowledge"]
    assert not is_open(world), "what is overdue suspends"
    say(world, name, DEVELOPER, ACKNOWLEDGES)
    assert finding(world, name).overdue == ()
    world.later(28)
    assert overdue(world) == ["acknowledge", "fix"]
    assert not is_open(world)


def test_what_was_due_while_nothing_ran_is_not_missed() -> None:
    world = asking(None, levels=LEVELS)
    names = [reported(world, level=level) for level in ("high", "critical", "low")]
    world.later(400)
    due = [
        (each.public["finding"], each.public["step"])
        for each in world.entries
        if each.type == "finding.overdue"
    ]
    assert due == [
        (names[1], "acknowledge"),
        (names[0], "acknowledge"),
        (names[1], "fix"),
        (names[2], "acknowledge"),
        (names[0], "fix"),
    ]


@pytest.mark.parametrize("says", [ACKNOWLEDGES, ASKS, DISPUTES, FIXES])
def test_any_answer_acknowledges_in_time(says: str) -> None:
    world = asking(None, levels=LEVELS)
    name = reported(world)
    say(world, name, DEVELOPER, says, text="we look at it")
    world.later(3)
    assert overdue(world) == []


def test_who_says_that_it_fixed_something_stops_the_clock_until_it_is_found_again() -> None:
    world = asking(None, levels=LEVELS)
    name = reported(world)
    say(world, name, DEVELOPER, FIXES)
    world.later(40)
    assert overdue(world) == []
    world.must(retest(name, world, gone=False))
    assert overdue(world) == ["fix"]
    say(world, name, DEVELOPER, FIXES)
    assert finding(world, name).overdue == ("fix",), "what was late is settled by a retest alone"
    assert not is_open(world)
    close(world, name)
    assert is_open(world)


def test_a_plan_that_gives_less_time_is_followed_at_once() -> None:
    world = asking(None, levels=BARE)
    reported(world)
    world.later(3)
    assert overdue(world) == []
    world.apply(plan_value(**spec(None, levels=LEVELS)))
    world.tick()
    assert overdue(world) == ["acknowledge"]


def test_a_closed_finding_owes_nothing() -> None:
    world = asking(None, levels=LEVELS)
    close(world, reported(world))
    world.later(400)
    assert overdue(world) == []


# The terms


def test_what_follows_from_findings_is_part_of_the_terms() -> None:
    friend = {"evaluators": {"friend": {"name": "A friend"}}}
    for changes in ({"levels": BARE}, {"levels": LEVELS, **friend}):
        world = asking(None, levels=LEVELS)
        result = world.apply(plan_value(**spec(None, **changes)))
        assert result["loosened"] == {STAGE: ["findings"]}
        assert not is_open(world)


def test_a_lower_level_is_tighter_and_a_higher_one_is_not() -> None:
    world = asking("high")
    assert world.apply(plan_value(**spec("medium")))["tightened"] == [STAGE]
    assert is_open(world)
    result = world.apply(plan_value(**spec("critical")))
    assert result["loosened"] == {STAGE: ["opensWhen"]}
    assert not is_open(world)


def test_an_officer_may_not_report_for_an_agency() -> None:
    assert World.agreed().refused(report("caisi", signer=OFFICER)) == "key_of_another_party"


def test_a_retest_is_a_word_like_any_other() -> None:
    world = World.agreed()
    name = reported(world)
    assert world.refused(command(world, name, "caisi", RETESTS, outcome="gone")) == "retest_stale"
    assert world.must(application())["application"]


# What is sealed


def sealed(*owners: str, text: str = "the prompt") -> tuple[SealedDetails, Opening]:
    """Details for the keys of these owners, as a party commits to them."""
    opened = Opening(bytes(32), canonical.dumps(text))
    keys = tuple(sorted(keyid(owner) for owner in owners))
    return SealedDetails(commitment=opened.commitment("sealed", "details"), keys=keys), opened


def test_details_are_committed_to_and_name_the_keys_that_open_them() -> None:
    world = World.agreed()
    details, opened = sealed("caisi", OFFICER)
    name = world.must(replace_details(report(sealed_details=details), opened))["finding"]
    assert finding(world, name).sealed_to == details.keys
    (entry,) = (each for each in world.entries if each.type == "finding.reported")
    assert "the prompt" not in entry.leaf.decode()
    assert entry.public["sealed"] == details.to_json()
    more, _ = sealed("oncd", text="kept")
    world.must(command(world, name, "caisi", GIVES, text="at our office", sealed_details=more))
    assert finding(world, name).said[0].sealed_to == more.keys


def replace_details(given: RecordFinding, opened: Opening) -> RecordFinding:
    return RecordFinding(given.envelope, opened)


def test_other_details_than_were_signed_are_refused() -> None:
    world = World.agreed()
    details, opened = sealed("caisi")
    _, other = sealed("caisi", text="another prompt")
    for given, opening in ((report(sealed_details=details), other), (report(), opened)):
        assert world.refused(replace_details(given, opening)) == "details_unproven"


def test_details_are_sealed_to_keys_of_this_log() -> None:
    details, opened = sealed("a stranger")
    assert World.agreed().refused(replace_details(report(sealed_details=details), opened)) == "key_unknown"


# Misuse


def suspending(*parties: str) -> World:
    """A world in which reports of these agencies suspend a grant."""
    return World.opened(findings={"misuse": {"suspendedBy": list(parties)}})


def standing(world: World, grant: str) -> str | None:
    return world.state.grants[grant].standing


def test_a_report_of_a_misuse_is_on_the_record_and_the_developer_suspends() -> None:
    world = World.opened()
    grant = world.admit()
    name = world.must(misuse(world, grant))["finding"]
    assert (standing(world, grant), finding(world, name).grant) == (None, grant)
    world.must(SuspendGrant(grant, "misuse"))
    world.must(ResumeGrant(grant))
    assert standing(world, grant) is None


def test_a_report_that_binds_suspends_at_once_until_it_is_closed() -> None:
    world = suspending("caisi")
    grant = world.admit()
    credential, _ = world.credential(grant)
    name = world.must(misuse(world, grant))["finding"]
    assert world.types()[-2:] == ["finding.reported", "grant.suspended"]
    assert standing(world, grant) == "suspended"
    assert world.state.table.credentials[credential].grant.barred is not None
    assert world.refused(ResumeGrant(grant)) == "finding_open"
    say(world, name, DEVELOPER, DISPUTES, text="it is a test")
    assert world.refused(ResumeGrant(grant)) == "finding_open"
    assert world.refused(retest(name, world, DEVELOPER, tested=None)) == "not_to_retest"
    world.must(retest(name, world, tested=None))
    world.must(ResumeGrant(grant))
    assert standing(world, grant) is None
    world.must(retest(name, world, gone=False, tested=None))
    assert standing(world, grant) == "suspended", "a report that is opened again suspends again"


def test_a_report_of_another_agency_does_not_bind() -> None:
    world = suspending("oncd")
    grant = world.admit()
    world.must(misuse(world, grant))
    assert standing(world, grant) is None


def test_a_plan_that_no_longer_lets_a_report_bind_frees_no_one() -> None:
    world = suspending("caisi")
    grant = world.admit()
    world.must(misuse(world, grant))
    world.apply(plan_value())
    assert world.refused(ResumeGrant(grant)) == "finding_open"


def test_a_grant_that_was_suspended_before_stays_so_until_every_report_is_closed() -> None:
    world = suspending("caisi", "oncd")
    grant = world.admit()
    world.must(SuspendGrant(grant, "security"))
    first = world.must(misuse(world, grant))["finding"]
    second = world.must(misuse(world, grant, "oncd"))["finding"]
    world.must(retest(first, world, tested=None))
    assert world.refused(ResumeGrant(grant)) == "finding_open"
    world.must(retest(second, world, tested=None))
    world.must(ResumeGrant(grant))


def test_a_misuse_takes_no_stage_back() -> None:
    world = asking(levels=LEVELS, when_lost="close")
    world.must(misuse(world, world.admit(), level="critical"))
    assert (is_open(world), lacking(world)) == (True, ((), ""))


def test_a_misuse_of_no_grant_of_the_release_is_refused() -> None:
    assert World.agreed().refused(misuse(World(), "grant_0")) == "grant_unknown"
