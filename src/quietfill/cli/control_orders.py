"""`quietfill send`, `cancel`, `amend`, `pause`, `resume`: what a person does with orders of a running agent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cyclopts import Parameter

from quietfill.cli.control import ActorFlags, AgentFlags, order_path, tell
from quietfill.cli.options import Text, Texts, decimal, pairs
from quietfill.domain.errors import BadInput

if TYPE_CHECKING:
    from decimal import Decimal


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TermFlags:
    """Terms of an order.

    Attributes:
        limit: bound for every child order, in the instrument's currency.
        stop_price: where a stop is triggered.
        end: when it must be over, with its offset from UTC, like 2026-11-23T15:55:00-05:00.
        minutes: how long it may work from now, by the agent's clock; in place of --end.
        param: a parameter of the algo as KEY=VALUE; several times.
    """

    limit: Text | None = None
    stop_price: Text | None = None
    end: Text | None = None
    minutes: Text | None = None
    param: Texts = None

    def body(self) -> dict[str, Any]:
        """Return them as the port reads them."""
        return {
            "limit": _number(self.limit, "limit"),
            "stop_price": _number(self.stop_price, "stop-price"),
            "end": self.end,
            "minutes": None if self.minutes is None else float(decimal(self.minutes, "minutes")),
            "params": pairs(self.param, "--param") or None,
        }


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class DecisionFlags:
    """What else a decision says.

    Attributes:
        algo: a name that `quietfill algos` lists; without one, what prices and configuration say.
        account: the account, where the agent trades in several.
        why: the reason, for the journal.
        decision_id: a name for this decision; said again with the same name it is never traded twice.
    """

    algo: str | None = None
    account: str | None = None
    why: str = ""
    decision_id: str | None = None


def send(
    symbol: str,
    side: str,
    quantity: Text,
    /,
    *,
    decision: DecisionFlags | None = None,
    terms: TermFlags | None = None,
    actor: ActorFlags | None = None,
    agent: AgentFlags | None = None,
) -> int:
    """Send a decision to a running agent, approved by the command line, and say what becomes of it.

    The agent trades on it only where `approving_agents` of its configuration lists CommandLine.

    Args:
        symbol: the instrument, as the agent's configuration names it.
        side: buy or sell.
        quantity: in shares, contracts or coins.
    """
    from quietfill.domain.stamps import new_event_id

    agent, actor, decision = agent or AgentFlags(), actor or ActorFlags(), decision or DecisionFlags()
    body = (terms or TermFlags()).body() | {
        "by": actor.name,
        "symbol": symbol,
        "side": side.lower(),
        "quantity": _number(quantity, "quantity"),
        "algo": decision.algo,
        "account": decision.account,
        "reason": decision.why,
        "decision_id": decision.decision_id or new_event_id(),
    }
    told = _sent(agent, body)
    notes = "".join(f"\nnote: {note}" for note in told["notes"])
    line = "" if told["broker_connected"] else f"\n{_LINE_DOWN}"
    return tell(agent, told, f"accepted: order {told['order_id']}{line}{notes}")


def _sent(agent: AgentFlags, body: dict[str, Any]) -> dict[str, Any]:
    """Send a decision; where nobody said what became of it, say how to ask again without trading twice.

    Raises:
        ControlError: when it is refused, or its fate is not known.
    """
    from quietfill.service.control.client import ControlError

    client = agent.client()
    try:
        return client.post("/v1/decisions", body)
    except ControlError as error:
        if not error.is_open:
            raise
        again = f"send it again with --decision-id {body['decision_id']}: that is never traded twice"
        raise ControlError(f"{error}; {again}", error.status, error.told) from None


def cancel(order: str, /, *, reason: str = "", actor: ActorFlags | None = None, agent: AgentFlags | None = None) -> int:
    """Cancel an order and every child of it. It is over when the broker says so: see `quietfill status ORDER`.

    Args:
        order: its id.
        reason: why, for the journal.
    """
    told = _act(order, "cancel", {"reason": reason}, actor, agent)
    return tell(agent or AgentFlags(), told, f"order {order} is being cancelled: {_children(told)}")


def pause(order: str, /, *, reason: str = "", actor: ActorFlags | None = None, agent: AgentFlags | None = None) -> int:
    """Withdraw the children of an order for the time being; its end stays where it is.

    Args:
        order: its id.
        reason: why, for the journal.
    """
    told = _act(order, "pause", {"reason": reason}, actor, agent)
    return tell(agent or AgentFlags(), told, f"order {order} is paused: {_children(told)}")


def resume(order: str, /, *, reason: str = "", actor: ActorFlags | None = None, agent: AgentFlags | None = None) -> int:
    """Go on with a paused order; what was missed is spread over the time that is left.

    Args:
        order: its id.
        reason: why, for the journal.
    """
    told = _act(order, "resume", {"reason": reason}, actor, agent)
    return tell(agent or AgentFlags(), told, f"order {order} goes on")


def amend(
    order: str,
    /,
    *,
    quantity: Text | None = None,
    terms: TermFlags | None = None,
    reason: str = "",
    actor: ActorFlags | None = None,
    agent: AgentFlags | None = None,
) -> int:
    """Change terms of a live order: all that are stated, or none when one of them is refused.

    Args:
        order: its id.
        quantity: the new total, what is filled included.
        reason: why, for the journal.
    """
    body = (terms or TermFlags()).body() | {"quantity": _number(quantity, "quantity")}
    if all(value is None for value in body.values()):
        raise BadInput("nothing is to be changed: state at least one of --quantity, --limit, --stop-price, --end, "
                       "--minutes, --param")  # fmt: skip
    told = _act(order, "amend", body | {"reason": reason}, actor, agent)
    return tell(agent or AgentFlags(), told, f"order {order} is amended: {', '.join(told['amended'])}")


def _act(
    order: str, act: str, body: dict[str, Any], actor: ActorFlags | None, agent: AgentFlags | None
) -> dict[str, Any]:
    who = (actor or ActorFlags()).name
    return (agent or AgentFlags()).client().post(order_path(order, f"/{act}"), {"by": who} | body)


def _children(told: dict[str, Any]) -> str:
    count = told["live_children"]
    return "no child is live" if not count else f"{count} {'child' if count == 1 else 'children'} still live"


def _number(text: str | None, name: str) -> str | None:
    """Return a number as the port takes it: plain decimal text, exactly what was typed."""
    if text is None:
        return None
    value: Decimal = decimal(text, name)
    return format(value, "f") if abs(value) < _LARGEST else text


_LARGEST = 10**15
_LINE_DOWN = "the line to the broker is down: nothing is sent before it is back"
