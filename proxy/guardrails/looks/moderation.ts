import { parseDurationMs } from '../../../crds/duration.ts';
import type { InFlight } from '../../in-flight.ts';
import type { Exchange } from '../../providers/exchange.ts';
import { asArray, asObject, parseObject } from '../../providers/json.ts';
import { readWhole, relay } from '../../providers/relay.ts';
import { makeMatcher } from '../../snapshot/model-rules.ts';
import type { Asked, Look, RuleSpec } from '../rule.ts';

export interface ModerationDependencies {
  readonly exchange: Exchange;
  readonly inFlight: InFlight;
}

/** An answer has some 2 KB for each text. */
const maxAnswerBytes = 1024 * 1024;

const headers = { 'user-agent': 'chaperone', accept: 'application/json', 'content-type': 'application/json' };

/**
 * Asks the moderation endpoint of the call's provider, with the call's key.
 *
 * @see https://platform.openai.com/docs/api-reference/moderations
 */
export function moderation(
  { model, categories, threshold, timeout }: NonNullable<RuleSpec['moderation']>,
  { exchange, inFlight }: ModerationDependencies,
): Look {
  const isMeant = categories ? makeMatcher(categories) : () => true;
  const minScore = threshold === undefined ? undefined : Number(threshold);
  const timeoutMs = parseDurationMs(timeout);

  const isObjectionable = (value: unknown): boolean => {
    const result = asObject(value);
    const flagged = asObject(result?.categories);
    const scores = asObject(result?.category_scores);
    if (!flagged) throw new TypeError('The provider answered no moderation');
    return Object.keys(flagged).some((category) => {
      if (!isMeant(category)) return false;
      return minScore === undefined ? flagged[category] === true : Number(scores?.[category]) >= minScore;
    });
  };

  const objects = async ({ texts, key, signal }: Asked): Promise<boolean> => {
    const share = inFlight.open();
    try {
      const answer = await relay(exchange, {
        method: 'POST',
        path: '/moderations',
        key,
        headers,
        // What is read together is judged together.
        body: JSON.stringify({ ...(model !== undefined && { model }), input: texts.join('\n') }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      const whole = parseObject((await readWhole(answer, share, maxAnswerBytes)).toString('utf8'));
      const results = asArray(whole?.results);
      if (answer.status !== 200 || results.length === 0) throw new TypeError('The provider answered no moderation');
      return results.some(isObjectionable);
    } finally {
      share.release();
    }
  };
  return { by: 'service', objects, passesOnError: false };
}
