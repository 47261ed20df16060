"""Puts together all that has to do with portfolios."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qisd.images import Images
from qisd.imaging.template import TemplateSnapshot, TemplateValues
from qisd.pools.files import FilePool
from qisd.portfolios import tasks
from qisd.portfolios.bucket_exports import BucketExportFiles
from qisd.portfolios.export_files import ExportFiles, ExportPlace
from qisd.portfolios.exports import Exports
from qisd.portfolios.images import ImageFinder, PortfolioImages
from qisd.portfolios.parameters import ParameterRules
from qisd.portfolios.portfolios import Portfolios
from qisd.portfolios.zipping import Rendered, ZipMaker, render_by
from qisd.repository.stores import Store
from qisd.settings import Settings
from qisd.store.pool import Database
from qisd.tasks.queue import TaskQueue
from qisd.tasks.registry import TaskType
from qisd.tasks.schedule import Job
from qisd.web.api.portfolios import PortfolioEndpoints
from qisd.web.console.portfolios import PortfolioPages
from qisd.web.portfolios import PortfolioDownloads, VisitorFinder

_MB = 1024 * 1024


class Publishing:
    """The capabilities, each by its name.

    :param patient_files: threads that may be at something for minutes.
    :param store: the image library.
    :param parse: checks the JSON of a template.
    :param templates: gives the templates as they are now.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        database: Database,
        files: FilePool,
        patient_files: FilePool,
        store: Store,
        library: ImageFinder,
        images: Images,
        queue: TaskQueue,
        parse: Callable[[object], TemplateValues],
        templates: Callable[[], TemplateSnapshot],
        reactor: Any,
    ) -> None:
        self._database = database
        self._files = files
        self._images = images
        self._reactor = reactor
        self.configure(settings)
        self._zips = ExportFiles(lambda: self._place)
        if store.remote is not None:
            self._zips = BucketExportFiles(lambda: self._place, store.remote.bucket, store.remote.copies)
        self._maker = ZipMaker(
            files=files,
            patient_files=patient_files,
            zips=self._zips,
            repository=store.repository,
            render=self._render,
            reactor=reactor,
        )
        parameters = ParameterRules(parse=parse, templates=templates, spelling=library.spelling)
        self.portfolios = Portfolios(database, files=files, zips=self._zips, reactor=reactor)
        self.images = PortfolioImages(database, library=library, parameters=parameters, reactor=reactor)
        self.exports = Exports(
            database, tasks=queue, files=files, zips=self._zips, parameters=parameters, reactor=reactor
        )

    def configure(self, settings: Settings) -> None:
        """Take over what can change while the daemon runs."""
        self._place = ExportPlace(
            root=settings.images_base_dir,
            folder=settings.folio_exports_dir,
            file_mode=settings.images_file_mode,
            folder_mode=settings.images_dir_mode,
            min_free=settings.min_free_space_mb * _MB,
            check_file=settings.store_check_file,
        )

    def task_types(self) -> list[TaskType]:
        return tasks.task_types(
            database=self._database, files=self._files, zips=self._zips, maker=self._maker, reactor=self._reactor
        )

    def jobs(self) -> list[Job]:
        return tasks.jobs()

    def endpoints(self, *, supported: Callable[[str], bool]) -> list[object]:
        """What the API shows of them.

        :param supported: whether files with an extension can be shown.
        """
        return [PortfolioEndpoints(self.portfolios, images=self.images, exports=self.exports, supported=supported)]

    def pages(self) -> list[object]:
        """What the console shows of them."""
        return [PortfolioPages(self.portfolios)]

    def downloads(self, *, identity: VisitorFinder, count: Callable[[int], None]) -> PortfolioDownloads:
        """Hands out the zips.

        :param count: told the size in bytes of each answer with a zip, for the statistics.
        """
        return PortfolioDownloads(exports=self.exports, files=self._files, identity=identity, count=count)

    async def _render(self, src: str, document: Mapping[str, Any]) -> Rendered:
        return await render_by(self._images, src, document)
