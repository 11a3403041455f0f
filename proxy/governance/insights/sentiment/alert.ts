import { tellLive } from '../../../../database/live-events.ts';
import type { Queryable } from '../../../../database/queryable.ts';
import { toStorable } from '../../../../database/storable.ts';
import { ProxyError } from '../../../error.ts';
import type { Snapshot } from '../../../snapshot/snapshot.ts';
import type { GovernanceContext } from '../../context.ts';
import type { Sentiment } from './sentiment.ts';

/** A text that was judged. */
export interface JudgedText {
  /** As the client names it. Undefined: it was the only one. */
  readonly id?: string | undefined;
  readonly sentiment: Sentiment;
}

/** Of one batch, no more are told: whoever watches sees that something is wrong. */
const mostAlerts = 20;

/** Tells those who watch of texts of very unhappy customers. What fails here does not fail the request. */
export async function alertOf(
  { inForce, store }: Pick<GovernanceContext, 'inForce' | 'store'>,
  requestId: string | undefined,
  judged: readonly JudgedText[],
): Promise<void> {
  const alarming = alarmingOf(inForce().snapshot, judged);
  if (alarming.length === 0) return;
  await store
    .run((db) => tellAlarming(db, requestId, alarming))
    .catch((error: unknown) => {
      if (!(error instanceof ProxyError)) throw error;
    });
}

/** Those with `spec.insights.alerts.negative` or more. */
export function alarmingOf(snapshot: Pick<Snapshot, 'spec'>, judged: readonly JudgedText[]): JudgedText[] {
  const least = leastAlarming(snapshot);
  return judged.filter(({ sentiment }) => sentiment.negative >= least).slice(0, mostAlerts);
}

/** The share of a text that must be negative. */
export function leastAlarming({ spec }: Pick<Snapshot, 'spec'>): number {
  return spec.insights?.alerts?.negative ?? 0.8;
}

export async function tellAlarming(
  db: Queryable,
  requestId: string | undefined,
  alarming: readonly JudgedText[],
): Promise<void> {
  for (const { id, sentiment } of alarming) {
    const { sentiment: label, positive, negative, neutral, compound } = sentiment;
    await tellLive(db, 'sentiment_alert', {
      ...{ request_id: requestId ?? null, text_id: id === undefined ? null : toStorable(id), sentiment: label },
      ...{ positive, negative, neutral, method: compound === undefined ? 'ai' : 'vader' },
    });
  }
}
