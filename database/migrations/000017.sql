-- By which the operator knows an organization's data keys again where its own Secret was lost and only copies are left, in
-- namespaces where others may write: SHA-256 in hexadecimal of each key's id and 32 random bytes, which tells nothing of the key.
alter table chaperone.organizations add column data_key_digests text[] not null default '{}';
