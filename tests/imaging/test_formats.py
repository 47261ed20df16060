from twisted.trial.unittest import SynchronousTestCase

from qisd.imaging.formats import FORMATS, FormatTable, canonical_name

MIME_TYPES = {
    "gif": "image/gif",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "jpe": "image/jpeg",
    "jfif": "image/jpeg",
    "jif": "image/jpeg",
    "pjpg": "image/jpeg",
    "pjpeg": "image/jpeg",
    "png": "image/png",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "bmp": "image/bmp",
    "ico": "image/x-icon",
    "ppm": "image/x-portable-pixmap",
    "tga": "image/tga",
    "psd": "image/psd",
    "webp": "image/webp",
    "avif": "image/avif",
    "jp2": "image/jp2",
}


class TableTests(SynchronousTestCase):
    def setUp(self):
        self.table = FormatTable()

    def test_each_extension_stands_for_one_format(self):
        extensions = [extension for row in FORMATS for extension in row.extensions]
        self.assertEqual(len(extensions), len(set(extensions)))

    def test_every_format_is_called_by_one_of_its_extensions(self):
        for row in FORMATS:
            self.assertIn(row.name, row.extensions)

    def test_mime_types(self):
        for extension, mime in MIME_TYPES.items():
            self.assertEqual(self.table.mime_of(extension), mime, extension)

    def test_case_of_an_extension_does_not_matter(self):
        self.assertEqual(self.table.by_extension("JPEG"), self.table.by_extension("jpg"))

    def test_an_unknown_extension_is_none(self):
        self.assertIsNone(self.table.by_extension("php"))
        self.assertIsNone(self.table.mime_of("php"))

    def test_documents_and_raw_photographs_are_known_though_they_can_not_be_read(self):
        for extension, mime in (
            ("pdf", "application/pdf"), ("EPS", "application/postscript"), ("ps", "application/postscript"),
            ("cr2", "image/cr2"), ("NEF", "image/nef"), ("x3f", "image/x3f"), ("xcf", "image/xcf"),
            ("dcm", "application/dicom"),
        ):  # fmt: skip
            self.assertEqual((self.table.mime_of(extension), self.table.by_extension(extension)), (mime, None))
        self.assertIsNone(self.table.merged({"pdf": False}).mime_of("pdf"))

    def test_progressive_jpeg_can_be_asked_for_but_not_read(self):
        row = self.table.by_extension("pjpeg")
        self.assertEqual((row.name, row.read, row.write), ("pjpg", False, True))

    def test_icons_and_photoshop_files_can_not_be_written(self):
        self.assertTrue({"ico", "psd", "jpx", "svg"}.isdisjoint(self.table.write_names()))
        self.assertTrue({"jpg", "jif", "pjpg", "png", "gif", "tiff", "webp", "avif", "bmp"} <= self.table.write_names())

    def test_only_tiff_has_pages(self):
        self.assertEqual([row.name for row in FORMATS if row.pages], ["tif"])

    def test_every_row_can_be_read_or_written_with_what_it_names(self):
        for row in FORMATS:
            self.assertTrue(row.read or row.write, row.name)
            self.assertEqual(bool(row.kinds), row.read, row.name)
            self.assertEqual(bool(row.encoder and row.modes), row.write, row.name)

    def test_canonical_names(self):
        for extension, name in (("jpeg", "jpg"), ("JIF", "jpg"), ("tiff", "tif"), ("pjpeg", "pjpg"), ("php", "php")):
            self.assertEqual(canonical_name(extension), name)


class OverrideTests(SynchronousTestCase):
    def setUp(self):
        self.table = FormatTable()

    def test_false_removes_an_extension_alone(self):
        table = self.table.merged({"jpe": False})
        self.assertIsNone(table.by_extension("jpe"))
        self.assertIsNone(table.mime_of("jpe"))
        self.assertNotIn("jpe", table.write_names())
        self.assertIn("jpg", table.write_names())

    def test_the_table_itself_is_not_changed(self):
        self.table.merged({"jpg": False})
        self.assertIsNotNone(self.table.by_extension("jpg"))

    def test_title_and_mime_type_of_an_extension_can_be_changed(self):
        row = self.table.merged({"tga": ("Truevision", "image/x-tga")}).by_extension("tga")
        self.assertEqual((row.name, row.title, row.mime, row.write), ("tga", "Truevision", "image/x-tga", True))

    def test_a_new_extension_with_a_known_type_is_another_name_of_it(self):
        row = self.table.merged({"apng": ("Animated PNG", "image/png")}).by_extension("apng")
        self.assertEqual((row.name, row.read), ("png", True))

    def test_a_new_extension_of_an_unknown_type_has_a_type_but_is_not_supported(self):
        table = self.table.merged({"xcf": ("GIMP", "image/xcf")})
        self.assertIsNone(table.by_extension("xcf"))
        self.assertEqual(table.mime_of("xcf"), "image/xcf")
        self.assertNotIn("xcf", table.write_names())
