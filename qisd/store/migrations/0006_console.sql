-- What the console keeps for its users.

create table user_preferences (
    user_id integer primary key references users on delete cascade,
    preferences jsonb not null default '{}' check (jsonb_typeof(preferences) = 'object'),
    version integer not null default 1
);
comment on table user_preferences is 'what a user likes: for the programs that show something, none of it means anything to the server';
create trigger version before update on user_preferences for each row execute function qis_raise_version();

-- Which portfolios go by a template: by its name, in any case.

create index idx_folimg_template on folioimages (lower(parameters #>> '{template,value}'))
    where parameters #>> '{template,value}' is not null;
create index idx_folex_template on folioexports (lower(parameters #>> '{template,value}'))
    where parameters #>> '{template,value}' is not null;
