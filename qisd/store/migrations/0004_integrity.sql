-- Whether the bytes of files are still those that their hashes were made of.

create table hash_checks (
    image_id bigint primary key references images on delete cascade,
    file_size bigint,
    file_mtime_ns bigint,
    file_inode bigint,
    checked timestamptz not null default now(),
    damaged timestamptz
);
comment on column hash_checks.file_size is 'with file_mtime_ns and file_inode: the version of the file that was read; of another one this says nothing';
comment on column hash_checks.damaged is 'when its bytes were first found to be others, although nobody had written to it; null = they fit';
create index idx_hc_damaged on hash_checks (image_id) where damaged is not null;
