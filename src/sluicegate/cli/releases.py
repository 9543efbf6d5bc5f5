"""Every release with its stages, as `status` shows it."""

from __future__ import annotations

from collections.abc import Iterator

from sluicegate.acts.designations import DesignationView
from sluicegate.acts.releases import ExposureView, HeardView, ReleaseEnd, ReleaseStatus, StageStatus, Status
from sluicegate.acts.stages import RequirementView
from sluicegate.cli import observations, wording
from sluicegate.cli.tables import table
from sluicegate_record.terms import phrases
from sluicegate_record.terms.audience import APPLICANTS, EVALUATORS
from sluicegate_record.terms.phrases import plain
from sluicegate_record.terms.plan import Clock
from sluicegate_record.terms.programmes import STANDARD, label
from sluicegate_record.terms.text import counted


def status(found: Status) -> str:
    """Every release with its stages."""
    stages = [(release, stage) for release in found.releases for stage in release.stages]
    columns = ["release", "stage", "models", "surfaces", "terms", "open", "seats"]
    rows = [_row(release, stage) for release, stage in stages]
    text = table(wording.log_of(found.size), columns, rows, "No release yet: sluicegate apply FILE")
    for release, stage in stages:
        text += "\n\n" + "\n".join([f"{release.release}/{stage.stage}", *_asks(stage)])
    text += "".join(f"\n\n{_closed(each.release, each.closed)}" for each in found.releases if each.closed)
    text += "".join(f"\n\n{_directed(release)}" for release in found.releases if release.directs)
    for release in found.releases:
        text += "".join(f"\n\n{release.release}: {designated(each)}" for each in release.designations)
        text += "".join(f"\n{line}" for line in _programmes(release))
        if release.findings:
            lines = [f"{release.release}: open findings", *map(wording.finding, release.findings)]
            text += "\n\n" + "\n  ".join(lines)
        if release.deployment is not None:
            each = release.deployment
            text += f"\n{release.release}: {wording.asserted(each.statement, each.developer, each.at_most)}"
        if release.contradicted:
            seen = map(observations.against, release.contradicted)
            text += "\n" + "\n  ".join([f"{release.release}: seen against the record", *seen])
    if found.directives_in_force:
        text += "\n\ndirectives in force: " + ", ".join(found.directives_in_force)
    if found.promises:
        text += "\n\n" + "\n".join(["promises:", *(f"  {wording.promise(each)}" for each in found.promises)])
    return text


def _closed(name: str, end: ReleaseEnd) -> str:
    """When a release was closed, and who signed its report or dissented from it."""
    said = "".join(f"; {each.party} {each.says}" for each in end.said)
    return f"{name} was closed on {wording.minute(end.closed_ms)}{said} ('sluicegate release report {name}')"


def _directed(release: ReleaseStatus) -> str:
    """What each agency may direct alone, in one line."""
    return f"{release.release}: {wording.directed(release.directs)}"


def designated(each: DesignationView) -> str:
    """A judgement: whose it is, since when, what it says, and to what it leads."""
    what = wording.of_class(each.class_, each.comparable_to)
    leads = f"scrutiny {each.scrutiny}" if each.scrutiny else "by the plan in force it leads to no scrutiny"
    lines = [
        f"{each.agency} has designated {each.model} {what}, since {wording.minute(each.since_ms)}; {leads}"
    ]
    lines.append(
        f"  its public statement: {each.statement}" if each.statement else "  without a public statement"
    )
    lines += ["  its basis is sealed"] if each.sealed else []
    lines += [f"  the case {each.case} reconsiders it, or has"] if each.case else []
    return "\n".join([*lines, f"  designation {each.designation}"])


def _programmes(release: ReleaseStatus) -> Iterator[str]:
    """The programmes of a release, what each asks, and how to ask for one."""
    known = [
        (label(concern, name), each)
        for concern, names in release.programmes.items()
        for name, each in names.items()
        if name != STANDARD
    ]
    if known:
        yield f"{release.release}: programmes, for those whose grant names them"
    for name, each in known:
        asks = f"asks {wording.asked(each.asks)}; " if each.asks else ""
        yield f"  {name}: {asks}a request names it in {each.travels}"


def _asks(stage: StageStatus) -> list[str]:
    """What applicants should know before they apply: who decides, how long it may take, criteria, duties."""
    basis, rule = stage.basis, stage.rule
    advice = wording.ADVICE if basis.kind == "voluntary" else ""
    until = f" until {basis.until}" if basis.until else ""
    unless = ", unless one objects in time" if stage.mode == "notify" else ""
    word = "" if stage.terms_agreed else "; this is the developer's word: the terms are not agreed"
    lines = [
        f"  basis: {basis.kind}, asked by {', '.join(basis.asked_by)} on {basis.asked_on}{until}{word}",
        f"  admitted by: {phrases.rule(rule)}{unless}{advice}"
        if stage.audience == APPLICANTS
        else f"  for {_admitted(stage)}{share(stage)}",
    ]
    lines[1:1] = [f"  {stage.basis_after.words}"] if stage.basis_after else []
    lines += [heard(stage.heard)] if stage.heard else []
    lines += [_clock(stage.clock)] if stage.clock else []
    lines += exposed(stage.exposure) if stage.exposure is not None else []
    lines += map(required, stage.requirements)
    if stage.becoming is not None:
        lines.append(f"  grants that go on as part of it: those of {counted(stage.becoming, 'organization')}")
    if stage.opens_ms is not None:
        lines.append(f"  opens by itself on {wording.minute(stage.opens_ms)}, if nothing more happens")
    lines += [f"  criterion: {text}" for text in stage.eligibility.criteria]
    others = {name: each for name, each in stage.eligibility.to_json().items() if name != "criteria"}
    lines += [f"  {name}: {plain(value)}" for name, value in others.items()]
    lines += [
        f"  condition {name}: {wording.stated(value)}" for name, value in stage.conditions.to_json().items()
    ]
    if stage.audience != APPLICANTS:
        return lines
    reply, within = phrases.duration(stage.reply), phrases.duration(stage.appeal.within)
    lines.append(f"  a denial can be answered within {reply}, and appealed within {within};")
    judges = phrases.rule(stage.appeal.decide)
    lines.append(f"  appeals are decided by {judges}, without anyone who signed in the case")
    return lines


def named(stage: StageStatus) -> str:
    """Who a stage is for that no one applies for, such as `2 listed organizations`."""
    if stage.programme is not None:
        return f"the grants that have the programme {stage.programme}"
    if stage.listed is None:
        return "everyone"
    return counted(stage.listed, "evaluator" if stage.audience == EVALUATORS else "listed organization")


def _admitted(stage: StageStatus) -> str:
    """The same, with how they are admitted."""
    if stage.programme is not None:
        return f"{named(stage)}: they go on as part of it"
    by_terms = ", admitted by those who agree to the terms," if stage.listed else ""
    return f"{named(stage)}{by_terms} with an account"


def share(stage: StageStatus) -> str:
    """By which share a stage for everyone is open, and when the next one comes; empty without a ramp."""
    ramp = stage.ramp
    if ramp is None:
        return ""
    said = f": {ramp.share} per cent of organizations are in now"
    if ramp.paused:
        return f"{said}; paused by an officer"
    if ramp.next_ms is not None:
        return f"{said}, {ramp.next_share} on {wording.minute(ramp.next_ms)}"
    return said


def exposed(shown: ExposureView) -> list[str]:
    """What a stage lets into the world, beside what it is meant to, and whether that is enforced."""
    now = {
        "organizations": shown.organizations,
        "people": shown.people,
        "requestsPerDay": shown.requests_today,
    }
    return [
        f"  exposure: {'few' if now[name] is None else f'{now[name]:,}'} of {wording.measure(name, most)}"
        for name, most in shown.stated.measures.items()
    ]


def required(each: RequirementView) -> str:
    """A requirement: since when it holds, when it comes, or who it waits for."""
    since = f" since {wording.minute(each.since_ms)}" if each.since_ms else ""
    if each.state == "met":
        return f"  requires {each.words}: met{since}"
    if each.at_ms is not None:
        return f"  requires {each.words}: comes on {wording.minute(each.at_ms)}"
    clears = f"; waits for {', '.join(each.clears)}{since}" if each.clears else ""
    return f"  requires {each.words}: not met{clears}"


def heard(found: HeardView) -> str:
    """Who is heard about the concern that a stage serves, in one line."""
    referred = [f"{to} (by {by})" for to, by in found.referred.items()]
    parts = {
        "asked": found.asked,
        "referred to": referred,
        "declined": found.declined,
        "never asked": found.never_asked,
    }
    told = "; ".join(f"{what}: {', '.join(names)}" for what, names in parts.items() if names)
    return f"  for {found.concern}: {told}"


def _clock(clock: Clock) -> str:
    ladder = f" to {', '.join(step.name for step in clock.to)}" if clock.to else ""
    days = counted(clock.within, clock.unit.replace("-", " ").removesuffix("s"))
    within = f"{days} ({clock.calendar})"
    return f"  an agency has {within} from its receipt; silence: {clock.silence}{ladder}"


def _row(release: ReleaseStatus, stage: StageStatus) -> list[str]:
    awaited = f"awaiting {', '.join(stage.awaiting)}" if stage.awaiting else "not agreed"
    return [
        release.release,
        stage.stage,
        ", ".join(release.models),
        ", ".join(release.surfaces),
        "agreed" if stage.terms_agreed else awaited,
        "open" if stage.open else "closed",
        seats(stage),
    ]


def seats(stage: StageStatus) -> str:
    """How many seats of a stage are taken."""
    taken = "few" if stage.seated is None else str(stage.seated)
    return taken if stage.seats is None else f"{taken} of {stage.seats}"
