"""One address into one .part file, which a later attempt continues."""

import http.client
import ipaddress
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 30.0  # without a byte
_ATTEMPTS = 5
_CHUNK_BYTES = 1 << 17

Progress = Callable[[int, int | None], None]  # bytes so far, and of all where the server says


class MirrorError(Exception):
    """What a mirror answered instead of the file."""


class _Broken(MirrorError):
    """The connection ended early; what arrived is kept."""


def transfer(url: str, part: Path, progress: Progress) -> None:
    """`part` completed from `url`, on the disk when this returns; raises MirrorError, and OSError of the disk.

    Bytes that `part` already has are not asked for again where the server heeds Range. A connection that breaks is
    tried again as long as each attempt brings the file further.
    """
    _check_address(url)
    for _ in range(_ATTEMPTS - 1):
        before = _size(part)
        try:
            return _continue(url, part, before, progress)
        except _Broken:
            if _size(part) <= before:
                raise
    return _continue(url, part, _size(part), progress)


def _continue(url: str, part: Path, offset: int, progress: Progress) -> None:
    try:
        response = _open(url, offset)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE or not offset:
            raise MirrorError(f"HTTP {error.code} {error.reason}") from error
        if error.headers.get("Content-Range") == f"bytes */{offset}":
            return None  # all of it had arrived
        return _continue(url, _without_content(part), 0, progress)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _Broken(_reason(error)) from error
    with response, open(part, "ab") as file:
        start, total = _extent(response, offset)
        file.truncate(start)
        done = start
        while chunk := _read(response):
            file.write(chunk)
            done += len(chunk)
            progress(done, total)
        file.flush()
        os.fsync(file.fileno())
    if total is not None and done != total:
        raise _Broken(f"{done:,} of {total:,} bytes, then the connection ended")
    return None


def _open(url: str, offset: int) -> http.client.HTTPResponse:
    headers = {"User-Agent": "steps-to-result", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    proxies = urllib.request.ProxyHandler({} if _is_loopback(url) else None)
    opener = urllib.request.build_opener(proxies, _Redirects)
    return opener.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_SECONDS)


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(_CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(_reason(error)) from error


def _extent(response: http.client.HTTPResponse, offset: int) -> tuple[int, int | None]:
    """Where the answer's first byte belongs, and the file's size if known; a server may ignore Range and send all."""
    length = response.headers.get("Content-Length", "")
    size = int(length) if length.isdecimal() else None
    if response.status != http.client.PARTIAL_CONTENT:
        return 0, size
    answered = response.headers.get("Content-Range", "no Content-Range")
    if not answered.startswith(f"bytes {offset}-"):
        raise MirrorError(f"asked for the bytes from {offset:,}, it answered '{answered}'")
    return offset, None if size is None else offset + size


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        try:
            _check_address(newurl)
            if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme != "https":
                raise MirrorError(f"it leads from https to '{newurl}'")
        except MirrorError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _check_address(url: str) -> None:
    try:
        scheme = urlsplit(url).scheme
    except ValueError as error:
        raise MirrorError(f"'{url}' is no address ({error})") from error
    if scheme != "https" and not (scheme == "http" and _is_loopback(url)):
        raise MirrorError(f"an address must begin with https:// (http:// on this machine alone); got '{url}'")


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", error)
    return str(cause) or type(cause).__name__


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _without_content(part: Path) -> Path:
    part.write_bytes(b"")
    return part
