"""Pages, from their addresses to what browsers are told: with handlers of the test's own."""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs
from jinja2 import Environment
from twisted.trial.unittest import SynchronousTestCase

from qisd.access.levels import Flag, implied
from qisd.access.snapshot import Account
from qisd.access.visitor import ANONYMOUS, Visitor
from qisd.errors import BadParameter, NotAuthenticated, NotFound, StoreUnavailable
from qisd.web.bodies import BodyRules
from qisd.web.console.assets import shipped
from qisd.web.console.dispatch import PageDispatcher
from qisd.web.console.frame import Frame, frame
from qisd.web.console.page import Bare, Page, PageCall, Redirect, Who, address
from qisd.web.console.routes import ConsoleRoutes
from qisd.web.door import open_rooms
from qisd.web.errors import not_found
from qisd.web.root import Rooms
from tests.web.support import Answer, Door, request


class Rehearsal:
    """Pages of every kind."""

    def __init__(self) -> None:
        self.calls: list[PageCall] = []

    @address("/list/")
    async def browse(self, call: PageCall) -> Page:
        self.calls.append(call)
        return Page(template="signed_in.html", title="<Spring>", area="login", data={"text": "</script>\u2028&"})

    @address("/list/", post=True)
    async def submit(self, call: PageCall) -> Redirect:
        self.calls.append(call)
        return Redirect(target="list/?done=1", status=303)

    @address("/portfolios/<name>/", who=Who.ANYBODY, public=True)
    async def public(self, call: PageCall, name: str) -> Page:
        headers = [("Cache-Control", "no-cache"), ("Content-Security-Policy", "default-src 'none'")]
        return Page(template="error.html", title=name, area="error", headers=headers, values={"error": not_found()})

    @address("/reports/")
    async def other(self, call: PageCall) -> Bare:
        return Bare()

    @address("/admin/", who=Who.ANY_ADMIN)
    async def administration(self, call: PageCall) -> Redirect:
        return Redirect(target="/elsewhere/")

    @address("/admin/users/<int:user_id>/", who=Flag.ADMIN_USERS)
    async def user(self, call: PageCall, user_id: int) -> Page:
        if user_id == 1:
            raise NotFound("There is no user <1>")
        if user_id == 2:
            raise ValueError("/srv/images is broken")
        raise BadParameter("user_id", "is unlucky")

    @address("/account/", first_steps=True)
    async def account(self, call: PageCall) -> Bare:
        return Bare()


@attrs.define
class Someone:
    """Says who is asking."""

    visitor: Visitor | Exception = ANONYMOUS

    async def of(self, request: object, *, first_steps: bool = False) -> Visitor:
        if isinstance(self.visitor, Exception):
            raise self.visitor
        return self.visitor

    async def or_stranger(self, request: object, *, first_steps: bool = False) -> Visitor:
        try:
            return await self.of(request)
        except StoreUnavailable:
            return ANONYMOUS


class Tokens:
    def csrf_token(self, session_id: int) -> str:
        return f"token-of-{session_id}"

    def csrf_holds(self, session_id: int, token: str) -> bool:
        return token == self.csrf_token(session_id)


class AllBodies:
    async def admit(self, request: object) -> BodyRules:
        return BodyRules(limit=10_000)


def user(*flags: Flag, state: int = 0) -> Visitor:
    account = Account(
        id=7,
        username="ann",
        active=True,
        allow_api=True,
        stamp=0,
        groups=frozenset(),
        flags=implied(flags),
        password_state=state,
    )
    return Visitor(account=account, by="session", session=3)


class ConsoleTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.pages, self.identity = Rehearsal(), Someone()
        self.denied: list[str] = []
        self.use(internal_browsing_ssl=False)

    def use(self, **settings: object) -> None:
        async def name_of(visitor: Visitor) -> str:
            return "Ann <Example>"

        self.door = Door(**settings)
        dispatcher = PageDispatcher(
            frame(),
            identity=self.identity,  # type: ignore[arg-type]
            tokens=Tokens(),
            name_of=name_of,
            denied=lambda visitor, asked, reason: self.denied.append(asked()),
        )
        open_rooms(
            self.door.site,
            Rooms(console=ConsoleRoutes(dispatcher, [self.pages]), bodies=AllBodies()),  # type: ignore[arg-type]
        )

    def ask(self, target: str, *, method: str = "GET", **headers: str) -> Answer:
        return self.door.ask(target, method=method, **{"Accept": "text/html", **headers})

    def post(self, target: str, form: str = "", **headers: str) -> Answer:
        wire = self.door.wire()
        sent = {
            "Accept": "text/html",
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": str(len(form)),
            **headers,
        }
        wire.send(request(target, method="POST", **sent) + form.encode())
        (answer,) = wire.answers()
        return answer


class WayTests(ConsoleTests):
    def test_strangers_are_sent_to_log_in_and_back_with_all_of_the_address(self) -> None:
        answer = self.ask("/list/?path=/a%26b&x=%23")
        self.assertEqual(answer.status, 302)
        self.assertEqual(answer.headers["Location"], "/login/?next=/list/%3Fpath%3D/a%2526b%26x%3D%2523")
        self.assertEqual(answer.headers["Cache-Control"], "no-store")

    def test_a_page_without_its_slash_is_at_the_address_with_it(self) -> None:
        answer = self.ask("/list?path=/a%20b")
        self.assertEqual((answer.status, answer.headers["Location"]), (301, "/list/?path=/a%20b"))

    def test_below_a_prefix_all_of_that_has_it(self) -> None:
        self.use(internal_browsing_ssl=False, application_root="/qis/")
        self.assertEqual(self.ask("/qis/list/").headers["Location"], "/qis/login/?next=/qis/list/")
        self.assertEqual(self.ask("/qis/list").headers["Location"], "/qis/list/")
        self.identity.visitor = user()
        page = self.ask("/qis/list/").body.decode()
        self.assertEqual(set(re.findall(r'(?:href|src|action)="(/[^/"]*/)', page)), {"/qis/"})

    def test_what_is_not_for_the_public_comes_by_https_only(self) -> None:
        self.use(internal_browsing_ssl=True)
        self.assertEqual(self.ask("/list/").status, 401)
        self.assertEqual(self.ask("/portfolios/spring/").status, 200)

    def test_nor_by_another_port_than_that_of_the_console(self) -> None:
        self.use(internal_browsing_ssl=False, internal_browsing_port=81)
        self.assertEqual(self.ask("/list/").status, 401)
        self.assertEqual(self.ask("/portfolios/spring/").status, 200)

    def test_parts_of_the_address_reach_the_handler_and_other_forms_of_a_number_are_none(self) -> None:
        self.identity.visitor = user(Flag.ADMIN_USERS)
        self.assertEqual(self.ask("/admin/users/3/").status, 400)
        self.assertEqual(self.ask("/admin/users/x/").status, 404)
        self.assertEqual(self.ask("/admin/users/%D9%A3/").status, 404)

    def test_who_must_choose_a_password_is_sent_to_do_so(self) -> None:
        self.identity.visitor = user(state=2)
        answer = self.ask("/list/")
        self.assertEqual((answer.status, answer.headers["Location"]), (302, "/account/"))
        self.assertEqual(self.ask("/account/").status, 204)

    def test_a_handler_can_send_elsewhere_or_answer_without_a_page(self) -> None:
        self.identity.visitor = user(Flag.ADMIN_ALL)
        self.assertEqual(self.ask("/admin/").headers["Location"], "/elsewhere/")
        answer = self.ask("/reports/")
        self.assertEqual((answer.status, answer.body), (204, b""))

    def test_the_first_of_several_values_counts(self) -> None:
        self.identity.visitor = user()
        self.ask("/list/?path=/a&embed=1&path=/b")
        (call,) = self.pages.calls
        self.assertEqual((call.query["path"], call.embed, dict(call.form)), ("/a", True, {}))


class RightTests(ConsoleTests):
    def test_a_page_for_administrators_is_for_any_kind_of_them(self) -> None:
        for visitor, status in (
            (user(), 403),
            (user(Flag.REPORTS), 403),
            (user(Flag.ADMIN_FILES), 302),
            (user(Flag.ADMIN_ALL), 302),
        ):
            self.identity.visitor = visitor
            self.assertEqual(self.ask("/admin/").status, status, visitor.flags)

    def test_a_missing_system_permission_is_told_in_the_frame_and_counted(self) -> None:
        self.identity.visitor = user()
        answer = self.ask("/admin/users/3/?x=secret")
        self.assertEqual(answer.status, 403)
        self.assertIn("Ann &lt;Example&gt;", answer.body.decode())
        self.assertEqual(self.denied, ["GET /admin/users/3/"])


class FormTests(ConsoleTests):
    def test_a_form_of_a_session_proves_where_it_is_from(self) -> None:
        self.identity.visitor = user()
        for form in ("a=1", "a=1&_csrf_token=token-of-4"):
            self.assertEqual(self.post("/list/", form).status, 400, form)
        self.assertEqual(self.pages.calls, [])
        answer = self.post("/list/", "a=%C3%A4+1&_csrf_token=token-of-3")
        self.assertEqual((answer.status, answer.headers["Location"]), (303, "/list/?done=1"))
        self.assertEqual(self.pages.calls[0].form["a"], "ä 1")
        self.assertEqual(self.post("/list/", "a=1", X_CSRF_Token="token-of-3").status, 303)

    def test_strangers_forms_are_refused(self) -> None:
        self.assertEqual(self.post("/list/", "a=1").status, 401)

    def test_a_page_that_takes_none_says_so(self) -> None:
        self.identity.visitor = user()
        answer = self.post("/reports/", "a=1")
        self.assertEqual(answer.status, 405)
        self.assertIn("GET", answer.headers["Allow"])


class FrameTests(ConsoleTests):
    def test_a_page_is_nobody_elses_and_lets_nothing_in(self) -> None:
        self.identity.visitor = user()
        headers = self.ask("/list/").headers
        self.assertEqual(headers["Cache-Control"], "no-store")
        self.assertEqual(
            headers["Content-Security-Policy"],
            "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none';"
            " frame-ancestors 'self'; form-action 'self'",
        )
        self.assertEqual((headers["X-Frame-Options"], headers["Referrer-Policy"]), ("SAMEORIGIN", "same-origin"))

    def test_what_was_prepared_is_compiled_for_nobody_who_asks(self) -> None:
        made = Frame(shipped())
        made.prepare()
        self.patch(Environment, "compile", lambda *given: self.fail("a template is compiled"))
        names = made._environment.list_templates()
        self.assertIn("browse.html", names)
        for name in names:
            made._environment.get_template(name)

    def test_a_page_says_otherwise_where_it_must(self) -> None:
        headers = self.ask("/portfolios/spring/").headers
        self.assertEqual(headers["Cache-Control"], "no-cache")
        self.assertEqual(headers["Content-Security-Policy"], "default-src 'none'")

    def test_it_holds_no_script_and_no_style_of_its_own(self) -> None:
        self.identity.visitor = user(Flag.ADMIN_ALL)
        page = self.ask("/list/").body.decode()
        for script in re.findall(r"<script[^>]*>", page):
            self.assertTrue("src=" in script or 'type="application/json"' in script, script)
        for forbidden in ("<style", " style=", " onclick=", "javascript:"):
            self.assertNotIn(forbidden, page)
        self.assertEqual(re.findall(r'(?:src|href)="(?!/)[^"#]*"', page), [])

    def test_data_for_scripts_cannot_end_its_element(self) -> None:
        self.identity.visitor = user()
        page = self.ask("/list/").body.decode()
        self.assertIn('{"text":"\\u003c/script\\u003e\\u2028\\u0026"}', page)
        self.assertIn("&lt;Spring&gt;", page)
        self.assertIn('<meta name="csrf-token" content="token-of-3">', page)

    def test_an_embedded_page_has_no_menus_but_a_way_to_close_it(self) -> None:
        self.identity.visitor = user()
        page = self.ask("/list/?embed=1").body.decode()
        self.assertNotIn("<header", page)
        self.assertIn("data-close", page)

    def test_the_menus_show_what_one_may(self) -> None:
        for visitor, shown, hidden in (
            (user(), ("/list/", "/search/"), ("/dashboard/", "/admin/users/", "/reports/top10/")),
            (user(Flag.REPORTS), ("/dashboard/", "/reports/top10/"), ("/admin/users/",)),
            (user(Flag.ADMIN_USERS), ("/admin/users/", "/admin/templates/"), ("/admin/maintenance/",)),
            (ANONYMOUS, ("/login/",), ("/list/", "/search/")),
        ):
            self.identity.visitor = visitor
            page = self.ask("/portfolios/spring/").body.decode()
            links = set(re.findall(r'(?:href|action)="([^"]*)"', page.partition("<main")[0]))
            self.assertLessEqual(set(shown), links, visitor.flags)
            self.assertEqual(links & set(hidden), set(), visitor.flags)

    def test_the_folder_visited_last_is_where_the_menus_lead(self) -> None:
        self.identity.visitor = user()
        page = self.ask("/list/", Cookie="qis_folder=/a%20%26%20b").body.decode()
        self.assertIn('href="/list/?path=/a+%26+b"', page)
        page = self.ask("/list/", Cookie="qis_folder=//evil%0a").body.decode()
        self.assertIn('href="/list/"', page)

    def test_a_theme_is_in_the_first_line(self) -> None:
        for cookie, first in (("dark", ' data-theme="dark">'), ("system", 'lang="en">'), ('"><b>', 'lang="en">')):
            page = self.ask("/portfolios/spring/", Cookie=f"qis_theme={cookie}").body.decode()
            self.assertTrue(page.splitlines()[1].endswith(first), page.splitlines()[1])


class ErrorTests(ConsoleTests):
    def test_errors_of_the_domain_are_pages_with_their_status_and_text(self) -> None:
        self.identity.visitor = user(Flag.ADMIN_USERS)
        answer = self.ask("/admin/users/1/")
        self.assertEqual((answer.status, answer.headers["Cache-Control"]), (404, "no-store"))
        self.assertIn("There is no user &lt;1&gt;", answer.body.decode())

    def test_of_the_unexpected_only_a_number_is_told(self) -> None:
        self.identity.visitor = user(Flag.ADMIN_USERS)
        answer = self.ask("/admin/users/2/")
        self.assertEqual(answer.status, 500)
        self.assertNotIn("srv", answer.body.decode())
        self.assertIn(answer.headers["X-Request-Id"], answer.body.decode())
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_an_unknown_address_is_told_of_in_the_frame_of_whoever_asks(self) -> None:
        self.identity.visitor = user()
        answer = self.ask("/nothing/here")
        self.assertEqual(answer.status, 404)
        self.assertIn("Ann &lt;Example&gt;", answer.body.decode())

    def test_who_wants_no_page_gets_none(self) -> None:
        for accept in ("application/json", "*/*", "image/png"):
            body = self.ask("/nothing/", Accept=accept).body
            self.assertNotIn(b"<header", body, accept)

    def test_pictures_that_are_not_there_are_told_of_in_few_words(self) -> None:
        for target in ("/image?src=", "/original?x", "/erez/erez", "/static/none.js"):
            self.assertLess(len(self.ask(target, Accept="text/html,image/png,*/*").body), 400, target)

    def test_while_it_cannot_be_known_who_asks_the_page_says_so(self) -> None:
        self.identity.visitor = StoreUnavailable(retry_after=7)
        answer = self.ask("/list/")
        self.assertEqual((answer.status, answer.headers["Retry-After"]), (503, "7"))
        self.assertIn("/login/", answer.body.decode())
        self.assertEqual(self.ask("/portfolios/spring/").status, 200)

    def test_a_token_that_came_the_wrong_way_opens_nothing_not_even_what_is_public(self) -> None:
        self.identity.visitor = NotAuthenticated()
        self.assertEqual(self.ask("/portfolios/spring/").status, 401)


class BeginningTests(SynchronousTestCase):
    """Before there is a database."""

    def asked(self, target: str) -> int:
        return Door().ask(target, Accept="text/html").status

    def test_the_first_page_is_there_the_others_will_be_and_the_rest_never(self) -> None:
        for target, status in (("/", 200), ("/list/", 503), ("/admin/users/3/", 503), ("/nothing/", 404)):
            self.assertEqual(self.asked(target), status, target)

    def test_it_is_known_of_every_page_that_it_is_one(self) -> None:
        names: Sequence[str] = ("login", "account", "about", "tasks", "search", "trash", "compare", "dashboard")
        for name in names:
            self.assertEqual(self.asked(f"/{name}/"), 503, name)
