-- Which namespace's pods an object serves: that one's alone, or (null) those of every member namespace. What serves one
-- namespace is sealed under that namespace's key, so that the Secret of another does not open it.
alter table chaperone.api_keys add column serves_namespace text;
alter table chaperone.personas add column serves_namespace text;
alter table chaperone.analysis_configs add column serves_namespace text;

-- A name that is taken in one namespace is taken in no other.
drop index chaperone.personas_name;
create unique index personas_name on chaperone.personas (organization_id, serves_namespace, name) nulls not distinct
  where deleted_at is null;
drop index chaperone.analysis_configs_name;
create unique index analysis_configs_name on chaperone.analysis_configs (organization_id, serves_namespace, name)
  nulls not distinct where deleted_at is null;

-- Whether the objects of each member namespace serve all of them. So it was for organizations that are there already, and
-- so it stays until they state spec.sharing; from then on never again.
alter table chaperone.organizations add column shares_by_default boolean not null default true;
alter table chaperone.organizations alter column shares_by_default set default false;
update chaperone.organizations set shares_by_default = false where not keeps_old_defaults;
