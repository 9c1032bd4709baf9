"""The other end of the port: one request a connection, on loopback, with the standard library alone."""

from __future__ import annotations

import http.client
from typing import Any, Final

import msgspec

from quietfill.domain.errors import BadInput, QuietfillError

_LARGEST: Final = 64 * 1_048_576
_GOOD: Final = range(200, 300)


class ControlError(QuietfillError):
    """The agent did not do what was asked, or did not say that it did.

    Attributes:
        status: HTTP status of its answer; None when there was none.
        told: what the answer says beside the reason.
        is_open: whether it may have been done, or be done yet.
    """

    def __init__(self, text: str, status: int | None = None, told: dict[str, Any] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.told = told or {}
        self.is_open = status == http.client.GATEWAY_TIMEOUT


class ControlClient:
    """Asks one agent.

    Args:
        host, port: of its control port.
        token: what is in its token file.
        seconds: how long an answer may take.
    """

    def __init__(self, host: str, port: int, token: str, *, seconds: float = 10.0) -> None:
        if port == 0:
            raise BadInput("control.port is 0, a free one: say with --port which one `quietfill run` took")
        self._host = host
        self._port = port
        self._token = token
        self._seconds = seconds

    def get(self, path: str) -> dict[str, Any]:
        """Return the answer to a question.

        Raises:
            ControlError: when nobody answers, or the answer is no.
        """
        return self._ask("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask for an act; return what became of it. What is None is left out of the body.

        Raises:
            ControlError: when nobody answers, or the answer is no.
        """
        content = {name: value for name, value in body.items() if value is not None}
        return self._ask("POST", path, msgspec.json.encode(content))

    def _ask(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        line = http.client.HTTPConnection(self._host, self._port, timeout=self._seconds)
        headers = {"Authorization": f"Bearer {self._token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            line.request(method, path, body, headers)
            answer = line.getresponse()
            content = answer.read(_LARGEST)
            if answer.length:
                raise http.client.IncompleteRead(content, answer.length)
        except ConnectionRefusedError:
            raise ControlError(f"no agent answers at {self._where}: {_IS_IT_RUNNING}") from None
        except TimeoutError:
            raise _open_end(f"the agent at {self._where} gave no answer within {self._seconds:g} s") from None
        except (OSError, http.client.HTTPException) as error:
            problem = str(error) or type(error).__name__
            raise _open_end(f"the line to {self._where} broke ({problem})") from None
        finally:
            line.close()
        return self._read(answer.status, content)

    def _read(self, status: int, content: bytes) -> dict[str, Any]:
        try:
            told = msgspec.json.decode(content, type=dict[str, Any])
        except msgspec.MsgspecError:
            raise ControlError(f"what answers at {self._where} is no Quietfill agent (HTTP {status})", status) from None
        if status in _GOOD:
            return told
        reason = str(told.pop("error", f"HTTP {status}"))
        if status == http.client.UNAUTHORIZED:
            reason += f": another agent may be at {self._where}, or its token file is another one"
        raise ControlError(reason, status, told)

    @property
    def _where(self) -> str:
        return f"{self._host}:{self._port}"


def _open_end(text: str) -> ControlError:
    error = ControlError(f"{text}; whether it was done is not known")
    error.is_open = True
    return error


_IS_IT_RUNNING: Final = "is `quietfill run` running with this configuration?"
