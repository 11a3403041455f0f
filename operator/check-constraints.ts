import { DatabaseError } from 'pg';
import type { Logger } from 'pino';
import {
  checkConstraint,
  listUncheckedConstraints,
  removeImplausibleFigures,
  type UncheckedConstraint,
} from '../database/figures.ts';
import type { Queryable } from '../database/queryable.ts';

/** The constraint on the figures of records. */
const figures = 'requests_figures_check';
/** `check_violation` */
const violated = '23514';

/**
 * Validates rows that are older than a constraint. Records with implausible figures lose them and become unpriced.
 * Other rows that violate a constraint stay, and are logged at each start.
 */
export async function checkConstraints(db: Queryable, log: Logger): Promise<void> {
  for (const unchecked of await listUncheckedConstraints(db)) {
    const { table, constraint, isLeaf } = unchecked;
    if (constraint === figures && isLeaf) await removeImplausible(db, table, log);
    if (!(await isKept(db, unchecked))) {
      log.error({ table, constraint }, 'old rows violate a constraint; they stay unchanged, and new rows are checked');
    }
  }
}

async function removeImplausible(db: Queryable, table: string, log: Logger): Promise<void> {
  for (const { organizationId, records } of await removeImplausibleFigures(db, table)) {
    const message = 'records had implausible figures, such as a negative cost; these figures are removed';
    log.warn({ table, organizationId, records }, message);
  }
}

async function isKept(db: Queryable, unchecked: UncheckedConstraint): Promise<boolean> {
  try {
    await checkConstraint(db, unchecked);
    return true;
  } catch (error) {
    if (error instanceof DatabaseError && error.code === violated) return false;
    throw error;
  }
}
