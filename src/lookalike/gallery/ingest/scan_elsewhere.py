"""Lists what lies elsewhere, as scan.py lists folders: buckets, web servers, archives. A name alone tells an image."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from typing import Any, Protocol
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from lookalike.errors import FileMissing, LoadError, UserError
from lookalike.gallery.elsewhere import archive, remote
from lookalike.gallery.elsewhere.address import is_archive_name, split_member
from lookalike.gallery.elsewhere.read import AT_ONCE
from lookalike.gallery.elsewhere.state import FileState
from lookalike.gallery.ingest.leave_out import ELSEWHERE, MARKED, MARKER, LeaveOut
from lookalike.gallery.ingest.listed import LeftOut, Listed, ListedFile, Skipped
from lookalike.imaging import is_image_name
from lookalike.imaging.video import is_video_name
from lookalike.paths import is_url
from lookalike.types import Failure

MAX_LIST_BYTES = 256 << 20


class FileSource(Protocol):
    """Where files lie."""

    def entries(self, leave_out: LeaveOut) -> Iterator[Listed]:
        """Each file once. What cannot be listed is a Failure."""
        ...


def source_of(path: str) -> FileSource:
    """Of an address or an archive. Raises UserError for an address with a password, for it would be kept."""
    inside = split_member(path)
    if is_url(path) and "@" in urlsplit(path).netloc:
        raise UserError("an address with a password would be kept in the gallery; put it into ~/.netrc")
    if inside is not None or is_archive_name(path):
        return ArchiveSource(*(inside or (path, "")))
    return BucketSource(path) if path.startswith("s3:") else WebSource(path)


def is_listed(path: str) -> bool:
    """Whether anything lies at an address. Raises LoadError that says why it cannot be listed."""
    first = next(source_of(path).entries(LeaveOut(path)), None)
    if isinstance(first, Failure):
        raise FileMissing(first.reason, first.path)
    return first is not None


class ArchiveSource:
    """The files of a zip or tar archive, or those in one ``folder`` of it."""

    def __init__(self, path: str, folder: str = "") -> None:
        self._path, self._folder = path, folder.rstrip("/")

    def entries(self, leave_out: LeaveOut) -> Iterator[Listed]:
        try:
            opened = archive.opened(self._path)
        except LoadError as error:
            yield Failure(self._path, error.reason)
            return
        for name in opened.led_out:
            yield Failure(f"{self._path}/{name}", "its name leads out of the archive")
        yield from self._below(opened.members.values(), leave_out)
        if opened.problem is not None:
            yield Failure(self._path, opened.problem)

    def _below(self, members: Iterable[archive.Member], leave_out: LeaveOut) -> Iterator[Listed]:
        start = f"{self._path}/{self._folder}".rstrip("/")
        paths = {f"{self._path}/{one.inside}": one.state for one in members}
        wanted = {path: state for path, state in paths.items() if path == start or path.startswith(f"{start}/")}
        if self._folder and not wanted:
            yield Failure(start, "no such file or folder in the archive")
        marked = {posixpath.dirname(path) for path in wanted if posixpath.basename(path) == MARKER}
        seen: set[str] = set()
        for path, state in wanted.items():
            folder = _left_out_folder(path, start, marked, leave_out)
            if folder is None:
                yield _entry(path, state, leave_out)
            elif folder.path not in seen:
                seen.add(folder.path)
                yield folder


def _left_out_folder(path: str, start: str, marked: set[str], leave_out: LeaveOut) -> LeftOut | None:
    """The outermost folder on the way to a file that is left out."""
    parts = path[len(start) + 1 :].split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        folder = "/".join([start, *parts[:depth]])
        reason = leave_out.reason(folder, True) or (
            MARKED if folder in marked and leave_out.marked(folder, [MARKER]) else None
        )
        if reason is not None:
            return LeftOut(folder, reason)
    return None


class BucketSource:
    """The objects of a bucket below a prefix, folder by folder; or one object."""

    def __init__(self, url: str) -> None:
        self._url = url

    def entries(self, leave_out: LeaveOut) -> Iterator[Listed]:
        waiting = [self._url]
        while waiting:
            folder = waiting.pop()
            try:
                found = sorted(remote.entries(folder), key=lambda one: str(one["name"]))
            except LoadError as error:
                yield Failure(folder, error.reason)
                continue
            files = {f"s3://{one['name']}": one for one in found if one["type"] == "file"}
            if folder != self._url and leave_out.marked(folder, [posixpath.basename(path) for path in files]):
                yield LeftOut(folder, MARKED)
                continue
            files.pop(f"{folder}/", None)  # what some programs put for a folder
            yield from (_entry(path, FileState.of_headers(one), leave_out) for path, one in files.items())
            folders = [f"s3://{str(one['name']).rstrip('/')}" for one in found if one["type"] == "directory"]
            left_out = {path: leave_out.reason(path, True) for path in folders}
            yield from (LeftOut(path, reason) for path, reason in left_out.items() if reason is not None)
            waiting += [path for path in reversed(folders) if left_out[path] is None]


class WebSource:
    """One image; or those that an index page links to, below its own address, as servers make them of folders; or
    those that a list names, an address a line, seen from the list's own."""

    def __init__(self, url: str) -> None:
        self._url = url

    def entries(self, leave_out: LeaveOut) -> Iterator[Listed]:
        if is_image_name(urlsplit(self._url).path):
            yield from _states([self._url], leave_out)
            return
        waiting, seen = [self._url], {self._url}
        while waiting:
            page = waiting.pop()
            try:
                address, is_page, text = _text(page)
            except LoadError as error:
                yield Failure(page, error.reason)
                continue
            if not is_page:
                yield from _of_list(address, text, leave_out)
                continue
            links = [link for link in _links(address, text) if link.startswith(_folder(address)) and link not in seen]
            seen.update(links)
            folders = {link: leave_out.reason(link.rstrip("/"), True) for link in links if link.endswith("/")}
            yield from (LeftOut(link, reason) for link, reason in folders.items() if reason is not None)
            yield from _states([link for link in links if not link.endswith("/")], leave_out)
            waiting += [link for link, reason in reversed(folders.items()) if reason is None]


def _text(url: str) -> tuple[str, bool, str]:
    """The address that it was led to, whether it is a page, and what stands in it. Raises LoadError."""
    headers = remote.headers_of(url)
    if (headers.get("size") or 0) > MAX_LIST_BYTES:
        raise LoadError(f"{headers['size']} bytes, too many for a list of addresses", url)
    kind = str(headers.get("mimetype", ""))
    if not kind.startswith("text/") and kind not in ("", "application/xhtml+xml"):
        raise LoadError(f"neither a page nor a list of addresses, but {kind}", url)
    return str(headers.get("url") or url), "html" in kind, remote.read(url).decode("utf-8", "replace")


def _of_list(url: str, text: str, leave_out: LeaveOut) -> Iterator[Listed]:
    """Lines that are empty or begin with # say nothing."""
    lines = [line.strip() for line in text.splitlines()]
    named = [urldefrag(urljoin(url, line)).url for line in lines if line and not line.startswith("#")]
    each = list(dict.fromkeys(named))
    yield from (Failure(one, "no address of a web server") for one in each if not one.startswith("http"))
    yield from _states([one for one in each if one.startswith("http")], leave_out)


def _states(urls: Iterable[str], leave_out: LeaveOut) -> Iterator[Listed]:
    """Servers are asked only about what may be an image."""
    waiting: list[str] = []
    for url in urls:
        if is_image_name(urlsplit(url).path) and leave_out.reason(_readable(url), False) is None:
            waiting.append(url)
        else:
            yield _entry(url, FileState(0, 0, False), leave_out)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lookalike-list") as pool:
        yield from pool.map(_asked, waiting)


def _asked(url: str) -> Listed:
    try:
        state = remote.state_of(url)
    except LoadError as error:
        return Failure(url, error.reason)
    return ListedFile(url, state.bytes, state.mtime_ns, is_marked=state.is_marked)


def _entry(path: str, state: FileState, leave_out: LeaveOut) -> Listed:
    name = urlsplit(path).path if path.startswith("http") else path
    reason = leave_out.reason(_readable(path), False)
    if reason is not None:
        return LeftOut(path, reason)
    if is_video_name(name):
        return LeftOut(path, ELSEWHERE)
    if not is_image_name(name):
        return Skipped(path)
    return ListedFile(path, state.bytes, state.mtime_ns, is_marked=state.is_marked)


def _readable(path: str) -> str:
    """As people write patterns for it."""
    return unquote(path) if path.startswith("http") else path


def _folder(url: str) -> str:
    """What lies beside or below a page has an address that begins so."""
    return url.rpartition("/")[0] + "/"


def _links(url: str, text: str) -> list[str]:
    page = _Page()
    page.feed(text)
    base = urljoin(url, page.base) if page.base else url
    found = (urldefrag(urljoin(base, link)).url for link in page.links)
    return list(dict.fromkeys(link for link in found if "?" not in link))


class _Page(HTMLParser):
    """The addresses that a page links to or shows."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.base: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: dict[str, Any] = dict(attrs)
        link = given.get({"a": "href", "img": "src", "base": "href"}.get(tag, ""))
        if tag == "base":
            self.base = link
        elif link:
            self.links.append(link)
