"""JPEG 2000 in a process of its own: the same pictures as ever, whatever becomes of the process."""

from __future__ import annotations

import io
import os
import resource
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from qisd.errors import Busy, RenderCancelled, SourceTooLarge, Unsupported
from qisd.imaging import outside, outside_worker
from qisd.imaging.decode import decode
from qisd.imaging.encode import Encoding, encode
from qisd.imaging.formats import FORMATS
from qisd.imaging.geometry import Size
from qisd.imaging.metadata import Metadata
from qisd.imaging.picture import DecodeLimits, Picture
from qisd.imaging.source import probe
from tests.imaging import pictures

MEGA = 1024 * 1024
MODES = ("L", "LA", "RGB", "RGBA", "I;16")


def picture(mode: str, size: tuple[int, int] = (101, 67)) -> Image.Image:
    red, green, blue = pictures.ramp(size).split()
    if mode == "I;16":
        return red.convert("I").point(lambda value: value * 200 + 1).convert("I;16")
    return Image.merge(mode, (red, green, blue, red)[: len(mode)]) if len(mode) > 1 else red


def decoded(data: bytes, reduce_to: Size | None = None) -> Picture:
    return decode(io.BytesIO(data), extension="jp2", page=None, limits=DecodeLimits(), reduce_to=reduce_to)


def encoded(image: Image.Image, name: str = "jp2", comment: bytes | None = None) -> bytes:
    row = next(row for row in FORMATS if row.name == name)
    return encode(
        image,
        encoding=Encoding(format=row),
        icc=None,
        metadata=Metadata(comment=comment),
        source_dpi=None,
        fill_rgb=(255, 255, 255),
    )


def children() -> set[str]:
    """Processes of this one, ended ones that nobody waited for included."""
    lists = Path("/proc/self/task").glob("*/children")
    return {child for path in lists for child in path.read_text().split()}


def boxes(*pairs: tuple[bytes, bytes]) -> bytes:
    return b"".join((len(data) + 8).to_bytes(4, "big") + name + data for name, data in pairs)


def jp2(stream: bytes, *, size: tuple[int, int], channels: int, colours: int, more: bytes = b"") -> bytes:
    """A code stream in boxes that say of it what one wants."""
    head = size[1].to_bytes(4, "big") + size[0].to_bytes(4, "big") + channels.to_bytes(2, "big") + b"\x07\x07\0\0"
    header = boxes((b"ihdr", head), (b"colr", b"\1\0\0" + colours.to_bytes(4, "big"))) + more
    return boxes(
        (b"jP  ", b"\r\n\x87\n"), (b"ftyp", b"jp2 \0\0\0\0jp2 "), (b"jp2h", header), (b"jp2c", stream)
    )  # fmt: skip


class PictureTests(SynchronousTestCase):
    """All the same as in one process."""

    def same(self, data: bytes, halvings: int = 0) -> None:
        expected = Image.open(io.BytesIO(data))
        size = Size(expected.width >> halvings, expected.height >> halvings)
        expected.reduce = halvings  # type: ignore[method-assign, assignment]
        expected.load()
        image = decoded(data, size if halvings else None).image
        self.assertEqual((image.mode, image.size), (expected.mode, expected.size))
        self.assertEqual(image.tobytes(), expected.tobytes())
        self.assertEqual(image.getpalette("RGBA"), expected.getpalette("RGBA"))

    def test_pictures_of_each_mode_and_size_are_decoded(self) -> None:
        for mode in MODES:
            data = pictures.saved(picture(mode, (128, 64)), "JPEG2000")
            for halvings in (0, 1, 3):
                self.same(data, halvings)
        self.same(pictures.saved(picture("RGB", (1, 1)), "JPEG2000", num_resolutions=1))

    def test_strips_are_put_together_in_order(self) -> None:
        self.patch(outside_worker, "_STRIP_BYTES", 1000)
        image = picture("RGB", (100, 33))
        file = io.BytesIO()
        outside_worker.write_pixels(file, image)
        file.seek(0)
        self.assertEqual(outside_worker.read_pixels(file, "RGB", (100, 33)).tobytes(), image.tobytes())
        self.same(pictures.saved(image, "JPEG2000"))

    def test_palettes_and_ink_are_decoded(self) -> None:
        grey = pictures.saved(picture("L"), "JPEG2000", no_jp2=True)
        table = b"\1\0\3\7\7\7" + bytes(255 - value // 3 for value in range(768))
        mapping = b"".join(b"\0\0\1" + bytes([column]) for column in range(3))
        palette = boxes((b"pclr", table), (b"cmap", mapping))
        self.same(jp2(grey, size=(101, 67), channels=1, colours=16, more=palette))
        ink = pictures.saved(picture("RGBA"), "JPEG2000", no_jp2=True)
        self.same(jp2(ink, size=(101, 67), channels=4, colours=12))
        self.assertEqual(decoded(jp2(ink, size=(101, 67), channels=4, colours=12)).image.mode, "CMYK")

    def test_comment_and_density_come_from_the_header_as_ever(self) -> None:
        self.assertEqual(decoded(encoded(picture("L"), comment=b"By me")).metadata.comment, b"By me")

    def test_files_are_written_as_pillow_writes_them(self) -> None:
        for mode in MODES:
            image = picture(mode)
            self.assertEqual(encoded(image), pictures.saved(image, "JPEG2000"))
            bare = pictures.saved(image, "JPEG2000", no_jp2=True, comment=b"x" * 65000)
            self.assertEqual(encoded(image, "j2k", comment=b"x" * 65000), bare)

    def test_the_position_of_a_file_is_left_alone(self) -> None:
        path = Path(self.mktemp())
        path.write_bytes(pictures.saved(picture("RGB"), "JPEG2000"))
        with path.open("rb", buffering=0) as file:
            file.seek(7)
            image = outside.decode(
                file, mode="RGB", size=(101, 67), halvings=0, memory=99 * MEGA, checkpoint=lambda: None
            )
            self.assertEqual(file.tell(), 7)
        self.assertEqual(image.tobytes(), picture("RGB").tobytes())

    def test_looking_at_a_file_starts_no_process(self) -> None:
        self.patch(outside.subprocess, "Popen", None)
        data = pictures.saved(picture("RGB"), "JPEG2000")
        info = probe(io.BytesIO(data), extension="jp2", page=None, limits=DecodeLimits())
        self.assertEqual((info.width, info.height, info.mode), (101, 67, "RGB"))

    def test_memory_is_told_by_process_pixels_and_blocks(self) -> None:
        needs = {}
        for block in (4, 64):
            data = pictures.saved(picture("RGB", (256, 256)), "JPEG2000", codeblock_size=(block, block))
            info = probe(io.BytesIO(data), extension="jp2", page=None, limits=DecodeLimits())
            needs[block] = info.decoder_bytes
            self.same(data)
        self.assertGreater(needs[64], outside.PROCESS_BYTES + 256 * 256 * 16)
        self.assertGreater(needs[4] - needs[64], 256 * 256 * 3 // 16 * 500)


class FaultTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.data = pictures.saved(picture("RGB"), "JPEG2000")
        self.files = os.listdir("/proc/self/fd")
        self.children = children()

    def tearDown(self) -> None:
        self.assertEqual(os.listdir("/proc/self/fd"), self.files)
        self.assertEqual(children(), self.children)

    def program(self, text: str) -> None:
        """Have this run in the process's place."""
        self.patch(outside, "_PROGRAM", f"import os, sys, time; {text}")

    def both_refused(self) -> str:
        """Returns the detail of what was said of the decoder."""
        with self.assertRaises(Unsupported):
            encoded(picture("RGB"))
        with self.assertRaises(Unsupported) as caught:
            decoded(self.data)
        self.assertNotIsInstance(caught.exception, SourceTooLarge)
        self.assertIn("truncated or damaged", caught.exception.message)
        return caught.exception.detail

    def test_a_crash_is_a_file_that_cannot_be_read(self) -> None:
        self.program("os.kill(os.getpid(), 11)")
        self.assertIn("-11", self.both_refused())

    def test_an_exit_without_a_word_is_one(self) -> None:
        self.program("sys.exit(0)")
        self.both_refused()
        self.program("os.write(2, b'done'); sys.exit(3)")
        self.both_refused()

    def test_nonsense_is_one(self) -> None:
        self.program("os.write(2, os.urandom(100_000))")
        self.both_refused()

    def test_fewer_pixels_than_told_are_one(self) -> None:
        self.program("os.write(int(sys.argv[5]), b'x' * 100); os.write(2, b'done')")
        with self.assertRaises(Unsupported):
            decoded(self.data)

    def test_a_process_that_hangs_is_ended(self) -> None:
        self.patch(outside, "_PATIENCE", 0.02)
        self.program("time.sleep(600)")
        self.both_refused()

    def test_a_process_that_hides_is_ended(self) -> None:
        self.patch(outside, "_GRACE", 0.1)
        self.program("os.close(2); time.sleep(600)")
        self.both_refused()

    def test_a_process_that_only_computes_is_ended_by_the_system(self) -> None:
        self.patch(outside, "_SECONDS", 1)
        self.patch(outside, "_PATIENCE", 60)
        limited = "from qisd.imaging import outside_worker as w; w._give_up_rights(1 << 30, 1, 0)"
        self.patch(outside, "_PROGRAM", outside._PROGRAM.split("from ")[0] + f"{limited}\nwhile True: pass")
        with self.assertRaises(Unsupported):
            decoded(self.data)

    def test_a_render_that_is_given_up_ends_its_process(self) -> None:
        self.program("time.sleep(600)")
        calls = []

        def checkpoint() -> None:
            calls.append(None)
            if len(calls) > 2:
                raise RenderCancelled

        with self.assertRaises(RenderCancelled):
            decode(
                io.BytesIO(self.data), extension="jp2", page=None, limits=DecodeLimits(), checkpoint=checkpoint
            )  # fmt: skip

    def test_decoding_that_takes_more_memory_than_it_was_given_is_ended(self) -> None:
        self.patch(outside, "_ADDRESSES", MEGA)
        self.patch(outside, "PROCESS_BYTES", 0)
        with self.assertRaises(Unsupported):
            decoded(pictures.saved(picture("RGB", (1000, 400)), "JPEG2000"))

    def test_out_of_memory_is_a_picture_too_large(self) -> None:
        self.program("os.write(2, b'12 out of memory')")
        with self.assertRaises(SourceTooLarge):
            decoded(self.data)
        with self.assertRaises(MemoryError):
            encoded(picture("RGB"))

    def test_no_process_to_spare_is_not_the_files_fault(self) -> None:
        def refused(*args: object, **options: object) -> None:
            raise BlockingIOError(11, "Resource temporarily unavailable")

        self.patch(outside.subprocess, "Popen", refused)
        with self.assertRaises(Busy):
            decoded(self.data)
        with self.assertRaises(Busy):
            encoded(picture("RGB"))

    def test_damaged_files_are_refused(self) -> None:
        for data in (self.data[:-300], self.data[:200], self.data[:150] + bytes(500) + self.data[650:]):
            with self.assertRaises(Unsupported):
                decoded(data)

    def test_a_code_stream_larger_than_its_box_says_takes_no_memory(self) -> None:
        stream = bytearray(pictures.saved(Image.new("L", (64, 64)), "JPEG2000", no_jp2=True))
        stream[8:16] = stream[24:32] = (15_000).to_bytes(4, "big") * 2
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        with self.assertRaises(Unsupported):
            decoded(jp2(bytes(stream), size=(64, 64), channels=1, colours=17))
        after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        # For a moment after the fork a child counts what its parent has.
        parent = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.assertLess(after * 1024, max(before * 1024, parent * 1024, 200 * MEGA) + MEGA)


class ProcessTests(SynchronousTestCase):
    def test_it_gets_no_descriptors_environment_or_folder_of_ours(self) -> None:
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        self.addCleanup(os.close, writing)
        os.set_inheritable(writing, True)
        os.environ["QIS_SECRET_KEY"] = "secret"
        self.addCleanup(os.environ.pop, "QIS_SECRET_KEY")
        told = "print(sorted(os.listdir('/proc/self/fd'))[:-1], sorted(os.environ), os.getcwd(), file=sys.stderr)"
        self.patch(outside, "_PROGRAM", f"import os, sys; {told}")
        with self.assertRaises(Unsupported) as caught:
            encoded(picture("L"))
        self.assertIn("/", caught.exception.detail)
        self.assertNotIn("SECRET", caught.exception.detail)
        self.assertNotIn(f"'{writing}'", caught.exception.detail)

    def test_it_can_open_nothing_once_it_begins(self) -> None:
        limited = "from qisd.imaging import outside_worker as w; w._give_up_rights(1 << 30, 9, 0); open('/dev/null')"
        self.patch(outside, "_PROGRAM", outside._PROGRAM.split("from ")[0] + limited)
        with self.assertRaises(Unsupported) as caught:
            encoded(picture("L"))
        self.assertIn("Too many open files", caught.exception.detail)

    def test_fifteen_at_once(self) -> None:
        data = pictures.saved(picture("RGB"), "JPEG2000")
        expected = picture("RGB").tobytes()
        together = threading.Barrier(15)

        def work(_: int) -> bytes:
            together.wait(30)
            return decoded(encoded(decoded(data).image)).image.tobytes()

        with ThreadPoolExecutor(15) as threads:
            self.assertEqual(set(threads.map(work, range(15))), {expected})
