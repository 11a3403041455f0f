import { readAnalysisConfig } from '../../../database/analysis-configs.ts';
import { insertQuotingCall } from '../../../database/quoting-calls.ts';
import type { RequestReference } from '../../../database/requests.ts';
import type { CallContext } from '../../calls/context.ts';
import { ProxyError } from '../../error.ts';
import { chat } from '../../operations/chat.ts';
import { type AnalysisConfig, type ConfigFields, checkConfig, completeConfig } from '../configs/config.ts';
import { openConfig, requireUuid } from '../configs/saved-config.ts';
import type { GovernanceContext } from '../context.ts';
import { requireOwnRequest } from '../own-request.ts';
import { classify } from './classify.ts';
import { findConversation } from './contents.ts';
import { type AnalysisResult, cacheKeyOf, findResult, keepResult } from './results.ts';

export interface AnalysisRequest {
  /** Request id or response id of the call to analyse. */
  readonly id: string;
  /** A config, or the fields that take the place of those of the saved one. */
  readonly config?: ConfigFields | undefined;
  /** Id of a saved config. */
  readonly configId?: string | undefined;
}

export interface Analysis {
  /** The call that was analysed. */
  readonly request: RequestReference;
  readonly result: AnalysisResult;
  /** Whether it was made before. Then its cost was spent then. */
  readonly cached: boolean;
}

interface Flight {
  readonly result: AnalysisResult;
  readonly cached: boolean;
}

/** Analyses a call of the caller's own, or any call, for who sees the organization. */
export type Analyze = ReturnType<typeof makeAnalyze>;

/**
 * Makes the analysis of conversations. Equal ones are made once: a stored result is answered, and one that is under way
 * is waited for.
 */
export function makeAnalyze(context: GovernanceContext) {
  const underWay = new Map<string, Promise<Flight>>();

  /**
   * @param call the request for the analysis, and so the first call that it makes
   * @throws {ProxyError} as a call, and `request_not_found`, `analysis_config_not_found`, `contents_not_stored`,
   * `nothing_to_analyze`
   */
  return async (call: CallContext, asked: AnalysisRequest): Promise<Analysis> => {
    const configId = asked.configId === undefined ? null : requireUuid(asked.configId, 'config_id');
    const stated = await chooseConfig(context, configId, asked.config);
    const request = await requireOwnRequest(context, call.caller, asked.id);
    const { key, model, terms } = await context.pipeline.admit({
      context: call,
      operation: chat,
      // What is said follows where it may be asked at all.
      body: { model: stated.model, temperature: stated.temperature, messages: [] },
      said: {},
      isRewritable: true,
      otherModels: [],
      references: [],
    });
    const config = { ...stated, model: model ?? stated.model };
    const conversation = await findConversation(context, request.requestId);
    const cacheKey = cacheKeyOf(context, config, conversation);

    const make = async (): Promise<Flight> => {
      const kept = await findResult(context, cacheKey);
      context.metrics.analyses.inc({ result: kept ? 'hit' : 'miss' });
      if (kept) return { result: kept, cached: true };
      const asker = { context: call, key, terms, ...quoting(context, call, request) };
      const result = await classify(context.pipeline.ask, asker, config, conversation);
      await keepResult(context, { cacheKey, configId, request }, result);
      return { result, cached: false };
    };
    // Whoever pays with another key does not wait for this one's luck.
    const flightKey = `${cacheKey.toString('hex')}/${key.id}`;
    const found = underWay.get(flightKey);
    if (found) {
      context.metrics.analyses.inc({ result: 'coalesced' });
      return { request, result: (await found).result, cached: true };
    }
    const flight = make().finally(() => underWay.delete(flightKey));
    underWay.set(flightKey, flight);
    const { result, cached } = await flight;
    return { request, result, cached };
  };
}

/** What another user has said must be found where that user is erased. */
function quoting({ store, inForce }: GovernanceContext, { caller }: CallContext, { userId }: RequestReference) {
  if (userId === caller.userId) return {};
  const { organizationId } = inForce().snapshot;
  return {
    noteQuoted: (requestId: string) => store.run((db) => insertQuotingCall(db, organizationId, { requestId, userId })),
  };
}

/** The saved config, the request's own, or the first with the fields of the second in their place. */
async function chooseConfig(
  { store, inForce }: GovernanceContext,
  configId: string | null,
  inline: ConfigFields | undefined,
): Promise<AnalysisConfig> {
  if (configId === null && inline === undefined) {
    const message = 'config is required where there is no config_id';
    throw new ProxyError('invalid_request', { param: 'config', message });
  }
  if (configId === null) return completeConfig(checkConfig(inline ?? {}));
  const { snapshot, namespaces } = inForce();
  const own = [...namespaces.keys()];
  const saved = await store.run((db) => readAnalysisConfig(db, snapshot.organizationId, own, configId));
  if (!saved?.isActive) throw new ProxyError('analysis_config_not_found', { param: 'config_id' });
  return completeConfig(checkConfig({ ...openConfig(inForce(), saved), ...inline }));
}
