import {
  countRatings,
  type RatedResponse,
  readRatedResponses as readRows,
} from '../../../database/analytics/rated-responses.ts';
import type { Caller } from '../../calls/call.ts';
import type { GovernanceContext } from '../context.ts';
import type { Page } from '../page.ts';
import { type Question, select } from './question.ts';
import { readFigures } from './read.ts';

export type { RatedResponse };

/**
 * The calls that were rated in the period, the latest rated first, by the rating that stands.
 *
 * @throws {ProxyError} `invalid_request`, `role_required`, `store_unavailable`
 */
export async function readRatedResponses(
  context: Pick<GovernanceContext, 'inForce' | 'shipped' | 'store'>,
  caller: Caller,
  question: Question,
  page: Page,
) {
  const { filter, filteredByUser } = select(context, caller, question);
  const { responses, totals } = await readFigures(context, async (db) => ({
    responses: await readRows(db, filter, page),
    totals: await countRatings(db, filter),
  }));
  const [rated, positive] = [Number(totals.rated), Number(totals.positive)];
  return {
    responses,
    rated,
    positive,
    negative: rated - positive,
    /** Ratings of the other kind of calls. */
    excluded: Number(totals.ofAllKinds) - rated,
    period: filter,
    filteredByUser,
  };
}
