"""`desk`, `instance …`, `reviewer …`: an agency's desk, the instances that it follows, its people."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from sluicegate import journal, targets
from sluicegate.acts import keys
from sluicegate.acts.keys import KeyFilter
from sluicegate.cli import pairs
from sluicegate.cli.confirmation import Yes, confirm
from sluicegate.cli.files import read_text
from sluicegate.cli.options import grouped, value, word
from sluicegate.cli.output import Json, emit
from sluicegate.cli.server_options import Host, Http, Port
from sluicegate.cli.serving import ServerTls
from sluicegate.cli.tables import table
from sluicegate.client.http import Client
from sluicegate.desk import people as persons
from sluicegate.desk.instances import Instance, Instances
from sluicegate.errors import InvalidInput
from sluicegate.ports import DeskMemory, SignIns
from sluicegate.settings import DESK_PORT, DeskSettings
from sluicegate_record import verify as audited

FOLDER = Path("sluicegate-desk")
Folder = Annotated[Path, typer.Option("--desk", help="The folder of the desk.")]
InstanceName = Annotated[str, word("The instance; 'sluicegate instance list' lists them.")]
Person = Annotated[str, word("Who it is, named as an owner of a key, such as anna.")]
Url = Annotated[
    str,
    typer.Option(
        "--url",
        help="Where its people reach it, such as https://desk.agency.example. By default, only this machine. "
        "Passkeys are bound to it: it cannot change later.",
    ),
]


@grouped
def desk(
    tls: ServerTls,
    folder: Folder = FOLDER,
    url: Url = "",
    host: Host = "127.0.0.1",
    port: Port = DESK_PORT,
    http: Http = None,
    as_json: Json = False,
) -> None:
    """Run an agency's desk: its own pages, over its own reading of each developer's log.

    'sluicegate instance add' has it follow a developer's control plane, 'sluicegate reviewer invite' lets
    someone in.
    """
    from sluicegate import bootstrap  # noqa: PLC0415 - it takes a second
    from sluicegate.signin import origins  # noqa: PLC0415 - likewise

    origin = origins.origin(url) if url else ""
    settings = DeskSettings(folder, host, port, origin, tls.files, pairs.http(http))
    journal.begin("desk", os.environ)
    wired = bootstrap.desk(settings)

    def ready(at: str) -> None:
        reached = origin or at.replace(host, "desk.localhost")
        text = f"desk listening on {at}\n  {reached}"
        if not origin and not targets.is_this_machine(host):
            text += "\n  people sign in from this machine only; --url says where others reach it, by https"
        emit({"ready": "desk", "url": at, "pages": reached}, as_json, text)

    bootstrap.run_until_signalled(lambda stop: bootstrap.serve_desk(wired, stop, ready))


def add(
    url: Annotated[str, word("The URL of a control plane.")],
    agency: Annotated[str, value("--agency", "Which agency you are there.")],
    token_file: Annotated[Path, value("--token-file", "A file with the agency's token.")],
    key: Annotated[
        str, value("--key", "The log's verifier key, or a file with it. Have it from elsewhere than the URL.")
    ],
    name: Annotated[str, typer.Option("--name", help="A name for it; by default the developer's.")] = "",
    folder: Folder = FOLDER,
    as_json: Json = False,
) -> None:
    """Have a desk follow a developer's control plane. A desk that runs is started again for it.

    The control plane is asked first if the token and the key are its own.
    """
    token = read_text(token_file).strip()
    vkey = audited.vkey(key)
    known = Client(url, token).do(keys.LIST, KeyFilter())
    if known.log != vkey:
        said = f"{url} keeps the log {known.log.partition('+')[0]!r} with another key than the given one"
        raise InvalidInput(said, remedy="find out whose key is right before you go on")
    added = follow(folder, url, agency, token, vkey, name or known.developer)
    own = sum(each.party == agency and each.state == "counts" for each in known.keys)
    text = f"{added.name} is followed at the next start of the desk in {folder}"
    if not own:
        text += f"\n  {agency} has no key there yet: your account at the desk says what to do"
    emit({"instance": added.name, "url": added.url, "agency": agency, "keys": own}, as_json, text)


def follow(folder: Path, url: str, agency: str, token: str, vkey: str, name: str = "here") -> Instance:
    """Have the desk of a folder follow an instance from its next start on. Raises: InvalidInput, BadKey."""
    added = Instance(name=name, url=url.rstrip("/"), agency=agency, token=token, vkey=vkey)
    Instances(folder).put(added)
    return added


def drop(name: InstanceName, folder: Folder = FOLDER, yes: Yes = False, as_json: Json = False) -> None:
    """Have a desk follow an instance no more. The copy of its log is kept, under another name."""
    confirm(f"{name} is followed no more; it can be added again", yes)
    kept = Instances(folder).drop(name)
    where = "" if kept is None else f"; the copy of its log is in {kept}"
    emit({"dropped": name, "copy": None if kept is None else str(kept)}, as_json, f"{name} is dropped{where}")


def listed(folder: Folder = FOLDER, as_json: Json = False) -> None:
    """List the instances that a desk follows; no token is shown."""
    found = Instances(folder).all()
    rows = [[each.name, each.url, each.agency, each.vkey] for each in found]
    shown = [
        {"instance": each.name, "url": each.url, "agency": each.agency, "log": each.vkey} for each in found
    ]
    titles = ("instance", "control plane", "agency", "log")
    emit({"instances": shown}, as_json, table("", titles, rows, "No instance: sluicegate instance add -h"))


@contextmanager
def _memory(folder: Path) -> Iterator[tuple[DeskMemory, SignIns]]:
    from sluicegate.store.desk import SqliteDeskMemory, desk_database  # noqa: PLC0415 - it takes a while
    from sluicegate.store.sign_ins import SqliteSignIns  # noqa: PLC0415 - likewise

    with closing(desk_database(folder)) as database:
        yield SqliteDeskMemory(database), SqliteSignIns(database)


def invite(
    person: Person,
    folder: Folder = FOLDER,
    url: Annotated[
        str, typer.Option("--url", help="Where the desk is reached.")
    ] = f"http://desk.localhost:{DESK_PORT}",
    as_json: Json = False,
) -> None:
    """Let someone come in to a desk: a link that signs them in once, within seven days.

    For someone who is in already it is a way in from another device, or again after a loss.
    """
    link = let_in(folder, person, url)
    emit(
        {"person": person, "link": link},
        as_json,
        f"{person} can come in\n  link, shown only now, counts once: {link}",
    )


def let_in(folder: Path, person: str, url: str) -> str:
    """Let a person come in to the desk of a folder, reached at a URL: a link that signs them in once."""
    with _memory(folder) as (memory, sign_ins):
        path = persons.let_in(memory, sign_ins, person, time.time_ns() // 1_000_000)
    return f"{url.rstrip('/')}{path}"


def people(folder: Folder = FOLDER, as_json: Json = False) -> None:
    """List the people of a desk."""
    with _memory(folder) as (memory, sign_ins):
        rows = [[name, len(sign_ins.passkeys(persons.principal_of(name).id))] for name in memory.people()]
    shown = [{"person": name, "passkeys": count} for name, count in rows]
    emit(
        {"people": shown},
        as_json,
        table("", ("person", "passkeys"), rows, "No one: sluicegate reviewer invite PERSON"),
    )


def remove(person: Person, folder: Folder = FOLDER, yes: Yes = False, as_json: Json = False) -> None:
    """Let someone come in to a desk no more, at once. A key of theirs counts until the agency retires it."""
    confirm(f"{person} comes in no more, and their passkeys are forgotten here", yes)
    with _memory(folder) as (memory, sign_ins):
        persons.shut_out(memory, sign_ins, person)
    emit({"removed": person}, as_json, f"{person} comes in no more; retire their keys, too")
