"""Who may ask, how much, and how often: around the whole app, before a byte of a body is read.

A page of another site that is open in the same browser must not reach a gallery on this machine: such a request has a
``Host`` that is not ours (DNS rebinding) or an ``Origin`` that is not ours, and is refused, token or not. Pages that
``--allow-origin`` names may call the API (CORS): with the token, if there is one, in a header; the browser keeps our
cookie to itself.
"""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookalike.errors import LookalikeError
from lookalike.service.problems import Busy, Refused, TooMuch, Unauthorised, of_error
from lookalike.service.settings import Settings, is_loopback

COOKIE = "lookalike-token"
OPEN = ("/healthz", "/readyz")  # for whoever watches over the server
FORM = 100_000  # bytes of a request beside the images in it
CLIENTS = 10_000  # whose rates are remembered
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self'; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SHARED = {"Access-Control-Expose-Headers": "Retry-After, WWW-Authenticate"}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Allow-Private-Network": "true",  # a page of the internet may ask a server on this machine
    "Access-Control-Max-Age": "600",  # seconds
}


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._rates = Rates(settings.rate, settings.burst)
        self._largest = 2 * settings.upload_bytes + FORM  # a comparison sends two

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        dressed = _dressed(send, self._shared_with(headers), varies=bool(self._settings.origins))
        try:
            self._check(scope, headers)
        except LookalikeError as error:
            await of_error(error)(scope, receive, dressed)
            return
        if self._is_preflight(scope, headers):
            await Response(status_code=204, headers=PREFLIGHT)(scope, receive, dressed)
        elif entered := self._entered(scope):
            await _redirect(send, entered)
        else:
            await self._app(scope, _limited(receive, self._largest), dressed)

    def _check(self, scope: Scope, headers: Headers) -> None:
        """Raises what the client is answered."""
        self._check_host(headers)
        self._check_token(scope, headers)
        wait = self._rates.wait((scope.get("client") or ("",))[0])
        if wait:
            raise Busy("too many requests; slow down", seconds=wait)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._largest:
            raise TooMuch(f"{length} bytes; one image may have {self._settings.upload_bytes}")

    def _check_host(self, headers: Headers) -> None:
        host = headers.get("host", "")
        name = (urlsplit(f"//{host}").hostname or "") if _is_plain(host) else ""
        if is_loopback(self._settings.host) and not is_loopback(name) and name not in self._settings.hosts:
            raise Refused(f"this server is not {name or 'without a name'}; start it with --allow-host to be called so")
        if self._shared_with(headers):
            return
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            raise Refused("a page of another site asks; only the gallery's own page may, and those of --allow-origin")
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and headers.get("sec-fetch-mode") != "navigate":
            raise Refused("a page of another site asks; only the gallery's own page may, and those of --allow-origin")

    def _shared_with(self, headers: Headers) -> dict[str, str]:
        """What lets the page that asks read the answer, if it is one that may."""
        origin = headers.get("origin", "")
        return {"Access-Control-Allow-Origin": origin, **SHARED} if origin in self._settings.origins else {}

    def _is_preflight(self, scope: Scope, headers: Headers) -> bool:
        """Whether a browser asks for such a page what it may send; it sends no token with that."""
        asks = scope["method"] == "OPTIONS" and "access-control-request-method" in headers
        return asks and bool(self._shared_with(headers))

    def _check_token(self, scope: Scope, headers: Headers) -> None:
        is_open = scope["path"] in OPEN or self._is_preflight(scope, headers) or self._entered(scope)
        if is_open or not self._settings.token:
            return
        kind, _, given = headers.get("authorization", "").partition(" ")
        if not self._is_token(given if kind.lower() == "bearer" else _cookie(headers)):
            raise Unauthorised(
                "a token is needed: open /?token=TOKEN in a browser, or send Authorization: Bearer TOKEN"
            )

    def _entered(self, scope: Scope) -> str:
        """The token, if a person opens the page with it."""
        if not self._settings.token or scope["path"] != "/":
            return ""
        try:
            given = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=10).get("token", [""])[0]
        except ValueError:
            return ""
        return given if self._is_token(given) else ""

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._settings.token.encode())


class Rates:
    """A bucket of tokens per client (its address): ``burst`` at once, then ``rate`` a second."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str, now: float | None = None) -> int:
        """0 if this client may go on, or the seconds that it has to wait."""
        now = time.monotonic() if now is None else now
        left, then = self._left.pop(client, (float(self._burst), now))
        left = min(float(self._burst), left + (now - then) * self._rate)
        allowed = left >= 1
        self._left[client] = (left - 1 if allowed else left, now)
        if len(self._left) > CLIENTS:
            self._left.popitem(last=False)
        return 0 if allowed else max(1, round((1 - left) / self._rate))


def _is_plain(host: str) -> bool:
    return bool(host) and not set(host) & set("/\\@?# ")


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


async def _redirect(send: Send, token: str) -> None:
    """To the page without the token in its address; the browser keeps it, and shows it to no script."""
    cookie = SimpleCookie({COOKIE: token})
    for name, value in (("httponly", True), ("samesite", "Strict"), ("path", "/")):
        cookie[COOKIE][name] = value
    headers = [(b"location", b"/"), (b"set-cookie", cookie[COOKIE].OutputString().encode()), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _limited(receive: Receive, largest: int) -> Receive:
    """The same body, refused once it is larger; of a client that does not say before how much it sends."""
    read = 0

    async def limited() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > largest:
            raise HTTPException(413, f"more than {largest} bytes")  # FastAPI lets this one alone through as it is
        return message

    return limited


def _dressed(send: Send, further: Mapping[str, str], varies: bool) -> Send:
    """The same answer with the headers that every answer has, and these; ``varies`` with the page that asks, so that a
    cache does not give one page what another got."""

    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in {**HEADERS, **further}.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
            if varies:
                headers.add_vary_header("Origin")
        await send(message)

    return dressed
