"""A referral in a case: an agency said that another one must be asked, too."""

from __future__ import annotations

from sluicegate_record.form import Form, form


@form
class ReferredParty(Form):
    """That an agency is asked because another one referred the case to it.

    `binds`: it has joined the rule. `silence` is the meaning of its silence once its time is over; None if no
    time runs. `depth` counts the referrals that led to it.
    """

    by: str
    reason: str
    binds: bool
    depth: int
    seq: int
    digest: str
    silence: str | None = None
