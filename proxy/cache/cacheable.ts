import { asArray, asObject, type Body } from '../providers/json.ts';
import type { OperationName } from '../providers/operation-name.ts';
import type { CacheableCall } from './cacheable-call.ts';

/** Batches, forms and what a provider works on later are not among them. */
const operations: ReadonlySet<OperationName> = new Set([
  'responses',
  'chat',
  'messages',
  'completions',
  'embeddings',
  'moderations',
  'image_generations',
  'speech',
]);

/** Fields that let the provider look something up, run something, or use a text that it keeps. */
const outside = ['web_search_options', 'search_parameters', 'plugins', 'mcp_servers', 'container'] as const;

/** For which calls an answer may be replayed: every one, those of the same session, or none. */
export type Reach = 'everywhere' | 'session' | 'nowhere';

/**
 * Says where the answer to a call may be replayed. An answer can call the tools that a call offers, and whoever gets it
 * runs them. So it is replayed in the same session only, where that call was meant for this conversation.
 */
export function reachOf(call: Pick<CacheableCall, 'operation' | 'effects' | 'hasReferences' | 'body'>): Reach {
  const { operation, effects, hasReferences, body } = call;
  // What a call stores, or refers to, exists once.
  if (!operations.has(operation) || effects !== 'none' || hasReferences) return 'nowhere';
  if (body.previous_response_id != null || body.conversation != null || body.background === true) return 'nowhere';
  if (outside.some((field) => body[field] != null) || asObject(body.prompt)) return 'nowhere';
  const tools = asArray(body.tools);
  // The provider runs all other tools, on what it finds then.
  if (!tools.every(isClients)) return 'nowhere';
  return tools.length > 0 || asArray(body.functions).length > 0 ? 'session' : 'everywhere';
}

/** Whether the caller runs the tool. A tool of Messages that has no type is such a one. */
function isClients(tool: unknown): boolean {
  const { type }: Body = asObject(tool) ?? { type: 'unknown' };
  return type === undefined || type === 'function' || type === 'custom';
}
