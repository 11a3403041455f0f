import { editBody, type ReadBody } from '../../../calls/admit/body.ts';
import type { Caller } from '../../../calls/call.ts';
import type { InForce } from '../../../calls/context.ts';
import { ProxyError } from '../../../error.ts';
import type { CallGuard, GuardedCall } from '../../../guardrails/call-guard.ts';
import type { Guardrails } from '../../../guardrails/guardrails.ts';
import type { OutputGuard } from '../../../guardrails/output/output-guard.ts';
import { asArray, asObject, type Body, parseObject } from '../../../providers/json.ts';
import type { OperationName } from '../../../providers/operation-name.ts';
import type { RoutedKey } from '../../../snapshot/snapshot.ts';
import type { ResourceRoute } from './routes.ts';

/** Who asks for what is stored, and with which key. */
export interface StoredRequest {
  readonly requestId: string;
  readonly caller: Caller;
  readonly key: RoutedKey;
}

/** Guardrails on what a provider stores, so that nothing passes them by being fetched or added later. */
export interface StoredTexts {
  /** The text of a body that adds to what is stored. @throws {ProxyError} where a rule refuses it */
  checkBody(asked: ReadBody, request: StoredRequest): Promise<string | undefined>;
  /**
   * The guard of stored answers. Undefined where no rule is about them.
   *
   * @param isReleased people have let it pass, so no rule holds it again
   */
  guardOf(
    route: Pick<ResourceRoute, 'kind' | 'path' | 'effect'>,
    request: StoredRequest,
    isReleased?: boolean,
  ): Promise<OutputGuard | undefined>;
  /** Whether a rule may hold what the answer says. */
  mayHold(route: Pick<ResourceRoute, 'kind' | 'path' | 'effect'>, request: StoredRequest): Promise<boolean>;
  /** Judges a whole answer. @throws {ProxyError} where a rule refuses it */
  judge(guard: OutputGuard, whole: Buffer): Promise<Buffer>;
  /** Judges the file of a batch's answers, line by line. @throws {ProxyError} where a rule refuses it */
  judgeFile(whole: Buffer, request: StoredRequest): Promise<Buffer>;
}

/** The operation of a batch's answer, by its `object`. */
const operations: ReadonlyMap<unknown, OperationName> = new Map<unknown, OperationName>([
  ['response', 'responses'],
  ['chat.completion', 'chat'],
  ['text_completion', 'completions'],
]);

export function makeStoredTexts(guardrails: Pick<Guardrails, 'check'>, inForce: () => InForce): StoredTexts {
  const check = async (
    operation: OperationName,
    said: Body | undefined,
    { requestId, caller, key }: StoredRequest,
    review?: GuardedCall['review'],
  ): Promise<CallGuard | undefined> => {
    const { snapshot, envelope } = inForce();
    if (snapshot.spec.guardrails === undefined) return undefined;
    const { user, userId, sessionId, turnId } = caller;
    return guardrails.check({
      requestId,
      snapshot,
      envelope,
      operation,
      model: undefined,
      isAnyModel: true,
      user,
      userId,
      sessionId,
      turn: { id: turnId },
      key,
      said,
      isRewritable: true,
      ...(review && { review }),
    });
  };
  const judge = async (guard: OutputGuard, answer: Body): Promise<Body | undefined> => {
    const wrapped = wrap(answer);
    const judged = (await guard.answer(wrapped)) ?? wrapped;
    const problem = guard.problem();
    if (problem) throw problem;
    const shown = guard.present(judged);
    return shown === wrapped ? undefined : unwrap(answer, shown);
  };
  return {
    async checkBody(asked, request) {
      const guard = await check('responses', asked.body, request);
      return guard?.isEditing() ? editBody(asked, guard.edit).text : undefined;
    },
    async guardOf(route, request, isReleased = false) {
      if (route.kind !== 'conversation' && !showsResponse(route)) return undefined;
      // An item of a conversation cannot be asked for again, so it is not held.
      const review = route.kind === 'conversation' ? undefined : isReleased ? 'done' : 'hold';
      return (await check('responses', undefined, request, review))?.output;
    },
    async mayHold(route, request) {
      return showsResponse(route) && ((await check('responses', undefined, request, 'hold'))?.mayHold() ?? false);
    },
    async judge(guard, whole) {
      const answer = parseObject(whole.toString('utf8'));
      const changed = answer && (await judge(guard, answer));
      return changed ? Buffer.from(JSON.stringify(changed)) : whole;
    },
    async judgeFile(whole, request) {
      const lines = whole.toString('utf8').split('\n');
      let isChanged = false;
      for (const [at, text] of lines.entries()) {
        const line = parseObject(text);
        const response = asObject(line?.response);
        const body = asObject(response?.body);
        const operation = operations.get(body?.object);
        if (!line || !body || operation === undefined) continue;
        const guard = (await check(operation, undefined, request))?.output;
        const changed = guard && (await judge(guard, body));
        if (!changed) continue;
        lines[at] = JSON.stringify({ ...line, response: { ...response, body: changed } });
        isChanged = true;
      }
      return isChanged ? Buffer.from(lines.join('\n')) : whole;
    },
  };
}

/** Whether the answer to a request is a response as a whole. */
export function showsResponse({ kind, path, effect }: Pick<ResourceRoute, 'kind' | 'path' | 'effect'>): boolean {
  return kind === 'response' && effect !== 'delete' && !path.endsWith('/input_items');
}

/** Items of a conversation, in the form of an answer. */
function wrap(answer: Body): Body {
  if (answer.object === 'list') return { output: asArray(answer.data) };
  return 'output' in answer || 'choices' in answer ? answer : { output: [answer] };
}

function unwrap(answer: Body, shown: Body): Body {
  if (answer.object === 'list') return { ...answer, data: shown.output };
  return 'output' in answer || 'choices' in answer ? shown : (asObject(asArray(shown.output)[0]) ?? answer);
}

/**
 * A stream that is resumed in the middle may begin in the middle of a match, and one that is fetched does not wait for its
 * end. @throws {ProxyError} where the rules cannot judge what is asked for
 */
export function requireJudgeable(url: string, guard: OutputGuard): void {
  const query = new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?')) : '');
  if (query.get('stream') === 'true' && guard.needsWhole()) {
    const message = 'guardrails of the organization need the whole response; leave stream out';
    throw new ProxyError('invalid_request', { param: 'stream', message });
  }
  if (!query.has('starting_after')) return;
  const param = 'starting_after';
  const message = 'guardrails of the organization read a stream from its beginning; leave starting_after out';
  throw new ProxyError('invalid_request', { param, message });
}
