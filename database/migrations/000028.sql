-- The guardrails that found something in a call or in its answer, by their names.
alter table chaperone.requests add column guardrail_hits text[];
