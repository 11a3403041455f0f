-- Parts of an answer that a later call may name: its items, the containers that they ran in, what was said aloud.
-- Whose they are, and which key they were made with, is said by the row.
alter table chaperone.requests add column kept_ids bigint[];
create index requests_kept_ids on chaperone.requests using gin (kept_ids);
