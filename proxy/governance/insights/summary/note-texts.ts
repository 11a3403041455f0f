import type { GovernanceContext } from '../../context.ts';
import { alertOf, type JudgedText } from '../sentiment/alert.ts';
import { dayCounterOf } from './count.ts';
import { tallyTexts, toDay } from './tally.ts';

/** Counts texts that were judged, and tells those who watch of very unhappy customers. */
export async function noteTexts(
  context: Pick<GovernanceContext, 'inForce' | 'store'>,
  requestId: string | undefined,
  judged: readonly JudgedText[],
): Promise<void> {
  const day = toDay(Date.now());
  const counted = tallyTexts(
    day,
    judged.map(({ sentiment }) => sentiment),
  );
  await Promise.all([dayCounterOf(context).add(counted), alertOf(context, requestId, judged)]);
}
