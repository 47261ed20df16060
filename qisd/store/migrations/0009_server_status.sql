-- What each server of the site says of itself, so that it is found where they differ and must not.
-- Programs without it can go on.

create table server_status (
    server_id varchar(64) primary key,
    name varchar(255) not null,
    version varchar(64) not null,
    digests jsonb not null,
    clock_ahead double precision not null,
    seen timestamptz not null default now()
);
