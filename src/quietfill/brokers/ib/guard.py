"""Which account is traded: one that the gateway serves; one of real money only when allowed and named."""

from __future__ import annotations

from quietfill.brokers.ib.errors import LiveAccountNotAllowed, LiveAccountNotNamed, WrongAccount


def account_to_trade(served: tuple[str, ...], wanted: str | None, *, live: bool) -> str:
    """Return the account of this session.

    Args:
        served: what the gateway manages.
        wanted: the account that was named, None for the only one.
        live: real money was allowed explicitly.

    Raises:
        WrongAccount: when the named one is not served, or several are and none was named.
        LiveAccountNotAllowed: when it is no paper account, and `live` is False or it was not named.
    """
    if (wanted is None and len(served) != 1) or (wanted is not None and wanted not in served):
        raise WrongAccount(wanted, served)
    account = served[0] if wanted is None else wanted
    if not is_paper(account) and not live:
        raise LiveAccountNotAllowed(account)
    if not is_paper(account) and wanted is None:
        raise LiveAccountNotNamed(account)
    return account


def tradable(served: tuple[str, ...], own: str) -> tuple[str, ...]:
    """Return the accounts that an order may name: the session's own, and the other paper ones.

    Real money is traded in the account that was named for it, and in no other.
    """
    return tuple(account for account in served if account == own or is_paper(account))


def is_paper(account: str) -> bool:
    """Say whether an account code is a paper account's: DU for individuals, DF for advisors."""
    return account.upper().startswith("D")
