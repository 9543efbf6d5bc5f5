"""`deployment show`, `deployment end`: what the developer asserts serves a release."""

from __future__ import annotations

from collections.abc import Iterator

from sluicegate.acts import deployments as acts
from sluicegate.acts.deployments import (
    DeploymentReceipt,
    ReleaseDeployment,
    RestingDigests,
)
from sluicegate.cli import wording
from sluicegate.cli.acting import acting
from sluicegate_record.terms.text import counted


def _shown(found: ReleaseDeployment) -> str:
    return "\n".join(_lines(found))


def _lines(found: ReleaseDeployment) -> Iterator[str]:
    yield f"{found.release}: {wording.asserted(found.statement, found.developer, found.at_most)}"
    for each in found.digests:
        yield f"  {each.model} at {each.upstream}: weights {each.digest}"
        yield f"    safeguards {each.safeguards}"
        yield f"    {_stated(each, found.developer)}"
        if each.stages:
            opened = ", ".join(
                f"{name}{' (open)' if name in each.open_stages else ''}" for name in each.stages
            )
            yield f"    in the terms of {opened}"
        else:
            yield "    not in the plan in force"
        if each.grants is not None:
            yield f"    {counted(each.grants, 'valid grant')} {'rests' if each.grants == 1 else 'rest'} on it"
        yield from (f"    evidence that counts: {name}" for name in each.counting)
        yield from (f"    evidence that does not count by the plan in force: {name}" for name in each.stale)


def _stated(each: RestingDigests, developer: str) -> str:
    if each.surfaces:
        return f"asserted by {developer}, not measured: served on {', '.join(each.surfaces)}"
    if each.asked:
        return "no statement holds: requests that rest on it are refused (deployment_unattested)"
    return "no statement holds, and its terms ask for none"


def _ended(done: DeploymentReceipt) -> str:
    said = f"the statement about {done.release} is taken back: where terms ask for one, requests are refused"
    return f"{said}\n  {done.deployment}"


show = acting(acts.SHOW, _shown)
end = acting(
    acts.END,
    _ended,
    first=lambda _, asked: (
        f"the statement about {asked.release} ends: where terms ask for one, requests are refused at once"
    ),
)
