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
from regress.sources.transfer import DEADLINE, SILENT, Entry, PassingError, retried

SCHEMES = ("http", "https")
_PIECE = 2**20  # bytes between two looks at the clock
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_SPAN = re.compile(r"bytes 0-0/(\d+)")
_DENIED = (401, 403, 407)


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


def fetch(entry: Entry, start: int, stop: int) -> bytearray:
    """Return some bytes of a file that is still the same.

    Raises
    ------
    PassingError
        If they do not come, or fewer of them.
    """
    with _ask(entry.address, (start, stop)) as answer:
        span = f"bytes {start}-{stop - 1}/{entry.size}"
        if _version(answer) != entry.version or answer.headers.get("Content-Range") != span:
            raise changed(entry.label)
        data = bytearray(stop - start)
        at, end = 0, time.monotonic() + DEADLINE
        with memoryview(data) as view, _in_words(entry.label):
            while at < len(view) and (count := answer.readinto(view[at : at + _PIECE])):
                at += count
                if time.monotonic() > end:
                    raise PassingError("the server sends too slowly")
        if at < len(data):
            raise PassingError("the connection broke off")
        return data


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
        with _ask(entry.address) as answer:
            if _version(answer) != entry.version:
                raise changed(entry.label)
            while piece := _piece(entry.label, answer):
                file.write(piece)
            if answer.length:
                raise PassingError("the connection broke off")

    retried(entry.label, copy)


def _piece(label: str, answer: http.client.HTTPResponse) -> bytes:
    with _in_words(label):
        return answer.read(_PIECE)


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
        return TableError(f"{label} does not exist: the server answers {status}. Check the address.")
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
