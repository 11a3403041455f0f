-- A word, and the word without any one of its letters. Two words that share a variant differ by at most one letter that is
-- wrong, missing, too many or in its neighbour's place.
create or replace function chaperone.term_variants(term text) returns text[]
  language sql immutable strict parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select case
    when length(term) between 4 and 30 then array(
      select term
      union
      select overlay(term placing '' from letter for 1) from generate_series(1, length(term)) letter
    )
    else '{}'
  end
$$;
revoke all on function chaperone.term_variants(text) from public;
