-- Deletes what no longer counts, of all organizations: a chore of workers. Returns how many rows went.
create or replace function chaperone.delete_past_rows(chore text) returns bigint
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  gone bigint;
begin
  case chore
    when 'analysis results' then
      delete from chaperone.analysis_results r
        using chaperone.organizations o
        where o.organization_id = r.organization_id
          and r.created_at <= now() - coalesce(o.spec -> 'storage' ->> 'analysisLifetime', '720h')::interval;
    when 'conversation analyses' then
      delete from chaperone.conversation_analyses a
        using chaperone.organizations o
        where o.organization_id = a.organization_id
          and a.completed_at <= now() - coalesce(o.spec -> 'storage' ->> 'analysisLifetime', '720h')::interval;
    when 'text batches' then
      delete from chaperone.text_batches b
        using chaperone.organizations o
        where o.organization_id = b.organization_id
          and b.completed_at <= now() - coalesce(o.spec -> 'storage' ->> 'analysisLifetime', '720h')::interval;
    when 'mappings' then
      delete from chaperone.anonymizations a
        using chaperone.organizations o
        where o.organization_id = a.organization_id
          and (a.mapping_encrypted is null
            or a.updated_at <= now() - coalesce(o.spec -> 'storage' ->> 'analysisLifetime', '720h')::interval);
    when 'live events' then
      delete from chaperone.live_events e where e.created_at <= now() - interval '10 minutes';
    when 'answers' then
      with sizes as materialized (
        select c.organization_id, o.spec -> 'cache' is null as is_off
        from chaperone.cached_bytes c
          left join chaperone.organizations o on o.organization_id = c.organization_id
        for update of c skip locked
      ), gone as (
        delete from chaperone.cached_answers a using sizes s
        where a.organization_id = s.organization_id and (s.is_off or a.expires_at <= now())
        returning a.organization_id, a.bytes
      ), corrected as (
        update chaperone.cached_bytes c set bytes = c.bytes - g.bytes
        from (select organization_id, sum(bytes) as bytes from gone group by organization_id) g
        where g.organization_id = c.organization_id
      )
      select count(*) into gone from gone;
      return gone;
    when 'revocations' then
      delete from chaperone.revocations where expires_at < now();
    when 'counters' then
      with past as (
        delete from chaperone.quota_counters c
        where c.window_end < now() - interval '3 days'
          or (c.window_end = 'infinity' and (c.unit = 'concurrent' or c.per = 'Session')
            and not exists (
              select from chaperone.quota_leases l
              where l.organization_id = c.organization_id and l.counter_id = c.counter_id
                -- A session without a call for 90 days.
                and l.expires_at > now() - case when c.unit = 'concurrent' then 1 else 90 end * interval '1 day')
            and chaperone.quota_pending(c.organization_id, c.counter_id) = 0)
        returning organization_id, counter_id
      )
      delete from chaperone.quota_leases l using past p
      where l.organization_id = p.organization_id and l.counter_id = p.counter_id;
      delete from chaperone.quota_leases l
        where l.expires_at < now() - interval '3 days'
          and not exists (
            select from chaperone.quota_counters c
            where c.organization_id = l.organization_id and c.counter_id = l.counter_id);
    when 'warnings' then
      -- Older than every window which the calendar has, but not those of counters that still count.
      delete from chaperone.budget_warnings w
        where warned_at < now() - interval '40 days'
          and not exists (
            select from chaperone.quota_counters c
            where c.organization_id = w.organization_id and c.counter_id = w.counter_id);
    when 'pauses' then
      delete from chaperone.provider_pauses
        where ends_at < now() - case scope when 'model' then interval '1 minute' else interval '1 hour' end;
    when 'bounds' then
      delete from chaperone.call_bounds where since < now() - interval '30 days';
    when 'deliveries' then
      perform chaperone.prune_webhooks('30 days');
    when 'vectors' then
      -- Of texts that no article has any more, and of a model that the Organization no longer names.
      delete from chaperone.knowledge_vectors v
        using chaperone.organizations o
        where o.organization_id = v.organization_id
          and (chaperone.embedding_space(o.spec) is distinct from v.space
            or not exists (
              select from chaperone.knowledge_passages p
              where p.organization_id = v.organization_id and p.text_digest = v.text_digest));
    when 'calls of jobs' then
      -- An attempt looks for the calls of those before it, and a dead letter may be tried again.
      delete from chaperone.job_calls c
        where c.created_at < now() - interval '1 day'
          and not exists (select from graphile_worker._private_jobs j where j.id = c.job_id)
          -- By them, an erasure finds what a model was told for an analysis.
          and not exists (
            select from chaperone.conversation_analyses a
            where a.organization_id = c.organization_id and a.job_id = c.job_id);
    when 'idempotent answers' then
      delete from chaperone.idempotent_answers a where a.expires_at <= clock_timestamp();
    when 'logins' then
      delete from chaperone.login_attempts a
        where a.last_at < now() - interval '1 day' and a.locked_until < now();
      delete from chaperone.logins l where l.expires_at <= now() or l.ended_at <= now();
    when 'quotes' then
      -- A record may still be on its way. The id of a call begins with its time.
      delete from chaperone.quoting_calls q
        where q.created_at < now() - interval '30 days'
          and not exists (
            select from chaperone.request_contents c
            where c.organization_id = q.organization_id and c.request_id = q.request_id
              and c.started_at = case when q.request_id ~ '^req_[0-9a-f]{32}$'
                then to_timestamp(('x0000' || substr(q.request_id, 5, 12))::bit(64)::bigint / 1000.0) end);
    else
      raise exception 'there is no such chore' using errcode = 'invalid_parameter_value';
  end case;
  get diagnostics gone = row_count;
  return gone;
end
$$;
revoke all on function chaperone.delete_past_rows(text) from public;
grant execute on function chaperone.delete_past_rows(text) to chaperone_worker;
