-- The alias by which a call asked for its model, and the level for which it asked (X-Optimization-Level).
alter table chaperone.requests
  add column model_alias text,
  add column optimization_level text;
