"""The same for many images at once, as a task: each is judged by itself, as if it had been asked for alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import attrs

from qisd.access.visitor import Visitor
from qisd.errors import MissingParameter, NotFound, QisError, StoreUnavailable
from qisd.library.copying import Copying
from qisd.library.files import Files
from qisd.library.metadata import Metadata
from qisd.library.places import normalised, require_login, viewable
from qisd.library.tasks import VisitorOf
from qisd.pools.files import FilePool
from qisd.repository.tree import Tree
from qisd.store.images import Image
from qisd.store.tasks import Task
from qisd.tasks.queue import TaskQueue
from qisd.tasks.registry import TaskRun, TaskType

IMAGES_MAX = 10_000
"""How many one task takes."""

MOVE, COPY, DELETE, DESCRIBE = "bulk_move", "bulk_copy", "bulk_delete", "bulk_describe"

_KEPT = 86_400
_ATTEMPTS = 5

Step = Callable[[Visitor, int], Awaitable[Image]]
"""What is done to one image: the result is how it is now, or was last. Of one that is copied, it is the copy."""


@attrs.frozen(kw_only=True)
class Chosen:
    """The images that something is to be done to: by their ids, by their paths, or both."""

    ids: Sequence[int] = ()
    srcs: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class Description:
    """What is to be said of images; None leaves it as it is."""

    title: str | None = None
    description: str | None = None
    tags_add: Sequence[str] = ()
    tags_remove: Sequence[str] = ()


class Bulk:
    """Queues such tasks, and does them.

    Doing one again is harmless: what is done already stays so. Copies are not made again.
    """

    def __init__(
        self,
        *,
        files: Files,
        copying: Copying,
        metadata: Metadata,
        tree: Tree,
        pool: FilePool,
        queue: TaskQueue,
        visitor_of: VisitorOf,
    ) -> None:
        self._files = files
        self._copying = copying
        self._metadata = metadata
        self._tree = tree
        self._pool = pool
        self._queue = queue
        self._visitor_of = visitor_of

    # Asking

    async def move(self, visitor: Visitor, chosen: Chosen, folder: str) -> Task:
        """Have images moved into a folder, under the names that they have.

        :raises NotFound: there is no such folder. :raises AlreadyExists: just that is under way.
        """
        return await self._add(visitor, MOVE, chosen, {"folder": await self._folder(visitor, folder)})

    async def copy(self, visitor: Visitor, chosen: Chosen, folder: str) -> Task:
        """Have images copied into a folder, under names that are free there.

        :raises NotFound: there is no such folder. :raises AlreadyExists: just that is under way.
        """
        return await self._add(visitor, COPY, chosen, {"folder": await self._folder(visitor, folder)})

    async def delete(self, visitor: Visitor, chosen: Chosen) -> Task:
        """Have images deleted.

        :raises AlreadyExists: just that is under way.
        """
        return await self._add(visitor, DELETE, chosen, {})

    async def describe(self, visitor: Visitor, chosen: Chosen, said: Description) -> Task:
        """Have images described.

        :raises AlreadyExists: just that is under way.
        """
        values = {name: value for name, value in attrs.asdict(said).items() if value not in (None, (), [])}
        return await self._add(visitor, DESCRIBE, chosen, values)

    async def _folder(self, visitor: Visitor, folder: str) -> str:
        path = normalised(folder, parameter="folder")
        spelled = await viewable(visitor, path, folder=True, tree=self._tree, files=self._pool)
        if await self._pool.run(lambda: self._tree.kind(spelled)) != "folder":
            raise NotFound(f"'/{path}' was not found.")
        return f"/{spelled}"

    async def _add(self, visitor: Visitor, name: str, chosen: Chosen, more: Mapping[str, Any]) -> Task:
        require_login(visitor)
        if not chosen.ids and not chosen.srcs:
            raise MissingParameter("images")
        # By their ids, whatever names they get until it is their turn.
        known = await self._files.at(visitor, chosen.srcs)
        ids = [*chosen.ids, *(known[src].id for src in chosen.srcs if src in known)]
        missing = [src for src in chosen.srcs if src not in known]
        # Equal tasks of others are others: theirs may do what this one may not.
        params: dict[str, Any] = {"images": list(dict.fromkeys(ids)), "user_id": visitor.user_id, **more}
        if missing:
            params["missing"] = missing
        if visitor.scopes is not None:  # a key may do less than its owner
            params["key"] = {"scopes": sorted(visitor.scopes), "folder": visitor.folder}
        return await self._queue.add(name, params, user_id=visitor.user_id)

    # Doing

    def task_types(self) -> list[TaskType]:
        """What the task worker needs to know of it."""

        def kind(
            name: str,
            title: Callable[[Mapping[str, Any]], str],
            step: Callable[[TaskRun], Step],
            *,
            attempts: int = _ATTEMPTS,
        ) -> TaskType:
            async def run(run: TaskRun) -> object:
                return await self._each(run, step(run), again=attempts > 1)

            return TaskType(
                name=name, title=title, run=run, keep_for=_KEPT, repeatable=attempts > 1, max_attempts=attempts
            )

        return [
            kind(MOVE, lambda params: f"Move {_count(params)} to {params['folder']}", self._move_step),
            kind(COPY, lambda params: f"Copy {_count(params)} to {params['folder']}", self._copy_step, attempts=1),
            kind(DELETE, lambda params: f"Delete {_count(params)}", lambda run: self._delete_one),
            kind(DESCRIBE, lambda params: f"Describe {_count(params)}", self._describe_step),
        ]

    async def _each(self, run: TaskRun, step: Step, *, again: bool) -> object:
        """Take one image after the other; what became of each.

        :param again: whether the task is begun again after it has failed.
        :raises StoreUnavailable: it is worth while to begin again.
        """
        ids: list[int] = run.params["images"]
        done: list[int] = []
        srcs: list[str] = []
        errors = {src: _told(NotFound(f"'/{src.strip('/')}' was not found.")) for src in run.params.get("missing", ())}
        for number, image_id in enumerate(ids):
            run.check_cancelled()
            await run.progress(100 * number / len(ids), f"{number} of {len(ids)} images")
            try:
                # Asked for each: what they may can change meanwhile.
                image = await step(self._visitor(run), image_id)
            except QisError as error:
                if again and isinstance(error, StoreUnavailable):  # for all of them; they are tried again later
                    raise
                errors[str(image_id)] = _told(error)
            else:
                done.append(image_id)
                srcs.append(f"/{image.src}")
        return {"done": done, "srcs": srcs, "errors": errors}

    def _visitor(self, run: TaskRun) -> Visitor:
        visitor = self._visitor_of(run.task.user_id)
        key = run.params.get("key")
        if key is None:
            return visitor
        return attrs.evolve(visitor, by="key", scopes=frozenset(key["scopes"]), folder=key["folder"])

    def _move_step(self, run: TaskRun) -> Step:
        folder = str(run.params["folder"])

        async def move(visitor: Visitor, image_id: int) -> Image:
            image = await self._files.by_id(visitor, image_id)
            return await self._files.move(visitor, image_id, f"{folder}/{image.filename}".lstrip("/"))

        return move

    def _copy_step(self, run: TaskRun) -> Step:
        folder = str(run.params["folder"])

        async def copy(visitor: Visitor, image_id: int) -> Image:
            return await self._copying.copy(visitor, image_id, folder)

        return copy

    async def _delete_one(self, visitor: Visitor, image_id: int) -> Image:
        try:
            return await self._files.delete(visitor, image_id)
        except NotFound:
            # Perhaps this very task has done it, before its server was lost.
            image = await self._files.by_id(visitor, image_id)
            if image.active:
                raise
            return image

    def _describe_step(self, run: TaskRun) -> Step:
        params = run.params
        add, remove = params.get("tags_add", ()), set(params.get("tags_remove", ()))

        async def describe(visitor: Visitor, image_id: int) -> Image:
            image = await self._files.by_id(visitor, image_id)
            if "title" in params or "description" in params:
                await self._files.edit(
                    visitor,
                    image_id,
                    title=params.get("title", image.title),
                    description=params.get("description", image.description),
                )
            if add or remove:
                said = (await self._metadata.of(visitor, image_id)).users
                tags = [tag for tag in dict.fromkeys([*said.tags, *add]) if tag not in remove]
                await self._metadata.edit(visitor, image_id, attrs.evolve(said, tags=tags))
            return image

        return describe


def _told(error: QisError) -> dict[str, object]:
    return {"status": error.status, "code": error.code, "message": error.message}


def _count(params: Mapping[str, Any]) -> str:
    count = len(params["images"]) + len(params.get("missing", ()))
    return "1 image" if count == 1 else f"{count} images"
