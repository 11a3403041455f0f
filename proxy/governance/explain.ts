import type { IncomingHttpHeaders } from 'node:http';
import type { CallContext } from '../calls/context.ts';
import type { Explanation } from '../calls/explain/explanation.ts';
import type { ExplainQuestion } from '../calls/explain/question.ts';
import { ProxyError } from '../error.ts';
import type { Operation } from '../operations/operation.ts';
import type { Body } from '../providers/json.ts';
import type { CallingSurface, GovernanceContext } from './context.ts';
import { admitRole } from './roles.ts';

/** A call that somebody asks about. */
export interface AskedCall {
  /** Such as `chat`. Absent: by its path. */
  readonly operation?: string | undefined;
  /** Such as `/v1/chat/completions`. */
  readonly path?: string | undefined;
  /** Absent: the least that the operation asks for. */
  readonly body?: Body | undefined;
  /** In place of the body's. */
  readonly model?: string | undefined;
  /** External id. Absent: the caller. */
  readonly user?: string | undefined;
  readonly session?: string | undefined;
  /** The pod that would call. Absent: the proxy's own. */
  readonly namespace?: string | undefined;
  readonly workload?: string | undefined;
  /** Of the question. Those that a provider would get are the call's. */
  readonly headers?: IncomingHttpHeaders | undefined;
}

/** What the cache tells calls apart by. */
const passed = ['accept', 'openai-beta', 'anthropic-version', 'anthropic-beta'] as const;

/**
 * Explains what would happen to a call now. Everybody may ask about calls of their own; an admin about any user's and any
 * pod's.
 *
 * @throws {ProxyError} `role_required`; `invalid_request` where there is no such call
 */
export async function explainCall(
  { pipeline, surfaces }: Pick<GovernanceContext, 'pipeline' | 'surfaces'>,
  context: CallContext,
  asked: AskedCall,
): Promise<Explanation> {
  const operation = findOperation(surfaces, asked);
  const { namespace } = asked;
  const isOwn = asked.user === undefined || asked.user === context.caller.user;
  if (!isOwn || namespace !== undefined) admitRole(context.caller);
  if (namespace !== undefined && !context.inForce.namespaces.has(namespace)) throw unknownNamespace(namespace);
  return pipeline.explain({
    context,
    ...whoseOf(asked, context, isOwn),
    ...(namespace !== undefined && { origin: { namespace, workload: asked.workload ?? '' } }),
    operation,
    body: bodyOf(asked, operation),
  });
}

/** The operation of a name or a path. @throws {ProxyError} `invalid_request` */
export function findOperation(
  surfaces: readonly CallingSurface[],
  { operation: name, path }: Pick<AskedCall, 'operation' | 'path'>,
): Operation {
  const calls = surfaces.flatMap(({ calls: served }) =>
    (served?.operations ?? []).map((operation) => ({ operation, path: `${served?.prefix ?? ''}${operation.path}` })),
  );
  const found = calls.find((call) => (name === undefined ? call.path === path : call.operation.name === name));
  if (found) return found.operation;
  const [param, known] =
    name === undefined && path !== undefined
      ? ['path', calls.map((call) => call.path)]
      : ['operation', calls.map((call) => call.operation.name)];
  throw new ProxyError('invalid_request', { param, message: `${param} must be one of ${known.join(', ')}` });
}

/** The body to judge. Where none is stated, the required fields are there, and empty. */
export function bodyOf({ body, model }: Pick<AskedCall, 'body' | 'model'>, { required }: Operation): Body {
  const stated = body ?? Object.fromEntries(required.map((field) => [field, '']));
  return model === undefined ? stated : { ...stated, model };
}

function whoseOf(
  { user, session, namespace, headers: asking = {} }: AskedCall,
  { caller }: CallContext,
  isOwn: boolean,
): Pick<ExplainQuestion, 'identity' | 'headers'> {
  const named = isOwn ? caller.user : user;
  const headers: IncomingHttpHeaders = {
    ...Object.fromEntries(passed.map((name) => [name, asking[name]])),
    ...(named !== undefined && { 'x-user-id': named }),
    ...(session !== undefined && { 'x-session-id': session }),
    ...(caller.optimizationLevel !== undefined && { 'x-optimization-level': caller.optimizationLevel }),
  };
  if (namespace !== undefined) return { identity: { user: undefined, namespace, roles: [] }, headers };
  return { identity: isOwn ? caller.identity : { user, roles: [] }, headers };
}

function unknownNamespace(namespace: string): ProxyError {
  return new ProxyError('invalid_request', {
    param: 'namespace',
    message: `this proxy does not act for the namespace ${JSON.stringify(namespace)}, so it does not know its keys; \`chaperone explain\` does`,
  });
}
