-- What is to stay in view when an image is cut to a shape: places in 1/100000 of its width and height.

alter table images
    add focus_x integer,
    add focus_y integer,
    add focus_version integer not null default 0,
    add guess_x integer,
    add guess_y integer,
    add guessed smallint not null default 0,
    add constraint images_focus check (
        (focus_x is null) = (focus_y is null) and focus_x between 0 and 100000 and focus_y between 0 and 100000),
    add constraint images_guess check (
        (guess_x is null) = (guess_y is null) and guess_x between 0 and 100000 and guess_y between 0 and 100000
        and (guess_x is null or guessed > 0));
comment on column images.focus_x is 'set by a person; null = nobody has';
comment on column images.focus_version is 'counts changes of focus_x and focus_y';
comment on column images.guess_x is 'guessed from the picture; null = no place is better than another, or not yet';
comment on column images.guessed is 'which way of guessing has looked at the file in its present version; 0 = none yet';
create index idx_im_focus on images (src) include (focus_x, focus_y) where focus_x is not null;
create index idx_im_unguessed on images (id) where guessed = 0 and status = 1;

create function qis_raise_focus_version() returns trigger language plpgsql as $$
begin
    new.focus_version := old.focus_version + 1;
    return new;
end
$$;
create trigger focus_version before update of focus_x, focus_y on images for each row
    when ((old.focus_x, old.focus_y) is distinct from (new.focus_x, new.focus_y))
    execute function qis_raise_focus_version();

create function qis_forget_guess() returns trigger language plpgsql as $$
begin
    new.guess_x := null;
    new.guess_y := null;
    new.guessed := 0;
    return new;
end
$$;
create trigger guess_of_version before update of file_size, file_mtime_ns, file_inode on images for each row
    when ((old.file_size, old.file_mtime_ns, old.file_inode)
        is distinct from (new.file_size, new.file_mtime_ns, new.file_inode))
    execute function qis_forget_guess();

-- Every process holds those that people have set, by path.

create trigger qis_changed_new after insert on images for each row
    when (new.focus_x is not null) execute function qis_tell_change();
create trigger qis_changed after update of src, focus_x, focus_y on images for each row
    when ((old.focus_x is not null or new.focus_x is not null)
        and (old.src, old.focus_x, old.focus_y) is distinct from (new.src, new.focus_x, new.focus_y))
    execute function qis_tell_change();
create trigger qis_changed_gone after delete on images for each row
    when (old.focus_x is not null) execute function qis_tell_change();
create trigger qis_changed_all after truncate on images
    for each statement execute function qis_tell_change();
