"""Every error as ``application/problem+json`` (RFC 9457): what went wrong, and what to do, never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from lookalike.errors import LookalikeError

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger("lookalike.service")


class Refused(LookalikeError):
    """The server does not do this, or not for this client."""

    http_status = 403


class Unauthorised(Refused):
    """The token is missing or wrong."""

    http_status = 401


class Conflict(LookalikeError):
    """What is asked for no longer fits what is there."""

    http_status = 409


class Gone(LookalikeError):
    """It was here, and is no more."""

    http_status = 410


class NotThere(LookalikeError):
    """There is nothing by this name."""

    http_status = 404


class TooMuch(LookalikeError):
    """More than the server takes. ``http_status`` 413."""

    http_status = 413


class UnsupportedMediaType(LookalikeError):
    """The body is of a kind that is not taken here."""

    http_status = 415


class Busy(LookalikeError):
    """Too many requests at once; try again in ``seconds``."""

    http_status = 429

    def __init__(self, detail: str, seconds: int = 1) -> None:
        super().__init__(detail)
        self.seconds = seconds


class TimedOut(LookalikeError):
    """An image took longer than the server gives it, or broke the process that looked at it."""

    http_status = 422


def problem(
    status: int,
    detail: str,
    errors: Sequence[Mapping[str, str]] = (),
    kind: str = "about:blank",
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """An answer by RFC 9457."""
    body: dict[str, Any] = {"type": kind, "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    if errors:
        body["errors"] = list(errors)
    return JSONResponse(body, status, dict(headers or {}), MEDIA_TYPE)


def of_error(error: LookalikeError) -> JSONResponse:
    """What the library raised."""
    headers = {"Retry-After": str(error.seconds)} if isinstance(error, Busy) else {}
    if isinstance(error, Unauthorised):
        headers["WWW-Authenticate"] = "Bearer"
    return problem(error.http_status, plain(str(error)), kind=f"urn:lookalike:{_name(error)}", headers=headers)


def plain(text: str) -> str:
    """Text that UTF-8 can carry: file names may hold bytes that are none."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def install(app: FastAPI) -> None:
    """Make the app answer so, whatever is raised."""

    @app.exception_handler(LookalikeError)
    async def _expected(_: Request, error: LookalikeError) -> JSONResponse:
        return of_error(error)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            {"field": ".".join(map(str, one["loc"][1:])) or str(one["loc"][0]), "message": plain(str(one["msg"]))}
            for one in error.errors()
        ]
        return problem(422, "; ".join(f"{one['field']}: {one['message']}" for one in errors), errors)

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail), headers=error.headers)

    @app.exception_handler(Exception)
    async def _unexpected(request: Request, error: Exception) -> JSONResponse:
        log.exception("%s %s", request.method, request.url.path, exc_info=error)
        return problem(500, "an unexpected error; the server's log tells more")


def _name(error: LookalikeError) -> str:
    """ImageTooLarge -> image-too-large."""
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in type(error).__name__).strip("-")
