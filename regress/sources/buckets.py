"""Objects of buckets on S3, Google Cloud and Azure. Owner of fsspec.

Credentials come from the environment of each process, as the providers' own packages look for them.
"""

import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from glob import has_magic
from typing import Any

from regress.errors import INSTALL_CLOUD, MissingDependencyError, TableError
from regress.sources.file_parts import changed
from regress.sources.paths import masked
from regress.sources.transfer import CONNECT, DEADLINE, SILENT, Entry, PassingError, retried

SCHEMES = ("s3", "gs", "gcs", "az", "abfs", "abfss")
_ONE_TRY = {"connect_timeout": CONNECT, "read_timeout": SILENT, "retries": {"total_max_attempts": 1}}
_VERSIONS = ("ETag", "etag", "generation", "LastModified", "last_modified", "updated")
_SYSTEMS: dict[tuple[int, str], Any] = {}  # by process: connections and threads do not survive a fork
_FOREIGN = ("adlfs", "aiobotocore", "aiohttp", "azure", "botocore", "fsspec", "gcsfs", "google", "s3fs")
_NO_CREDENTIALS = (
    *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError"),  # S3
    *("SSOTokenLoadError", "UnauthorizedSSOTokenError", "DefaultCredentialsError", "RefreshError"),  # S3, Google Cloud
    *("ClientAuthenticationError", "CredentialUnavailableError"),  # Azure
)
Info = Mapping[str, Any]  # of an object, as fsspec gives it
_NO_HOST = ("EndpointConnectionError", "ClientConnectorError", "ServiceRequestError")


def entries(address: str) -> list[Entry]:
    """Return the object at an address, all that match a pattern, or all of a folder, in the order of their names.

    Raises
    ------
    TableError
        If there is none, or access is denied.
    """
    system, path = _system(address, anew=True)
    label = masked(address)
    found = retried(label, lambda: _found(system, path, label))
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
    """Return what a listing says of one object."""
    scheme, _, rest = address.partition("://")
    found = f"{scheme}://{rest.partition('/')[0]}/{_name(one).partition('/')[2]}"
    if one["type"] == "directory":
        raise TableError(f"{masked(found)} is a folder. Name the files by a pattern, such as '{masked(found)}/*.csv'.")
    return Entry(found, int(one["size"]), _version(one))


def _version(one: Info) -> str:
    return next((str(one[key]).strip('"') for key in _VERSIONS if one.get(key)), "")


def fetch(entry: Entry, start: int, stop: int) -> bytes:
    """Return some bytes of an object that is still the same.

    Raises
    ------
    PassingError
        If they do not come, or fewer of them.
    """
    system, path = _system(entry.address)
    with _in_words(entry.label):
        try:
            data: bytes = system.cat_file(path, start=start, end=stop, timeout=DEADLINE)
        finally:
            now = system.info(path, timeout=DEADLINE)  # asked last: a change before it is seen
            if (now["size"], _version(now)) != (entry.size, entry.version):
                raise changed(entry.label)
    if len(data) != stop - start:
        raise PassingError("the connection broke off")
    return data


def _system(address: str, anew: bool = False) -> tuple[Any, str]:
    """Return the file system of an address, one for each process, and the path in it.

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
        raise MissingDependencyError(
            f"Reading {scheme}:// needs packages that are not installed. Install them with: {INSTALL_CLOUD}"
        ) from None
    options = {"config_kwargs": _ONE_TRY} if scheme == "s3" else {}
    options |= kind._get_kwargs_from_urls(address)
    key = (os.getpid(), f"{scheme} {sorted(options.items())}")
    if anew or key not in _SYSTEMS:
        _SYSTEMS[key] = kind(skip_instance_cache=True, use_listings_cache=False, **options)
        if scheme == "s3":
            _SYSTEMS[key].retries = 1
    return _SYSTEMS[key], kind._strip_protocol(address)


@contextmanager
def _in_words(label: str) -> Iterator[None]:
    """Turn failures into sentences, and tell those that may pass from others."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError | ValueError) and not isinstance(error, TableError):
            raise _refusal(label, error) from None
        if type(error).__module__.partition(".")[0] in _FOREIGN:
            raise _refusal(label, error) from None
        raise


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
        bucket = "bucket" in str(error)
        what = f"there is no bucket {label.split('/')[2]}" if bucket else "it does not exist"
        return TableError(f"{label} cannot be read: {what}. Check the address.")
    if isinstance(error, PermissionError):
        return TableError(
            f"{label} cannot be read: access is denied. Check the credentials in the environment, and their rights. "
            "Without the right to list a bucket, name one object."
        )
    if any(isinstance(one, TimeoutError) or "Timeout" in type(one).__name__ for one in chain):
        return PassingError("the server does not answer in time")
    if not names.isdisjoint(_NO_HOST) or any(isinstance(one, socket.gaierror) for one in chain):
        return PassingError("the server is not known, or cannot be reached")
    return PassingError(f"the server or the connection failed ({type(error).__name__})")
