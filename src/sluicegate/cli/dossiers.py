"""`dossier`: a signed bundle about a key, a request or a finding; `request`: what a gateway keeps of one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from sluicegate.acts.dossiers import MAKE, OF_FINDING, DossierFile, DossierQuestion, FindingQuestion
from sluicegate.cli.acting import option
from sluicegate.cli.files import write_new
from sluicegate.cli.ids import named
from sluicegate.cli.options import value, word
from sluicegate.cli.output import Json, emit, tell
from sluicegate.client.http import Client
from sluicegate.errors import InvalidInput, WrongUsage
from sluicegate.gate import request_book
from sluicegate.gate.request_book import PassedRequest
from sluicegate.settings import REQUEST_DAYS
from sluicegate_record.log import times
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms.text import counted

_GATEWAY = Path("sluicegate-state") / "gateway"
Gateways = Annotated[
    list[Path] | None,
    typer.Option(
        "--gateway-state",
        help="The state folder of the gateway, or a copy; again for each gateway that it may have been.",
        show_default=str(_GATEWAY),
    ),
]
RequestKey = Annotated[
    Path | None, value("--request-key", "The gateway's secret for this, if it is not in its state folder.")
]
Days = Annotated[
    int, typer.Option("--request-days", help="For how many days the gateway keeps requests.", min=1)
]


def dossier(
    credential: Annotated[
        str | None,
        typer.Argument(
            help="The credential, such as cred_….",
            show_default=False,
            **named("credential"),
        ),
    ] = None,
    model: Annotated[str | None, word("The model, as requests name it.")] = None,
    request: Annotated[
        str | None, value("--request", "The id of a request, in place of a key and a model.")
    ] = None,
    finding: Annotated[
        str | None,
        typer.Option(
            "--finding",
            help="A finding or report of a misuse, in place of a key.",
            show_default=False,
            **named("finding"),
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--output", "--out", help="A new file for it.", show_default=False)
    ] = None,
    surface: Annotated[str | None, option(DossierQuestion, "surface")] = None,
    programme: Annotated[list[str] | None, option(DossierQuestion, "programme")] = None,
    at: Annotated[int | None, option(DossierQuestion, "at", min=1)] = None,
    gateway_state: Gateways = None,
    request_key: RequestKey = None,
    request_days: Days = REQUEST_DAYS,
    as_json: Json = False,
) -> None:
    """Make a signed dossier: of a key and a model, of a request by its id, or of a finding.

    It says under which grant, whose positions on which evidence, conditions, programme, what was deployed,
    directives, how many others share the exposure, and what has happened since. The log's key signs it:
    'python -m sluicegate_record dossier FILE --key VKEY' verifies it. It has the names and purposes that the
    developer's staff see.

    A request is found in what its gateway keeps, for as long as it keeps it: run this where its state folder
    is, or with a copy. The id itself is sent nowhere.
    """
    ways = [credential is not None or model is not None, request is not None, finding is not None]
    if sum(ways) != 1 or out is None or (credential is None) is not (model is None):
        remedy = "'sluicegate dossier CREDENTIAL MODEL -o FILE', or --request ID or --finding ID with -o FILE"
        raise WrongUsage("expected a key and a model, a request or a finding, and a new file", remedy=remedy)
    if finding is not None:
        if surface is not None or programme:
            raise WrongUsage("--surface and --programme are of a key")
        made = Client().do(OF_FINDING, FindingQuestion(finding=finding, at=at))
        _written(made, out, f"the finding {finding}", as_json)
        return
    if request is not None:
        if surface is not None or programme or at is not None:
            raise WrongUsage("--surface, --programme and --at of a request are those that its gateway keeps")
        found = _one(request, gateway_state, request_key, request_days)
        made = Client().do(MAKE, _question(request, found))
        _written(made, out, f"the request {request}, under {found.credential}", as_json)
        return
    assert credential is not None
    assert model is not None
    asked = DossierQuestion(
        credential=credential, model=model, surface=surface, programme=tuple(programme or ()), at=at
    )
    _written(Client().do(MAKE, asked), out, credential, as_json)


def request(
    request_id: Annotated[
        str,
        word("The id: 'x-sluicegate-request-id' of an answer, or that of the model's server.", metavar="ID"),
    ],
    gateway_state: Gateways = None,
    request_key: RequestKey = None,
    request_days: Days = REQUEST_DAYS,
    as_json: Json = False,
) -> None:
    """Show under what a request ran, from what a gateway keeps. It needs no control plane."""
    found = _found(request_id, gateway_state, request_key, request_days)
    lines = []
    for each in found:
        asked = "".join(f", {programme}" for programme in each.programmes)
        lines += [
            f"{times.format_time(each.at_ms)} {each.outcome}: {each.credential} under {each.grant}",
            f"  {each.model} on {each.surface}{asked}, decided at size {each.size}",
        ]
    emit({"requests": [each.to_json() for each in found]}, as_json, "\n".join(lines))


def _question(request_id: str, found: PassedRequest) -> DossierQuestion:
    return DossierQuestion(
        credential=found.credential,
        model=found.model,
        surface=found.surface,
        programme=found.programmes,
        at=found.size,
        request=f"sha256:{sha256(request_id.encode()).hexdigest()}",
        request_at=found.at_ms,
        request_grant=found.grant,
        request_outcome=found.outcome,
    )


def _one(request_id: str, states: list[Path] | None, key: Path | None, days: int) -> PassedRequest:
    """The request of an id. Raises: InvalidInput: none, or several."""
    found = _found(request_id, states, key, days)
    if len(found) == 1:
        return found[0]
    said = f"{len(found)} requests have this id: it is one that the model's server gave"
    remedy = "'sluicegate request ID' shows them; make a dossier of the key, with --at SIZE"
    raise InvalidInput(said, remedy=remedy)


def _found(request_id: str, states: list[Path] | None, key: Path | None, days: int) -> list[PassedRequest]:
    """The requests of an id, in the books of some gateways. Raises: InvalidInput: not found."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    after_ms, found, oldest = now_ms - days * DAY_MS, [], []
    for state in states or [_GATEWAY]:
        folder = state / request_book.FOLDER
        found += request_book.find(folder, key or state / request_book.KEY, request_id, after_ms)
        began_ms = request_book.began_ms(folder)
        oldest += [] if began_ms is None else [max(began_ms, after_ms)]
    if found:
        return found
    since = f" since {times.format_time(min(oldest))}" if oldest else ""
    said = f"no request {request_id[:80]!r} was let through here{since}, or it was longer ago"
    remedy = "name the state folder of each gateway: --gateway-state; a refusal is not kept, it names its key"
    raise InvalidInput(said, code="request_unknown", remedy=remedy)


def _written(made: DossierFile, out: Path, about: str, as_json: bool) -> None:
    write_new(out, json.dumps(made.to_json(), indent=2, ensure_ascii=False))
    many = counted(len(made.entries), "entry", "entries")
    tell(made, as_json, f"{out}: a dossier of {about}, with {many} of the log", file=str(out))
