"""415 for a body of a kind that a route does not take: before it is read, and with the kinds that it does take."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from email.message import Message
from typing import Any

from fastapi import Request, Response, params
from fastapi.routing import APIRoute
from starlette.datastructures import Headers

from lookalike.service.problems import UnsupportedMediaType

FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
JSON = ("application/json",)


class CheckedRoute(APIRoute):
    """A route that takes a form or JSON, and refuses whatever calls itself by another name."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handler, after a look at the header."""
        handler, accepted = super().get_route_handler(), self._accepted()

        async def checked(request: Request) -> Response:
            _check(request.headers, accepted)
            return await handler(request)

        return checked if accepted else handler

    def _accepted(self) -> tuple[str, ...]:
        if self.body_field is None:
            return ()
        return FORMS if isinstance(self.body_field.field_info, params.Form) else JSON


def _check(headers: Headers, accepted: tuple[str, ...]) -> None:
    """Raises UnsupportedMediaType; a request without a body lacks something else, and is told that."""
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    kind = _kind(headers.get("content-type", ""))
    if has_body and kind not in accepted:
        raise UnsupportedMediaType(f"content-type {kind or '(none)'}: send {' or '.join(accepted)}")


def _kind(header: str) -> str:
    """ "Application/JSON; charset=utf-8" -> "application/json"; "" for none at all."""
    if not header:
        return ""
    message = Message()
    message["content-type"] = header
    return message.get_content_type()
