import { asArray, asObject, type Body } from '../providers/json.ts';
import type { OperationName } from '../providers/operation-name.ts';
import type { CacheableCall } from './cacheable-call.ts';

/** Batches, edits of images and what a provider works on later are not among them. */
const operations: ReadonlySet<OperationName> = new Set([
  'responses',
  'chat',
  'messages',
  'completions',
  'embeddings',
  'moderations',
  'image_generations',
  'speech',
  'transcriptions',
  'translations',
]);

/** Fields that let the provider look something up, run something, or use a text that it keeps. */
const outside = ['web_search_options', 'search_parameters', 'plugins', 'mcp_servers', 'container'] as const;

/** Where an answer may be replayed: to every such call, to those of the same session, or nowhere. */
export type Reach =
  | { readonly to: 'everywhere' | 'session' }
  /** @property because what of the call is in the way, in words for its caller */
  | { readonly to: 'nowhere'; readonly because: string };

const everywhere: Reach = { to: 'everywhere' };
const session: Reach = { to: 'session' };

/**
 * Says where the answer to a call may be replayed. An answer can call the tools that a call offers, and whoever gets it
 * runs them. So it is replayed in the same session only, where that call was meant for this conversation.
 */
export function reachOf(call: Pick<CacheableCall, 'operation' | 'effects' | 'hasReferences' | 'body'>): Reach {
  const { operation, effects, hasReferences, body } = call;
  if (!operations.has(operation)) return nowhere(`answers of ${operation} are not kept`);
  // What a call stores, or refers to, exists once.
  if (effects !== 'none') return nowhere(storing[operation] ?? 'the call has effects beside its answer');
  if (hasReferences) return nowhere('it refers to something that the provider has stored');
  for (const field of ['previous_response_id', 'conversation'] as const) {
    if (body[field] != null) return nowhere(`it has ${field}`);
  }
  if (body.background === true) return nowhere('background is true');
  const looksOutside = outside.find((field) => body[field] != null);
  if (looksOutside !== undefined) return nowhere(`it has ${looksOutside}`);
  if (asObject(body.prompt)) return nowhere('prompt is a text that the provider has stored');
  const tools = asArray(body.tools);
  // The provider runs all other tools, on what it finds then.
  const running = tools.findIndex((tool) => !isClients(tool));
  if (running !== -1) return nowhere(`the provider runs tools[${running}]`);
  return tools.length > 0 || asArray(body.functions).length > 0 ? session : everywhere;
}

/** Responses are stored unless they say otherwise. */
const storing: Partial<Record<OperationName, string>> = {
  responses: 'the provider stores the response, as without store: false',
  chat: 'the provider stores it: store is true',
};

function nowhere(because: string): Reach {
  return { to: 'nowhere', because };
}

/** Whether the caller runs the tool. A tool of Messages that has no type is such a one. */
function isClients(tool: unknown): boolean {
  const { type }: Body = asObject(tool) ?? { type: 'unknown' };
  return type === undefined || type === 'function' || type === 'custom';
}
