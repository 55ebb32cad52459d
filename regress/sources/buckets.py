"""Objects of buckets on S3, Google Cloud and Azure. Owner of fsspec.

Credentials come from the environment of each process, as the providers' own packages look for them.
"""

import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from glob import has_magic
from typing import Any

from regress.errors import INSTALL_CLOUD, MissingDependencyError, TableError
from regress.sources.file_parts import changed
from regress.sources.paths import masked
from regress.sources.transfer import CONNECT, DEADLINE, PIECE, SILENT, Entry, PassingError, Pieces, retried

SCHEMES = ("s3", "gs", "gcs", "az", "abfs", "abfss")
_RANGE = 2**24  # bytes asked for at a time
_ONE_TRY = {"connect_timeout": CONNECT, "read_timeout": SILENT, "retries": {"total_max_attempts": 1}}
_VERSIONS = ("ETag", "etag", "generation", "LastModified", "last_modified", "updated")
_FOREIGN = ("adlfs", "aiobotocore", "aiohttp", "azure", "botocore", "fsspec", "gcsfs", "google", "s3fs")
_NO_CREDENTIALS = (
    *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError"),  # S3
    *("SSOTokenLoadError", "UnauthorizedSSOTokenError", "DefaultCredentialsError", "RefreshError"),  # S3, Google Cloud
    *("ClientAuthenticationError", "CredentialUnavailableError"),  # Azure
)
Info = Mapping[str, Any]  # of an object, as fsspec gives it
_BROKEN = ("ClientPayloadError", "ConnectionError", "IncompleteRead", "IncompleteReadError", "ResponseStreamingError")
_NO_HOST = ("EndpointConnectionError", "ClientConnectorError", "ServiceRequestError")


def entries(address: str) -> list[Entry]:
    """Return the object at an address, all that match a pattern, or all of a folder, in the order of their names.

    Raises
    ------
    TableError
        If there is none, or access is denied.
    """
    label = masked(address)
    try:
        found = retried(label, lambda: _found(*_system(address), label))
    except TableError:
        _made.cache_clear()  # perhaps the credentials: they are looked for anew
        raise
    if not found:
        raise TableError(f"The folder {label} holds no file.")
    return [_entry(address, one) for one in sorted(found, key=_name)]


def _found(system: Any, path: str, label: str) -> list[Info]:
    with _in_words(label):
        matched = system.glob(path, detail=True, timeout=DEADLINE) if has_magic(path) else {}
        if matched:
            return list(matched.values())
        try:
            one = system.info(path, timeout=DEADLINE)  # needs no right to list
        except FileNotFoundError:
            if has_magic(path):
                raise TableError(f"No file matches {label}.") from None
            raise
        if one["type"] != "directory":
            return [one]
        listed = system.ls(path, detail=True, timeout=DEADLINE)
    return [one for one in listed if _name(one) != path and not _name(one).rpartition("/")[2].startswith((".", "_"))]


def _name(one: Info) -> str:
    return str(one["name"]).rstrip("/")


def _entry(address: str, one: Info) -> Entry:
    """Return one object as a listing shows it."""
    scheme, _, rest = address.partition("://")
    found = f"{scheme}://{rest.partition('/')[0]}/{_name(one).partition('/')[2]}"
    if one["type"] == "directory":
        raise TableError(f"{masked(found)} is a folder. Name the files by a pattern, such as '{masked(found)}/*.csv'.")
    return Entry(found, int(one["size"]), _version(one))


def _version(one: Info) -> str:
    return next((str(one[key]).strip('"') for key in _VERSIONS if one.get(key)), "")


def pieces(entry: Entry, start: int, stop: int) -> Pieces:
    """Yield the bytes of an object from one place to another, as long as it is the same.

    Raises
    ------
    PassingError
        If they break off.
    """
    system, path = _system(entry.address)
    if entry.address.startswith("s3:"):
        return _streamed(system, path, entry, (start, stop))
    return _in_ranges(system, path, entry, range(start, stop, _RANGE))


def _streamed(system: Any, path: str, entry: Entry, span: tuple[int, int]) -> Pieces:
    """Read an object of S3 in one answer: each request costs time, and the server compares the ETag."""
    from fsspec.asyn import sync

    bucket, key, _ = system.split_path(path)
    asked = {"Bucket": bucket, "Key": key, "Range": f"bytes={span[0]}-{span[1] - 1}", "IfMatch": f'"{entry.version}"'}
    with _in_words(entry.label, reading=True):
        body = system.call_s3("get_object", **asked, timeout=SILENT)["Body"]
        try:
            while piece := sync(system.loop, _gathered, body, timeout=DEADLINE):
                yield piece
        finally:
            sync(system.loop, _closed, body, timeout=SILENT)


async def _closed(body: Any) -> None:
    body.close()


async def _gathered(body: Any) -> bytes:
    """Return the next bytes; none at the end."""
    parts, missing = [], PIECE
    try:
        while missing and (part := await body.read(missing)):
            parts.append(part)
            missing -= len(part)
    except Exception:
        if not parts:  # else what came is handed on, and the next call fails
            raise
    return b"".join(parts)


def _in_ranges(system: Any, path: str, entry: Entry, starts: range) -> Pieces:
    """Read an object range by range, and look after each whether it is still the same."""
    for start in starts:
        stop = min(start + _RANGE, starts.stop)
        with _in_words(entry.label, reading=True):
            try:
                data: bytes = system.cat_file(path, start=start, end=stop, timeout=DEADLINE)
            finally:
                now = system.info(path, timeout=DEADLINE)
                if (now["size"], _version(now)) != (entry.size, entry.version):
                    raise changed(entry.label)
        yield from (data[at : at + PIECE] for at in range(0, len(data), PIECE))
        if len(data) != stop - start:
            return


def _system(address: str) -> tuple[Any, str]:
    """Return the file system of an address in this process and environment, and the path in it.

    Raises
    ------
    MissingDependencyError
        If its package is not installed.
    """
    scheme = address.partition("://")[0]
    try:
        import fsspec

        kind = fsspec.get_filesystem_class("abfs" if scheme == "abfss" else scheme)
    except ImportError:
        package = "s3fs" if scheme == "s3" else "gcsfs" if scheme in ("gs", "gcs") else "adlfs"
        install = INSTALL_CLOUD if package == "s3fs" else f"{INSTALL_CLOUD} {package}"
        raise MissingDependencyError(
            f"{scheme}:// needs {package}, which is not installed. Install it with: {install}"
        ) from None
    with _in_words(masked(address)):
        given = tuple(sorted(kind._get_kwargs_from_urls(address).items()))
        return _made(kind, given, os.getpid(), hash(frozenset(os.environ.items()))), kind._strip_protocol(address)


@lru_cache(8)
def _made(kind: Any, given: tuple[tuple[str, Any], ...], process: int, environment: int) -> Any:
    """Return a file system; connections and threads do not survive a fork, so each process has its own."""
    options: dict[str, Any] = {"config_kwargs": _ONE_TRY} if kind.protocol[0] == "s3" else {}
    system = kind(skip_instance_cache=True, use_listings_cache=False, **options, **dict(given))
    if options:
        system.retries = 1
    return system


@contextmanager
def _in_words(label: str, reading: bool = False) -> Iterator[None]:
    """Turn failures into sentences, and tell those that may pass from others.

    What is not there any more, or not as it was, has changed while it was read.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, TableError) or not (
            isinstance(error, OSError | ValueError) or type(error).__module__.partition(".")[0] in _FOREIGN
        ):
            raise
        if reading and (isinstance(error, FileNotFoundError) or "PreconditionFailed" in str(error.__cause__)):
            raise changed(label) from None
        raise _refusal(label, error) from None


def _refusal(label: str, error: Exception) -> Exception:
    """Return the error of a failure: its own text may hold what is secret."""
    chain: list[BaseException] = [error]
    while (behind := chain[-1].__cause__ or chain[-1].__context__) is not None and behind not in chain:
        chain.append(behind)
    names = {kind.__name__ for one in chain for kind in type(one).__mro__}
    invalid = next((one for one in chain if isinstance(one, ssl.SSLCertVerificationError)), None)
    if not names.isdisjoint(_NO_CREDENTIALS):
        return TableError(
            f"{label} cannot be read: there are no valid credentials in the environment. Set them as the provider's "
            "own tools take them, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    if invalid is not None:
        return TableError(
            f"{label} cannot be read: the certificate of the server is not valid here ({invalid.verify_message}). "
            "Check the endpoint, or set AWS_CA_BUNDLE to the certificates to trust."
        )
    if isinstance(error, FileNotFoundError):
        bucket = any("NoSuchBucket" in str(one) or "specified bucket" in str(one) for one in chain)
        what = f"there is no bucket {label.split('/')[2]}" if bucket else "it does not exist"
        return TableError(f"{label} cannot be read: {what}. Check the address.")
    if isinstance(error, PermissionError):
        return TableError(
            f"{label} cannot be read: access is denied. Check the credentials in the environment, and their rights. "
            "Without the right to list a bucket, name one object."
        )
    if isinstance(error, ValueError):
        return TableError(
            f"{label} cannot be read: the environment lacks a setting for it ({type(error).__name__}). Check the "
            "address, and the credentials in the environment."
        )
    if any(isinstance(one, TimeoutError) or "Timeout" in type(one).__name__ for one in chain):
        return PassingError("the server does not answer in time")
    if not names.isdisjoint(_NO_HOST) or any(isinstance(one, socket.gaierror) for one in chain):
        return PassingError("the server is not known, or cannot be reached")
    if not names.isdisjoint(_BROKEN):
        return PassingError("the connection broke off")
    return PassingError(f"the server or the connection failed ({type(error).__name__})")
