-- Everything beyond the first run: portfolios, tasks, statistics, sessions, histories, trash, search.
-- Times are timestamptz. Whoever gives ids (an import) sets the sequences behind them.

-- A change of a row raises its version: the ETag of the API, and the optimistic lock of its writes.

create function qis_raise_version() returns trigger language plpgsql as $$
begin
    new.version := old.version + 1;
    return new;
end
$$;

-- Users and groups

alter table users
    add version integer not null default 1,
    add stamp integer not null default 1,
    add password_state integer not null default 0 check (password_state in (0, 1, 2)),
    add created timestamptz not null default now(),
    add deleted timestamptz;
comment on column users.deleted is 'when it was deleted; null while status is 0 = only disabled, and never to be made anonymous';
comment on column users.stamp is 'sessions and tokens made under another stamp have ended';
comment on column users.password_state is '0 chosen by its owner, 1 generated at the first start, 2 preset: must be changed before anything else';
create trigger version before update on users for each row
    when ((old.first_name, old.last_name, old.email, old.username, old.auth_type, old.allow_api, old.status)
        is distinct from (new.first_name, new.last_name, new.email, new.username, new.auth_type, new.allow_api, new.status))
    execute function qis_raise_version();

alter table groups add version integer not null default 1;
create trigger version before update on groups for each row execute function qis_raise_version();

alter table folderpermissions add version integer not null default 1;
create trigger version before update on folderpermissions for each row execute function qis_raise_version();

alter table imagetemplates
    add version integer not null default 1,
    add disabled boolean not null default false;
comment on column imagetemplates.disabled is 'imported, but not valid here: kept, and not used';
create trigger version before update on imagetemplates for each row execute function qis_raise_version();

alter table properties add version integer not null default 1;
create trigger version before update on properties for each row execute function qis_raise_version();

-- Folders and images

alter table folders add version integer not null default 1;
create trigger version before update on folders for each row
    when ((old.path, old.status) is distinct from (new.path, new.status)) execute function qis_raise_version();
-- Rewriting and finding a whole subtree by its path: like 'prefix/%' in any locale.
create index idx_fr_subtree on folders (path text_pattern_ops);

alter table images
    add version integer not null default 1,
    add file_size bigint,
    add file_mtime_ns bigint,
    add file_inode bigint,
    add content_hash bytea check (octet_length(content_hash) = 32),
    add phash bigint,
    add created timestamptz not null default now(),
    add search tsvector not null default '';
comment on column images.file_size is 'with file_mtime_ns and file_inode: the version of the file that was last looked at; null = never';
comment on column images.content_hash is 'SHA-256 of the file in that version';
comment on column images.phash is 'perceptual hash of the picture';
create trigger version before update on images for each row
    when ((old.src, old.folder_id, old.title, old.description, old.status)
        is distinct from (new.src, new.folder_id, new.title, new.description, new.status))
    execute function qis_raise_version();
create index idx_im_subtree on images (src text_pattern_ops);
create index idx_im_inode on images (file_inode) where file_inode is not null;
create index idx_im_hash on images (content_hash) where content_hash is not null;
create index idx_im_search on images using gin (search);

create table image_metadata (
    image_id bigint primary key references images on delete cascade,
    format varchar(20) not null default '',
    colour_space varchar(20) not null default '',
    profile varchar(120) not null default '',
    exif jsonb not null default '{}',
    iptc jsonb not null default '{}',
    xmp jsonb not null default '{}',
    keywords text[] not null default '{}',
    taken timestamptz,
    camera varchar(255) not null default '',
    latitude double precision check (latitude between -90 and 90),
    longitude double precision check (longitude between -180 and 180),
    copyright text not null default '',
    tags text[] not null default '{}',
    custom jsonb not null default '{}' check (jsonb_typeof(custom) = 'object'),
    owner text not null default '',
    licence text not null default '',
    valid_from timestamptz,
    valid_until timestamptz,
    read_at timestamptz
);
comment on column image_metadata.tags is 'given by users, beside the keywords that are in the file';
comment on column image_metadata.read_at is 'when the file''s own metadata was read; null = not yet, of this version';
create index idx_imd_tags on image_metadata using gin (tags);
create index idx_imd_taken on image_metadata (taken);
create index idx_imd_unread on image_metadata (image_id) where read_at is null;
create index idx_imd_rights on image_metadata (image_id) where valid_from is not null or valid_until is not null;

create function qis_search_text(image images) returns tsvector language sql stable as $$
    select setweight(to_tsvector('simple', image.title), 'A')
        || setweight(to_tsvector('simple', regexp_replace(image.src, '[^[:alnum:]]+', ' ', 'g')), 'B')
        || setweight(to_tsvector('simple', left(image.description, 10000)), 'C')
        || setweight(to_tsvector('simple', coalesce((
            select array_to_string(m.keywords || m.tags, ' ') || ' ' || left(m.copyright, 1000)
            from image_metadata m where m.image_id = image.id), '')), 'B')
$$;

create function qis_index_image() returns trigger language plpgsql as $$
begin
    new.search := qis_search_text(new);
    return new;
end
$$;
create trigger search_new before insert on images for each row execute function qis_index_image();
create trigger search_changed before update of title, description, src on images for each row
    when ((old.title, old.description, old.src) is distinct from (new.title, new.description, new.src))
    execute function qis_index_image();

create function qis_index_metadata() returns trigger language plpgsql as $$
begin
    update images set search = qis_search_text(images) where id = new.image_id;
    return null;
end
$$;
create trigger search_new after insert on image_metadata for each row
    when (cardinality(new.keywords) + cardinality(new.tags) > 0 or new.copyright <> '')
    execute function qis_index_metadata();
create trigger search_changed after update of keywords, tags, copyright on image_metadata for each row
    when ((old.keywords, old.tags, old.copyright) is distinct from (new.keywords, new.tags, new.copyright))
    execute function qis_index_metadata();

create table imagesaudit (
    id bigint generated by default as identity primary key,
    image_id bigint not null references images on delete cascade,
    user_id integer references users on delete set null,
    action integer not null check (action between 0 and 4),
    action_info text not null default '' check (length(action_info) <= 4096),
    action_time timestamptz not null default now()
);
comment on column imagesaudit.action is '0 deleted, 1 created, 2 replaced, 3 edited, 4 moved';
create index idx_ia_image_action on imagesaudit (image_id, action);
create index idx_ia_image on imagesaudit (image_id, id);
create index idx_ia_user on imagesaudit (user_id);
create index idx_ia_time on imagesaudit (action_time);

-- What is being done to the library on disk: written before, removed with the change of the database. A row that is
-- left behind is a crash, and says how to finish or undo the work.

create table disk_operations (
    id uuid primary key,
    kind varchar(20) not null check (kind in
        ('upload', 'move_file', 'delete_file', 'create_folder', 'move_folder', 'delete_folder', 'restore')),
    paths text[] not null check (cardinality(paths) > 0),
    params jsonb not null check (jsonb_typeof(params) = 'object'),
    server varchar(64) not null,
    heartbeat timestamptz not null default now()
);
comment on column disk_operations.paths is 'nobody else may change these, nor anything below or above them';

create table trash (
    id bigint generated by default as identity primary key,
    kind varchar(6) not null check (kind in ('file', 'folder')),
    path varchar(1024) not null,
    trash_path varchar(1024) not null unique,
    image_ids bigint[] not null default '{}',
    image_ends text[] not null default '{}',
    folder_ids bigint[] not null default '{}',
    folder_ends text[] not null default '{}',
    user_id integer references users on delete set null,
    deleted timestamptz not null default now(),
    expires timestamptz not null,
    check (cardinality(image_ids) = cardinality(image_ends) and cardinality(folder_ids) = cardinality(folder_ends))
);
comment on column trash.path is 'where it was, without leading slash';
comment on column trash.image_ids is 'the images that the deletion made inactive, to be made active again by a restore';
comment on column trash.image_ends is 'what followed path in the src of each of them';
create index idx_tr_expires on trash (expires);
create index idx_tr_path on trash (path text_pattern_ops);

-- Tasks

create table tasks (
    id bigint generated by default as identity primary key,
    user_id integer references users on delete set null,
    name varchar(100) not null,
    funcname varchar(100) not null,
    params jsonb not null default '{}' check (jsonb_typeof(params) = 'object'),
    dedup_key varchar(64) not null,
    priority integer not null default 20 check (priority in (10, 20, 30)),
    log_level varchar(8) not null default 'info',
    error_log_level varchar(8) not null default 'error',
    status integer not null default 0 check (status between 0 and 4),
    result jsonb,
    error text,
    keep_for integer not null default 0 check (keep_for >= 0),
    keep_until timestamptz,
    progress real check (progress between 0 and 100),
    progress_text text not null default '',
    attempts integer not null default 0,
    max_attempts integer not null default 1 check (max_attempts >= 1),
    run_after timestamptz not null default now(),
    locked_by varchar(120),
    heartbeat timestamptz,
    cancel_requested boolean not null default false,
    created timestamptz not null default now(),
    started timestamptz,
    finished timestamptz
);
comment on column tasks.status is '0 pending, 1 active, 2 complete, 3 failed, 4 cancelled';
comment on column tasks.dedup_key is 'digest of funcname and params: one unfinished task of a kind';
create unique index idx_tk_function on tasks (dedup_key) where status in (0, 1);
create index idx_tk_pending on tasks (priority, id) where status = 0;
create index idx_tk_active on tasks (heartbeat) where status = 1;
create index idx_tk_finished on tasks (keep_until) where status >= 2;
create index idx_tk_user on tasks (user_id, id);
create index idx_tk_kept on tasks (dedup_key, id) where status >= 2;

create table schedules (
    name varchar(100) primary key,
    interval_secs integer not null check (interval_secs > 0),
    next_run timestamptz not null,
    last_run timestamptz,
    last_task bigint references tasks on delete set null,
    last_result varchar(20) not null default ''
);

create function qis_tell_task() returns trigger language plpgsql as $$
begin
    perform pg_notify('qis_tasks', new.id || ' ' || new.status
        || case when new.status = 1 and new.cancel_requested then ' cancel' else '' end);
    return null;
end
$$;
create trigger told_new after insert on tasks for each row execute function qis_tell_task();
create trigger told_change after update of status, cancel_requested on tasks for each row
    when ((old.status, old.cancel_requested) is distinct from (new.status, new.cancel_requested))
    execute function qis_tell_task();

-- Statistics. Periods begin at multiples of their length in UTC.

create table imagestats (
    id bigint generated by default as identity primary key,
    image_id bigint not null references images on delete cascade,
    requests bigint not null default 0,
    views bigint not null default 0,
    cached_views bigint not null default 0,
    downloads bigint not null default 0,
    total_bytes bigint not null default 0,
    request_seconds double precision not null default 0,
    max_request_seconds double precision not null default 0,
    from_time timestamptz not null,
    to_time timestamptz not null,
    check (from_time < to_time)
);
create unique index idx_is_image on imagestats (image_id, from_time);
create index idx_is_time on imagestats (from_time);

create table systemstats (
    id bigint generated by default as identity primary key,
    requests bigint not null default 0,
    views bigint not null default 0,
    cached_views bigint not null default 0,
    downloads bigint not null default 0,
    total_bytes bigint not null default 0,
    request_seconds double precision not null default 0,
    max_request_seconds double precision not null default 0,
    cpu_pc double precision not null default 0,
    memory_pc double precision not null default 0,
    cache_pc double precision not null default 0,
    samples integer not null default 0,
    client_errors bigint not null default 0,
    server_errors bigint not null default 0,
    throttled bigint not null default 0,
    folio_downloads bigint not null default 0,
    folio_bytes bigint not null default 0,
    latency bigint[] not null default '{}',
    from_time timestamptz not null,
    to_time timestamptz not null,
    check (from_time < to_time)
);
comment on column systemstats.samples is 'how many samples the averages cpu_pc, memory_pc and cache_pc are of';
comment on column systemstats.latency is 'answers by time taken: a histogram, its bounds are in the program';
create unique index idx_ss_time on systemstats (from_time);

create table statsbreakdown (
    kind varchar(10) not null check (kind in ('template', 'format')),
    name varchar(120) not null,
    from_time timestamptz not null,
    to_time timestamptz not null,
    requests bigint not null default 0,
    views bigint not null default 0,
    total_bytes bigint not null default 0,
    primary key (from_time, kind, name)
);

create table stats_writers (
    id uuid primary key,
    last_batch bigint not null,
    updated timestamptz not null default now()
);
comment on table stats_writers is 'the last batch of counts of each process: one whose commit got no answer is not added twice';

-- Portfolios

create table folios (
    id bigint generated by default as identity primary key,
    human_id varchar(64) not null check (human_id <> ''),
    name varchar(255) not null default '',
    description text not null default '',
    owner_id integer not null references users on delete restrict,
    last_updated timestamptz not null default now(),
    version integer not null default 1
);
create unique index idx_folio_hid on folios (human_id);
create index idx_folio_owner on folios (owner_id);
create trigger version before update on folios for each row execute function qis_raise_version();

create table folioimages (
    id bigint generated by default as identity primary key,
    folio_id bigint not null references folios on delete cascade,
    image_id bigint not null references images on delete cascade,
    parameters jsonb not null default '{}' check (jsonb_typeof(parameters) = 'object'),
    filename varchar(255) not null default '',
    order_num integer not null default 0,
    version integer not null default 1
);
create unique index idx_folimg_pk on folioimages (folio_id, image_id);
create index idx_folimg_image on folioimages (image_id);
create trigger version before update on folioimages for each row execute function qis_raise_version();

create table foliopermissions (
    id bigint generated by default as identity primary key,
    folio_id bigint not null references folios on delete cascade,
    group_id integer not null references groups on delete cascade,
    access integer not null check (access in (0, 10, 20, 30, 50))
);
create unique index idx_folperm_pk on foliopermissions (folio_id, group_id);
create index idx_folperm_group on foliopermissions (group_id);

create table foliosaudit (
    id bigint generated by default as identity primary key,
    folio_id bigint not null references folios on delete cascade,
    user_id integer references users on delete set null,
    action integer not null check (action between 1 and 6),
    action_info text not null default '' check (length(action_info) <= 4096),
    action_time timestamptz not null default now()
);
comment on column foliosaudit.action is '1 created, 2 edited, 3 image change, 4 published, 5 downloaded, 6 unpublished';
create index idx_fola_folio_action on foliosaudit (folio_id, action);
create index idx_fola_folio on foliosaudit (folio_id, id);
create index idx_fola_user on foliosaudit (user_id);
create index idx_fola_time on foliosaudit (action_time);

create table folioexports (
    id bigint generated by default as identity primary key,
    folio_id bigint not null references folios on delete cascade,
    description text not null default '',
    originals boolean not null default false,
    parameters jsonb not null default '{}' check (jsonb_typeof(parameters) = 'object'),
    task_id bigint references tasks on delete set null,
    state varchar(10) not null default 'waiting' check (state in ('waiting', 'running', 'ready', 'failed')),
    error text not null default '',
    manifest boolean not null default false,
    newest_entry bigint,
    filename varchar(255) not null default '',
    filesize bigint not null default 0,
    created timestamptz not null default now(),
    keep_until timestamptz not null default '2099-12-31 00:00:00+00'
);
create index idx_folex_folio on folioexports (folio_id);
create index idx_folex_expiry on folioexports (keep_until);
create unique index idx_folex_filename on folioexports (filename) where length(filename) > 0;
create index idx_folex_task on folioexports (task_id);
comment on column folioexports.newest_entry is 'the last of folioimages when it was published: what was added later is not in the zip';

-- A portfolio is newer than its zips too when an image is purged from it, or when the file of one is another.

create function qis_folio_lost_images() returns trigger language plpgsql as $$
begin
    update folios set last_updated = clock_timestamp() where id in (select folio_id from gone);
    return null;
end
$$;
create trigger outdated after delete on folioimages referencing old table as gone
    for each statement execute function qis_folio_lost_images();

create function qis_folio_image_changed() returns trigger language plpgsql as $$
begin
    update folios set last_updated = clock_timestamp()
    where id in (select folio_id from folioimages where image_id = new.id);
    return null;
end
$$;
create trigger outdated after update of file_size, file_mtime_ns on images for each row
    when ((old.file_size, old.file_mtime_ns) is distinct from (new.file_size, new.file_mtime_ns)
        and old.file_mtime_ns is not null)
    execute function qis_folio_image_changed();

-- Sessions, tokens and keys: only the digests of their secrets are kept.

create table sessions (
    id bigint generated by default as identity primary key,
    secret_hash bytea not null unique check (octet_length(secret_hash) = 32),
    kind varchar(7) not null check (kind in ('session', 'token', 'key', 'ticket')),
    user_id integer not null references users on delete cascade,
    stamp integer not null,
    label varchar(120) not null default '',
    scopes text[] not null default '{}',
    folder varchar(1024) not null default '/',
    address varchar(64) not null default '',
    agent varchar(255) not null default '',
    created timestamptz not null default now(),
    last_used timestamptz not null default now(),
    expires timestamptz not null,
    revoked timestamptz
);
comment on column sessions.stamp is 'that of the user when this was made';
comment on column sessions.scopes is 'of keys: read, upload, admin';
comment on column sessions.folder is 'of keys: holds below this folder only';
create index idx_se_user on sessions (user_id, kind);
create index idx_se_expires on sessions (expires);

create unlogged table login_failures (
    subject varchar(200) primary key,
    budget double precision not null,
    updated timestamptz not null default now()
);
comment on table login_failures is 'a bucket of allowed failures for each account and each address that had one';

create table audit_log (
    id bigint generated by default as identity primary key,
    time timestamptz not null default now(),
    actor_id integer,
    actor_name varchar(120) not null default '',
    actor_kind varchar(10) not null check (actor_kind in ('anonymous', 'session', 'token', 'key', 'system', 'command')),
    address varchar(64) not null default '',
    request_id varchar(64) not null default '',
    action varchar(60) not null,
    object_type varchar(30) not null default '',
    object_id varchar(64) not null default '',
    before jsonb,
    after jsonb
);
comment on table audit_log is 'append-only; ids are no foreign keys, so that it outlives what it tells of';
create index idx_al_time on audit_log (time);
create index idx_al_object on audit_log (object_type, object_id, id);
create index idx_al_actor on audit_log (actor_id, id);

create function qis_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name;
end
$$;
create trigger append_only before update on audit_log for each row execute function qis_refuse_change();

create table idempotency_keys (
    user_id integer not null references users on delete cascade,
    key varchar(128) not null,
    request_digest bytea not null,
    status integer,
    body bytea,
    created timestamptz not null default now(),
    primary key (user_id, key)
);
create index idx_ik_created on idempotency_keys (created);

create table upload_results (
    user_id integer primary key references users on delete cascade,
    result jsonb not null,
    created timestamptz not null default now()
);

create table resumable_uploads (
    id uuid primary key,
    user_id integer not null references users on delete cascade,
    folder varchar(1024) not null,
    filename varchar(255) not null,
    overwrite varchar(6) not null default 'no' check (overwrite in ('no', 'yes', 'rename')),
    length bigint not null check (length >= 0),
    staging varchar(255) not null,
    image_id bigint references images on delete set null,
    finished timestamptz,
    held_by uuid,
    held_until timestamptz,
    created timestamptz not null default now(),
    expires timestamptz not null
);
comment on column resumable_uploads.held_by is 'the request that is at it, at whichever server, until held_until';
comment on column resumable_uploads.finished is 'when the file got its place; the row stays for those who did not hear';
create index idx_ru_image on resumable_uploads (image_id);
create index idx_ru_user on resumable_uploads (user_id);
create index idx_ru_expires on resumable_uploads (expires);

create table webhooks (
    id integer generated by default as identity primary key,
    url varchar(1024) not null,
    events text[] not null,
    secret varchar(255) not null,
    active boolean not null default true,
    version integer not null default 1,
    created timestamptz not null default now(),
    failures integer not null default 0,
    blocked_until timestamptz
);
comment on column webhooks.failures is 'how often in a row it could not be reached; no attempt is made before blocked_until';
create trigger version before update on webhooks for each row
    when ((old.url, old.events, old.secret, old.active) is distinct from (new.url, new.events, new.secret, new.active))
    execute function qis_raise_version();

create table webhook_deliveries (
    id bigint generated by default as identity primary key,
    webhook_id integer not null references webhooks on delete cascade,
    message_id uuid not null default gen_random_uuid(),
    event varchar(40) not null,
    data jsonb not null,
    attempts integer not null default 0,
    next_attempt timestamptz not null default now(),
    error text not null default '',
    created timestamptz not null default now()
);
comment on table webhook_deliveries is 'what webhooks are yet to be told; a row goes when it is';
create index idx_wd_webhook on webhook_deliveries (webhook_id, next_attempt, id);
create index idx_wd_created on webhook_deliveries (created);

-- What happens is noted for those who want to know in the same transaction, and the task that tells them is queued.

create function qis_tell_image_webhooks() returns trigger language plpgsql as $$
begin
    insert into webhook_deliveries (webhook_id, event, data)
    select w.id, told.event, jsonb_build_object(
        'id', i.id, 'src', i.src, 'user_id', news.user_id, 'info', news.action_info)
    from webhooks w
    join news on w.active
    join (values (0, 'image.deleted'), (1, 'image.created'), (2, 'image.replaced'), (4, 'image.moved'))
        as told (action, event) on told.action = news.action and told.event = any (w.events)
    join images i on i.id = news.image_id
    order by news.id, w.id;
    return null;
end
$$;
create trigger webhooks after insert on imagesaudit referencing new table as news
    for each statement execute function qis_tell_image_webhooks();

create function qis_tell_export_webhooks() returns trigger language plpgsql as $$
begin
    insert into webhook_deliveries (webhook_id, event, data)
    select w.id, 'portfolio.exported', jsonb_build_object('id', f.id, 'human_id', f.human_id, 'name', f.name,
        'export_id', new.id, 'filename', new.filename, 'filesize', new.filesize, 'originals', new.originals)
    from webhooks w join folios f on f.id = new.folio_id
    where w.active and 'portfolio.exported' = any (w.events) order by w.id;
    return null;
end
$$;
create trigger webhooks after update of state on folioexports for each row
    when (new.state = 'ready' and old.state <> 'ready') execute function qis_tell_export_webhooks();

create function qis_tell_task_webhooks() returns trigger language plpgsql as $$
begin
    insert into webhook_deliveries (webhook_id, event, data)
    select w.id, 'task.failed', jsonb_build_object('id', new.id, 'name', new.name, 'funcname', new.funcname,
        'user_id', new.user_id, 'error', new.error)
    from webhooks w where w.active and 'task.failed' = any (w.events) order by w.id;
    return null;
end
$$;
create trigger webhooks after update of status on tasks for each row
    when (new.status = 3 and old.status <> 3 and new.funcname <> 'deliver_webhook')
    execute function qis_tell_task_webhooks();

create function qis_queue_deliveries() returns trigger language plpgsql as $$
begin
    insert into tasks (name, funcname, params, dedup_key, priority, log_level, error_log_level)
    select 'Tell webhook ' || w.id, 'deliver_webhook', jsonb_build_object('webhook_id', w.id),
        encode(sha256(convert_to(E'deliver_webhook\n{"webhook_id":' || w.id || '}', 'UTF8')), 'hex'), 30, 'debug', 'warn'
    from webhooks w
    where w.id in (select webhook_id from news) and (w.blocked_until is null or w.blocked_until <= now())
    order by w.id
    on conflict (dedup_key) where status in (0, 1) do nothing;
    return null;
end
$$;
create trigger queue after insert on webhook_deliveries referencing new table as news
    for each statement execute function qis_queue_deliveries();

-- Every process holds users, groups and permissions in memory.

create trigger qis_changed after insert or update or delete or truncate on users
    for each statement execute function qis_tell_change();
create trigger qis_changed after insert or update or delete or truncate on groups
    for each statement execute function qis_tell_change();
create trigger qis_changed after insert or update or delete or truncate on usergroups
    for each statement execute function qis_tell_change();
create trigger qis_changed after insert or update or delete or truncate on syspermissions
    for each statement execute function qis_tell_change();
create trigger qis_changed after insert or update or delete or truncate on folderpermissions
    for each statement execute function qis_tell_change();
-- New folders have no permissions of their own, so only moves and purges matter.
create trigger qis_changed after update of path or delete or truncate on folders
    for each statement execute function qis_tell_change();
create trigger qis_changed after update of valid_from, valid_until or delete or truncate on image_metadata
    for each statement execute function qis_tell_change();
