"""`quietfill kill`, `release`, `resolve`: what a person does with the house."""

from __future__ import annotations

from quietfill.cli.control import ActorFlags, AgentFlags, tell
from quietfill.cli.options import Flag, Texts


def kill(
    *,
    symbol: Texts = None,
    account: str | None = None,
    close_positions: Flag = False,
    reason: str = "",
    actor: ActorFlags | None = None,
    agent: AgentFlags | None = None,
) -> int:
    """Stop: bar new orders and cancel every working one, all of them or those of a symbol or account.

    It needs neither the agent's journal nor its bus. It stays in force, also over a restart, until two people release
    it.

    Args:
        symbol: only this symbol; several times.
        account: only this account.
        close_positions: close what the agent holds afterwards, with bounded prices.
        reason: why, for the journal.
    """
    agent, who = agent or AgentFlags(), (actor or ActorFlags()).name
    body = {
        "by": who,
        "symbols": symbol,
        "account": account,
        "close_positions": close_positions,
        "reason": reason,
    }
    told = agent.client().post("/v1/kill", body)
    terminal = agent.terminal()
    if told.get("unknown_symbols"):
        terminal.note(f"note: the agent knows no {', '.join(told['unknown_symbols'])}")
    if told.get("unknown_account"):
        terminal.note(f"note: no order of account {told['unknown_account']} is known here")
    if not told["durable"]:
        terminal.note(f"warning: not durable, a restart will not know of it: {told['why']}")
    return tell(agent, told, f"KILL engaged: {_cancelled(told['live_orders'], told['live_children'])}")


def _cancelled(orders: int, children: int) -> str:
    if not orders:
        return "no order was live"
    what = f"{orders} {'order' if orders == 1 else 'orders'}"
    with_what = f"{children} live {'child' if children == 1 else 'children'}"
    return f"{what} with {with_what} {'is' if orders == 1 else 'are'} being cancelled"


def release(
    *,
    second: str,
    reason: str,
    symbol: Texts = None,
    account: str | None = None,
    actor: ActorFlags | None = None,
    agent: AgentFlags | None = None,
) -> int:
    """Lift the kills of exactly one scope; two people must agree.

    Args:
        second: the other person's name.
        reason: why it is safe now, for the journal.
        symbol: the symbols of the kill; several times; none for a kill of everything.
        account: the account of the kill.
    """
    agent, who = agent or AgentFlags(), (actor or ActorFlags()).name
    body = {"by": who, "second": second, "reason": reason, "symbols": symbol, "account": account}
    told = agent.client().post("/v1/release", body)
    left = f"; still engaged: {', '.join(told['still_engaged'])}" if told["still_engaged"] else ""
    return tell(agent, told, f"released: {told['released']}{left}")


def resolve(
    subject: str, outcome: str, /, *, reason: str, actor: ActorFlags | None = None, agent: AgentFlags | None = None
) -> int:
    """Say what became of an order that is in doubt or frozen, when you know it from the broker.

    Args:
        subject: a child order, a parent order, or a symbol.
        outcome: cancelled, never_arrived or working for a child in doubt; go_on for a frozen parent.
        reason: how you know, for the journal.
    """
    agent, who = agent or AgentFlags(), (actor or ActorFlags()).name
    body = {"by": who, "subject": subject, "outcome": outcome.lower(), "reason": reason}
    told = agent.client().post("/v1/resolve", body)
    return tell(agent, told, f"settled: {told['settled']}")
