import type { Client } from 'pg';

/** What a statement has cost so far. */
export interface StatementCost {
  readonly calls: number;
  /** Its time in PostgreSQL, planning included. */
  readonly ms: number;
  readonly planningMs: number;
}

/** Reads what each statement that clients send has cost in this database so far, by its text. */
export async function readStatements(database: Client): Promise<ReadonlyMap<string, StatementCost>> {
  const { rows } = await database.query<{ text: string; calls: string; ms: number; planning: number }>(
    `select regexp_replace(query, '\\s+', ' ', 'g') as text, sum(calls) as calls, sum(total_exec_time + total_plan_time) as ms,
       sum(total_plan_time) as planning
     from pg_stat_statements
     where dbid = (select oid from pg_database where datname = current_database()) and toplevel
     group by 1`,
  );
  return new Map(
    rows.map(({ text, calls, ms, planning }) => [text.trim(), { calls: Number(calls), ms, planningMs: planning }]),
  );
}

/** The statements of a time, the most expensive first. */
export function listSpent(
  before: ReadonlyMap<string, StatementCost>,
  after: ReadonlyMap<string, StatementCost>,
): (StatementCost & { readonly text: string })[] {
  return [...after]
    .map(([text, { calls, ms, planningMs }]) => {
      const former = before.get(text) ?? { calls: 0, ms: 0, planningMs: 0 };
      return { text, calls: calls - former.calls, ms: ms - former.ms, planningMs: planningMs - former.planningMs };
    })
    .filter(({ calls }) => calls > 0)
    .toSorted((a, b) => b.ms - a.ms);
}
