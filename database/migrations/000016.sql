-- The roles of a binding's synthetic key.

-- Null: the organization's default roles, as synthetic keys had them before they got roles of their own.
alter table chaperone.api_keys add column roles text[];
