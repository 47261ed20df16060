"""The errors that the domain speaks in.

Each error knows the HTTP status it becomes, a stable code, a text that is safe to show to anybody, and the name of
the request parameter at fault, if there is one. Nothing else may reach a client: paths on disk, exception texts of
libraries and the like go into ``detail``, which is only ever logged.

::

    QisError
    ├── BadParameter            400  a request parameter is malformed, out of range or unknown
    │   └── MissingParameter    400  … or not there
    ├── Refused                 400  what is asked for is never done, whoever asks (delete the root, lock oneself out)
    ├── NotAuthenticated        401  log in first, or come by HTTPS
    ├── Forbidden               403  the visitor may not do this, or the path leaves the image library
    ├── NotFound                404  there is no such thing, or it is hidden
    ├── AlreadyExists           409  the name or the place is taken
    ├── OutOfDate               412  somebody else has changed it meanwhile
    ├── TooLarge                413  the body is longer than allowed
    ├── Unsupported             415  the source can't be read, or the result can't be made
    │   └── SourceTooLarge      415  the source exceeds the pixel, byte or frame limits
    ├── TooManyRequests         429  slow down; carries ``retry_after``
    ├── NoSpace                 507  the disk is (nearly) full
    ├── Unavailable             503  try again later; carries ``retry_after``
    │   ├── Busy                503  the render queue is full, or waiting took too long
    │   ├── RenderTimeout       503  one render took longer than allowed
    │   └── StoreUnavailable    503  the database or the image library can't be reached
    └── RenderCancelled         499  nobody waits for this render any more (never answered, never logged as a fault)

    SettingsError               start or reload refused; lists every fault with its place
    StartupError                the daemon can't start; carries the exit code
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self


class QisError(Exception):
    """Base of all errors that become an answer.

    :param message: text that is safe to show to any client.
    :param detail: what really happened, for the log only.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    retry_after: int | None = None
    """Seconds after which trying again makes sense (``Retry-After``)."""

    def __init__(self, message: str, *, detail: str = "", parameter: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.parameter = parameter

    def bare(self) -> Self:
        """A copy without traceback, cause and context.

        Their frames hold whatever was at work when the error was met, decoded pictures included: only a copy like this
        may be kept, or raised a second time.
        """
        copy = type(self).__new__(type(self), *self.args)
        copy.__dict__.update(self.__dict__)
        return copy


class BadParameter(QisError):
    """A request parameter is malformed, out of range or unknown; the text reads ``parameter: reason``."""

    status = 400
    code = "bad_parameter"

    def __init__(self, parameter: str, reason: str, *, detail: str = "") -> None:
        super().__init__(f"{parameter}: {reason}", detail=detail, parameter=parameter)
        self.reason = reason
        self.faults: tuple[tuple[str, str], ...] = ()
        """Every parameter at fault with its reason, where all were looked at."""


class MissingParameter(BadParameter):
    """A request parameter that must be there is not."""

    code = "missing_parameter"

    def __init__(self, parameter: str) -> None:
        super().__init__(parameter, "must be given")


class Refused(QisError):
    """What is asked for is never done, whoever asks, or not while things are as they are."""

    status = 400
    code = "refused"


class NotAuthenticated(QisError):
    """Only for those who have logged in, or who come by another scheme or port."""

    status = 401
    code = "not_authenticated"

    def __init__(self, message: str = "You must be logged in to access this function") -> None:
        super().__init__(message)


class Forbidden(QisError):
    """The visitor may not do this. The text never tells whether the thing exists."""

    status = 403
    code = "forbidden"

    def __init__(self, message: str = "You do not have permission to see this.", *, detail: str = "") -> None:
        super().__init__(message, detail=detail)


class NotFound(QisError):
    """No such image, page or record; hidden things look just the same."""

    status = 404
    code = "not_found"


class AlreadyExists(QisError):
    """A name or a place is taken, or the same work is under way. The text says ``already exists``.

    :param existing: what is there already, where the asker may know it.
    """

    status = 409
    code = "already_exists"

    def __init__(
        self, message: str, *, detail: str = "", parameter: str | None = None, existing: object = None
    ) -> None:
        super().__init__(message, detail=detail, parameter=parameter)
        self.existing = existing


class OutOfDate(QisError):
    """The thing is not the version any more that its changer has seen."""

    status = 412
    code = "out_of_date"


class TooLarge(QisError):
    """The body, or a part of it, is longer than allowed."""

    status = 413
    code = "too_large"


class Unsupported(QisError):
    """The source can't be read, or the wanted result can't be made from it."""

    status = 415
    code = "unsupported"


class SourceTooLarge(Unsupported):
    """The source exceeds the limits on pixels, bytes or frames, as its header or size tells."""

    code = "source_too_large"


class TooManyRequests(QisError):
    """Too many attempts; again after ``retry_after`` seconds."""

    status = 429
    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after: int, detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.retry_after = retry_after


class NoSpace(QisError):
    """There is not enough room on the disk; what is there is served on."""

    status = 507
    code = "no_space"

    def __init__(self, *, detail: str = "") -> None:
        super().__init__("There is not enough free disk space for this.", detail=detail)


class Unavailable(QisError):
    """Not now; the same request may succeed after ``retry_after`` seconds."""

    status = 503
    code = "unavailable"

    def __init__(self, message: str, *, detail: str = "", retry_after: int = 5) -> None:
        super().__init__(message, detail=detail)
        self.retry_after = retry_after


class Busy(Unavailable):
    """Too many renders are waiting already, or another's render of this image took too long."""

    code = "too_busy"

    def __init__(self, *, detail: str = "", retry_after: int = 5) -> None:
        super().__init__("The server is too busy to make this image now.", detail=detail, retry_after=retry_after)


class RenderTimeout(Unavailable):
    """One render took longer than ``RENDER_TIMEOUT``."""

    code = "render_timeout"

    def __init__(self, *, detail: str = "", retry_after: int = 30) -> None:
        super().__init__("Making this image took too long.", detail=detail, retry_after=retry_after)


class StoreUnavailable(Unavailable):
    """The database or the image library can't be reached."""

    code = "store_unavailable"

    def __init__(self, *, detail: str = "", retry_after: int = 5) -> None:
        super().__init__("The server is not ready to answer this.", detail=detail, retry_after=retry_after)


class DirectoryFailure(QisError):
    """The LDAP directory can't be asked: unreachable, too slow, not to be trusted, or not as the settings say."""

    code = "directory"

    def __init__(self, *, detail: str) -> None:
        super().__init__("An error occurred while asking the directory.", detail=detail)


class RenderCancelled(QisError):
    """Nobody waits for this render any more; raised inside a render to leave it early."""

    status = 499
    code = "cancelled"

    def __init__(self) -> None:
        super().__init__("The request was given up.")


class SettingsError(Exception):
    """Settings that can't be used; ``faults`` holds one line per fault: place, setting, reason."""

    exit_code = 2

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class StartupError(Exception):
    """The daemon can't start. The text is one clear line; ``exit_code`` is the process's."""

    def __init__(self, message: str, *, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code
