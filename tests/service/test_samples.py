"""The sample images of the first run."""

import shutil
import stat
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from qisd.service.samples import provide_samples
from qisd.settings import default_settings


class Samples(SynchronousTestCase):
    def setUp(self) -> None:
        self.install = Path(self.mktemp())
        (self.install / "samples").mkdir(parents=True)
        (self.install / "samples" / "penguin.jpg").write_bytes(b"a penguin")
        self.library = Path(self.mktemp())
        self.library.mkdir()
        self.state = Path(self.mktemp())
        self.state.mkdir()
        self.settings = attrs.evolve(
            default_settings(),
            state_dir=self.state,
            install_dir=self.install,
            images_base_dir=self.library,
            images_file_mode=0o664,
            images_dir_mode=0o2775,
        )

    def names(self) -> list[str]:
        return sorted(str(path.relative_to(self.library)) for path in self.library.rglob("*"))

    def test_an_empty_library_gets_them_with_the_modes_of_the_settings(self) -> None:
        self.assertTrue(provide_samples(self.settings))
        self.assertEqual(self.names(), ["samples", "samples/penguin.jpg"])
        self.assertEqual(stat.S_IMODE((self.library / "samples").stat().st_mode), 0o2775)
        self.assertEqual(stat.S_IMODE((self.library / "samples" / "penguin.jpg").stat().st_mode), 0o664)

    def test_a_library_with_images_is_left_alone(self) -> None:
        (self.library / "mine.jpg").touch()
        self.assertFalse(provide_samples(self.settings))
        self.assertEqual(self.names(), ["mine.jpg"])

    def test_samples_that_are_there_are_left_alone(self) -> None:
        (self.library / "samples").mkdir()
        self.assertFalse(provide_samples(self.settings))
        self.assertEqual(self.names(), ["samples"])

    def test_what_is_hidden_does_not_count(self) -> None:
        (self.library / ".snapshots").mkdir()
        self.assertTrue(provide_samples(self.settings))
        self.assertEqual(self.names(), [".snapshots", "samples", "samples/penguin.jpg"])

    def test_a_fresh_file_system_is_empty(self) -> None:
        (self.library / "lost+found").mkdir()
        self.assertTrue(provide_samples(self.settings))

    def test_a_library_that_had_something_in_it_is_not_filled_when_it_is_empty(self) -> None:
        (self.library / "mine.jpg").touch()
        provide_samples(self.settings)
        (self.library / "mine.jpg").unlink()
        self.assertFalse(provide_samples(self.settings))
        self.assertEqual(self.names(), [])

    def test_nor_is_one_that_has_had_the_samples(self) -> None:
        self.assertTrue(provide_samples(self.settings))
        shutil.rmtree(self.library / "samples")
        self.assertFalse(provide_samples(self.settings))
        self.assertEqual(self.names(), [])

    def test_nor_is_one_without_the_file_that_tells_that_it_is_there(self) -> None:
        settings = attrs.evolve(self.settings, store_check_file=".here")
        self.assertFalse(provide_samples(settings))
        (self.library / ".here").touch()
        self.assertTrue(provide_samples(settings))

    def test_without_samples_to_copy_nothing_happens(self) -> None:
        self.assertFalse(provide_samples(attrs.evolve(self.settings, install_dir=self.library)))
        self.assertEqual(self.names(), [])
