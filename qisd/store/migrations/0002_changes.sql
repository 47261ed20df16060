-- Tells every process of every server that a table which they hold in memory has changed: one notification per
-- statement on the channel qis_changed, with the name of the table. PostgreSQL folds equal ones of a transaction.

create function qis_tell_change() returns trigger language plpgsql as $$
begin
    perform pg_notify('qis_changed', tg_table_name);
    return null;
end
$$;

create trigger qis_changed after insert or update or delete or truncate on imagetemplates
    for each statement execute function qis_tell_change();

create trigger qis_changed after insert or update or delete or truncate on properties
    for each statement execute function qis_tell_change();
