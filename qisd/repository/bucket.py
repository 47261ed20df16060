"""Object storage that speaks S3: the objects below one prefix of a bucket, by paths. Everything here blocks.

The library that speaks it, boto3, is an extra; it is imported only where a bucket is used.
"""

from __future__ import annotations

import datetime
import hashlib
import mimetypes
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, BinaryIO

import attrs

from qisd.errors import NotFound, StartupError, StoreUnavailable
from qisd.repository.files import FileVersion

_CONNECT_TIMEOUT, _READ_TIMEOUT = 5, 10
_ATTEMPTS = 3
_CONNECTIONS = 64

_TOKEN = "qis-token"  # noqa: S105 - tells operations apart
"""What an object says of the operation that has put it where it is."""

_BATCH = 1000
"""Objects that are deleted by one request; S3 takes no more."""

_PIECE = 1024 * 1024

_LONGEST = 1024
"""Bytes of a key."""


@attrs.frozen(kw_only=True)
class BucketPlace:
    """Which bucket, and how it is reached.

    :param prefix: of all keys, with a slash at its end; or empty.
    :param endpoint: URL of a server other than Amazon's; empty: theirs.
    :param access_key: with ``secret_key``; both empty: what the machine is given (its role, its environment).
    """

    name: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class Entry:
    """An object.

    :param etag: changes with the content.
    :param token: of the operation that has put it there; empty, where that is not asked for or not known.
    """

    size: int
    mtime_ns: int
    etag: str
    token: str = ""

    @property
    def version(self) -> FileVersion:
        """A digest of the ETag stands in for the inode."""
        digest = hashlib.sha256(self.etag.encode()).digest()
        return FileVersion(size=self.size, mtime_ns=self.mtime_ns, inode=int.from_bytes(digest[:8]) >> 1)


class Bucket:
    """The objects of the library. For use in any thread.

    Paths are those of :class:`~qisd.repository.tree.Tree`. A folder is there as long as something is below it; one that
    is to be there though nothing is in it is an object without content whose name ends with a slash.

    Every method may raise :class:`~qisd.errors.StoreUnavailable`.
    """

    def __init__(self, place: BucketPlace, client: Any = None) -> None:
        self._name = place.name
        self._prefix = place.prefix
        self._client = client or _connect(place)

    # Looking

    def head(self, path: str) -> Entry | None:
        """What is known of an object; None: there is none."""
        if not self._may_be(path):
            return None
        try:
            with _faults(f"head {path!r}"):
                found = self._client.head_object(Bucket=self._name, Key=self._key(path))
        except NotFound:
            return None
        return Entry(
            size=found["ContentLength"],
            mtime_ns=_nanoseconds(found["LastModified"]),
            etag=found["ETag"],
            token=found["Metadata"].get(_TOKEN, ""),
        )

    def folder_token(self, path: str) -> str | None:
        """The token of the object that keeps a folder; None: there is no such object."""
        entry = self.head(f"{path}/")
        return None if entry is None else entry.token

    def has_below(self, path: str) -> bool:
        """Whether there is a folder at ``path``; the empty one is all of it."""
        if not self._may_be(path):
            return False
        with _faults(f"list {path!r}"):
            found = self._client.list_objects_v2(Bucket=self._name, Prefix=self._below(path), MaxKeys=1)
            return bool(found.get("KeyCount"))

    def check_there(self) -> None:
        """:raises StoreUnavailable: the bucket is not there, or can't be reached."""
        try:
            with _faults("head bucket"):
                self._client.head_bucket(Bucket=self._name)
        except NotFound as error:
            raise StoreUnavailable(detail=f"object storage: there is no bucket {self._name}") from error

    def entries(self, path: str) -> Iterator[tuple[str, Entry | None]]:
        """The names directly below a folder, each with what is known of it; None: it is a folder."""
        start = self._below(path)
        for page in self._pages(start, Delimiter="/"):
            for found in page.get("Contents", ()):
                if found["Key"] != start:
                    yield found["Key"][len(start) :], _listed(found)
            for found in page.get("CommonPrefixes", ()):
                yield found["Prefix"][len(start) : -1], None

    def all_below(self, path: str) -> Iterator[tuple[str, Entry]]:
        """All objects below a folder, by their names below it; "" is the one that keeps the folder itself."""
        start = self._below(path)
        for page in self._pages(start):
            for found in page.get("Contents", ()):
                yield found["Key"][len(start) :], _listed(found)

    # Content

    def fetch(self, path: str, entry: Entry, target: BinaryIO) -> bool:
        """Write an object into ``target``; false: it is not that one any more."""
        from botocore.exceptions import ClientError

        with _faults(f"get {path!r}"):
            try:
                found = self._client.get_object(Bucket=self._name, Key=self._key(path), IfMatch=entry.etag)
            except ClientError as error:
                if _status(error) in (404, 412):
                    return False
                raise
            with closing(found["Body"]) as body:
                for piece in body.iter_chunks(_PIECE):
                    target.write(piece)
        return True

    def read(self, path: str) -> str | None:
        """A small text; None: there is none."""
        try:
            with _faults(f"get {path!r}"):
                return str(self._client.get_object(Bucket=self._name, Key=self._key(path))["Body"].read().decode())
        except NotFound:
            return None

    # Changing

    def put_file(self, source: bytes, path: str, *, token: str) -> None:
        """Put the local file ``source`` there. It appears as a whole, in the place of what is there."""
        with _faults(f"put {path!r}"):
            self._client.upload_file(
                source.decode(errors="surrogateescape"),
                self._name,
                self._key(path),
                ExtraArgs={"Metadata": {_TOKEN: token}, "ContentType": _media_type(path)},
                Config=_in_this_thread(),
            )

    def put_text(self, path: str, text: str) -> None:
        with _faults(f"put {path!r}"):
            self._client.put_object(Bucket=self._name, Key=self._key(path), Body=text.encode())

    def keep_folder(self, path: str, *, token: str = "") -> None:
        """Have a folder be there, whether or not something is in it."""
        if path:
            with _faults(f"put {path!r}/"):
                self._client.put_object(Bucket=self._name, Key=self._below(path), Metadata={_TOKEN: token})

    def copy(self, source: str, target: str, *, token: str) -> None:
        with _faults(f"copy {source!r} {target!r}"):
            self._client.copy(
                {"Bucket": self._name, "Key": self._key(source)},
                self._name,
                self._key(target),
                ExtraArgs={
                    "Metadata": {_TOKEN: token},
                    "MetadataDirective": "REPLACE",
                    "ContentType": _media_type(target),
                },
                Config=_in_this_thread(),
            )

    def delete(self, path: str) -> None:
        """Nothing there is fine too."""
        with _faults(f"delete {path!r}"):
            self._client.delete_object(Bucket=self._name, Key=self._key(path))

    def delete_below(self, path: str) -> None:
        """Delete all objects below a folder, and the one that keeps it."""
        start = self._below(path)
        with _faults(f"delete below {path!r}"):
            for page in self._pages(start, MaxKeys=_BATCH):
                keys = [{"Key": found["Key"]} for found in page.get("Contents", ())]
                if keys:
                    answer = self._client.delete_objects(Bucket=self._name, Delete={"Objects": keys, "Quiet": True})
                    if answer.get("Errors"):
                        raise StoreUnavailable(detail=f"object storage: can't delete {answer['Errors'][0]}")

    # Inside

    def _may_be(self, path: str) -> bool:
        """Whether an object can have such a key: a text, and not too long."""
        try:
            return len(self._below(path).encode()) <= _LONGEST
        except UnicodeEncodeError:
            return False

    def _key(self, path: str) -> str:
        return self._prefix + path

    def _below(self, path: str) -> str:
        return f"{self._prefix}{path}/" if path else self._prefix

    def _pages(self, start: str, **options: Any) -> Iterator[Any]:
        with _faults(f"list {start!r}"):
            paginator = self._client.get_paginator("list_objects_v2")
            yield from paginator.paginate(Bucket=self._name, Prefix=start, **options)


def _connect(place: BucketPlace) -> Any:
    """:raises StartupError: the library that speaks S3 is not installed."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise StartupError(
            "S3_BUCKET needs the package boto3, which is not installed: pip install 'qisd[s3]'"
        ) from error
    return boto3.session.Session().client(
        "s3",
        endpoint_url=place.endpoint or None,
        region_name=place.region or None,
        aws_access_key_id=place.access_key or None,
        aws_secret_access_key=place.secret_key or None,
        config=Config(
            connect_timeout=_CONNECT_TIMEOUT,
            read_timeout=_READ_TIMEOUT,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            max_pool_connections=_CONNECTIONS,
            # Other makers' servers don't know the checksums that Amazon's has learnt lately.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _in_this_thread() -> Any:
    """The caller is in a thread already."""
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(use_threads=False)


@contextmanager
def _faults(what: str) -> Iterator[None]:
    """Turn what goes wrong into our errors.

    :raises NotFound: there is no such object. :raises StoreUnavailable: anything else.
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        # A missing bucket has another code; but for a look at an object, which gets an answer without content.
        if _status(error) == 404 and error.response["Error"]["Code"] in ("404", "NoSuchKey"):
            raise NotFound("There is no such object.") from error
        raise StoreUnavailable(detail=f"object storage: {what}: {error}") from error
    except (Boto3Error, BotoCoreError, OSError) as error:
        raise StoreUnavailable(detail=f"object storage: {what}: {error}") from error


def _status(error: Any) -> int:
    return int(error.response["ResponseMetadata"].get("HTTPStatusCode", 0))


def _listed(found: Any) -> Entry:
    return Entry(size=found["Size"], mtime_ns=_nanoseconds(found["LastModified"]), etag=found["ETag"])


def _nanoseconds(time: datetime.datetime) -> int:
    """Whole seconds: the header that tells of one object knows no less."""
    return int(time.timestamp()) * 10**9


def _media_type(path: str) -> str:
    return mimetypes.guess_type(path)[0] or "application/octet-stream"
