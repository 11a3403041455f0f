import { readAnalysisConfig } from '../../../../database/analysis-configs.ts';
import type { RequestReference } from '../../../../database/requests.ts';
import { seesOrganization } from '../../../calls/admit/admit.ts';
import type { Caller } from '../../../calls/call.ts';
import type { CallContext } from '../../../calls/context.ts';
import { ProxyError } from '../../../error.ts';
import type { GovernanceContext } from '../../../governance/context.ts';
import { chat } from '../../../operations/chat.ts';
import { classify } from './classify.ts';
import { type AnalysisConfig, type ConfigOverride, checkConfig, completeConfig } from './config.ts';
import { findConversation } from './contents.ts';
import { type AnalysisResult, cacheKeyOf, findResult, keepResult } from './results.ts';
import { openConfig, requireUuid } from './saved-config.ts';

/** What a client asks for. */
export interface AnalysisRequest {
  /** Of the call to analyse: a request id or a response id. */
  readonly id: string;
  readonly config?: ConfigOverride;
  readonly config_id?: string;
}

/** What a client gets. */
export interface Analysis extends AnalysisResult {
  readonly request_id: string;
  readonly response_id: string | null;
  readonly cached: boolean;
}

interface Flight {
  readonly result: AnalysisResult;
  readonly cached: boolean;
}

/**
 * Makes the analysis of conversations. Equal ones are made once: what was made before is answered from where it is kept,
 * and what is under way is waited for.
 */
export function makeAnalyzer(context: GovernanceContext) {
  const underWay = new Map<string, Promise<Flight>>();

  /**
   * @param call the request for the analysis, and so the first call that it makes
   * @throws {ProxyError}
   */
  return async (call: CallContext, { id, config_id, config: inline }: AnalysisRequest) => {
    const configId = config_id === undefined ? null : requireUuid(config_id, 'config_id');
    const config = await chooseConfig(context, configId, inline);
    const request = await findOwn(context, call.caller, id);
    const { key } = await context.pipeline.admit({
      context: call,
      operation: chat,
      // What is said follows where it may be asked at all.
      body: { model: config.model, messages: [] },
      otherModels: [],
      references: [],
    });
    const conversation = await findConversation(context, request.requestId);
    const cacheKey = cacheKeyOf(context, config, conversation);

    const make = async (): Promise<Flight> => {
      const kept = await findResult(context, cacheKey);
      context.metrics.analyses.inc({ result: kept ? 'hit' : 'miss' });
      if (kept) return { result: kept, cached: true };
      const result = await classify(context.pipeline.ask, { context: call, key }, config, conversation);
      await keepResult(context, { cacheKey, configId, request }, result);
      return { result, cached: false };
    };
    // Whoever pays with another key does not wait for this one's luck.
    const flightKey = `${cacheKey.toString('hex')}/${key.id}`;
    const found = underWay.get(flightKey);
    if (found) {
      context.metrics.analyses.inc({ result: 'coalesced' });
      return show(request, (await found).result, true);
    }
    const flight = make().finally(() => underWay.delete(flightKey));
    underWay.set(flightKey, flight);
    const { result, cached } = await flight;
    return show(request, result, cached);
  };
}

/** The saved config, the request's own, or the first with the fields of the second in their place. */
async function chooseConfig(
  { store, inForce }: GovernanceContext,
  configId: string | null,
  inline: ConfigOverride | undefined,
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

/** A call of another user's is answered like one that there is not, but to those who see the whole organization. */
async function findOwn({ findRequest }: GovernanceContext, caller: Caller, id: string): Promise<RequestReference> {
  const request = await findRequest(id);
  if (request && (request.userId === caller.userId || seesOrganization(caller))) return request;
  throw new ProxyError('request_not_found', { param: 'id' });
}

function show({ requestId, responseId }: RequestReference, result: AnalysisResult, cached: boolean): Analysis {
  return { request_id: requestId, response_id: responseId, ...result, cached };
}
