"""The `sluicegate` command."""

from __future__ import annotations

import os
import sys
from functools import partial
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer._completion_classes import completion_init
from typer.exceptions import TyperException

from sluicegate import __version__, errors, journal
from sluicegate.acts.listed import listed
from sluicegate.cli import demo, output
from sluicegate.cli.deferred import COMPLETE, CommandGroup, DeferredCommand, take_profile
from sluicegate.cli.options import value

COMMANDS = {
    "up": ("serving.up", "Run a control plane, its feed and a gateway, on SQLite."),
    "serve": (
        "serving.serve",
        "Run the control plane and its feed; what ends is started again.",
    ),
    "control": (
        "serving.control",
        "Run the control plane without its feed.",
    ),
    "feed": (
        "serving.feed",
        "Run a feed: it follows the log, and gives leases to gateways.",
    ),
    "gateway": ("serving.gateway", "Run a gateway for one surface."),
    "desk": (
        "desk.desk",
        "Run an agency's desk: its own pages, over its own reading of each developer's log.",
    ),
    "doctor": ("doctor.doctor", "Look at a deployment, and say what is wrong and what to do."),
    "ready": ("ready.ready", "Ask a control plane, a feed or a gateway if it is ready."),
    "plan": ("plans.plan", "Show what a plan would change, and who is affected."),
    "apply": ("plans.apply", "Put a plan in force."),
    "status": (
        "screen.status",
        "Show each release with its stages: terms, opening, seats, what it asks; and directives in force.",
    ),
    "explain": (
        "explanations.explain",
        "Explain why a key may use a model, or may not: each layer, who decides it, what would change it.",
    ),
    "evaluate": (
        "evaluating.evaluate",
        "Run an evaluation with Inspect through a gateway, and put its signed result on the record.",
    ),
    "report": (
        "reports.report",
        "Count cases; days per agency and in total; who the cases waited for; what delayed a release.",
    ),
    "early-access": (
        "early_access.early_access",
        "Show who held a model: from when to when, on which terms and basis, for what, and when not.",
    ),
    "login": ("profiles.login", "Keep a control plane and your token on this machine."),
    "completion": (
        "profiles.completion",
        "Print what a shell needs to complete commands, options and ids: bash, zsh or fish.",
    ),
    "dossier": (
        "dossiers.dossier",
        "Make a signed dossier: of a key and a model, of a request by its id, or of a finding.",
    ),
    "request": (
        "dossiers.request",
        "Show under what a request ran, from what a gateway keeps. It needs no control plane.",
    ),
}
"""The commands without a group: where the function is, and its help line, the first sentence of its help."""

GROUPS: dict[str, tuple[str, dict[str, str]]] = {
    "stage": (
        "Open, close, hold and evaluate stages.",
        {
            "open": "stages.open_",
            "close": "stages.close",
            "hold": "clearances.hold",
            "release": "clearances.release_",
            "evaluate": "clearances.evaluate",
        },
    ),
    "ramp": (
        "Pause a ramp, let it go on, take it back.",
        {"pause": "ramps.pause", "on": "ramps.on", "back": "ramps.back"},
    ),
    "application": (
        "Apply, and follow an application.",
        {
            "template": "applications.template",
            "list": "cases.applications",
            "submit": "applications.submit",
            "drafts": "applications.drafts",
            "draft": "applications.draft",
            "edit": "applications.edit",
            "send": "applications.send",
            "discard": "applications.discard",
            "show": "cases.show",
            "answer": "applications.answer",
            "accept": "applications.accept",
            "withdraw": "applications.withdraw",
            "reply": "applications.reply",
            "appeal": "applications.appeal",
            "amend": "applications.amend",
            "seal": "attachments.seal",
        },
    ),
    "case": (
        "See cases: which wait for an agency, and what was said in each.",
        {"list": "cases.listed", "show": "cases.show", "return": "applications.return_"},
    ),
    "review": (
        "Decide cases: export, sign with your own key, import.",
        {
            "export": "review.export",
            "receive": "review.receive",
            "decide": "review.decide",
            "sign": "review.sign",
            "schedule": "review.schedule",
            "countersign": "review.countersign",
            "import": "review.import_position",
            "refer": "review.refer",
            "decline": "review.decline",
            "proceed": "review.proceed",
            "note": "review.note",
            "open": "attachments.open_",
        },
    ),
    "instance": (
        "The developers' instances that an agency's desk follows.",
        {"add": "desk.add", "drop": "desk.drop", "list": "desk.listed"},
    ),
    "reviewer": (
        "The people of an agency's desk.",
        {"invite": "desk.invite", "list": "desk.people", "remove": "desk.remove"},
    ),
    "screening": (
        "Compare applicants with lists.",
        {"record": "review.screen", "use": "review.use_list"},
    ),
    "grant": (
        "See, suspend, surrender or remove a grant.",
        {
            "list": "grants.listed",
            "show": "grants.show",
            "suspend": "grants.suspend",
            "resume": "grants.resume",
            "surrender": "grants.surrender",
            "fallback": "grants.fallback",
            "remove": "grants.remove",
        },
    ),
    "nomination": (
        "Organizations that you hope will apply.",
        {"add": "applications.nominate", "list": "applications.nominations"},
    ),
    "account": (
        "Organizations that a list, or a stage for everyone, admits without a case.",
        {"open": "accounts.open_", "close": "accounts.close", "list": "accounts.listed"},
    ),
    "credential": (
        "API keys under a grant: make, rotate and revoke them, see their use.",
        {
            "issue": "credentials.issue",
            "import": "imports.import_",
            "imports": "imports.listed",
            "discard": "imports.discard",
            "list": "credentials.listed",
            "show": "credentials.show",
            "usage": "credentials.usage",
            "rotate": "credentials.rotate",
            "revoke": "credentials.revoke",
            "attest": "attestations.attest",
            "withdraw": "attestations.withdraw",
            "declare": "attestations.declare",
        },
    ),
    "member": (
        "The people of an organization.",
        {
            "add": "members.add",
            "import": "members.import_",
            "list": "members.listed",
            "claim": "members.claim",
            "revoke": "members.revoke",
            "remove": "members.remove",
            "link": "members.link",
        },
    ),
    "person": (
        "Your own status.",
        {"show": "members.person_show", "correct": "members.person_correct"},
    ),
    "signatory": (
        "Who signs attestations for an organization.",
        {"pin": "attestations.pin", "retire": "attestations.retire", "list": "attestations.listed"},
    ),
    "provider": (
        "Identity providers of an organization.",
        {
            "add": "providers.add",
            "rotate": "providers.rotate",
            "remove": "providers.remove",
            "list": "providers.listed",
        },
    ),
    "directive": (
        "Narrow access, and lift it again.",
        {
            "preview": "orders.preview",
            "sign": "orders.sign",
            "countersign": "review.countersign",
            "issue": "orders.issue",
            "transcribe": "orders.transcribe",
            "confirm": "orders.confirm",
            "lift": "orders.lift",
            "status": "directives.status",
            "show": "directives.show",
            "affected": "directives.affected",
            "list": "directives.listed",
        },
    ),
    "licence": (
        "Exceptions from a directive for those it covers.",
        {"request": "licences.request", "list": "licences.listed", "end": "licences.end"},
    ),
    "drill": (
        "Try a directive; no request is refused.",
        {"run": "drills.run", "end": "drills.end", "report": "drills.report"},
    ),
    "definition": (
        "What the words of orders mean.",
        {"add": "directives.define", "list": "directives.definitions"},
    ),
    "point": (
        "Surfaces where others enforce directives.",
        {
            "declare": "points.declare",
            "state": "points.state",
            "retire": "points.retire",
            "list": "points.listed",
        },
    ),
    "notify": (
        "Get notices by webhook or e-mail.",
        {
            "add": "notices.add",
            "confirm": "notices.confirm",
            "list": "notices.listed",
            "remove": "notices.remove",
            "test": "notices.trial",
            "dead": "notices.dead",
            "replay": "notices.replay",
        },
    ),
    "promise": (
        "What parties promise, by when, and what happens to it.",
        {
            "make": "signed_promises.make",
            "keep": "signed_promises.keep",
            "change": "signed_promises.change",
            "break": "signed_promises.break_",
            "list": "promises.listed",
        },
    ),
    "release": (
        "Begin a plan, withdraw a release, bring it back, close it; adopt standards; designate models.",
        {
            "new": "plans.new",
            "recall": "recalls.recall",
            "restore": "recalls.restore",
            "adopt": "clearances.adopt",
            "attest": "clearances.attest",
            "report": "closures.report",
            "close": "closures.close",
            "sign": "closures.sign",
            "dissent": "closures.dissent",
            "designate": "designations.designate",
            "reconsider": "designations.reconsider",
        },
    ),
    "deployment": (
        "What the developer asserts serves a release.",
        {"sign": "signed_deployments.sign", "show": "deployments.show", "end": "deployments.end"},
    ),
    "evidence": (
        "Results of evaluations: import, list, show, export, withdraw.",
        {
            "import": "evidence_files.import_",
            "list": "evidence.listed",
            "show": "evidence.show",
            "export": "evidence_files.export",
            "log": "evidence_files.log",
            "withdraw": "evidence_files.withdraw",
        },
    ),
    "finding": (
        "Weaknesses and misuse: report, answer, retest.",
        {
            "report": "signed_findings.report",
            "list": "findings.listed",
            "show": "signed_findings.show",
            "acknowledge": "signed_findings.acknowledge",
            "ask": "signed_findings.ask",
            "give": "signed_findings.give",
            "dispute": "signed_findings.dispute",
            "fix": "signed_findings.fix",
            "retest": "signed_findings.retest",
        },
    ),
    "canary": (
        "Ask surfaces for models, and sign what they answer: that removed means removed.",
        {"run": "canaries.run", "list": "observing.listed"},
    ),
    "preset": ("Plans to start from.", {"list": "presets.listed", "show": "presets.show"}),
    "ledger": (
        "The public record.",
        {
            "show": "reading.show",
            "log": "reading.log",
            "diff": "reading.diff",
            "verify": "ledger.verify",
            "export": "ledger.export",
            "checkpoint": "ledger.head",
        },
    ),
    "backup": (
        "Back up a control plane, restore it, go on after a loss.",
        {
            "make": "backups.make",
            "verify": "backups.verify",
            "restore": "backups.restore",
            "complete": "backups.complete",
            "sign": "backups.sign",
            "begin": "backups.begin",
        },
    ),
    "profile": (
        "Control planes and tokens that this machine keeps.",
        {"list": "profiles.listed", "use": "profiles.use", "remove": "profiles.remove"},
    ),
    "keys": (
        "Signing keys: make, pin, rotate, retire and revoke them.",
        {
            "generate": "keys.generate",
            "show": "keys.show",
            "list": "pinned_keys.listed",
            "effects": "pinned_keys.effects",
            "pin": "signed_keys.pin",
            "rotate": "signed_keys.rotate",
            "rotate-log": "log_keys.rotate_log",
            "retire": "signed_keys.retire",
            "revoke": "signed_keys.revoke",
            "countersign": "review.countersign",
            "import": "pinned_keys.import_",
        },
    ),
    "token": (
        "Who may use the control plane.",
        {
            "issue": "tokens.issue",
            "list": "tokens.listed",
            "revoke": "tokens.revoke",
            "renew": "tokens.renew",
        },
    ),
    "sign-in": (
        "How people come in to the pages: invitations, passkeys, sessions.",
        {
            "invite": "sign_ins.invite",
            "list": "sign_ins.listed",
            "end": "sign_ins.end",
            "remove": "sign_ins.remove",
        },
    ),
    "colleague": (
        "The people of your organization, and who of them says who comes in.",
        {
            "list": "colleagues.listed",
            "promote": "colleagues.promote",
            "demote": "colleagues.demote",
            "end": "colleagues.end",
        },
    ),
}
"""The purpose of each group, and its commands, with the place of each function."""


def program() -> CommandGroup:
    """The command `sluicegate` with all its commands. None of their modules is imported yet."""
    outer = typer.Typer(
        name="sluicegate",
        cls=CommandGroup,
        help="Release a model in stages, decide who may use it, enforce that on every request.",
        epilog="Clients use the profile of 'sluicegate login', or SLUICEGATE_URL and SLUICEGATE_TOKEN. "
        "An id may be cut short, as long as no other begins so; with --yes it is whole. "
        "Exit: 0 done, 1 refused, 2 usage, 3 invalid input, 4 unreachable, 5 verification failed.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    outer.callback()(_root)
    found = typer.main.get_group(outer)
    assert isinstance(found, CommandGroup)
    for word, (where, about) in COMMANDS.items():
        found.add_command(DeferredCommand(word, partial(_function, where), about))
    for name, (about, commands) in GROUPS.items():
        within = [DeferredCommand(word, partial(_function, where)) for word, where in commands.items()]
        found.add_command(_group(name, about, within))
    found.add_command(_demonstration())
    return found


def asking() -> set[tuple[str, ...]]:
    """The commands that show first what they do, and ask: those with the option `--yes`."""
    found: set[tuple[str, ...]] = set()
    for name, command in program().commands.items():
        for word, each in getattr(command, "commands", {"": command}).items():
            if any("--yes" in option.opts for option in each.loaded.params):
                found.add((name, word) if word else (name,))
    return found


def _group(name: str, about: str, within: list[DeferredCommand]) -> CommandGroup:
    return CommandGroup(name=name, help=about, commands=within, no_args_is_help=True, rich_markup_mode=None)


def _demonstration() -> CommandGroup | DeferredCommand:
    if not demo.is_here():
        return DeferredCommand("demo", demo.absent, is_hidden=True)
    within = [DeferredCommand(word, partial(demo.function, word)) for word in demo.WORDS]
    return _group("demo", "The demonstration, on this machine.", within)


def _function(where: str) -> Any:
    """The function at `module.name` of this package; the module is imported."""
    module, _, name = where.rpartition(".")
    return getattr(import_module(f"sluicegate.cli.{module}"), name)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
    profile: Annotated[
        str | None,
        value(
            "--profile",
            "The profile of 'sluicegate login' to use; also after the command.",
            callback=take_profile,
        ),
    ] = None,
) -> None:
    """Release a model in stages, decide who may use it, enforce that on every request."""


def main() -> NoReturn:
    """Run one command and exit with its code."""
    as_json = "--json" in sys.argv
    called = program()
    if COMPLETE in os.environ:
        completion_init()
    try:
        journal.begin("command", os.environ, least="warning")
        code = called(prog_name="sluicegate", complete_var=COMPLETE, standalone_mode=False)
    except errors.SluicegateError as error:
        output.report(error, as_json)
        sys.exit(output.exit_code(error))
    except TyperException as error:
        if str(error).startswith("Usage:") and not as_json:
            typer.echo(error, err=True)
            sys.exit(output.USAGE)
        where = listed(getattr(getattr(error, "param", None), "name", None) or "")
        remedy = "; ".join(filter(None, [where, f"'{_words(called)} --help' shows how"]))
        output.report(errors.WrongUsage(_said(error), remedy=remedy), as_json)
        sys.exit(output.USAGE)
    except OSError as error:
        output.report(output.withheld(error), as_json)
        sys.exit(output.exit_code(output.withheld(error)))
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


def _said(error: TyperException) -> str:
    """What is wrong with a command as it was typed: with the option or argument that it is about."""
    said = error.format_message() if hasattr(error, "format_message") else str(error)
    return said.strip().removesuffix(".")


def _words(called: Any) -> str:
    """The command as it was called, up to the first word that is not a command."""
    words = ["sluicegate"]
    for word in sys.argv[1:]:
        called = getattr(called, "commands", {}).get(word)
        if called is None:
            break
        words.append(word)
    return " ".join(words)
