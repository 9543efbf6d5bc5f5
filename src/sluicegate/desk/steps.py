"""The steps of a reviewer: the form of a step, the statement that it makes, and the signing of it.

Rules:
- A form makes a statement, and does no more. It is on the record once it is signed, verified here, taken by
  the instance, and in the log that the desk has verified.
- The page on which one signs says what the bytes say, and whose signatures it has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from sluicegate.core.terms import plan as plans
from sluicegate.desk import casepage, people, sentences, statements
from sluicegate.desk.casepage import DeskStep
from sluicegate.desk.checking import ReadCase
from sluicegate.desk.following import Following
from sluicegate.desk.site import UNKNOWN, DeskSite, Here, form, page
from sluicegate.errors import BadSignature, CommandRefused, InvalidInput, SluicegateError
from sluicegate.pages import answers
from sluicegate.pages.page import Sent, one
from sluicegate.ports import PreparedStatement
from sluicegate.signin import passkeys, signatures
from sluicegate.signin.origins import PagesOrigin
from sluicegate.signin.signatures import PasskeySigner
from sluicegate.statements.cases import Review
from sluicegate.statements.kind import UnsignedStatement
from sluicegate_record.form import Json
from sluicegate_record.statements.cases import NEED_REASON, POSITIONS, SCHEDULE_MAX
from sluicegate_record.statements.keys import PINS, KeyStatement
from sluicegate_record.statements.statement import Statement
from sluicegate_record.terms import kinds
from sluicegate_record.terms.text import quoted

_STATEMENT = "/statements/{id}"
Find = Callable[[str, str], tuple[Following, ReadCase]]
"""Gives a case of an instance, as a page shows it (`DeskSite.look`) or as it is now (`DeskSite.read`)."""


def routes(site: DeskSite) -> list[Route]:
    """The routes of these pages and forms."""
    step = "/i/{instance}/cases/{case}/{word}"
    return [
        page(site, "/schedule", _schedule),
        form(site, "/schedule", _scheduled),
        page(site, "/statements", _statements),
        page(site, _STATEMENT, _statement),
        page(site, f"{_STATEMENT}/file", _file),
        form(site, _STATEMENT, _sign),
        page(site, f"{_STATEMENT}/forget", _to_forget),
        form(site, f"{_STATEMENT}/forget", _forget),
        page(site, step, _step),
        form(site, step, _taken),
    ]


# A step in a case


def _step(site: DeskSite, here: Here) -> Response:
    return _form(site, here, {}, None)


def _form(site: DeskSite, here: Here, sent: Sent, fault: SluicegateError | None) -> Response:
    following, read, step = _asked(site.look, here)
    with following.lock:
        given = sentences.plan_of(following.record, read)
        found = casepage.case_page(following, read, None, site.now_ms())
        agency = following.instance.agency
        does = [step.does] if step.word not in POSITIONS else []
        if step.word == "receive":
            does += sentences.received(read.case, agency)
        else:
            does += sentences.follows(following.record, read.case, step.word, agency, site.now_ms())
    stage = found.stage
    values = {key: texts[0] for key, texts in sent.items() if texts}
    return here.page(
        "desk/step.html",
        {
            "here": "",
            "found": found,
            "step": step,
            "does": does,
            "fault": fault,
            "sent": values,
            "needs_reason": step.word in NEED_REASON or step.word == "refer",
            "concern": None if stage is None or read.case.kind not in kinds.CONCERNED else stage.concern,
            "concerns": _concerns(given, agency),
        },
    )


def _concerns(given: Any, agency: str) -> tuple[str, ...]:
    known = None if given is None else given.spec.agencies.get(agency)
    return () if known is None else tuple(known.concerns)


def _asked(find: Find, here: Here) -> tuple[Following, ReadCase, DeskStep]:
    """The case and the step of a form. Raises: CommandRefused: it cannot be taken now."""
    following, read = find(here.path["instance"], here.path["case"])
    word = here.path["word"]
    with following.lock:
        known = casepage.steps(following, read, sentences.plan_of(following.record, read))
        step = next((each for each in known if each.word == word), None)
    if step is None:
        said = f"{word[:40]!r} is not a step that your agency can take in this case now"
        raise CommandRefused(said, code="not_now", remedy="the page of the case has those that it can")
    return following, read, step


def _taken(site: DeskSite, here: Here) -> Response:
    """Make a statement of a form."""
    following, read, step = _asked(site.read, here)
    try:
        stated = _stated(following, read, step.word, here.sent)
        made = statements.prepared(following, stated, here.who.principal)
    except InvalidInput as error:
        return _form(site, here, here.sent, error)
    site.preparations.put(made)
    return answers.next_page(f"/statements/{made.id}")


def _stated(following: Following, read: ReadCase, word: str, sent: Sent) -> UnsignedStatement:
    """The statement that a form asks for. Raises: InvalidInput, CommandRefused."""
    reason = one(sent, "reason").strip()
    if word == "receive":
        return statements.receipt(following, read)
    if word == "refer":
        _check_reason("a referral", reason)
        return statements.referral(following, read, one(sent, "to"), reason)
    return statements.position(following, read, _review(word, sent))


def _review(word: str, sent: Sent) -> Review:
    """A position as a form states it. Raises: InvalidInput."""
    reason = one(sent, "reason").strip()
    if word in NEED_REASON:
        _check_reason(NEED_REASON[word], reason)
    conditions = _conditions(sent) if word == "approve-with-conditions" else None
    concern = one(sent, "concern") or None
    return Review(word, reason, conditions, one(sent, "sealed") == "yes" and bool(reason), concern)


def _check_reason(what: str, reason: str) -> None:
    if not reason:
        raise InvalidInput(f"{what} without a reason", remedy="say why; it is part of what you sign")


def _conditions(sent: Sent) -> dict[str, Json]:
    """The conditions in a form. Raises: InvalidInput: none, or one that no grant can have."""
    found: dict[str, Json] = {}
    for name, read in (("requestsPerMinute", _number), ("validFor", lambda text: f"P{_number(text)}D")):
        text = one(sent, name).strip()
        if text:
            found[name] = read(text)
    for line in filter(None, map(str.strip, one(sent, "declared").splitlines())):
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or not value.strip():
            raise InvalidInput(f"the condition {line[:80]!r}", remedy="write each as name: value, on a line")
        found[name.strip()] = {"value": _value(value.strip()), "declared": True}
    if not found:
        raise InvalidInput("an approval with conditions without one", remedy="state at least one")
    for fault in plans.condition_faults(found):
        where = ".".join(map(str, fault.path))
        raise InvalidInput(f"the condition {where}: expected {fault.expected}, found {fault.found}")
    return found


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidInput(f"{text[:40]!r} is not a whole number")
    return int(text)


def _value(text: str) -> Json:
    """The value of a declared condition: a number, yes or no, or a text."""
    if text in {"yes", "no", "true", "false"}:
        return text in {"yes", "true"}
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


# One word in several cases


def _schedule(site: DeskSite, here: Here) -> Response:
    return _schedule_form(site, here, here.request.query_params.getlist("case"), {}, None)


def _schedule_form(
    site: DeskSite, here: Here, named: Sequence[str], sent: Sent, fault: SluicegateError | None
) -> Response:
    reads = [site.look(*_split(each)) for each in dict.fromkeys(named)]
    ordered = sorted(reads, key=lambda each: each[1].case.seq)
    rows = []
    for following, read in ordered:
        with following.lock:
            what = sentences.thing(following.record, read)
        rows.append((following.instance.name, read, what))
    words = [word for word in POSITIONS if word != "approve-with-conditions"]
    return here.page(
        "desk/schedule.html",
        {
            "here": "",
            "rows": rows,
            "words": [(word, sentences.LABELS[word]) for word in words],
            "sent": {key: texts[0] for key, texts in sent.items() if texts},
            "fault": fault,
            "one_instance": len({name for name, _, _ in rows}) == 1,
        },
    )


def _split(named: str) -> tuple[str, str]:
    instance, _, case = named.partition("/")
    return instance, case


def _scheduled(site: DeskSite, here: Here) -> Response:
    named = list(here.sent.get("case", ()))
    try:
        following, reads = _chosen(site, named)
        stated = statements.schedule(following, reads, _review(_word(here.sent), here.sent))
        made = statements.prepared(following, stated, here.who.principal)
    except InvalidInput as error:
        return _schedule_form(site, here, named, here.sent, error)
    site.preparations.put(made)
    return answers.next_page(f"/statements/{made.id}")


def _chosen(site: DeskSite, named: Sequence[str]) -> tuple[Following, list[ReadCase]]:
    """The cases that are chosen, of one instance. Raises: InvalidInput."""
    if not 1 <= len(named) <= SCHEDULE_MAX:
        raise InvalidInput(f"one signature is for 1 to {SCHEDULE_MAX} cases, {len(named)} are chosen")
    found = site.read_all(map(_split, named))
    following = found[0][0]
    if any(each is not following for each, _ in found):
        raise InvalidInput("the cases are of several instances", remedy="sign for one after the other")
    return following, [read for _, read in found]


def _word(sent: Sent) -> str:
    word = one(sent, "word")
    if word not in POSITIONS:
        raise InvalidInput("no word is chosen", remedy="choose one")
    return word


# A statement that is to be signed


@dataclass(frozen=True, slots=True)
class StatementView:
    """A statement as its page shows it. `lacks` says what it still needs; empty if it is signed enough."""

    found: PreparedStatement
    type: str
    words: tuple[str, ...]
    cases: tuple[str, ...]
    signed: tuple[str, ...]
    lacks: str
    outdated: str


def _view(site: DeskSite, found: PreparedStatement) -> StatementView:
    following, stated = site.following(found.instance), statements.stated_in(found)
    names = statements.cases_in(stated)
    reads = {name: site.look(found.instance, name)[1] for name in names}
    with following.lock:
        words = tuple(sentences.statement(following.record, reads, stated, site.now_ms()))
        signed = sorted(key.owner for key in statements.signers(following, found))
        lacks = statements.lacking(following, found)
        outdated = statements.outdated(following, stated)
    kind = type(stated).__name__
    words += tuple(_holder(site, stated))
    return StatementView(found, kind, words, names, tuple(signed), lacks, outdated)


def _holder(site: DeskSite, stated: Statement) -> Iterator[str]:
    """Whose passkey a statement pins, as far as this desk knows."""
    if not isinstance(stated, KeyStatement) or stated.says != PINS or stated.webauthn is None:
        return
    place = PagesOrigin(stated.webauthn.origin)
    for name in site.memory.people():
        for passkey, key in site.keys(place, people.principal_of(name)):
            if key.keyid == stated.keyid:
                yield f"At this desk it is the passkey {quoted(passkey.name)} of {name}."
                return
    yield "No one at this desk has it."


def _of(site: DeskSite, here: Here) -> PreparedStatement:
    found = site.preparations.get(here.path["id"])
    if found is None:
        said = "no such statement waits here: one that did is on the record, or was taken back"
        raise CommandRefused(said, code=UNKNOWN, remedy="the page of its case shows what is on the record")
    return found


def _statements(site: DeskSite, here: Here) -> Response:
    found = [_view(site, each) for each in site.preparations.all() if each.instance in site.followings]
    return here.page("desk/statements.html", {"here": "statements", "statements": found})


def _statement(site: DeskSite, here: Here) -> Response:
    found = _of(site, here)
    return _shown(site, here, found, None)


def _shown(site: DeskSite, here: Here, found: PreparedStatement, fault: SluicegateError | None) -> Response:
    view, fault = _view(site, found), fault or _fault(site, found)
    signer, may_sign = _signer(site, here), _may_sign(site, found)
    return here.page(
        "desk/statement.html",
        {
            "here": "statements",
            "view": view,
            "options": signer.asked(found, may_sign) if fault is None else "",
            "fault": fault,
            "agency": site.following(found.instance).instance.agency,
            "payload": json.loads(found.payload),
            "may_take_back": signer.may_take_back(found, may_sign),
        },
    )


def _fault(site: DeskSite, found: PreparedStatement) -> CommandRefused | None:
    """Why a statement cannot be signed now; None if it can."""
    try:
        reads = [site.look(*each)[1] for each in _named(found)]
        statements.check(site.following(found.instance), found, reads)
    except CommandRefused as error:
        return error
    return None


def _named(found: PreparedStatement) -> list[tuple[str, str]]:
    """The cases that a statement is about, each with its instance."""
    return [(found.instance, name) for name in statements.cases_in(statements.stated_in(found))]


def _signer(site: DeskSite, here: Here) -> PasskeySigner:
    return PasskeySigner(here.person, here.place, site.keys(here.place, here.who.principal))


def _may_sign(site: DeskSite, found: PreparedStatement) -> Collection[str]:
    """The ids of the keys that sign a statement: those of the agency, and one that it pins."""
    following, stated = site.following(found.instance), statements.stated_in(found)
    own = stated.keyid if isinstance(stated, KeyStatement) and stated.key is not None else ""
    with following.lock:
        record, partial = following.record, statements.partial(following.record, stated)
        agency = following.instance.agency
        counting = [key for key in record.keys.values() if key.counts and key.party == agency]
        return {own, *(key.keyid for key in counting if key.owner not in partial)}


def _sign(site: DeskSite, here: Here) -> Response:
    """Take a signature; send the statement once it has enough."""
    found, answer = _of(site, here), one(here.sent, "answer")
    following = site.following(found.instance)
    try:
        statements.check(following, found, [read for _, read in site.read_all(_named(found))])
        if answer:
            found = _with_signature(site, here, found, answer)
        with following.lock:
            lacks = statements.lacking(following, found)
        if lacks:
            return answers.next_page(f"/statements/{found.id}")
        statements.carry(following, found)
    except (InvalidInput, BadSignature, CommandRefused) as error:
        return _shown(site, here, _of(site, here), error)
    site.preparations.forget(found.id)
    names = statements.cases_in(statements.stated_in(found))
    for name in names[:1]:  # its page comes next
        following.read(name)
    after = f"/i/{found.instance}/cases/{names[0]}?done={found.id}" if names else "/account"
    return answers.next_page(after)


def _with_signature(site: DeskSite, here: Here, found: PreparedStatement, answer: str) -> PreparedStatement:
    """A statement with the signature in a browser's answer. Raises: BadSignature, InvalidInput."""
    key = _signer(site, here).speaking(_may_sign(site, found)).get(passkeys.passkey_in(answer))
    if key is None:
        said = "this passkey does not sign for your agency here"
        raise InvalidInput(
            said, code="passkey_unknown", remedy="your account says which does, and what to do"
        )
    return signatures.sign(site.preparations, found, key, answer)


def _to_forget(site: DeskSite, here: Here) -> Response:
    """Ask before a statement is taken back: whose it is."""
    found = _own(site, here)
    first = _view(site, found).words[0]
    values = {"here": "statements", "path": "/statements", "found": found, "first": first}
    values["signatures"] = len(found.signatures)
    return here.page("take_back.html", values)


def _forget(site: DeskSite, here: Here) -> Response:
    site.preparations.forget(_own(site, here).id)
    return answers.next_page("/statements")


def _own(site: DeskSite, here: Here) -> PreparedStatement:
    """A statement that someone takes back. Raises: CommandRefused: they neither made it nor may sign it."""
    found = _of(site, here)
    if not _signer(site, here).may_take_back(found, _may_sign(site, found)):
        said = "who made a statement, or may sign it, takes it back"
        raise CommandRefused(said, code="not_yours", remedy=f"ask {found.name}")
    return found


def _file(site: DeskSite, here: Here) -> Response:
    """What was signed so far, for `review countersign` and `review import` at a command line."""
    found = _of(site, here)
    if not found.signatures:
        raise CommandRefused("no one has signed it yet", code="unsigned", remedy="sign it here first")
    return answers.file(f"statement-{found.id[:12]}.json", statements.exported(found))
