"""Fills a new installation's database with a large library, made up on the server: no files, only records.

    python bench/seed.py DSN [IMAGES [FOLDERS [USERS [GROUPS]]]]

The folder ``/big`` has 5,000 images; the rest are spread over a tree of folders three levels deep.
"""

from __future__ import annotations

import sys
import time

import psycopg2

STATEMENTS = (
    (
        "folders",
        """
        with level1 as (
            insert into folders (name, path, parent_id)
            select 'f' || n, '/f' || n, 1 from generate_series(1, greatest(1, %(folders)s / 400)) n
            union all select 'big', '/big', 1
            returning id, path
        ), level2 as (
            insert into folders (name, path, parent_id)
            select 's' || n, path || '/s' || n, id from level1, generate_series(1, 20) n where path <> '/big'
            returning id, path
        )
        insert into folders (name, path, parent_id)
        select 't' || n, path || '/t' || n, id from level2, generate_series(1, 19) n
        """,
    ),
    (
        "images",
        """
        with leaf as (
            select array_agg(id order by id) as ids, array_agg(ltrim(path, '/') order by id) as paths
            from folders where path <> '/' and path <> '/big'
        ), placed as (
            select n, (1 + (n::bigint * 7919) %% cardinality(ids))::int as place, ids, paths
            from leaf, generate_series(1, greatest(0, %(images)s - 5000)) n
        )
        insert into images (src, folder_id, title, width, height, file_size)
        select paths[place] || '/image ' || n || '.jpg', ids[place],
            (array['Harbour', 'Mountain', 'Penguin', 'Coffee', 'Street', 'Forest'])[1 + n %% 6] || ' ' || n,
            4000, 3000, n
        from placed
        """,
    ),
    (
        "images of /big",
        """
        insert into images (src, folder_id, title, width, height)
        select 'big/picture' || n || '.jpg', (select id from folders where path = '/big'), 'Big ' || n, 800, 600
        from generate_series(1, 5000) n
        """,
    ),
    (
        "groups",
        """
        with made as (
            insert into groups (name) select 'Group ' || n from generate_series(1, %(groups)s) n returning id
        )
        insert into syspermissions (group_id) select id from made
        """,
    ),
    (
        "users",
        """
        with made as (
            insert into users (username, password, allow_api)
            select 'user' || n, '!', true from generate_series(1, %(users)s) n returning id
        )
        insert into usergroups (user_id, group_id)
        select made.id, g.id from made cross join lateral (
            select id from groups where id > 3 and (id + made.id) %% 10 = 0 union all select 2
        ) g
        """,
    ),
    (
        "permissions",
        """
        insert into folderpermissions (folder_id, group_id, access)
        select f.id, g.id, (array[0, 10, 20, 30, 40])[1 + (f.id + g.id) %% 5]
        from folders f join groups g on g.id > 3 and (f.id * 31 + g.id) %% 500 = 0 where f.id > 1
        """,
    ),
    (
        "statistics",
        """
        insert into imagestats (image_id, requests, views, from_time, to_time)
        select i.id, 1 + i.id %% 100, i.id %% 100, date_trunc('hour', now()) - h * interval '1 hour',
            date_trunc('hour', now()) - (h - 1) * interval '1 hour'
        from (select id from images order by id limit 2000) i, generate_series(1, 24) h
        """,
    ),
)


def seed(dsn: str, *, images: int, folders: int, users: int, groups: int) -> None:
    """Fill the database; tells how long each part takes."""
    connection = psycopg2.connect(dsn)
    sizes = {"images": images, "folders": folders, "users": users, "groups": groups}
    with connection.cursor() as cursor:
        for what, statement in STATEMENTS:
            began = time.monotonic()
            cursor.execute(statement, sizes)
            connection.commit()
            print(f"{what:<16} {time.monotonic() - began:7.1f} s", flush=True)
        connection.autocommit = True
        cursor.execute("vacuum analyze")
    connection.close()


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[2:]] + [1_000_000, 20_000, 200, 50][len(sys.argv) - 2 :]
    seed(sys.argv[1], images=numbers[0], folders=numbers[1], users=numbers[2], groups=numbers[3])
