import { DatabaseError } from 'pg';
import type { Logger } from 'pino';
import {
  checkConstraint,
  listUncheckedConstraints,
  removeImplausibleFigures,
  type UncheckedConstraint,
} from '../database/figures.ts';
import type { Queryable } from '../database/queryable.ts';

/** Whose records are judged by their figures. */
const figures = 'requests_figures_check';
/** `check_violation` */
const violated = '23514';

/**
 * Holds what was stored before a constraint came against it. Records whose figures cannot be lose them and are unpriced from
 * then on; what else breaks a constraint stays, and is told of at each start.
 */
export async function checkConstraints(db: Queryable, log: Logger): Promise<void> {
  for (const unchecked of await listUncheckedConstraints(db)) {
    const { table, constraint, isLeaf } = unchecked;
    if (constraint === figures && isLeaf) await neutralise(db, table, log);
    if (!(await isKept(db, unchecked))) {
      log.error({ table, constraint }, 'rows from before break a constraint that new ones keep; they stay as they are');
    }
  }
}

async function neutralise(db: Queryable, table: string, log: Logger): Promise<void> {
  for (const { organizationId, records } of await removeImplausibleFigures(db, table)) {
    const message = 'records had figures that cannot be, such as a negative cost: these are unknown from now on';
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
