"""The routes on which officers sign: a statement is shown in words, signed with passkeys, and recorded.

Rules:
- Only an officer's passkey signs: one that the record has pinned for the developer, of who is signed in; and
  the key that a statement pins, which signs it, too.
- A signature is verified as the record verifies it, before it is kept.
- Who made a statement, or may sign it, takes it back, once they have seen whose it is.
- Who signs next sees the statement as it is, in words made from its bytes again. If those words are others
  than when it was made, such as what an agency says meanwhile, it is made again: no signature is for them.
- Only who may sign a statement puts it on the record.
- Statements of a set are signed one by one: each leads to the next. The signature that makes all of them
  enough puts them on the record by one act, or none of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from sluicegate.acts.act import ActAnswer
from sluicegate.control import making
from sluicegate.control.command_journal import journaled
from sluicegate.control.officers import Fault, SigningRoutes, StaffRequest, fault, form, page
from sluicegate.control.pages import with_done
from sluicegate.control.plane import ControlPlane
from sluicegate.control.routes import done
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import InvalidInput, SluicegateError, Unauthorized
from sluicegate.http.entrance import Entrance
from sluicegate.http.measures import Requests
from sluicegate.pages import answers
from sluicegate.pages.page import one
from sluicegate.parsing.request import written
from sluicegate.ports import PreparedStatement
from sluicegate.signin import passkeys, signatures
from sluicegate.signin.signatures import signed_by
from sluicegate.statements.kind import HERE
from sluicegate_record.statements.keys import KeyStatement


def routes(plane: ControlPlane, entrance: Entrance, measured: Requests) -> list[Route]:
    """The routes of making statements, and of signing them."""
    signing = SigningRoutes(plane, entrance, measured)
    return [
        *making.routes(signing),
        page(signing, f"{HERE}/{{id}}", _show),
        form(signing, f"{HERE}/{{id}}", _sign),
        page(signing, f"{HERE}/{{id}}/file", _file),
        page(signing, f"{HERE}/{{id}}/forget", _to_forget),
        form(signing, f"{HERE}/{{id}}/forget", _forget),
    ]


async def _found(here: StaffRequest) -> PreparedStatement:
    """The statement of a path. Raises: InvalidInput: it is not here."""
    with here.visitor.place():
        found: PreparedStatement = await here.visitor.run(here.signing.get, here.request.path_params["id"])
    return found


async def _show(here: StaffRequest) -> Response:
    return await _shown(here, await _found(here), None)


async def _shown(here: StaffRequest, found: PreparedStatement, why: Fault) -> Response:
    """The page of a statement; `why` it was not signed, or is not on the record."""
    with here.visitor.place():
        values = await here.visitor.run(_view, here, found)
    return here.page("to_sign.html", {**values, "fault": fault(why)}, 200 if why is None else 400)


def _view(here: StaffRequest, found: PreparedStatement) -> dict[str, Any]:
    how, stated = here.read(found)
    of_set = here.signing.of_set(found)
    standings = {each.id: here.standing(each) for each in of_set}
    standing, enough = standings[found.id], {name: each.is_enough for name, each in standings.items()}
    signer, signed = here.signer, signed_by(found)
    return {
        "found": found,
        "of_set": enough,
        "is_complete": all(enough.values()),
        "next_one": next((each for each, is_enough in enough.items() if not is_enough), found.id),
        "words": tuple(here.words(found, of_set)),
        "follows": here.follows(how.follows(stated, here.ask)),
        "standing": standing,
        "has_signed": any(key.keyid in signed for _, key in signer.own),
        "options": signer.asked(found, standing.may_sign),
        "own": here.for_trust(signer),
        "with_files": isinstance(stated, KeyStatement),
        "command": how.command(stated),
        "payload": json.loads(found.payload),
        "may_take_back": signer.may_take_back(found, standing.may_sign),
        "may_record": bool(signer.speaking(standing.may_sign)),
        "is_outdated": found.premise != here.premise(found, of_set),
    }


async def _sign(here: StaffRequest) -> Response:
    """Take a signature. Once there are enough, the statement goes on the record, with all of its set."""
    found = await _found(here)
    try:
        with here.visitor.place():
            found = await here.visitor.run(_with_signature, here, found, one(here.sent, "answer"))
            of_set = await here.visitor.run(here.signing.of_set, found)
            then = await here.visitor.run(_next, here, found, of_set)
        if then is not None:
            return answers.next_page(f"{HERE}/{then.id}")
        refused = await _recorded(here, of_set)
    except SluicegateError as error:
        if isinstance(error, Unauthorized):
            raise
        return await _shown(here, found, error)
    if refused is not None:
        return await _shown(here, found, refused)
    await _forgotten(here, found)
    how, stated = here.read(found)
    return answers.next_page(with_done(how.after(stated), how.act, here.who.reader))


async def _forgotten(here: StaffRequest, found: PreparedStatement) -> None:
    with here.visitor.place():
        await here.visitor.run(here.signing.kept.forget, found.id)


def _with_signature(here: StaffRequest, found: PreparedStatement, answer: str) -> PreparedStatement:
    """A statement with the signature in a browser's answer; as it is, without an answer.

    Raises: InvalidInput: it is not what it was when it was made, or this is no one who may sign it.
    """
    _check_premise(here, found, here.signing.of_set(found))
    own = here.signer.speaking(here.standing(found).may_sign)
    if not answer and own:
        return found
    if not answer or (named := passkeys.passkey_in(answer)) not in own:
        raise InvalidInput(
            "this passkey is no officer's key",
            code="passkey_unknown",
            remedy="the page says how it becomes one",
        )
    return signatures.sign(here.signing.kept, found, own[named], answer)


def _next(
    here: StaffRequest, found: PreparedStatement, of_set: Sequence[PreparedStatement]
) -> PreparedStatement | None:
    """The one of a set that is signed next, if possible by who is signed in; None: all have been signed.

    Raises: InvalidInput: all have been, and one of them is not what it was when it was made.
    """
    lacking = [each for each in of_set if not here.standing(each).is_enough]
    own = {key.keyid for _, key in here.signer.own}
    if lacking:
        return next((each for each in lacking if own.isdisjoint(signed_by(each))), found)
    here.ask.forget()
    for each in of_set:
        _check_premise(here, each, of_set)
    return None


def _check_premise(here: StaffRequest, found: PreparedStatement, of_set: Sequence[PreparedStatement]) -> None:
    """Raises: InvalidInput: a statement is not what it was when it was made."""
    if found.premise != here.premise(found, of_set):
        raise InvalidInput(
            "what this says is not what it said when it was made: it has no signature for that",
            code="outdated",
            remedy="read it again, take it back, and make it again",
        )


async def _recorded(here: StaffRequest, of_set: Sequence[PreparedStatement]) -> Refusal | None:
    """Do the act that puts a statement on the record, or a set; why it is refused, if it is."""
    found = of_set[0]
    how, _ = here.read(found)
    here.ask.forget()
    asked = how.record_all([(each.envelope.to_json(), each.opened) for each in of_set])
    with journaled(here.signing.measured, how.act) as seen:
        seen.visitor = here.visitor
        request, name = written(how.act, asked.to_json()), f"sign_{found.id[:48]}"
        answer: ActAnswer | Refusal = await done(here.signing.plane, here.request, seen, *request, name)
    return answer if isinstance(answer, Refusal) else None


async def _file(here: StaffRequest) -> Response:
    """What was signed so far of a statement on a key, for `keys countersign` and `keys import`."""
    found = await _found(here)
    return answers.file(f"statement-{found.id[:12]}.json", found.envelope.to_json())


async def _taken_back(here: StaffRequest) -> PreparedStatement:
    """A statement that someone takes back. Raises: Unauthorized: they neither made it nor may sign it."""
    found = await _found(here)
    with here.visitor.place():
        standing = await here.visitor.run(here.standing, found)
        signer = await here.visitor.run(lambda: here.signer)
    if not signer.may_take_back(found, standing.may_sign):
        said = "who made a statement, or may sign it, takes it back"
        raise Unauthorized(said, code="forbidden", remedy=f"ask {found.name}")
    return found


async def _to_forget(here: StaffRequest) -> Response:
    """Ask before a statement is taken back: whose it is."""
    found = await _taken_back(here)
    with here.visitor.place():
        of_set = await here.visitor.run(here.signing.of_set, found)
        said = await here.visitor.run(making.line, here, of_set)
    lost = sum(len(each.signatures) for each in of_set)
    values = {"found": found, "first": said.words, "signatures": lost}
    return here.page("take_back.html", {"here": "to-sign", "path": HERE, **values})


async def _forget(here: StaffRequest) -> Response:
    await _forgotten(here, await _taken_back(here))
    return answers.next_page(HERE)
