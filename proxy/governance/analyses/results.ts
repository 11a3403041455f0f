import { findAnalysisResult, insertAnalysisResult } from '../../../database/analysis-results.ts';
import type { RequestReference } from '../../../database/requests.ts';
import { ProxyError } from '../../error.ts';
import { type AnalysisConfig, canonicalConfig } from '../configs/config.ts';
import type { GovernanceContext } from '../context.ts';
import type { Conversation } from './conversation.ts';
import type { Verdict } from './judge.ts';
import { promptVersion } from './prompt.ts';

/** An analysis as it was made, whoever asks for it later. */
export interface AnalysisResult extends Verdict {
  readonly analyzed_at: string;
  readonly model_used: string;
  /** Of all attempts; null where the provider did not say. */
  readonly tokens_used: number | null;
  /** Of all attempts; null: unpriced. */
  readonly cost_usd: number | null;
}

/** What a result is about. */
export interface Subject {
  readonly cacheKey: Buffer;
  readonly configId: string | null;
  readonly request: RequestReference;
}

type Context = Pick<GovernanceContext, 'store' | 'inForce'>;

/** What equal analyses have in common: the words and all that decides what is asked about them. */
export function cacheKeyOf(
  { inForce }: Pick<Context, 'inForce'>,
  config: AnalysisConfig,
  { userInput, aiResponse }: Conversation,
): Buffer {
  const { snapshot, envelope } = inForce();
  const text = JSON.stringify([promptVersion, canonicalConfig(config), userInput, aiResponse]);
  return envelope.digest(snapshot.organizationId, 'analysis', text);
}

/** The result that was kept, if any and not too long ago. Without the database there is none to be had, and the analysis is made anew. */
export async function findResult({ store, inForce }: Context, cacheKey: Buffer): Promise<AnalysisResult | undefined> {
  const { snapshot, envelope } = inForce();
  const { organizationId, analysisLifetimeMs } = snapshot;
  const sealed = await store
    .run((db) => findAnalysisResult(db, organizationId, cacheKey, analysisLifetimeMs))
    .catch(ignoreOutage);
  if (!sealed) return undefined;
  return JSON.parse(envelope.open(placeOf(organizationId, cacheKey), sealed).toString()) as AnalysisResult;
}

/**
 * Keeps a result for every proxy, unless the organization keeps nothing of what is said. What has been paid for is
 * answered even where it cannot be kept.
 */
export async function keepResult({ store, inForce }: Context, subject: Subject, result: AnalysisResult): Promise<void> {
  const { snapshot, envelope } = inForce();
  const { organizationId, analysisLifetimeMs } = snapshot;
  if (!snapshot.storesContents) return;
  const { cacheKey, configId, request } = subject;
  const write = {
    organizationId,
    cacheKey,
    resultSealed: envelope.seal(placeOf(organizationId, cacheKey), JSON.stringify(result)),
    analysisConfigId: configId,
    requestId: request.requestId,
    userId: request.userId,
  };
  await store.run((db) => insertAnalysisResult(db, write, analysisLifetimeMs)).catch(ignoreOutage);
}

function placeOf(organizationId: string, cacheKey: Buffer) {
  return { organizationId, column: 'analysis_results.result', rowId: cacheKey.toString('hex') };
}

function ignoreOutage(error: unknown): undefined {
  if (error instanceof ProxyError && error.code === 'store_unavailable') return undefined;
  throw error;
}
