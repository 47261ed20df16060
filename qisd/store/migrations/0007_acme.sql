-- Certificates that a certificate authority gives to the site by itself (ACME). What is secret is sealed with SECRET_KEY.

create table acme_accounts (
    directory text primary key,
    key bytea not null
);
comment on table acme_accounts is 'the key by which the authority at this address knows the site; sealed';

create table acme_certificates (
    directory text not null,
    names text[] not null,
    chain text,
    key bytea,
    not_before timestamptz,
    not_after timestamptz,
    failures integer not null default 0,
    next_attempt timestamptz,
    error text not null default '',
    busy_until timestamptz,
    primary key (directory, names),
    check ((chain is null) = (key is null) and (chain is null) = (not_before is null)
        and (chain is null) = (not_after is null))
);
comment on table acme_certificates is 'what was got for a set of names, and how the last attempt has gone';
comment on column acme_certificates.names is 'sorted, in lower case';
comment on column acme_certificates.chain is 'PEM: the certificate, then its issuer''s; null = none yet';
comment on column acme_certificates.key is 'of the certificate; sealed';
comment on column acme_certificates.failures is 'attempts in a row that have failed; next_attempt: not before then';
comment on column acme_certificates.busy_until is 'until then one process of the site is at it, and no other';

create table acme_challenges (
    token text primary key,
    name text not null,
    answer text not null,
    expires timestamptz not null
);
comment on table acme_challenges is 'what the authority will ask any server of the site, to see that a name is ours';

-- Every server holds the challenges, and has a copy of the certificate.

create trigger qis_changed after insert or update of chain or delete or truncate on acme_certificates
    for each statement execute function qis_tell_change();
create trigger qis_changed after insert or update or delete or truncate on acme_challenges
    for each statement execute function qis_tell_change();
