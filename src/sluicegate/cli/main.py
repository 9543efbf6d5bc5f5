"""The `sluicegate` command."""

from __future__ import annotations

import errno
import logging
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from sluicegate import __version__, errors
from sluicegate.cli import (
    attestations,
    cases,
    credentials,
    demo,
    directives,
    drills,
    ledger,
    members,
    notices,
    output,
    points,
    presets,
    providers,
    releases,
    review,
    serving,
)

app = typer.Typer(
    name="sluicegate",
    help="Release a model in stages, decide who may use it, enforce that on every request.",
    epilog="Clients read SLUICEGATE_URL and SLUICEGATE_TOKEN. Exit: 0 done, 1 refused, 2 usage, 3 invalid "
    "input, 4 unreachable, 5 verification failed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _group(name: str, about: str, **commands: Any) -> None:
    group = typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None)
    for word, command in commands.items():
        group.command(word.rstrip("_"))(command)
    app.add_typer(group, name=name)


for _command in (serving.up, serving.serve, serving.gateway, releases.plan, releases.apply, releases.status):
    app.command(_command.__name__)(_command)
_group("stage", "Open stages.", open=releases.stage_open)
_group(
    "application",
    "Apply, and follow an application.",
    submit=cases.submit,
    drafts=cases.drafts,
    send=cases.send,
    discard=cases.discard,
    show=cases.show,
    answer=cases.answer,
    accept=cases.accept,
    withdraw=cases.withdraw,
    reply=cases.reply,
    appeal=cases.appeal,
    amend=cases.amend,
)
_group("case", "See cases.", list=cases.listed, show=cases.show, return_=cases.return_)
_group(
    "review",
    "Decide cases: export, sign with your own key, import.",
    export=review.export,
    receive=review.receive,
    sign=review.sign,
    schedule=review.schedule,
    countersign=review.countersign,
    import_=review.import_position,
    proceed=review.proceed,
    note=review.note,
)
_group("screening", "Compare applicants with lists.", record=review.screen, use=review.use_list)
_group(
    "grant",
    "What becomes of a grant.",
    show=cases.grant_show,
    suspend=cases.suspend,
    resume=cases.resume,
    surrender=cases.surrender,
    fallback=cases.fallback,
    remove=cases.remove,
)
_group("nomination", "Organizations hoped for.", add=cases.nominate, list=cases.nominations)
app.command("report")(cases.report)
_group(
    "credential",
    "API keys.",
    issue=credentials.issue,
    revoke=credentials.revoke,
    attest=attestations.attest,
    withdraw=attestations.withdraw,
)
_group(
    "member",
    "The people of an organization.",
    add=members.add,
    import_=members.import_,
    list=members.listed,
    claim=members.claim,
    revoke=members.revoke,
    remove=members.remove,
    link=members.link,
)
_group("person", "Your own status.", show=members.person_show, correct=members.person_correct)
_group(
    "signatory",
    "Who signs attestations for an organization.",
    pin=attestations.pin,
    retire=attestations.retire,
    list=attestations.listed,
)
_group(
    "provider",
    "Identity providers of an organization.",
    add=providers.add,
    rotate=providers.rotate,
    remove=providers.remove,
    list=providers.listed,
)
_group(
    "directive",
    "Narrow access, and lift it again.",
    preview=directives.preview,
    sign=directives.sign,
    issue=directives.issue,
    transcribe=directives.transcribe,
    confirm=directives.confirm,
    lift=directives.lift,
    status=directives.status,
    show=directives.show,
    affected=directives.affected,
    list=directives.listed,
)
_group("drill", "Try a directive; nobody is refused.", run=drills.run, end=drills.end, report=drills.report)
_group("definition", "What the words of orders mean.", add=directives.define, list=directives.definitions)
_group(
    "point",
    "Surfaces where others enforce.",
    declare=points.declare,
    state=points.state,
    retire=points.retire,
    list=points.listed,
)
_group(
    "notify",
    "Be told by webhook or e-mail.",
    add=notices.add,
    list=notices.listed,
    remove=notices.remove,
    test=notices.trial,
    dead=notices.dead,
    replay=notices.replay,
)
_group("preset", "Plans to start from.", list=presets.listed, show=presets.show)
_group("ledger", "The public record.", verify=ledger.verify, export=ledger.export)
_group(
    "keys",
    "Signing keys and tokens.",
    generate=credentials.generate,
    show=credentials.show,
    token=credentials.token,
)
if _demonstration := demo.commands():
    _group("demo", "The demonstration, on this machine.", **_demonstration)
else:
    _anything = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command("demo", hidden=True, context_settings=_anything)(demo.absent)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Release a model in stages, decide who may use it, enforce that on every request."""


def main() -> NoReturn:
    """Run one command and exit with its code."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    as_json = "--json" in sys.argv
    try:
        code = app(standalone_mode=False)
    except errors.SluicegateError as error:
        output.report(error, as_json)
        sys.exit(output.exit_code(error))
    except TyperException as error:
        if str(error).startswith("Usage:") and not as_json:
            typer.echo(error, err=True)
            sys.exit(output.USAGE)
        remedy = f"'{_called()} --help' shows how"
        output.report(errors.WrongUsage(str(error), remedy=remedy), as_json)
        sys.exit(output.USAGE)
    except OSError as error:
        output.report(_withheld(error), as_json)
        sys.exit(output.exit_code(_withheld(error)))
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


def _withheld(error: OSError) -> errors.InvalidInput:
    """What the machine did not give: a file, a folder, or a port that was named."""
    said = (error.strerror or str(error)).lower()
    remedy = "stop what listens there, or choose another port" if error.errno == errno.EADDRINUSE else ""
    return errors.InvalidInput(f"{error.filename}: {said}" if error.filename else said, remedy=remedy)


def _called() -> str:
    """The command as it was called, up to the first word that is no command."""
    words, command = ["sluicegate"], typer.main.get_command(app)
    for word in sys.argv[1:]:
        found = getattr(command, "commands", {}).get(word)
        if found is None:
            break
        command = found
        words.append(word)
    return " ".join(words)
