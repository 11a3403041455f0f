-- The attempts of a call that failed before the one that answered, as a list in order. Null where the first one answered.
alter table chaperone.requests add column attempts jsonb;
