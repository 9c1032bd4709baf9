"""The kill, without journal, bus or queue between the request and the cancels.

It goes to the runtime by an ordinary call, so it is in force when that returns, and cancels that need no commit have
left. The others leave with the commit; where the journal failed they left at once, and where it does not answer within
`kill_seconds` they are let go without it: a cancel takes no risk, and a disk that hangs must not keep orders alive.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog

from quietfill.domain.messages import Kill, KillScope
from quietfill.domain.stamps import new_event_id
from quietfill.service.control.answers import Refused
from quietfill.service.control.awaiting import missing

if TYPE_CHECKING:
    from quietfill.agent.agent import ExecutionAgentImpl
    from quietfill.runtime.runtime import Runtime
    from quietfill.service.control.bodies import KillBody, ScopeBody

_log = structlog.get_logger(__name__)


class Killing:
    """Engages the kill switch of one agent.

    Args:
        agent: whose.
        seconds: how long the journal may take.
    """

    def __init__(self, agent: ExecutionAgentImpl, seconds: float) -> None:
        self._agent = agent
        self._seconds = seconds

    async def kill(self, body: KillBody) -> dict[str, Any]:
        """Bar new risk and cancel; say what it covers, and whether it is durable."""
        runtime = self._agent.runtime
        kill = Kill(
            kill_id=new_event_id(),
            by=body.by,
            reason=body.reason or "no reason given",
            scope=scope_of(body, self._agent),
            cancel_pending=body.cancel_pending,
            close_positions=body.close_positions,
        )
        sequence, problem = _engaged(runtime, kill)
        told = {"engaged": True, "kill_id": kill.kill_id} | _covered(runtime, kill.scope)
        if kill.scope.account is not None and not _trades_in(self._agent, kill.scope.account):
            told["unknown_account"] = kill.scope.account
        why = problem or await missing(runtime.committed(sequence), self._seconds)
        if why is not None:
            runtime.let_cancels_leave()
        return told | {"durable": why is None} | ({} if why is None else {"why": why})


def scope_of(body: ScopeBody, agent: ExecutionAgentImpl) -> KillScope:
    """Return what a request covers.

    Orders that name no account are the broker's own account's. A scope cannot say that, so the kill of that account
    is one of every account: too much is cancelled rather than too little.
    """
    account = body.account
    if account is not None and account.strip().casefold() == (_own_account(agent) or "").casefold():
        account = None
    return KillScope(symbols=body.symbols, account=account)


def _own_account(agent: ExecutionAgentImpl) -> str | None:
    """Return the account of orders that name none; None where the broker has no such thing."""
    account = getattr(agent.runtime.edge, "account", None)
    return account if isinstance(account, str) and account else None


def _trades_in(agent: ExecutionAgentImpl, account: str) -> bool:
    return any(parent.account == account for parent in agent.runtime.engine.state.parents.values())


def _engaged(runtime: Runtime, kill: Kill) -> tuple[int, str | None]:
    """Engage it; return what to wait for, and why there is nothing to wait for."""
    try:
        sequence = runtime.submit(kill)
    except Exception as error:
        _log.exception("a kill met an error of ours")
        if all(engaged.kill_id != kill.kill_id for engaged in runtime.engine.state.kills):
            text = "the kill met an internal error: stop the process, and cancel at the broker"
            raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, text, engaged=False) from error
        return 0, "an internal error came behind it: see the log"
    if sequence == 0:
        return 0, "the agent is starting: the kill is in force before it can send anything"
    return sequence, None


def _covered(runtime: Runtime, scope: KillScope) -> dict[str, Any]:
    """Return what is still alive under the kill, and which of its symbols nobody here knows."""
    state = runtime.engine.state
    parents = [parent for parent in state.live.values() if scope.covers(parent.symbol, parent.account)]
    unknown = [symbol for symbol in scope.symbols if symbol not in state.instruments]
    return {
        "live_orders": len(parents),
        "live_children": sum(len(parent.live_children) for parent in parents),
    } | ({"unknown_symbols": unknown} if unknown else {})
