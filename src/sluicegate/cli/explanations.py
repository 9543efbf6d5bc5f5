"""`explain`: why a key may use a model, or may not."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.explanations import EXPLAIN, KeyExplanation, KeyQuestion, LayerAnswer
from sluicegate.cli import wording
from sluicegate.cli.acting import argument, helped, option
from sluicegate.cli.options import value
from sluicegate.cli.output import Json, tell
from sluicegate.client.http import Client
from sluicegate.core.people import persons
from sluicegate.errors import WrongUsage
from sluicegate_record.log import times

ELSEWHERE = "elsewhere"
_MARKS = {"allows": "yes", "refuses": "NO", "unknown": "?", ELSEWHERE: "…"}


@helped(EXPLAIN)
def explain(
    credential: Annotated[str, argument(KeyQuestion, "credential")],
    model: Annotated[str | None, argument(KeyQuestion, "model")] = None,
    named: Annotated[str | None, value("--model", "The model, in place of the argument.")] = None,
    surface: Annotated[str | None, option(KeyQuestion, "surface")] = None,
    programme: Annotated[list[str] | None, option(KeyQuestion, "programme")] = None,
    person: Annotated[str | None, option(KeyQuestion, "person")] = None,
    at: Annotated[int | None, option(KeyQuestion, "at", min=1)] = None,
    as_json: Json = False,
) -> None:
    """'?' marks what is not known, because of a NO before it that cannot be left out.

    With --json, each entry has its leaf and a proof: 'python -m sluicegate_record check FILE --key VKEY'
    verifies them.
    """
    asked = model if named is None else named
    if asked is None or None not in {model, named}:
        raise WrongUsage("one model expected", remedy="name it after the credential, or by --model")
    found = Client().do(
        EXPLAIN,
        KeyQuestion(
            credential=credential,
            model=asked,
            surface=surface,
            programme=tuple(programme or ()),
            person=None if person is None else persons.identifier(person),
            at=at,
        ),
    )
    tell(found, as_json, _explained(found))


def _explained(found: KeyExplanation) -> str:
    verdict = "allowed" if found.allowed else f"refused: {found.status} {found.reason}"
    moment = f"at size {found.size}, {times.format_time(found.at_ms)}"
    lines = [f"{found.credential} for {found.model} on {found.surface}: {verdict} ({moment})"]
    decided = [each for each in found.because if each.state != ELSEWHERE]
    lines += [line for each in decided for line in _layer(each)]
    lines.append("decided elsewhere, at each request:")
    lines += [line for each in found.because if each not in decided for line in _layer(each)]
    lines.append("entries that this rests on:")
    lines += [f"{each.seq:>6}  {wording.minute(each.at_ms)}  {each.text}" for each in found.entries]
    return "\n".join(lines)


def _layer(each: LayerAnswer) -> list[str]:
    rests = f" (entry {each.entry})" if each.entry is not None else ""
    reason = f" [{each.reason}]" if each.reason is not None else ""
    lines = [f"  {_MARKS.get(each.state, each.state):<3} {each.what}: {each.text}{reason}{rests}"]
    if each.would_change:
        lines.append(f"        would change it: {each.would_change}")
    return lines
