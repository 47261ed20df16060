"""Where the image library is, as the settings say: in a folder, or in object storage."""

from __future__ import annotations

import functools
from pathlib import Path

import attrs

from qisd.repository.bucket import Bucket, BucketPlace
from qisd.repository.bucket_files import BucketRepository, SourceCopies
from qisd.repository.bucket_tree import BucketMounted, BucketTree
from qisd.repository.files import Repository
from qisd.repository.mounted import Mounted
from qisd.repository.tree import Tree
from qisd.settings import Settings

_COPIES = "library"
"""Folder below STATE_DIR for copies of what is in object storage."""

_MEGABYTE = 1024 * 1024


@attrs.frozen(kw_only=True)
class Remote:
    """Object storage, and copies on the local disk of what was used last."""

    bucket: Bucket
    copies: SourceCopies


@attrs.frozen(kw_only=True)
class Store:
    """The library, as those see it who read files, who look around and change, and who ask whether it is there.

    :param remote: where it is if not in a folder: a change may then take as long as bringing a file there does.
    """

    repository: Repository
    tree: Tree
    mounted: Mounted
    remote: Remote | None = None


def open_store(settings: Settings) -> Store:
    """:raises StartupError: what object storage needs is not installed."""
    bucket = bucket_of(settings)
    if bucket is None:
        return folder_store(
            settings.images_base_dir,
            file_mode=settings.images_file_mode,
            folder_mode=settings.images_dir_mode,
            check_file=settings.store_check_file,
        )
    return bucket_store(
        settings.images_base_dir,
        bucket,
        SourceCopies(copies_folder(settings), most=settings.s3_cache_mb * _MEGABYTE),
        file_mode=settings.images_file_mode,
        folder_mode=settings.images_dir_mode,
    )


def folder_store(root: Path, *, file_mode: int = 0o644, folder_mode: int = 0o755, check_file: str = "") -> Store:
    """See :class:`~qisd.repository.tree.Tree`."""
    return Store(
        repository=Repository(root, check_file=check_file),
        tree=Tree(root, file_mode=file_mode, folder_mode=folder_mode, check_file=check_file),
        mounted=Mounted(root, check_file=check_file),
    )


def bucket_store(
    root: Path, bucket: Bucket, copies: SourceCopies, *, file_mode: int = 0o644, folder_mode: int = 0o755
) -> Store:
    """See :class:`~qisd.repository.bucket_tree.BucketTree`."""
    return Store(
        repository=BucketRepository(root, bucket, copies),
        tree=BucketTree(root, bucket, file_mode=file_mode, folder_mode=folder_mode),
        mounted=BucketMounted(root, bucket),
        remote=Remote(bucket=bucket, copies=copies),
    )


def copies_folder(settings: Settings) -> Path:
    """Where copies are of what is in object storage."""
    return settings.s3_cache_dir if settings.s3_cache_dir != Path() else settings.state_dir / _COPIES


def bucket_of(settings: Settings) -> Bucket | None:
    """The bucket that the library is in; None: it is in a folder.

    :raises StartupError: what object storage needs is not installed.
    """
    if not settings.s3_bucket:
        return None
    prefix = settings.s3_prefix.strip("/")
    return _bucket(
        BucketPlace(
            name=settings.s3_bucket,
            prefix=f"{prefix}/" if prefix else "",
            endpoint=settings.s3_endpoint,
            region=settings.s3_region,
            access_key=settings.s3_access_key,
            secret_key=settings.s3_secret_key,
        )
    )


@functools.lru_cache(maxsize=4)
def _bucket(place: BucketPlace) -> Bucket:
    return Bucket(place)
