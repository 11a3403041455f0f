import type { Client } from 'pg';

/** Moves the time of a test's own database by which windows, raises and leases go. It runs on from there. */
export interface MovedTime {
  /** @param time ISO 8601 */
  setTo(time: string): Promise<void>;
}

/** @param owner of a database that no other test uses */
export async function moveTime(owner: Client): Promise<MovedTime> {
  await owner.query(`
    create schema moved;
    create table moved.time (by interval not null);
    insert into moved.time values ('0');
    create or replace function chaperone.quota_now() returns timestamptz
      language sql volatile security definer
      set search_path = pg_catalog, pg_temp
    as $$ select clock_timestamp() + by from moved.time $$`);
  return {
    async setTo(time) {
      await owner.query('update moved.time set by = $1::timestamptz - clock_timestamp()', [time]);
    },
  };
}
