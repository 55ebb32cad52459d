"""Files on the web: found, and read in ranges, by HTTP."""

import http.client
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import IO
from urllib import error as failures
from urllib import request
from urllib.parse import quote, urlsplit

from regress.errors import TableError
from regress.sources.file_parts import changed
from regress.sources.paths import masked
from regress.sources.transfer import DEADLINE, PIECE, SILENT, Entry, PassingError, Pieces, retried

SCHEMES = ("http", "https")
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_SPAN = re.compile(r"bytes 0-0/(\d+)")
_DENIED = (401, 403, 407)


class _MissingError(TableError):
    """There is no file at the address."""


def entries(address: str) -> list[Entry]:
    """Return the file at an address."""
    return [retried(masked(address), lambda: _entry(address))]


def _entry(address: str) -> Entry:
    """Ask for the first byte: the answer tells size and version, and whether ranges are understood."""
    with _ask(address, (0, 1)) as answer:
        span = _SPAN.fullmatch(answer.headers.get("Content-Range", ""))
        if answer.status != 206 or span is None:
            return Entry(address, -1, _version(answer), ranged=False)
        return Entry(address, int(span[1]), _version(answer))


def pieces(entry: Entry, start: int, stop: int) -> Pieces:
    """Yield the bytes of a file from one place to another, as long as it is the same.

    Raises
    ------
    PassingError
        If they break off.
    """
    with _asked_again(entry, (start, stop)) as answer:
        if answer.headers.get("Content-Range") != f"bytes {start}-{stop - 1}/{entry.size}":
            raise changed(entry.label)
        while piece := _piece(entry.label, answer):
            yield piece


def download(entry: Entry, file: IO[bytes]) -> None:
    """Write the file to another one, and begin anew if the connection breaks off.

    Raises
    ------
    TableError
        If it does not come.
    """

    def copy() -> None:
        file.seek(0)
        file.truncate()
        with _asked_again(entry) as answer:
            while piece := _piece(entry.label, answer):
                file.write(piece)
            if answer.length:
                raise PassingError("the connection broke off")

    retried(entry.label, copy)


def _asked_again(entry: Entry, span: tuple[int, int] | None = None) -> http.client.HTTPResponse:
    """Ask for a file that was seen before; refuse another one."""
    try:
        answer = _ask(entry.address, span)
    except _MissingError:
        raise changed(entry.label) from None
    if _version(answer) != entry.version:
        answer.close()
        raise changed(entry.label)
    return answer


def _piece(label: str, answer: http.client.HTTPResponse) -> bytes:
    """Return the next bytes; none at the end."""
    parts, missing, end = [], PIECE, time.monotonic() + DEADLINE
    with _in_words(label):
        try:
            while missing and (part := answer.read1(missing)):
                parts.append(part)
                missing -= len(part)
                if time.monotonic() > end:
                    raise PassingError("the server sends too slowly")
        except (OSError, http.client.HTTPException):
            if not parts:  # else what came is handed on, and the next call fails
                raise
    return b"".join(parts)


@lru_cache(1)
def _opener() -> request.OpenerDirector:
    """Return what opens addresses of the web, and no others: a redirection to a file is not followed."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler,
        request.UnknownHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.HTTPDefaultErrorHandler,
        request.HTTPRedirectHandler,
        request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


def _ask(address: str, span: tuple[int, int] | None = None) -> http.client.HTTPResponse:
    """Ask for a file, or for some bytes of it, and return the answer."""
    headers = {"User-Agent": "regress", "Accept-Encoding": "identity"}
    if span is not None:
        headers["Range"] = f"bytes={span[0]}-{span[1] - 1}"
    with _in_words(masked(address)):
        asked = request.Request(quote(address, safe="!#$%&'()*+,/:;=?@[]~"), headers=headers)
        answer: http.client.HTTPResponse = _opener().open(asked, timeout=SILENT)
        return answer


@contextmanager
def _in_words(label: str) -> Iterator[None]:
    """Turn failures into sentences, and tell those that may pass from others."""
    try:
        yield
    except failures.HTTPError as error:
        error.close()
        raise _refusal(label, error.code) from None
    except failures.URLError as error:
        raise _unreached(label, error.reason) from None
    except http.client.InvalidURL as error:
        raise TableError(f"{label} is not an address: {error}.") from None
    except (OSError, http.client.HTTPException) as error:
        raise _unreached(label, error) from None


def _version(answer: http.client.HTTPResponse) -> str:
    return answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""


def _refusal(label: str, status: int) -> Exception:
    """Return the error of a status."""
    if status in _PASSING:
        return PassingError(f"the server answers {status}")
    if status in (404, 410):
        return _MissingError(f"{label} does not exist: the server answers {status}. Check the address.")
    if status in _DENIED:
        return TableError(
            f"{label} cannot be read: the server answers {status}, access denied. Download it with the rights that you "
            "have, and name the file."
        )
    if status == 416:  # there is no such byte
        return changed(label)
    return TableError(f"{label} cannot be read: the server answers {status}. Check the address.")


def _unreached(label: str, reason: object) -> Exception:
    """Return the error of a connection that failed."""
    host = urlsplit(label).hostname
    if isinstance(reason, ssl.SSLCertVerificationError):
        return TableError(
            f"{label} cannot be read: the certificate of {host} is not valid here ({reason.verify_message}). Check the "
            "address, or set SSL_CERT_FILE to the certificates to trust."
        )
    if isinstance(reason, socket.gaierror) and reason.errno != socket.EAI_AGAIN:
        return TableError(f"{label} cannot be read: the host {host} is not known. Check the address.")
    if isinstance(reason, TimeoutError):
        return PassingError("the server does not answer in time")
    if isinstance(reason, ConnectionRefusedError):
        return PassingError(f"{host} refuses the connection")
    if isinstance(reason, str):
        return TableError(f"{label} cannot be read: {reason}. Check the address.")
    return PassingError("the connection broke off")
