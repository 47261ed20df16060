"""The hot path: it answers plain requests, and as the whole way would; all else it leaves alone."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from qisd.access.snapshot import PermissionSnapshot
from qisd.cache.interfaces import CachedRendition
from qisd.web import hot_answers, hot_heads
from qisd.web.door import open_rooms
from qisd.web.hot import HotPath
from qisd.web.images import ImageHandlers
from qisd.web.root import Rooms
from tests.web.support import ETAG, NOW, Door, Wire, prepared_image, request

TARGET = "/image?src=penguin.jpg&width=400"
BODY = b"a picture"
_OWN = re.compile(rb"(X-Request-Id: |X-Time-Taken: )[0-9a-f]+|Server-Timing: [^\r]*\r\n")


class HotDoor(Door):
    """A site whose image is in the cache, with the hot path in front; ``in_front`` false: without."""

    def __init__(self, *, in_front: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self.images.from_cache = True
        self.permissions = PermissionSnapshot(accounts={}, groups={}, rows={})
        self.rules = object()
        self.until = NOW + 1
        self.cached: dict[str, CachedRendition] = {ETAG: CachedRendition(data=BODY, format="jpg")}
        self.elsewhere: Deferred[CachedRendition | None] = succeed(None)
        self.brought = 0
        self.hot = HotPath(
            images=self,  # type: ignore[arg-type]
            look=self.cached.get,
            elsewhere=self.ask_elsewhere,
            permissions=lambda: self.permissions,
            statistics=self,
        )
        handlers = ImageHandlers(
            images=self.images,  # type: ignore[arg-type]
            files=self.files,
            identity=self.visitors,
            statistics=self,
            hot=self.hot if in_front else None,
        )
        open_rooms(self.site, Rooms(images=handlers, hot=self.hot if in_front else None))

    async def ask_elsewhere(self, key: str) -> CachedRendition | None:
        self.brought += 1
        return await self.elsewhere

    def standing(self) -> object:
        return self.rules

    def known_until(self, prepared: object) -> float:
        return self.until

    @property
    def asked(self) -> int:
        """How many requests have taken the whole way."""
        return len(self.images.queries)


class HotPathTests(SynchronousTestCase):
    def warm(self, **options: Any) -> HotDoor:
        door = HotDoor(**options)
        self.assertEqual(door.ask(TARGET).status, 200)
        self.assertEqual(door.asked, 1)
        return door

    def goes_on(self, door: HotDoor, expected: int = 2, **headers: str) -> None:
        """The request takes the whole way."""
        door.ask(TARGET, **headers)
        self.assertEqual(door.asked, expected, headers)

    def test_what_was_answered_is_answered_again_without_being_looked_up(self) -> None:
        door = self.warm()
        for _ in range(3):
            answer = door.ask(TARGET)
            self.assertEqual((answer.status, answer.body, answer.headers["X-From-Cache"]), (200, BODY, "True"))
        self.assertEqual(door.asked, 1)

    def test_the_answer_is_the_same_but_for_its_number_and_the_time_it_took(self) -> None:
        door = self.warm()
        first, second = (door.wire().send(request(TARGET)) for _ in range(2))
        whole = HotDoor(in_front=False).wire().send(request(TARGET))
        self.assertEqual(_OWN.sub(b"", first.received()), _OWN.sub(b"", whole.received()))
        self.assertNotEqual(first.received(), second.received())

    def test_dates_go_on(self) -> None:
        door = self.warm()
        door.until = NOW + 100
        door.clock.advance(2)
        door.ask(TARGET)
        door.clock.advance(3)
        answer = door.ask(TARGET)
        self.assertEqual(door.asked, 2)
        self.assertEqual(answer.headers["Date"], "Fri, 15 Jan 2027 08:00:05 GMT")
        self.assertEqual(answer.headers["Expires"], "Fri, 15 Jan 2027 08:10:05 GMT")

    def test_it_is_counted_and_logged_like_any_other(self) -> None:
        door = self.warm()
        door.ask(TARGET, User_Agent='a "browser"', Referer="http://a/", X_Forwarded_For="1.2.3.4")
        cold = HotDoor(in_front=False)
        cold.ask(TARGET)
        cold.ask(TARGET, User_Agent='a "browser"', Referer="http://a/", X_Forwarded_For="1.2.3.4")
        self.assertEqual(door.asked, 1)
        self.assertEqual(len(door.entries), 2)
        for name in ("client", "forwarded_for", "time", "request_line", "status", "body_bytes", "from_cache", "agent"):
            self.assertEqual(getattr(door.entries[1], name), getattr(cold.entries[1], name), name)
        self.assertEqual(door.entries[1].protocol, "http")
        strip = [{k: v for k, v in one.items() if k != "seconds"} for one in (door.counted[1], cold.counted[1])]
        self.assertEqual(strip[0], strip[1])
        self.assertEqual(door.site.requests_answered, 2)

    def test_head_has_a_head_only(self) -> None:
        door = HotDoor()
        for _ in range(2):
            wire = door.wire().send(request(TARGET, method="HEAD"))
            [answer] = wire.answers(bodies=False)
            self.assertEqual((answer.status, answer.headers["Content-Length"]), (200, str(len(BODY))))
            self.assertTrue(wire.received().endswith(b"\r\n\r\n"))
        self.assertEqual((door.asked, door.entries[1].body_bytes), (1, 0))

    def test_who_has_it_is_told_so(self) -> None:
        door = self.warm()
        for _ in range(3):
            answer = door.ask(TARGET, If_None_Match=f'"{ETAG}"')
            self.assertEqual((answer.status, answer.body, answer.headers["ETag"]), (304, b"", f'"{ETAG}"'))
        self.assertEqual(door.asked, 2)
        self.assertEqual(door.counted[-1]["kind"], "not_modified")
        self.goes_on(door, 3, If_None_Match='"other"')

    def test_what_it_rests_on_must_be_the_same(self) -> None:
        for change in (
            lambda door: setattr(door, "permissions", PermissionSnapshot(accounts={}, groups={}, rows={})),
            lambda door: setattr(door, "rules", object()),
            lambda door: door.clock.advance(1.01),
            lambda door: door.cached.clear(),
            lambda door: door.site.configure(door.site.settings),
        ):
            door = self.warm()
            change(door)
            self.goes_on(door)

    def test_what_changes_while_it_is_being_answered_counts(self) -> None:
        door = HotDoor()
        before = door.rules

        async def prepare(*args: object, **options: object) -> object:
            door.rules = object()
            door.images.queries.append({})
            return prepared_image()

        door.images.prepare = prepare  # type: ignore[method-assign,assignment]
        door.ask(TARGET)
        self.assertIsNot(door.rules, before)
        self.goes_on(door)

    def from_elsewhere(self, **options: Any) -> tuple[HotDoor, Wire, Deferred[CachedRendition | None]]:
        """A request whose image is not in memory any more, while another cache is being asked for it."""
        door = self.warm(**options)
        door.cached.clear()
        door.elsewhere = asked = Deferred()
        wire = door.wire().send(request(TARGET))
        self.assertEqual((door.asked, door.brought, wire.received()), (1, 1, b""))
        return door, wire, asked

    def test_what_is_not_in_memory_comes_from_another_cache(self) -> None:
        door, wire, asked = self.from_elsewhere()
        asked.callback(CachedRendition(data=BODY, format="jpg"))
        [answer] = wire.answers()
        self.assertEqual((answer.status, answer.body, door.asked), (200, BODY, 1))
        self.assertEqual(door.hot.answered, 0, "it did not come from memory")
        self.assertEqual((len(door.entries), door.counted[-1]["kind"]), (2, "cached"))
        door.elsewhere = succeed(CachedRendition(data=BODY, format="jpg"))
        self.assertEqual((door.ask(TARGET).body, door.asked), (BODY, 1))

    def test_a_head_of_what_is_not_in_memory_comes_from_another_cache_too(self) -> None:
        door = HotDoor()
        door.wire().send(request(TARGET, method="HEAD"))
        door.cached.clear()
        door.elsewhere = succeed(CachedRendition(data=BODY, format="jpg"))
        wire = door.wire().send(request(TARGET, method="HEAD"))
        self.assertEqual((len(wire.answers(bodies=False)), door.asked), (1, 1))
        self.assertTrue(wire.received().endswith(b"\r\n\r\n"))

    def test_what_no_cache_has_takes_the_whole_way(self) -> None:
        door, wire, asked = self.from_elsewhere()
        asked.callback(None)
        self.assertEqual((len(wire.answers()), door.asked), (1, 2))
        door, wire, asked = self.from_elsewhere()
        asked.errback(ValueError())
        self.assertEqual((len(wire.answers()), door.asked), (1, 2))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_what_changes_while_another_cache_is_asked_counts(self) -> None:
        for change in (
            lambda door: setattr(door, "permissions", PermissionSnapshot(accounts={}, groups={}, rows={})),
            lambda door: setattr(door, "rules", object()),
            lambda door: door.clock.advance(1.01),
            lambda door: door.site.configure(door.site.settings),
            lambda door: door.site.drain(),
        ):
            door, wire, asked = self.from_elsewhere()
            change(door)
            asked.callback(CachedRendition(data=b"another", format="jpg"))
            [answer] = wire.answers()
            self.assertEqual((answer.body, door.asked), (BODY, 2))

    def test_what_comes_while_another_cache_is_asked_waits_its_turn(self) -> None:
        _door, wire, asked = self.from_elsewhere()
        wire.send(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertEqual(wire.received(), b"")
        asked.callback(CachedRendition(data=BODY, format="jpg"))
        first, second = wire.answers()
        self.assertEqual((first.body, second.status), (BODY, 200))

    def test_nothing_is_sent_to_who_has_gone_while_another_cache_was_asked(self) -> None:
        door, wire, asked = self.from_elsewhere()
        wire.leave()
        asked.callback(CachedRendition(data=BODY, format="jpg"))
        self.assertEqual((wire.received(), door.asked), (b"", 1))

    def test_a_server_that_stops_waits_for_the_other_cache(self) -> None:
        door, wire, asked = self.from_elsewhere()
        door.site.drain()
        door.clock.advance(2)
        self.assertFalse(wire.closing)
        asked.callback(CachedRendition(data=BODY, format="jpg"))
        [answer] = wire.answers()
        self.assertEqual((answer.status, answer.headers["Connection"]), (200, "close"))

    def test_what_is_not_for_everybody_is_not_kept(self) -> None:
        for changes in ({"public": False}, {"lasting": False}, {"xref": "x"}, {"anew": True}):
            door = HotDoor()
            door.images.prepared = prepared_image(**changes)
            door.ask(TARGET)
            self.goes_on(door)
        door = HotDoor()
        door.images.from_cache = False
        door.ask(TARGET)
        self.goes_on(door)

    def test_headers_that_may_matter_take_the_whole_way(self) -> None:
        for headers in (
            {"Range": "bytes=0-1"}, {"If_Modified_Since": "x"}, {"If_Match": "*"}, {"Authorization": "Basic eA=="},
            {"Cookie": "session=abc"}, {"Cookie": "a=b; session=abc"}, {"Connection": "close"}, {"Upgrade": "h2c"},
            {"Content_Length": "0"}, {"Transfer_Encoding": "chunked"}, {"Expect": "100-continue"},
            {"X_Forwarded_Proto": "https"}, {"If_Range": "x"}, {"Host": "a b"}, {"X": "y"},
        ):  # fmt: skip
            door = self.warm()
            wire = door.wire().send(request(TARGET, **headers))
            whole = HotDoor(in_front=False).wire().send(request(TARGET, **headers))
            self.assertEqual(_OWN.sub(b"", wire.received()), _OWN.sub(b"", whole.received()), headers)
            if not headers.keys() & {"Host", "Expect", "Transfer_Encoding"}:  # which are not whole, or none
                self.assertEqual(door.asked, 2, headers)

    def by_viewer(self, **options: Any) -> HotDoor:
        """The format goes by what the client accepts."""
        door = HotDoor(**options)
        door.images.prepared = prepared_image(accepts=())
        door.cached.update({f"{ETAG}{one}": CachedRendition(data=BODY, format=one) for one in ("jpg", "webp")})
        return door

    def test_where_the_format_goes_by_the_viewer_each_gets_their_own(self) -> None:
        doors = [self.by_viewer(), self.by_viewer(in_front=False)]
        for accept in ("image/webp", "*/*", "image/webp,image/*", "image/*", "image/webp", "*/*"):
            answers = [_OWN.sub(b"", door.wire().send(request(TARGET, Accept=accept)).received()) for door in doors]
            self.assertEqual(*answers)
            chosen = b"webp" if b"webp" in accept.encode() else b"jpg"
            self.assertIn(b"Content-Type: image/" + chosen, answers[0])
            self.assertIn(b"\r\nVary: Accept\r\n", answers[0])
        self.assertEqual([door.asked for door in doors], [2, 6])

    def test_the_copy_in_another_format_is_not_the_one_that_is_meant(self) -> None:
        door = self.by_viewer()
        tags = {one: f'"{ETAG}{one}"' for one in ("jpg", "webp")}
        for _ in range(2):
            for accept, chosen in (("image/webp", "webp"), ("*/*", "jpg")):
                self.assertEqual(door.ask(TARGET, Accept=accept).status, 200)
                self.assertEqual(door.ask(TARGET, Accept=accept, If_None_Match=tags[chosen]).status, 304)
        self.assertEqual(door.asked, 4)
        for accept, other in (("image/webp", "jpg"), ("*/*", "webp")):
            self.assertEqual(door.ask(TARGET, Accept=accept, If_None_Match=tags[other]).status, 200)

    def test_headers_that_do_not_matter_do_not(self) -> None:
        door = self.warm()
        for headers in (
            {"Accept": "image/*", "Accept_Encoding": "gzip", "Accept_Language": "de", "User_Agent": "x"},
            {"Cookie": "basket=1; theme=dark"}, {"Connection": "Keep-Alive"}, {"Origin": "http://a"},
            {"Sec_Fetch_Mode": "cors"}, {"X_Request_Id": "a-client's"},
        ):  # fmt: skip
            door.ask(TARGET, **headers)
        self.assertEqual(door.asked, 1)

    def test_the_number_that_a_proxy_of_ours_has_given_is_kept(self) -> None:
        ours = {"proxy_servers": 1, "proxy_addresses": (ip_network("192.0.2.0/24"),)}
        door = self.warm(**ours)
        for number in ("trace-1", "trace-2", "no number"):
            answers = [one.ask(TARGET, X_Request_Id=number) for one in (door, HotDoor(in_front=False, **ours))]
            for answer in answers:
                self.assertEqual(answer.headers["X-Request-Id"] == number, number.startswith("trace"), number)
        self.assertEqual(door.asked, 1)
        self.assertEqual([entry.request_id for entry in door.entries][1:3], ["trace-1", "trace-2"])
        self.assertNotEqual(self.warm().ask(TARGET, X_Request_Id="trace-3").headers["X-Request-Id"], "trace-3")

    def test_origins_matter_where_not_all_are_allowed(self) -> None:
        door = self.warm(cors_allow_origin=("http://a",))
        self.goes_on(door, Origin="http://a")

    def test_a_connection_that_is_busy_or_ends_takes_the_whole_way(self) -> None:
        door = self.warm()
        wire = door.wire()
        wire.send(request(TARGET) + request(TARGET))
        self.assertEqual((door.asked, len(wire.answers())), (3, 2))
        wire.send(request(TARGET)[:30]).send(request(TARGET)[30:])
        self.assertEqual(door.asked, 4)
        wire.send(request(TARGET))
        self.assertEqual((door.asked, len(wire.answers())), (4, 4))
        door.site.drain()
        self.goes_on(door, 5)

    def test_a_client_that_takes_nothing_gets_nothing_more(self) -> None:
        door = self.warm()
        wire = door.wire(room=10)
        wire.send(request(TARGET))
        sent = len(wire.received())
        for _ in range(3):
            wire.send(request(TARGET))
        self.assertEqual(len(wire.received()), sent)
        wire.take()
        self.assertGreater(len(wire.received()), sent)

    def test_an_idle_connection_ends_after_its_last_answer(self) -> None:
        door = self.warm()
        wire = door.wire()
        door.clock.advance(0.5)
        wire.send(request(TARGET))
        self.assertEqual(door.asked, 1)
        door.clock.advance(14.9)
        self.assertFalse(wire.closing)
        door.clock.advance(0.2)
        self.assertTrue(wire.closing)

    def test_answers_are_bounded(self) -> None:
        self.patch(hot_answers, "_KEPT", 50)
        door = HotDoor()
        wire = door.wire()
        for number in range(60):
            wire.send(request(f"{TARGET}&x={number}"))
        self.assertEqual((len(door.hot.answers), door.asked), (50, 60))
        wire.send(request(f"{TARGET}&x=59"))
        self.assertEqual(door.asked, 60)
        wire.send(request(f"{TARGET}&x=0"))
        self.assertEqual(door.asked, 61)

    def test_heads_are_bounded(self) -> None:
        door = self.warm()
        self.patch(hot_heads, "_KEPT", 50)
        wire = door.wire()
        for number in range(60):
            wire.send(request(TARGET, Referer=f"http://a/{number}"))
        self.assertLessEqual(len(door.hot.heads), 50)
        self.assertEqual(door.asked, 1)


_LINES = st.sampled_from(
    [
        f"GET {TARGET} HTTP/1.1", f"HEAD {TARGET} HTTP/1.1", f"GET {TARGET} HTTP/1.0", f"get {TARGET} HTTP/1.1",
        "GET /health HTTP/1.1", f"GET  {TARGET} HTTP/1.1", f"GET {TARGET}", "POST /image HTTP/1.1",
        f"GET http://a{TARGET} HTTP/1.1",
        "", f"GET {TARGET} HTTP/1.1 ", f"GET {TARGET}\t HTTP/1.1", f"GET {TARGET}#x HTTP/1.1",
    ]
)  # fmt: skip
_HEADERS = st.sampled_from(
    [
        "Host: a", "Host: b", "host:a", "Host:", "Host: a b", "Host : a", "User-Agent: x", "User-Agent: \xe9",
        "novalue",
        "Accept:\x00", "Cookie: a=b", "Cookie: session=x", "Connection: close", "Connection: keep-alive, x", ": x",
        "Content-Length: 3", "Content-Length: 0", "Transfer-Encoding: chunked", "Range: bytes=1-2", "If-None-Match: *",
        f'If-None-Match: "{ETAG}"', "If-None-Match: x", "If-Modified-Since: Fri, 15 Jan 2027 08:00:00 GMT", " folded",
        "\tfolded", "Referer: http://a/\r", "X-Forwarded-For: 1.2.3.4", "Origin: http://a", "Accept: a\nb",
        "Expect: 100-continue",
    ]
)  # fmt: skip
_REQUESTS = st.builds(
    lambda line, headers, end: "\r\n".join([line, *headers]).encode("latin-1") + end,
    _LINES,
    st.lists(_HEADERS, max_size=4).map(lambda extra: ["Host: a", *extra] if len(extra) % 2 else extra),
    st.sampled_from([b"\r\n\r\n", b"\r\n\r\n", b"\r\n\r\n", b"\n\n", b"\r\n", b"\r\n\r\nabc", b"\r\n\r\n\r\n"]),
)
_PLAIN = st.just(request(TARGET))


class EqualityTests(SynchronousTestCase):
    """Whatever bytes come, in whatever pieces: with the hot path they are answered as without it."""

    saved = 0

    def test_both_ways_give_the_same_bytes(self) -> None:
        self.compare()
        self.assertGreater(self.saved, 100, "requests that were answered in front")

    @settings(max_examples=400, deadline=None)
    @given(data=st.data())
    def compare(self, data: st.DataObject) -> None:
        raw = b"".join(
            data.draw(st.lists(st.one_of(_PLAIN, _REQUESTS, st.binary(max_size=20)), min_size=1, max_size=5))
        )
        cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=4)))
        pieces = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
        # The plain requests come in one piece, or the hot path would have little to do.
        if data.draw(st.booleans()):
            pieces = [request(TARGET), raw, request(TARGET)]
        late = data.draw(st.sampled_from([None, 0, 1, 2]))
        self.assertEqual(*(self.answered(HotDoor(in_front=in_front), pieces, late) for in_front in (True, False)))

    def answered(self, door: HotDoor, pieces: list[bytes], late: int | None) -> tuple[object, ...]:
        """What comes back; ``late``: after how many further pieces another cache answers, memory having nothing."""
        door.ask(TARGET)
        door.ask(TARGET, If_None_Match=f'"{ETAG}"')
        door.ask(TARGET, method="HEAD")
        found = CachedRendition(data=BODY, format="jpg")
        if late is not None:
            door.cached.clear()
        waiting = door.elsewhere = succeed(found)
        wire = door.wire()
        for number, piece in enumerate(pieces):
            if late and number % late == 0:
                waiting, door.elsewhere = door.elsewhere, Deferred()
                if not waiting.called:
                    waiting.callback(found)
            if not wire.transport.ended and not wire.transport.disconnecting:
                wire.send(piece)
        if not door.elsewhere.called:
            door.elsewhere.callback(found)
        self.saved += len(door.entries) - door.asked if door.site.hot is not None else 0
        told = [(one.request_line, one.status, one.body_bytes, one.agent, one.from_cache) for one in door.entries]
        door.clock.advance(0)
        answer = _OWN.sub(b"", wire.received())
        self.leave(wire)
        return answer, wire.closing, told, [one.get("kind") for one in door.counted]

    def leave(self, wire: Wire) -> None:
        if not wire.transport.ended:
            wire.leave()
