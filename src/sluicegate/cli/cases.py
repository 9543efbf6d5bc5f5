"""`application`, `case`, `grant`, `nomination`: commands that ask and show over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.acts import cases as acts
from sluicegate.acts.cases import CaseFilter, CaseSummary
from sluicegate.cli import wording
from sluicegate.cli.acting import acting
from sluicegate.cli.files import read_text
from sluicegate.cli.output import Json, emit
from sluicegate.cli.tables import table
from sluicegate.client.http import Client
from sluicegate_record.log import times
from sluicegate_record.terms import kinds

Case = Annotated[str, typer.Argument(help="The case, such as case_6n3v….", show_default=False)]
Grant = Annotated[str, typer.Argument(help="The grant, such as grant_6n3v….", show_default=False)]
Draft = Annotated[str, typer.Argument(help="The draft, such as draft_6n3v….", show_default=False)]
Words = Annotated[str, typer.Option("--text", help="What you say. It is sealed.", show_default=False)]
Code = Annotated[
    str,
    typer.Option(
        "--code",
        help=f"{' | '.join(kinds.REASON_CODES)}. It is public.",
        show_default=False,
    ),
]
Organization = Annotated[
    Path, typer.Option("--organization", help="The organization, as YAML.", show_default=False)
]
Release = Annotated[str, typer.Option("--release", show_default=False)]
Stage = Annotated[str, typer.Option("--stage", show_default=False)]


def submit(
    release: Release,
    stage: Stage,
    surface: Annotated[str, typer.Option("--surface", show_default=False)],
    organization: Organization,
    draft: Annotated[
        bool, typer.Option("--draft", help="Save it without submitting it, and show what is not eligible.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Apply for one stage on one surface. 'status' shows what each stage asks for."""
    body = {
        "release": release,
        "stage": stage,
        "surface": surface,
        "organization": read_text(organization),
        "file": str(organization),
    }
    if draft:
        kept = Client().post("/api/v1/drafts", body)
        lines = [f"{kept['draft']} is saved; only you can see it"]
        lines += [f"  not eligible: {why}" for why in kept["ineligible"]]
        emit(kept, as_json, "\n".join([*lines, f"  submit it: sluicegate application send {kept['draft']}"]))
        return
    answer = Client().post("/api/v1/applications", body)
    text = (
        f"application {answer['application']} is {wording.words(answer['state'])}, at size {answer['size']}"
    )
    follow = f"sluicegate application show {answer['application']}"
    emit(answer, as_json, f"{text}\n  follow it: {follow}\n  get notices about it: sluicegate notify add -h")


def drafts(as_json: Json = False) -> None:
    """List your drafts."""
    found = Client().get("/api/v1/drafts")
    rows = [
        [each["draft"], f"{each['release']}/{each['stage']}", each["surface"], each["savedAt"]]
        for each in found["drafts"]
    ]
    emit(found, as_json, table("drafts", ["draft", "stage", "surface", "saved"], rows, "No draft."))


def send(draft: Draft, as_json: Json = False) -> None:
    """Submit a draft."""
    answer = Client().post(f"/api/v1/drafts/{draft}/submit")
    text = (
        f"application {answer['application']} is {wording.words(answer['state'])}, at size {answer['size']}"
    )
    emit(answer, as_json, f"{text}\n  follow it: sluicegate application show {answer['application']}")


def discard(draft: Draft, as_json: Json = False) -> None:
    """Delete a draft."""
    emit(Client().post(f"/api/v1/drafts/{draft}/discard"), as_json, f"{draft} is discarded")


def amend(
    grant: Grant,
    renew: Annotated[bool, typer.Option("--renew", help="Ask for its validity to begin again.")] = False,
    organization: Annotated[
        Path | None, typer.Option("--organization", help="What has changed, as the whole file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Renew a grant, or change what it was agreed for, without a new application.

    Meanwhile the grant stays valid.
    """
    body: dict[str, Any] = {"renew": renew}
    if organization is not None:
        body |= {"organization": read_text(organization), "file": str(organization)}
    answer = Client().post(f"/api/v1/grants/{grant}/amend", body)
    text = f"amendment {answer['application']} is {wording.words(answer['state'])}, at size {answer['size']}"
    emit(answer, as_json, f"{text}\n  follow it: sluicegate application show {answer['application']}")


show = acting(acts.SHOW, wording.case)


def answer(
    case: Case,
    text: Words,
    agency: Annotated[str, typer.Option("--to", help="The agency that asked, if several did.")] = "",
    as_json: Json = False,
) -> None:
    """Answer an agency's question. Its clock runs again."""
    done = _act(case, "answer", text=text, agency=agency)
    due = f", whose answer is now due {done['due']}" if done["due"] else ""
    emit(done, as_json, f"answered {done['agency']}{due}")


def accept(case: Case, as_json: Json = False) -> None:
    """Take the seat that is offered to you."""
    done = _act(case, "accept")
    next_ = f"sluicegate credential issue --grant {done['grant']}"
    emit(done, as_json, f"{done['determination']}: grant {done['grant']}\n  next: {next_}")


def withdraw(case: Case, as_json: Json = False) -> None:
    """End your own open case. An offered seat goes to the next organization."""
    emit(_act(case, "withdraw"), as_json, f"{case} is withdrawn")


def reply(case: Case, text: Words, as_json: Json = False) -> None:
    """Answer a denial, which is then reviewed again, or a removal before it counts. You can do this once."""
    done = _act(case, "reply", text=text)
    emit(done, as_json, f"your reply is in {case}; it is reviewed until {done['reviewedUntil']}")


def appeal(case: Case, text: Words, as_json: Json = False) -> None:
    """Appeal a denial or a removal. Other parties decide."""
    done = _act(case, "appeal", text=text)
    emit(done, as_json, f"appeal {done['case']}\n  follow it: sluicegate application show {done['case']}")


def return_(case: Case, text: Words, as_json: Json = False) -> None:
    """Return a deficient application without a decision, before any agency has taken a position."""
    emit(_act(case, "return", text=text), as_json, f"{case} is returned without action")


def listed(
    kind: Annotated[str | None, typer.Option("--kind", help=" | ".join(kinds.KINDS))] = None,
    state: Annotated[
        str | None, typer.Option("--state", help=" | ".join((*kinds.STATES, *kinds.OUTCOMES)))
    ] = None,
    awaiting: Annotated[
        str | None, typer.Option("--awaiting", help="An agency, the developer, or 'applicant'.")
    ] = None,
    organization: Annotated[str | None, typer.Option("--organization", help="Part of a legal name.")] = None,
    before: Annotated[str | None, typer.Option("--before", help="The last case of the page before.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500)] = 50,
    as_json: Json = False,
) -> None:
    """List the cases you may see, newest first."""
    wanted = CaseFilter(
        kind=kind or None,
        state=state.replace(" ", "_") if state else None,
        awaiting=awaiting or None,
        organization=organization or None,
        before=before or None,
        limit=limit,
    )
    found = Client().do(acts.LIST, wanted)
    columns = ["case", "kind", "about", "surface", "organization", "state", "awaiting", "next due"]
    empty = "No case yet." if wanted == CaseFilter(limit=limit) else "No case that you may see matches."
    text = table(f"log size {found.size}", columns, [_row(case) for case in found.cases], empty)
    more = f"\n  more: sluicegate case list --before {found.next}" if found.next else ""
    emit(found.to_json(), as_json, text + more)


def _row(case: CaseSummary) -> list[str | None]:
    due_ms = case.next_due_ms
    return [
        case.case,
        case.kind,
        case.directive or f"{case.release}/{case.stage}",
        case.surface,
        case.organization,
        case.determination or wording.words(case.state),
        ", ".join(case.awaiting),
        wording.minute(None if due_ms is None else times.format_time(due_ms)),
    ]


def nominate(release: Release, stage: Stage, organization: Organization, as_json: Json = False) -> None:
    """Note that you hope for an organization's application. It is not an admission."""
    body = {
        "release": release,
        "stage": stage,
        "organization": read_text(organization),
        "file": str(organization),
    }
    done = Client().post("/api/v1/nominations", body)
    emit(done, as_json, f"nomination {done['nomination']}: the organization must still apply")


def nominations(as_json: Json = False) -> None:
    """List nominations, and the applications that followed."""
    found = Client().get("/api/v1/nominations")
    rows = [
        [
            each["nomination"],
            f"{each['release']}/{each['stage']}",
            each["organization"],
            ", ".join(each["applied"]),
        ]
        for each in found["nominations"]
    ]
    columns = ["nomination", "stage", "organization", "applied"]
    emit(found, as_json, table(f"log size {found['size']}", columns, rows, "No organization is nominated."))


def _act(case: str, name: str, **words: str) -> Any:
    return Client().post(f"/api/v1/cases/{case}/{name}", {word: said for word, said in words.items() if said})
