-- Organizations that were stored before some defaults became stricter. For them the former defaults hold until their YAML
-- states the fields; a condition says which. Those that are deleted start anew when they are applied again.

-- By a default, not by an update: an update would tell every proxy of a row that has not changed for it.
alter table chaperone.organizations add column keeps_old_defaults boolean not null default true;
alter table chaperone.organizations alter column keeps_old_defaults set default false;
update chaperone.organizations set keeps_old_defaults = false where deleted_at is not null;
