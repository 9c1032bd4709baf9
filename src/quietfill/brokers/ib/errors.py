"""Why Interactive Brokers cannot be used now. Each message says what to do about it."""

from __future__ import annotations

from quietfill.domain.errors import BrokerError


class GatewayUnreachable(BrokerError):  # noqa: N818 - all of these read as what they are
    """Nothing takes connections at that host and port."""

    def __init__(self, host: str, port: int, why: str) -> None:
        super().__init__(
            f"nothing answers at {host}:{port} ({why}): start IB Gateway or TWS, enable its API socket, and use its "
            "port (IB Gateway 4002 paper, 4001 live; TWS 7497 paper, 7496 live)"
        )


class NotAGateway(BrokerError):  # noqa: N818
    """Something answers there, and it does not speak the TWS protocol."""

    def __init__(self, host: str, port: int, why: str) -> None:
        super().__init__(
            f"{host}:{port} does not answer like IB Gateway or TWS ({why}): check the port, and that the API of that "
            "program accepts connections from this machine"
        )


class ClientIdInUse(BrokerError):  # noqa: N818
    """Another session holds our client id. Orders belong to their client id, so no other one is taken."""

    def __init__(self, client_id: int) -> None:
        super().__init__(
            f"client id {client_id} is in use (326): stop the other program that uses it, or wait until the gateway "
            "has noticed that an old connection is gone, and start again with the same id"
        )


class ApiIsReadOnly(BrokerError):  # noqa: N818
    """The gateway takes no orders from the API."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"the API is read-only ({text}): switch off 'Read-Only API' in the gateway's API settings and restart it"
        )


class WrongAccount(BrokerError):  # noqa: N818
    """The gateway does not serve the account, or serves several and none was named."""

    def __init__(self, wanted: str | None, served: tuple[str, ...]) -> None:
        names = ", ".join(served) or "none"
        if wanted is None:
            text = f"the gateway serves several accounts ({names}): name the one to trade with account="
        else:
            text = (
                f"the gateway does not serve account {wanted} (it serves {names}): log in as its user, or name another"
            )
        super().__init__(text)


class LiveAccountNotAllowed(BrokerError):  # noqa: N818
    """The account trades real money, and nobody said that this is meant."""

    def __init__(self, account: str) -> None:
        super().__init__(
            f"{account} is a live account: nothing was sent; connect to a paper account (its code begins with D), or "
            "switch live trading on explicitly"
        )


class LiveAccountNotNamed(LiveAccountNotAllowed):
    """Trading real money is allowed, and the account was left open: it could be any."""

    def __init__(self, account: str) -> None:
        BrokerError.__init__(
            self,
            f"{account} is a live account and was not named: nothing was sent; name the account that may be traded "
            "with account=, so that no other one can be meant",
        )


class OrdersOfAnother(BrokerError):  # noqa: N818
    """The journal's live orders belong to another account or client id than the session."""

    def __init__(self, what: str, before: object, now: object, orders: list[str]) -> None:
        name = what.replace("_", " ")
        more = f" and {len(orders) - 1} more" if len(orders) > 1 else ""
        super().__init__(
            f"{orders[0]}{more} of the journal belong to {name} {before} and this session is {name} {now}: nothing was "
            f"sent; go on with {what}={before}, or give this one a journal of its own"
        )


class StepUnanswered(BrokerError):  # noqa: N818
    """The gateway did not answer a question that nothing can go on without."""

    def __init__(self, step: str, seconds: float) -> None:
        super().__init__(
            f"the gateway did not answer '{step}' within {seconds:g} s: look at its window for a dialog that waits, or "
            "restart it"
        )


class RequestFailed(BrokerError):  # noqa: N818
    """The gateway refused one question."""

    def __init__(self, what: str, code: int, text: str) -> None:
        self.code = code
        super().__init__(f"{what}: {text} ({code})")


class NoSuchContract(BrokerError):  # noqa: N818
    """No contract matches, or more than one does; the message lists them."""


class NotConnected(BrokerError):  # noqa: N818
    """There is no session with the gateway."""
