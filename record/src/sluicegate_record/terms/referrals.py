"""Referrals as terms fix them: whose word that another agency must be asked too counts, and what it does."""

from __future__ import annotations

from typing import Annotated

from sluicegate_record.form import Form, form, within


@form
class Referrals(Form):
    """Agencies in `from` may refer a case to agencies in `to`, the roster.

    `binding`: an agency that is asked so joins the rule of the case. `within`: how long it has, in `unit`s,
    from the referral; `silence` says what follows then. `depth`: how far an agency that was asked so may
    refer the case on; 1: it may not.
    """

    from_: tuple[str, ...]
    to: tuple[str, ...]
    binding: bool
    within: Annotated[int, within(1, 1_000)] | None = None
    unit: str = "days"
    silence: str = "no-objection"
    depth: Annotated[int, within(1, 8)] = 1
