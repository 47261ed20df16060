"""The errors that the domain speaks in: :mod:`qisd.errors`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import (
    BadParameter,
    Busy,
    Forbidden,
    NotFound,
    QisError,
    RenderCancelled,
    SourceTooLarge,
    StoreUnavailable,
    Unsupported,
)


class BareTests(SynchronousTestCase):
    def test_a_bare_copy_says_the_same(self) -> None:
        for error in (
            BadParameter("page", "too high", detail="9"),
            Busy(detail="200 wait", retry_after=7),
            Forbidden(detail="outside"),
            NotFound("none"),
            RenderCancelled(),
            SourceTooLarge("large", detail="50000"),
            StoreUnavailable(detail="down"),
            Unsupported("broken", detail="cut", parameter="overlay"),
        ):
            copy = error.bare()
            self.assertIs(type(copy), type(error))
            self.assertEqual((str(copy), vars(copy), copy.args), (str(error), vars(error), error.args))

    def test_it_has_nothing_of_what_led_to_it(self) -> None:
        try:
            try:
                raise OSError("cut")
            except OSError as cause:
                raise Unsupported("broken") from cause
        except QisError as error:
            copy = error.bare()
        self.assertEqual((copy.__traceback__, copy.__cause__, copy.__context__), (None, None, None))
