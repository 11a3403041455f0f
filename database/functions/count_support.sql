-- Keeps the sums of a day what its conversations say. A conversation counts on the day on which it began.
create or replace function chaperone.count_support() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  conversations integer := case tg_op when 'INSERT' then 1 else 0 end;
  ai_resolved integer := (new.status = 'resolved' and new.escalated_at is null)::integer;
  escalated integer := (new.escalated_at is not null)::integer;
  answers integer := new.answers;
  response_ms bigint := new.response_ms;
  ratings integer := (new.rating is not null)::integer;
  rating_sum integer := coalesce(new.rating, 0);
begin
  if tg_op = 'UPDATE' then
    ai_resolved := ai_resolved - (old.status = 'resolved' and old.escalated_at is null)::integer;
    escalated := escalated - (old.escalated_at is not null)::integer;
    answers := answers - old.answers;
    response_ms := response_ms - old.response_ms;
    ratings := ratings - (old.rating is not null)::integer;
    rating_sum := rating_sum - coalesce(old.rating, 0);
    if (ai_resolved, escalated, answers, response_ms, ratings, rating_sum) = (0, 0, 0, 0, 0, 0) then
      return null;
    end if;
  end if;
  insert into chaperone.support_days as d
    values (new.organization_id, (new.created_at at time zone 'UTC')::date, conversations, ai_resolved, escalated, answers,
      response_ms, ratings, rating_sum)
    on conflict (organization_id, day) do update set
      conversations = d.conversations + excluded.conversations, ai_resolved = d.ai_resolved + excluded.ai_resolved,
      escalated = d.escalated + excluded.escalated, answers = d.answers + excluded.answers,
      response_ms = d.response_ms + excluded.response_ms, ratings = d.ratings + excluded.ratings,
      rating_sum = d.rating_sum + excluded.rating_sum;
  return null;
end
$$;
revoke all on function chaperone.count_support() from public;
