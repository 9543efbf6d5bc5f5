"""What is said of a layer that does not refuse a request.

Rules:
- `WORDS` has a row for each layer of `access.obstacles`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from sluicegate.core.access import naming
from sluicegate.core.access.decision import ANYBODY
from sluicegate.core.directives.cover import Cover, Exempt, Whom
from sluicegate.core.explanations.inquiry import Inquiry, LayerWords, of_grant, of_key, of_stage, terms_of
from sluicegate.core.explanations.narration import until
from sluicegate.core.lifecycle.trail import ACCOUNT, DEPLOYMENT, DIRECTIVE, GRANT, RELEASE
from sluicegate_record.log import times


def _gateway(inquiry: Inquiry) -> LayerWords:
    return LayerWords(
        f"a gateway of {inquiry.ask.surface} without a fresh lease refuses everything (503 gate_stale); one "
        "with a trust file refuses what rests on signatures that it cannot check (403 deployment_unattested)"
    )


def _credential(inquiry: Inquiry) -> LayerWords:
    state = inquiry.credential.state
    lasts = "" if state.expires_ms is None else f" {until(state.expires_ms)}"
    return LayerWords(f"{inquiry.credential.id} is valid{lasts}, under {inquiry.own.id}", "", of_key(inquiry))


def _request(_: Inquiry) -> LayerWords:
    return LayerWords(
        "a gateway refuses one that it cannot read in exactly one way, or that is too large (400, 413)"
    )


def _model(inquiry: Inquiry) -> LayerWords:
    offer = inquiry.offer
    assert offer is not None, "a model that is not offered is refused"
    is_hidden = "" if offer.announced else ", which is not announced"
    said = f"{inquiry.ask.model} is a model of the release {offer.release}{is_hidden}"
    return LayerWords(said, "", inquiry.trail(RELEASE, offer.release, 1))


def _directive(inquiry: Inquiry) -> LayerWords:
    """No directive suspends the request; some may restrict it, or be about persons."""
    index = inquiry.state.table.directed.get(inquiry.ask.model)
    if index is None:
        return LayerWords("no directive is about this model")
    entity = inquiry.state.table.entity(inquiry.own.organization)
    about = {each.name: each for each in index.candidates(entity, ())}
    named = [each for each in about.values() if each.is_about(inquiry.ask.model, inquiry.ask.surface)]
    restricting = [each.name for each in named if each.restricts is not None]
    excepted = [(each, licence) for each in named for licence in _licences(inquiry, each)]
    places = tuple(at for each in named for at in inquiry.trail(DIRECTIVE, each.name))
    places += tuple(inquiry.state.record.licences[licence.name].seq for _, licence in excepted)
    parts = [
        f"{each.name} suspends it; licence {licence.name} excepts this key {_lasts(licence)}"
        for each, licence in excepted
    ]
    said = "; ".join([*parts, f"no {'other ' if parts else ''}directive suspends it"])
    if restricting:
        said += f"; {', '.join(restricting)} may restrict it"
    if any(each.asks_persons for each in named):
        said += "; that can depend on the person that a request names"
    return LayerWords(said, "", places)


def _licences(inquiry: Inquiry, directive: Cover) -> Iterator[Exempt]:
    """The licences by which a directive in force that suspends the model does not refuse the request."""
    ask, now_ms, table = inquiry.ask, inquiry.now_ms, inquiry.state.table
    is_over = directive.until_ms is not None and now_ms >= directive.until_ms
    if is_over or directive.restricts is not None or now_ms < directive.from_ms:
        return
    entity = table.entity(inquiry.own.organization)
    whoms: tuple[Whom, ...] = ANYBODY
    if directive.asks_persons:
        whoms = naming.known(ask.naming, inquiry.credential, ask.model, table, now_ms, now_ms).whoms
    found = dict[str, Exempt]()
    for whom in whoms:
        if directive.covers_one(ask.model, ask.surface, entity, whom):
            licence = directive.licence_for(ask.model, ask.surface, entity, whom, now_ms)
            found |= {} if licence is None else {licence.name: licence}
    yield from found.values()


def _lasts(licence: Exempt) -> str:
    return "as long as it is in force" if licence.until_ms is None else until(licence.until_ms)


def _stage(inquiry: Inquiry) -> LayerWords:
    stage = inquiry.stage
    if stage is None:
        name = "" if inquiry.offer is None else inquiry.offer.release
        return LayerWords(f"a stage of {name} is open", "", inquiry.trail(RELEASE, name, 1))
    release, name = stage
    open_ms = [inquiry.state.record.opened.get(terms) for terms in terms_of(inquiry, stage)]
    since = next((f" since {times.format_time(each)}" for each in open_ms if each is not None), "")
    said = f"stage {release}/{name} is open{since}"
    if open_ms[-1:] == [None]:  # newer terms, which are in force for who comes now
        said += ", under the terms of this grant; under those in force now it is not open, and admits no one"
    return LayerWords(said, "", of_stage(inquiry, stage))


def _deployment(inquiry: Inquiry) -> LayerWords:
    name = "" if inquiry.release is None else inquiry.release.name
    found, developer = inquiry.state.record.deployments.get(name), inquiry.state.developer
    if found is None or found.ended_ms is not None or inquiry.now_ms >= found.until_ms:
        return LayerWords("no statement of what serves it is asked for")
    said = f"{developer} asserts what serves it {until(found.until_ms)}; that is its word, and not measured"
    return LayerWords(said, "", inquiry.trail(DEPLOYMENT, name, 1))


def _grant(inquiry: Inquiry) -> LayerWords:
    allowed = inquiry.found.allowed
    if allowed is None or allowed.grant.id in inquiry.state.record.accounts:
        stage = "/".join(inquiry.stage or ())
        places = inquiry.trail(ACCOUNT, inquiry.own.id)
        return LayerWords(f"{inquiry.own.id} needs no grant: {stage} is for everyone", "", places)
    row = inquiry.state.table.grants_by_id[allowed.grant.id]
    return LayerWords(f"{row.id} is valid {until(row.valid_until_ms)}", "", of_grant(inquiry, row.id))


def _programme(inquiry: Inquiry) -> LayerWords:
    if not inquiry.ask.programmes:
        return LayerWords("the request asks for none")
    held = inquiry.held or inquiry.own
    names = ", ".join(each.label for each in inquiry.ask.programmes)
    return LayerWords(f"{held.id} has {names}", "", inquiry.trail(GRANT, held.id))


def _person(inquiry: Inquiry) -> LayerWords:
    named = inquiry.ask.naming.identifiers or inquiry.credential.member is not None
    said = "the request names a person" if named else "the request names no one, and no one has to be named"
    return LayerWords(said)


def _quota(inquiry: Inquiry) -> LayerWords:
    allowed, table = inquiry.found.allowed, inquiry.state.table
    if allowed is None:
        return LayerWords("gateways count the requests")
    per_minute = allowed.requests_per_minute
    said = "no limit a minute" if per_minute is None else f"{per_minute:,} requests a minute"
    stage = inquiry.stage
    measure = None if stage is None else table.per_day.get(stage)
    if stage is not None and measure is not None:
        of = (
            ""
            if inquiry.spent is None
            else f"; {inquiry.spent(stage):,} of them are used, as gateways report"
        )
        whether = "" if measure.enforced else " (stated, not enforced)"
        said += f", and {measure.value:,} a day for all of {stage[1]}{whether}{of}"
    return LayerWords(f"{said}; gateways count them (429 quota_exceeded, exposure_reached)")


def _upstream(inquiry: Inquiry) -> LayerWords:
    allowed = inquiry.found.allowed
    name = "the upstream" if allowed is None else f"the upstream {allowed.upstream!r}"
    mark = "such a refusal says 'from: upstream' ('x-sluicegate-from', 'error.sluicegate.from')"
    said = f"{name} may refuse a request by itself, by its own classifier; {mark}"
    return LayerWords(said, "another request; no grant or directive changes what a classifier refuses")


WORDS: Mapping[str, Callable[[Inquiry], LayerWords]] = {
    "gateway": _gateway,
    "credential": _credential,
    "request": _request,
    "model": _model,
    "directive": _directive,
    "stage": _stage,
    "deployment": _deployment,
    "grant": _grant,
    "programme": _programme,
    "person": _person,
    "quota": _quota,
    "upstream": _upstream,
}
"""What is said of each layer, by its name."""
