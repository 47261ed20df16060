"""Bodies of forms with files, as browsers make them."""

from __future__ import annotations

from collections.abc import Iterable

BOUNDARY = "----a-boundary-7d2c"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def part(head: str, data: bytes) -> bytes:
    """One part; ``head`` are its headers without the last line break."""
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + data + b"\r\n"


def field(name: str, value: str) -> bytes:
    return part(f'Content-Disposition: form-data; name="{name}"', value.encode())


def file(filename: str, data: bytes, *, name: str = "files") -> bytes:
    escaped = filename.replace('"', "%22")
    return part(f'Content-Disposition: form-data; name="{name}"; filename="{escaped}"\r\nContent-Type: image/png', data)


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def form(files: Iterable[tuple[str, bytes]], **fields: object) -> bytes:
    """The body of an upload."""
    return body(
        *(field(name, str(value)) for name, value in fields.items()), *(file(name, data) for name, data in files)
    )
