import type { Queryable } from '../../database/queryable.ts';

/**
 * What in the functions of the schema would let a caller bend what runs as the owner, or have the owner change the schema:
 * each fault names its function. One that a later migration adds is judged without a line here.
 */
export async function findFunctionFaults(db: Queryable): Promise<string[]> {
  // Names are written out qualified where this search path cannot see them.
  await db.query("set search_path = ''");
  const { rows } = await db.query<FunctionRow>(
    `select p.oid::regprocedure::text as name, p.proname as "shortName", p.prosecdef as "isDefiner", p.prosrc as source,
       coalesce(p.proconfig, '{}') as settings, has_function_privilege('chaperone_tenant', p.oid, 'execute') as "mayCall",
       p.prorettype = 'trigger'::regtype as "isTrigger"
     from pg_proc p
     where p.pronamespace = 'chaperone'::regnamespace
     order by name`,
  );
  const faults = rows.filter(({ isDefiner }) => isDefiner).flatMap(findUnpinned);
  // A trigger is called by whoever writes to its table.
  const within = reach(
    rows,
    rows.filter(({ mayCall, isTrigger }) => mayCall || isTrigger),
  );
  return [
    ...faults,
    ...within.filter(({ source }) => ddl.test(source)).map(({ name }) => `${name} does DDL for a tenant`),
  ];
}

interface FunctionRow {
  readonly name: string;
  readonly shortName: string;
  readonly isDefiner: boolean;
  readonly source: string;
  readonly settings: readonly string[];
  readonly mayCall: boolean;
  readonly isTrigger: boolean;
}

const pinned = ['search_path=pg_catalog, pg_temp', 'TimeZone=UTC', 'DateStyle=ISO, YMD'];

function findUnpinned({ name, source, settings }: FunctionRow): string[] {
  const needed = waits.test(source) ? [...pinned, 'lock_timeout'] : pinned;
  return needed
    .filter((setting) => !settings.some((given) => given === setting || given.startsWith(`${setting}=`)))
    .map((setting) => `${name} runs as its owner and does not set ${setting}`);
}

/** Statements that may wait for somebody else's row or table. */
const waits =
  /\b(for (no key )?update|for (key )?share|lock table|on conflict|update chaperone|delete from|fold_usage_of)\b/i;

const ddl =
  /\b(create|alter|drop|attach|detach|truncate|reindex|refresh|grant|revoke|comment on|lock table|security label)\b/i;

/** The functions, and those that they call, and so on. */
function reach(all: readonly FunctionRow[], from: readonly FunctionRow[]): FunctionRow[] {
  const reached = new Set(from);
  for (const one of reached) {
    for (const other of all) if (one.source.includes(`chaperone.${other.shortName}(`)) reached.add(other);
  }
  return [...reached];
}
