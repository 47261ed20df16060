"""The whole API on a real database and a real library, in this process, asked over real sockets."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs
import treq
from PIL import Image
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.web.client import Agent, HTTPConnectionPool

from qisd.access.levels import Flag
from qisd.cache.memory import MemoryCache
from qisd.imaging.template import parse_template
from qisd.pools.files import FilePool
from qisd.pools.hashing import HashingPool
from qisd.pools.render import RenderPool
from qisd.service.data_store import DataStore
from qisd.service.domain import Domain, Pools
from qisd.service.image_rules import choices, image_rules
from qisd.settings import default_settings
from qisd.web.door import make_site, open_rooms
from qisd.web.operations import Readiness
from tests.integration.database import DatabaseCase

_RULES = image_rules(default_settings())
_WHOLE = ("/api", "/pictures", "/image", "/original", "/login", "/logout")
_numbers = itertools.count(1)


@attrs.frozen(kw_only=True)
class Reply:
    """An answer; ``data`` and ``message`` are those of its envelope."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        return self.json["data"]

    @property
    def message(self) -> str:
        return str(self.json["message"])


class ApiCase(DatabaseCase):
    """A test of endpoints.

    :cvar settings: settings that differ from their defaults. HTTPS is not asked for, unless they say so.
    :ivar root: the image library.
    :ivar domain: all that is behind the API.
    """

    settings: Mapping[str, Any] = MappingProxyType({})

    async def setUp(self) -> None:
        await super().setUp()
        self.folder = Path(tempfile.mkdtemp(prefix="qt-api-"))
        self.root = self.folder / "images"
        self.root.mkdir()
        (self.folder / "state").mkdir()
        values = attrs.evolve(
            default_settings(),
            **{
                "images_base_dir": self.root,
                "state_dir": self.folder / "state",
                "logging_base_dir": self.folder,
                "mgmt_database_connection": self.url,
                "internal_browsing_ssl": False,
                "min_free_space_mb": 0,
                **self.settings,
            },
        )
        self.pools = Pools(
            files=FilePool(reactor),
            uploads=FilePool(reactor, name="uploads"),
            renders=RenderPool(reactor, threads=4, memory=10**9, queue_max=100, timeout=30),
            hashing=HashingPool(reactor),
            directory=FilePool(reactor, name="directory"),
        )
        for pool in attrs.astuple(self.pools, recurse=False):
            pool.start()
            self.addCleanup(pool.stop)
        self.store = DataStore(
            values, reactor=reactor, parse=lambda document: parse_template(document, choices(_RULES))
        )
        await self.store.start(values.mgmt_database_connection)
        cache = MemoryCache(capacity=10**7)
        self.domain = Domain(
            values,
            rules=_RULES,
            store=self.store,
            pools=self.pools,
            cache=cache,
            floors={"memory": cache},
            track=lambda xref: None,
            keys=(b"k" * 32,),
            server="a" * 32,
            reactor=reactor,
        )
        await self.domain.start()
        self._site = site = make_site(
            settings=values,
            access_log=None,
            readiness=lambda: Readiness(ready=True, checks={}),
            reactor=reactor,
            body_files=self.pools.uploads,
        )
        open_rooms(site, self.domain.rooms())
        self._listening = reactor.listenTCP(0, site, interface="127.0.0.1")
        self.port = self._listening.getHost().port
        self._connections = HTTPConnectionPool(reactor, persistent=False)
        self._agent = Agent(reactor, pool=self._connections)
        self.addCleanup(self._close)

    async def _close(self) -> None:
        await self._listening.stopListening()
        await self._connections.closeCachedConnections()
        self._site.abort()  # what was refused is read for a while yet, lest its sender misses the answer
        await self._site.drained()
        await self.domain.stop()
        await self.store.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # People

    def group(self, name: str, *flags: Flag | str) -> int:
        """A new group with these system permissions; :meth:`refresh` makes it count."""
        ((number,),) = self.sql("insert into groups (name) values (%s) returning id", name)
        self.sql("insert into syspermissions (group_id) values (%s)", number)
        for flag in flags:
            self.sql(f"update syspermissions set {Flag(flag)} = true where group_id = %s", number)
        return int(number)

    async def person(self, *flags: Flag | str, groups: Iterable[int] = (), name: str = "") -> str:
        """A token of a new user, who is in group 2, in ``groups``, and in one of their own with ``flags``."""
        name = name or f"person{next(_numbers)}"
        ((user,),) = self.sql(
            "insert into users (username, password, allow_api) values (%s, '!', true) returning id", name
        )
        member_of = [2, *groups]
        if flags:
            member_of.append(self.group(f"of {name}", *flags))
        for group in member_of:
            self.sql("insert into usergroups (user_id, group_id) values (%s, %s)", user, group)
        return await self.token_of(int(user))

    async def token_of(self, user_id: int) -> str:
        """A token of an existing user."""
        await self.refresh()
        ((stamp,),) = self.sql("select stamp from users where id = %s", user_id)
        secret, _ = await self.database.transaction(
            lambda db: self.domain.sessions.open(db, "token", user_id=user_id, stamp=stamp)
        )
        return str(secret)

    async def admin(self) -> str:
        """A token of user 1."""
        return await self.token_of(1)

    async def session_of(self, user_id: int) -> tuple[str, str]:
        """The cookie of a new session of a user, and a CSRF token for it."""
        await self.refresh()
        ((stamp,),) = self.sql("select stamp from users where id = %s", user_id)
        secret, row = await self.database.transaction(
            lambda db: self.domain.sessions.open(db, "session", user_id=user_id, stamp=stamp)
        )
        return str(secret), self.domain.sessions.csrf_token(row.id)

    def permit(self, folder: str, group: int, access: int) -> None:
        """Give a group a level in the folder of this path, which must have a record; :meth:`refresh` makes it count."""
        self.sql(
            "insert into folderpermissions (folder_id, group_id, access) select id, %s, %s from folders where path = %s"
            " on conflict (folder_id, group_id) do update set access = excluded.access",
            group,
            access,
            folder,
        )

    async def refresh(self) -> None:
        """Let what was changed by SQL count."""
        await self.domain.permissions.refresh()

    # Pictures

    def paint(self, path: str, colour: str = "red", size: tuple[int, int] = (40, 30)) -> Path:
        """A picture in the library."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, colour).save(file)
        return file

    async def eventually(self, look: Callable[[], object], seconds: float = 30.0) -> None:
        """Wait until ``look`` says yes."""
        deadline = reactor.seconds() + seconds
        while not look():
            self.assertLess(reactor.seconds(), deadline, "it does not come to pass")
            await deferLater(reactor, 0.02)

    # Asking

    async def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        form: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        json: Any = None,
        query: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        cookie: str | None = None,
        below: str = "/api/v1",
        port: int | None = None,
    ) -> Reply:
        """Call an endpoint; ``path`` is ``below`` that, unless it has the whole address.

        :param port: that of another server than this one.
        """
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = "Basic " + base64.b64encode(f"{token}:".encode()).decode()
        if cookie is not None:
            sent["Cookie"] = f"session={cookie}"
        address = path if path.startswith(_WHOLE) else below + path
        more: dict[str, Any] = {}
        if json is not None:
            more["json"] = json
        if form is not None:
            pairs = form.items() if isinstance(form, Mapping) else form
            more["data"] = [(name, str(value)) for name, value in pairs]
        if files is not None:
            more["files"] = files
            more["data"] = dict(more.get("data", []))
        if body is not None:
            more["data"] = body
        response = await treq.request(
            method,
            f"http://127.0.0.1:{port or self.port}{address}",
            params={name: str(value) for name, value in (query or {}).items()},
            headers=sent,
            agent=self._agent,
            allow_redirects=False,
            unbuffered=False,
            **more,
        )
        content = await response.content()
        found = {
            name.decode("ascii").lower(): b", ".join(values).decode("latin-1")
            for name, values in response.headers.getAllRawHeaders()
        }
        return Reply(status=response.code, headers=found, body=content)
