"""What the port answers: JSON, and every refusal as one line under `error`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response

_HEADERS = {"cache-control": "no-store", "connection": "close", "x-content-type-options": "nosniff"}
"""One connection carries one request: what was not read of a refused one can be no part of the next."""


class Refused(Exception):  # noqa: N818 - reads as what it is where it is raised
    """A request that gets no.

    Args:
        status: HTTP status.
        text: why, in one line.
        facts: what else the answer says.
    """

    def __init__(self, status: HTTPStatus, text: str, **facts: Any) -> None:
        super().__init__(text)
        self.status = status
        self.facts = facts

    def answer(self) -> Response:
        """Return it as a response."""
        return answer({"error": " ".join(str(self).split())} | self.facts, self.status)


def answer(content: dict[str, Any], status: int = HTTPStatus.OK) -> Response:
    """Return *content* as a JSON response."""
    body = msgspec.json.encode(content, enc_hook=str)
    return Response(body, status_code=status, headers=_HEADERS, media_type="application/json")
