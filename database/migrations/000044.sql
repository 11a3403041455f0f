-- Cached audio and cached images have prices of their own, so a record tells how many there were.
alter table chaperone.requests
  add column cached_audio_tokens bigint,
  add column cached_image_tokens bigint,
  add constraint requests_cached_parts_check check (
    cached_audio_tokens >= 0 and cached_audio_tokens <= 1000000000000
    and cached_image_tokens >= 0 and cached_image_tokens <= 1000000000000
  ) not valid;

-- Copied from database/functions by `npm run generate`: edit those.

-- The highest value that each figure of a record may have. database/figures.ts has the same bounds for proxies.
create or replace function chaperone.figure_bounds() returns table (name text, most bigint)
  language sql immutable
  set search_path = pg_catalog, pg_temp
as $$
  select name, most
  from (values
    -- A batch of 50,000 calls with all that a model takes has a tenth of this.
    (array['input_tokens', 'cached_input_tokens', 'cache_write_tokens', 'output_tokens', 'reasoning_tokens', 'total_tokens',
      'input_audio_tokens', 'input_image_tokens', 'output_audio_tokens', 'output_image_tokens', 'characters',
      'cached_audio_tokens', 'cached_image_tokens'], 1000000000000),
    (array['cost_usd', 'avoided_cost_usd', 'cache_savings_usd'], 10000000),
    -- Two weeks.
    (array['duration_ms', 'time_to_first_token_ms'], 1209600000),
    (array['images'], 1000000),
    (array['audio_seconds'], 100000000)
  ) bounds (names, most), unnest(names) as name
$$;
revoke all on function chaperone.figure_bounds() from public;
