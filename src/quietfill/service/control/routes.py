"""Which path and method asks for what. Whatever goes wrong behind it is one line under `error`, and never a trace."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from quietfill.domain.errors import BadInput
from quietfill.service.control import views
from quietfill.service.control.acting import unknown_order
from quietfill.service.control.answers import Refused, answer
from quietfill.service.control.bodies import (
    ActBody,
    AmendBody,
    Body,
    DecisionBody,
    KillBody,
    ReleaseBody,
    ResolveBody,
    read_body,
)
from quietfill.service.control.door import ALIVE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from quietfill.agent.agent import ExecutionAgentImpl
    from quietfill.service.control.acting import Acting
    from quietfill.service.control.deciding import Deciding
    from quietfill.service.control.killing import Killing

_log = structlog.get_logger(__name__)

Answering: TypeAlias = "Callable[[Request], Awaitable[dict[str, Any]]]"

_ORDER: Final = "/v1/orders/{order_id}"


class Routes:
    """The application behind the door.

    Args:
        agent: whom it looks at.
        facts: what the service knows of itself.
        acting, deciding, killing: what it does.
    """

    def __init__(
        self,
        agent: ExecutionAgentImpl,
        facts: Callable[[], dict[str, Any]],
        acting: Acting,
        deciding: Deciding,
        killing: Killing,
    ) -> None:
        self._agent = agent
        self._facts = facts
        self._acting = acting
        self._deciding = deciding
        self._killing = killing

    def application(self) -> Starlette:
        """Return it as an ASGI application."""
        acting = self._acting
        gets: dict[str, Answering] = {
            ALIVE: self._alive,
            "/v1/ready": self._ready,
            "/v1/status": self._status,
            "/v1/orders": self._orders,
            _ORDER: self._order,
        }
        posts: dict[str, Answering] = {
            "/v1/decisions": _of_house(self._deciding.decide, DecisionBody),
            f"{_ORDER}/cancel": _of_order(acting.cancel, ActBody),
            f"{_ORDER}/amend": _of_order(acting.amend, AmendBody),
            f"{_ORDER}/pause": _of_order(acting.pause, ActBody),
            f"{_ORDER}/resume": _of_order(acting.resume, ActBody),
            "/v1/kill": _of_house(self._killing.kill, KillBody),
            "/v1/release": _of_house(acting.release, ReleaseBody),
            "/v1/resolve": _of_house(acting.resolve, ResolveBody),
        }
        routes = [Route(path, _guarded(act), methods=["GET"]) for path, act in gets.items()]
        routes += [Route(path, _guarded(act), methods=["POST"]) for path, act in posts.items()]
        application = Starlette(routes=routes, exception_handlers={HTTPException: _nowhere})
        application.router.redirect_slashes = False
        return application

    async def _alive(self, _request: Request) -> dict[str, Any]:
        return {"alive": True}

    async def _ready(self, _request: Request) -> dict[str, Any]:
        reasons = views.unready(self._agent, self._facts())
        if reasons:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "; ".join(reasons), ready=False)
        return {"ready": True}

    async def _status(self, _request: Request) -> dict[str, Any]:
        return views.house(self._agent, self._facts())

    async def _orders(self, _request: Request) -> dict[str, Any]:
        return views.order_lists(self._agent.runtime.engine.state)

    async def _order(self, request: Request) -> dict[str, Any]:
        order_id = str(request.path_params["order_id"])
        state = self._agent.runtime.engine.state
        parent = state.parents.get(order_id)
        if parent is None:
            raise unknown_order(self._agent, order_id)
        return views.order_detail(parent, state)


def _of_house(act: Callable[[Any], Awaitable[dict[str, Any]]], kind: type[Body]) -> Answering:
    """Return the endpoint of an act that concerns the house."""

    async def endpoint(request: Request) -> dict[str, Any]:
        return await act(read_body(await request.body(), kind))

    return endpoint


def _of_order(act: Callable[[str, Any], Awaitable[dict[str, Any]]], kind: type[Body]) -> Answering:
    """Return the endpoint of an act on one order."""

    async def endpoint(request: Request) -> dict[str, Any]:
        return await act(str(request.path_params["order_id"]), read_body(await request.body(), kind))

    return endpoint


def _guarded(endpoint: Answering) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint as Starlette calls it, with every refusal answered."""

    async def served(request: Request) -> Response:
        try:
            return answer(await endpoint(request))
        except Refused as refused:
            return refused.answer()
        except BadInput as error:
            return Refused(HTTPStatus.BAD_REQUEST, str(error)).answer()
        except Exception:  # noqa: BLE001 - whatever it is, a stranger learns nothing of our inside by it
            _log.exception("a request met an error of ours", path=request.scope["path"])
            text = "an internal error: the agent's log has it"
            return Refused(HTTPStatus.INTERNAL_SERVER_ERROR, text).answer()

    return served


async def _nowhere(_request: Request, error: Exception) -> Response:
    """Answer a path or method that there is not."""
    status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
    return Refused(status, status.phrase.lower()).answer()
