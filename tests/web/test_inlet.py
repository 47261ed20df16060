"""Two hands on one tap."""

from __future__ import annotations

from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from qisd.web.inlet import Inlet


class InletTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.transport = StringTransport()
        self.inlet = Inlet(self.transport)

    def reading(self) -> bool:
        return self.transport.producerState == "producing"

    def test_either_may_hold_reading_up(self) -> None:
        for stop, go in (
            (self.inlet.hold, self.inlet.release),
            (self.inlet.pauseProducing, self.inlet.resumeProducing),
        ):
            stop()
            self.assertFalse(self.reading())
            go()
            self.assertTrue(self.reading())

    def test_it_goes_on_when_neither_does(self) -> None:
        self.inlet.hold()
        self.inlet.pauseProducing()
        self.inlet.resumeProducing()
        self.assertFalse(self.reading())
        self.inlet.pauseProducing()
        self.inlet.release()
        self.assertFalse(self.reading())
        self.inlet.resumeProducing()
        self.assertTrue(self.reading())

    def test_nothing_is_asked_of_a_connection_that_is_closed(self) -> None:
        self.inlet.hold()
        self.transport.loseConnection()
        self.inlet.end()
        self.inlet.release()
        self.inlet.pauseProducing()
        self.inlet.resumeProducing()
        self.assertFalse(self.reading())
