import type { Client } from 'pg';

/**
 * Has proxies get this `spec.training`, as where the operator can train. A trigger keeps it: the operator of a stack, which
 * has no cluster, writes the Organization anew whenever it likes.
 */
export async function enforceTraining(db: Client, training: object): Promise<void> {
  const kept = JSON.stringify({ training }).replaceAll("'", "''");
  await db.query(`
    create or replace function chaperone.a_keep_training() returns trigger language plpgsql as $$
      begin
        new.spec := new.spec || '${kept}'::jsonb;
        return new;
      end
    $$;
    create or replace trigger a_keep_training before insert or update on chaperone.organizations
      for each row execute function chaperone.a_keep_training();
    update chaperone.organizations set spec = spec;
  `);
}
