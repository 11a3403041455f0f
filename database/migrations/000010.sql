-- Parts of an answer that a later call may name: its items, the containers that they ran in, what was said aloud.
-- Whose they are, and which key they were made with, is said by the row.
alter table chaperone.requests add column kept_ids bigint[];
create index requests_kept_ids on chaperone.requests using gin (kept_ids);

-- Results of analyses have an age: the operator takes out what is older than the organization says, and what is too old
-- but still there gives way to the new one.
create index analysis_results_created_at on chaperone.analysis_results (organization_id, created_at);
grant update (result_encrypted, analysis_config_id, request_id, user_id, created_at) on chaperone.analysis_results
  to chaperone_tenant;
