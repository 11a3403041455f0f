-- The limits, budgets and tier of an ApiKeyBinding, as its resource states them. Null: none.
alter table chaperone.api_keys add column rules jsonb;
