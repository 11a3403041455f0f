import { readReviewerPairs } from '../../../../database/reviews/decisions.ts';
import type { Caller } from '../../../calls/call.ts';
import { type Period, readPeriod } from '../../figures/period.ts';
import { admitRole } from '../../roles.ts';
import type { ReviewContext } from './items.ts';
import { cohensKappa, type Kappa, krippendorffsAlpha } from './kappa.ts';

/** How far two reviewers agree. */
export interface PairAgreement extends Kappa {
  /** External ids; null: erased. */
  readonly reviewers: readonly [string | null, string | null];
  readonly bothApprove: number;
  readonly bothReject: number;
  readonly onlyOne: number;
  readonly onlyOther: number;
}

export interface ReviewAgreement {
  readonly period: Period;
  /** Items that two reviewers have seen. */
  readonly items: number;
  /** The share about which they agree. Null without items. */
  readonly observed: number | null;
  /** Krippendorff's, over all pairs. Null without variation. */
  readonly alpha: number | null;
  readonly pairs: readonly PairAgreement[];
}

const dayMs = 86_400_000;

/**
 * Says how far reviewers agree about the items that two have seen, whose second decision was made in a period.
 *
 * @throws {ProxyError} `role_required`, `invalid_request`, `store_unavailable`
 */
export async function readAgreement(
  { inForce, store }: ReviewContext,
  caller: Caller,
  { startDate, endDate }: { readonly startDate?: string | undefined; readonly endDate?: string | undefined },
): Promise<ReviewAgreement> {
  admitRole(caller, 'analyst', 'reviewer');
  const period = readPeriod(startDate, endDate, Date.now());
  const { organizationId } = inForce().snapshot;
  const within = { from: new Date(period.firstDay), to: new Date(Date.parse(period.lastDay) + dayMs) };
  const tables = await store.run((db) => readReviewerPairs(db, organizationId, within));
  const pairs = tables.map(({ one, other, ...table }) => ({
    ...{ reviewers: [one, other] as const, ...table },
    ...cohensKappa(table),
  }));
  const items = pairs.reduce((total, pair) => total + pair.items, 0);
  const agreed = pairs.reduce((total, { bothApprove, bothReject }) => total + bothApprove + bothReject, 0);
  return { period, items, observed: items === 0 ? null : agreed / items, alpha: krippendorffsAlpha(tables), pairs };
}
