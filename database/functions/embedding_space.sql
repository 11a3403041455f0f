-- Names the vectors that an Organization uses: null where it uses none. knowledge/settings.ts says the same.
create or replace function chaperone.embedding_space(spec jsonb) returns text
  language sql immutable strict parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select (spec -> 'knowledgeBase' -> 'embedding' ->> 'model')
    || coalesce('@' || (spec -> 'knowledgeBase' -> 'embedding' ->> 'dimensions'), '')
$$;
revoke all on function chaperone.embedding_space(jsonb) from public;
