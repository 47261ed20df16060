"""A database in the shape of a running QIS, made from the tables that the specification gives, full of nasty things.

Run as a program it makes one to try an import on::

    python -m tests.integration.qis_original postgresql:///qis-mgmt /opt/qis
"""

from __future__ import annotations

import json
import os
import pickle
import random
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import psycopg2
from PIL import Image
from psycopg2.extras import execute_values

CLUSTER_ID = "0b0b7a3e-2f6c-4c7e-9a53-51f0d3a7c001"
PASSWORD = "correct horse ä"
HASH = "sha1$Qx7bT2mK$3426978937ce4820d3db752a70df6344a53a9f42"
"""The hash of :data:`PASSWORD`."""

DAY = datetime(2024, 3, 1)

TABLES = {
    "users": """
        id serial primary key, first_name varchar(120) not null, last_name varchar(120) not null,
        email varchar(120) not null, username varchar(120) not null, password varchar(120) not null,
        auth_type integer not null, allow_api boolean not null, status integer not null""",
    "groups": """
        id serial primary key, name varchar(120) not null, description text not null, group_type integer not null""",
    "usergroups": """
        user_id integer not null references users, group_id integer not null references groups,
        primary key (user_id, group_id)""",
    "syspermissions": """
        group_id integer primary key references groups, folios boolean not null, reports boolean not null,
        admin_users boolean not null, admin_files boolean not null, admin_folios boolean not null,
        admin_permissions boolean not null, admin_all boolean not null""",
    "folders": """
        id bigserial primary key, name varchar(1024) not null, path varchar(1024) not null,
        parent_id bigint references folders, status integer not null""",
    "folderpermissions": """
        id bigserial primary key, folder_id bigint not null references folders,
        group_id integer not null references groups, access integer not null""",
    "images": """
        id bigserial primary key, src varchar(1024) not null, folder_id bigint not null references folders,
        title varchar(255) not null, description text not null, width integer not null, height integer not null,
        status integer not null""",
    "imagesaudit": """
        id bigserial primary key, image_id bigint not null references images, user_id integer references users,
        action integer not null, action_info text not null, action_time timestamp not null""",
    "imagetemplates": """
        id serial primary key, name varchar(120) not null, description text not null, template json not null""",
    "tasks": """
        id bigserial primary key, user_id integer references users, name varchar(100) not null,
        funcname varchar(100) not null, params bytea, priority integer not null, log_level varchar(8) not null,
        error_log_level varchar(8) not null, status integer not null, result bytea, lock_id varchar(50),
        keep_for integer not null, keep_until timestamp""",
    "properties": "key varchar(50) primary key, value text",
    "folios": """
        id bigserial primary key, human_id varchar(64) not null, name varchar(255) not null, description text not null,
        owner_id integer not null references users, last_updated timestamp not null""",
    "folioimages": """
        id bigserial primary key, folio_id bigint not null references folios,
        image_id bigint not null references images, parameters json not null, filename varchar(255) not null,
        order_num integer not null""",
    "foliopermissions": """
        id bigserial primary key, folio_id bigint not null references folios,
        group_id integer not null references groups, access integer not null""",
    "foliosaudit": """
        id bigserial primary key, folio_id bigint not null references folios, user_id integer references users,
        action integer not null, action_info text not null, action_time timestamp not null""",
    "folioexports": """
        id bigserial primary key, folio_id bigint not null references folios, description text not null,
        originals boolean not null, parameters json not null, task_id bigint references tasks,
        filename varchar(255) not null, filesize bigint not null, created timestamp not null,
        keep_until timestamp not null""",
    "imagestats": """
        id bigserial primary key, image_id bigint not null references images, requests bigint not null,
        views bigint not null, cached_views bigint not null, downloads bigint not null, total_bytes bigint not null,
        request_seconds double precision not null, max_request_seconds double precision not null,
        from_time timestamp not null, to_time timestamp not null""",
    "systemstats": """
        id bigserial primary key, requests bigint not null, views bigint not null, cached_views bigint not null,
        downloads bigint not null, total_bytes bigint not null, request_seconds double precision not null,
        max_request_seconds double precision not null, cpu_pc double precision not null,
        memory_pc double precision not null, cache_pc double precision not null, from_time timestamp not null,
        to_time timestamp not null""",
}
"""The tables of the database ``qis-mgmt``: no column has a default, no reference cascades."""

INDEXES = """
    create unique index idx_us_username on users (lower(username));
    create unique index idx_gp_name on groups (name);
    create unique index idx_fr_path on folders (path);
    create index idx_fr_parent on folders (parent_id);
    create unique index idx_fp_pk on folderpermissions (folder_id, group_id);
    create unique index idx_im_src on images (src);
    create index idx_im_folder on images (folder_id, status);
    create index idx_ia_image_action on imagesaudit (image_id, action);
    create index idx_ia_user on imagesaudit (user_id);
    create index idx_ia_time on imagesaudit (action_time);
    create unique index idx_it_name on imagetemplates (lower(name));
    create unique index idx_tk_function on tasks (funcname, params);
    create unique index idx_folio_hid on folios (human_id);
    create index idx_folio_owner on folios (owner_id);
    create unique index idx_folimg_pk on folioimages (folio_id, image_id);
    create unique index idx_folperm_pk on foliopermissions (folio_id, group_id);
    create index idx_fola_folio_action on foliosaudit (folio_id, action);
    create index idx_fola_user on foliosaudit (user_id);
    create index idx_fola_time on foliosaudit (action_time);
    create index idx_folex_folio on folioexports (folio_id);
    create index idx_folex_expiry on folioexports (keep_until);
    create unique index idx_folex_filename on folioexports (filename) where length(filename) > 0;
    create index idx_is_image on imagestats (image_id, from_time);
    create index idx_is_time on imagestats (from_time);
    create unique index idx_ss_time on systemstats (from_time);
"""

PORTFOLIO_TABLES = ("folioexports", "foliosaudit", "foliopermissions", "folioimages", "folios")

OLDER = f"""
    drop table {", ".join(PORTFOLIO_TABLES)};
    alter table users drop column allow_api;
    alter table tasks drop column priority;
    alter table syspermissions drop column folios, drop column admin_folios;
    alter table imagestats drop column cached_views, drop column total_bytes;
    delete from properties where key in ('db_migration_version', 'foliop_version');
"""
"""Turns a database into one of an older program, which knew no portfolios."""

USERS = [
    (1, "Administrator", "", "", "admin", HASH, 1, True, 1),
    (2, "Zoë", "O'Neil", "zoe@example.com", "Zoë", HASH, 1, True, 1),
    (3, "", "", "", "jörg\\müller", HASH, 2, False, 1),
    (4, "Gone", "Away", "gone@example.com", "gone", HASH, 1, False, 0),
    (7, "Tab\tby", "New\nLine", "", "weird '); drop table users; --", HASH, 1, False, 1),
    (12, "Fred", "Bloggs", "fred@example.com", "fred", HASH, 1, True, 1),
]
GROUPS = [
    (1, "Public", "what anonymous visitors may do", 1),
    (2, "Normal users", "what every logged-in user may do by default", 1),
    (3, "Administrators", "complete control", 1),
    (4, "Editors", "", 2),
    (5, "editors", "differs only in case", 2),
    (6, "名前 \u202egnp", "", 2),
    (9, "Directory", "", 3),
]
MEMBERS = [(1, 3), (1, 2), (2, 2), (2, 4), (3, 2), (3, 9), (4, 2), (7, 2), (7, 5), (12, 2), (12, 6)]
FLAGS = [
    (1, *[False] * 7),
    (2, *[False] * 7),
    (3, *[True] * 7),
    (4, True, True, False, True, False, False, False),
    (5, *[False] * 7),
    (6, False, True, True, False, False, True, False),
    (9, *[False] * 7),
]

DECOMPOSED = unicodedata.normalize("NFD", "bäume")
COMPOSED = unicodedata.normalize("NFC", "bäume")
FOLDERS = [
    (1, "/", None, 1),
    (2, "/samples", 1, 1),
    (3, "/Ünïcode", 1, 1),
    (4, f"/Ünïcode/{DECOMPOSED}", 3, 1),
    (5, f"/Ünïcode/{COMPOSED}", 3, 1),
    (6, "/gone", 1, 0),
    (7, "/gone/deeper", 6, 0),
    (8, "/with blank/it's 100% \\ [a] _b", 9, 1),
    (9, "/with blank", 1, 1),
    (10, "/penguin🐧", 1, 1),
    (20, "/moved", 2, 1),  # hangs on another folder than its path says
]
PERMISSIONS = [
    (1, 1, 1, 10),
    (2, 1, 2, 20),
    (3, 2, 4, 35),
    (4, 3, 1, 0),
    (5, 3, 4, 70),
    (6, 6, 5, 15),
    (7, 9, 6, 69),
    (9, 10, 9, 40),
]


def value(**fields: object) -> dict[str, object]:
    """The JSON of a template."""
    return {field: {"value": given} for field, given in fields.items()}


STANDARD = value(quality=80, strip=True, colorspace="rgb", record_stats=True, expiry_secs=604800)
TEMPLATES = [
    (1, "Default", "", STANDARD | {"filename": "default"}),
    (2, "SmallJpeg", "", STANDARD | value(format="jpg", width=200, height=200) | {"filename": {"value": "SmallJpeg"}}),
    (3, "Precache", "", value(width=800, height=600, size_fit=True, record_stats=False)),
    (5, "Überall", "with fields of another time", STANDARD | value(turbo=True, dpi_x=None) | {"note": 5}),
    (6, "Broken", "never worked", value(width=-5, format="jpg")),
    (8, "Exact", "", value(left=0.123456, top=0.2, align_h="L0.5", fill="Red", overlay_src="Logos/A.png")),
]

FOLIOS = [
    (1, "spring", "Spring 2024", "", 2, DAY + timedelta(days=9)),
    (2, "Über uns (1)", "", "deleted user's", 4, DAY),
    (5, "empty", "", "", 12, DAY),
]
EXPORTS = [
    (1, 1, "first", False, value(format="png"), None, f"{1:032x}.zip", 4711, DAY, datetime(2099, 12, 31)),
    (2, 1, "failed", True, {}, 31, "", 0, DAY, datetime(2099, 12, 31)),
    (4, 2, "waiting", False, {}, None, "", 0, DAY + timedelta(hours=2), DAY + timedelta(days=30, microseconds=5)),
]


def image_rows() -> list[tuple[object, ...]]:
    """Some hundreds of images: id, src, folder, title, description, width, height, status."""
    rows: list[tuple[object, ...]] = [
        (17, "samples/penguin.jpg", 2, "King penguin", "On ice.\n\tBackslash \\N and \\. in it", 2048, 1365, 1),
        (18, "top.png", 1, "", "", 40, 30, 1),
        (19, f"Ünïcode/{DECOMPOSED}/é.jpg", 4, "", "", 40, 30, 1),
        (20, f"Ünïcode/{COMPOSED}/é.jpg", 5, "", "", 40, 30, 1),
        (21, "gone/deeper/x.jpg", 7, "remembered", "", 10, 10, 0),
        (22, "with blank/it's 100% \\ [a] _b/a+b&c.tif", 8, "T" * 255, "D" * 10000, 0, 0, 1),
        (23, "penguin🐧/🐧.gif", 10, "", "", 15000, 1, 1),
        (24, "samples/wrong folder.jpg", 3, "", "", 1, 1, 1),
    ]
    rows += [(100 + n, f"samples/set/{n:04}.jpg", 30, "", "", 600 + n, 400, int(n % 10 > 0)) for n in range(300)]
    return rows


def history_rows() -> Iterable[tuple[object, ...]]:
    number = 0
    for image, *_ in image_rows():
        number += 1
        yield number, image, None, 1, "File detected", DAY + timedelta(minutes=number, microseconds=123456)
    yield number + 1, 17, 2, 3, "x" * 4093 + "...", DAY + timedelta(days=2)
    yield number + 2, 17, 4, 4, "from 'a' to \\b\t", DAY + timedelta(days=3)
    yield number + 9, 21, 1, 0, "", DAY + timedelta(days=4)


def stats_rows() -> Iterable[tuple[object, ...]]:
    """Periods that begin at no hour: several images, several rows in one hour, one that spans midnight."""
    number = 0
    for image in (17, 18, 21):
        for offset in (3, 38, 63, 125, 23 * 60 + 50):
            number += 1
            begin = DAY + timedelta(minutes=offset, seconds=7, microseconds=89)
            counts = (10 * number, 8 * number, 5 * number, number, 1000 * number)
            yield number, image, *counts, 0.25 * number, 0.125 * number, begin, begin + timedelta(minutes=59)


def system_rows() -> Iterable[tuple[object, ...]]:
    for number, offset in enumerate((3, 38, 63, 125, 23 * 60 + 50), start=1):
        begin = DAY + timedelta(minutes=offset, seconds=7, microseconds=89)
        counts = (100 * number, 80 * number, 50 * number, number, 10**10 * number)
        hardware = (10.0 * number, 50.0, 60.0 + number)
        yield number, *counts, 2.5 * number, 1.5, *hardware, begin, begin + timedelta(minutes=30 * number)


def connect(url: str) -> psycopg2.extensions.connection:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    connection.set_client_encoding("UTF8")
    return connection


def create(url: str) -> None:
    """Make the tables and the ordinary rows."""
    connection = connect(url)
    with connection.cursor() as cursor:
        for name, columns in TABLES.items():
            cursor.execute(f"create table {name} ({columns})")
        cursor.execute(INDEXES)
    connection.close()
    fill(url)


def fill(url: str) -> None:
    documents = [(number, name, text, json.dumps(template)) for number, name, text, template in TEMPLATES]
    folders = [*FOLDERS, (30, "/samples/set", 2, 1)]
    pickled = psycopg2.Binary(pickle.dumps({"export_id": 2, "ignore_errors": False}, pickle.HIGHEST_PROTOCOL))
    task = (31, 2, "Export", "export_portfolio", pickled, 20, "info", "error", 2, pickled, None, 60, None)
    exports = [(*row[:4], json.dumps(row[4]), *row[5:]) for row in EXPORTS]
    properties = {
        "cluster_id": CLUSTER_ID,
        "db_migration_version": "1",
        "fp_version": "37",
        "foliop_version": "4",
        "template_version": "12",
        "pubimage_default_template": "DEFAULT",
    }
    portfolio_images = [
        (1, 1, 17, json.dumps(value(width=500, filename="/etc/passwd", template="SmallJpeg")), "king.jpg", 0),
        (2, 1, 18, "{}", "", 1),
        (3, 2, 21, "{}", "", -5),
        (7, 2, 17, json.dumps(value(width="wide")), "", -5),
    ]
    portfolio_history = [
        (1, 1, 2, 1, "", DAY),
        (2, 1, 2, 4, "description: first", DAY),
        (3, 1, None, 5, f"{1:032x}.zip", DAY),
    ]
    insert(url, "users", USERS)
    insert(url, "groups", GROUPS)
    insert(url, "usergroups", MEMBERS)
    insert(url, "syspermissions", FLAGS)
    # Every name holds the whole path, but for the root's.
    insert(url, "folders", [(number, path.removesuffix("/"), path, *rest) for number, path, *rest in folders])
    insert(url, "folderpermissions", PERMISSIONS)
    insert(url, "images", image_rows())
    insert(url, "imagesaudit", history_rows())
    insert(url, "imagetemplates", documents)
    insert(url, "tasks", [task])
    insert(url, "properties", list(properties.items()))
    insert(url, "folios", FOLIOS)
    insert(url, "folioimages", portfolio_images)
    insert(url, "foliopermissions", [(1, 1, 1, 10), (2, 1, 2, 20), (3, 5, 4, 25)])
    insert(url, "foliosaudit", portfolio_history)
    insert(url, "folioexports", exports)
    insert(url, "imagestats", stats_rows())
    insert(url, "systemstats", system_rows())


def insert(url: str, table: str, rows: Iterable[Sequence[object]]) -> None:
    """Add rows, and set the sequence behind them as if the program had made them."""
    connection = connect(url)
    with connection.cursor() as cursor:
        execute_values(cursor, f"insert into {table} values %s", list(rows), page_size=1000)
        if "serial" in TABLES[table]:
            cursor.execute(f"select setval('{table}_id_seq', (select max(id) from {table}))")
    connection.close()


def without_constraints(url: str, sql: str) -> None:
    """Run statements that leave rows behind which no such database should have, but some do."""
    connection = connect(url)
    with connection.cursor() as cursor:
        cursor.execute("set session_replication_role = replica")
        cursor.execute(sql)
    connection.close()


def many_statistics(url: str, *, images: int, hours: int) -> None:
    """Add statistics of the first images: one row for each and hour."""
    connection = connect(url)
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into imagestats select nextval('imagestats_id_seq'), i.id, 3, 2, 1, 0, 5000, 0.5, 0.4,"
            " t, t + interval '59 minutes' from (select id from images order by id limit %s) i,"
            " generate_series(timestamp '2023-01-01 00:07:03', timestamp '2023-01-01 00:07:03'"
            " + (%s - 1) * interval '1 hour', interval '1 hour') t",
            (images, hours),
        )
    connection.close()


def many_images(url: str, *, count: int, folders: int, seed: int = 1) -> None:
    """Add ``count`` images in ``folders`` folders, each with two lines of history."""
    rng = random.Random(seed)
    first, first_folder = 1_000_000, 100_000
    insert(url, "folders", [(first_folder + n, f"/many/{n}", f"/many/{n}", 1, 1) for n in range(folders)])
    insert(url, "folders", [(first_folder - 1, "/many", "/many", 1, 1)])
    picked = [rng.randrange(folders) for _ in range(count)]
    insert(
        url,
        "images",
        [
            (first + n, f"many/{f}/{n}.jpg", first_folder + f, f"Image {n}", "", 900, 600, 1)
            for n, f in enumerate(picked)
        ],
    )
    connection = connect(url)
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into imagesaudit select nextval('imagesaudit_id_seq'), i.id, null, a, 'text', '2024-01-01'"
            " from images i, generate_series(1, 2) a where i.id >= %s",
            (first,),
        )
    connection.close()


def create_library(root: Path) -> None:
    """The directory of the installation: its library with most of the files, and its settings."""
    library = root / "images"
    for _, src, *_, status in image_rows()[:40]:
        if status and src != "samples/wrong folder.jpg":
            path = library / str(src)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (40, 30), "navy").save(path, format="PNG")
    exports = library / ".folio_exports"
    for folio, name in ((1, f"{1:032x}.zip"), (1, f"{9:032x}.zip"), (77, f"{7:032x}.zip")):
        (exports / str(folio)).mkdir(parents=True, exist_ok=True)
        (exports / str(folio) / name).write_bytes(b"PK\5\6" + bytes(18))
    (library / ".metadata").mkdir()
    (library / ".metadata" / "host.task.pid").write_text("1")
    conf = root / "conf"
    conf.mkdir(parents=True)
    (conf / "local_settings.py").write_text(SETTINGS)


SETTINGS = """\
# Settings of this server
INSTALL_DIR = "/opt/qis/"
IMAGES_BASE_DIR = INSTALL_DIR + "images/"
PUBLIC_HOST_NAME = "images.example.com"
SECRET_KEY = b"\\x9a\\x01k!\\xf0Zq\\\\\\x00\\x11\\x7f\\xd3S\\xa8\\xc4\\x02\\x19\\xee7\\xb0\\xce\\x44\\x8f\\x61"
MAX_CONTENT_LENGTH = 2 * 1024 * 1024 * 1024
API_TOKEN_EXPIRY_TIME = 60 * 60
MGMT_DATABASE_CONNECTION = "postgresql+psycopg2://qis:qispass@db.example.com/qis-mgmt"
TASK_SERVER_PORT = 9004
"""


def main() -> None:
    url, root = sys.argv[1], Path(sys.argv[2])
    create(url)
    create_library(root)
    for path in (root, *root.rglob("*")):
        os.chmod(path, 0o755 if path.is_dir() else 0o644)


if __name__ == "__main__":
    main()
