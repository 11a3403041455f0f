import { asArray, asCount, asObject, asString, type Body } from '../json.ts';
import type { ToolCalls } from '../usage.ts';

/**
 * Calls of tools that the caller runs, or that have no fee besides tokens. Any other type that ends in `_call` may have
 * a fee.
 */
const free: ReadonlySet<string> = new Set([
  'function_call',
  'custom_tool_call',
  'computer_call',
  'local_shell_call',
  'apply_patch_call',
  'mcp_call',
  'tool_search_call',
]);

/**
 * Reads the calls of the provider's own tools that may have fees. A response may report the number of billed searches.
 * Otherwise the searches are counted, without opened pages.
 *
 * @param body the request, for responses that do not repeat their tools
 * @see https://platform.openai.com/docs/guides/tools-web-search
 */
export function readToolCalls(response: Body | null, body: Body): ToolCalls[] {
  const counts = new Map<string, number>();
  const containers = new Set<string>();
  const add = (type: string, count = 1) => counts.set(type, (counts.get(type) ?? 0) + count);
  const inContainer = (type: string, id: unknown) => {
    const container = `${type} ${asString(id) ?? ''}`;
    if (!containers.has(container)) add(type);
    containers.add(container);
  };
  let searches = 0;
  for (const value of asArray(response?.output)) {
    const item = asObject(value);
    const type = asString(item?.type) ?? '';
    if (!item || !type.endsWith('_call') || free.has(type) || item.status === 'failed') continue;
    const environment = asObject(item.environment);
    if (type === 'web_search_call') searches += looksUp(item) ? 1 : 0;
    else if (type === 'code_interpreter_call') inContainer('code_interpreter', item.container_id);
    else if (type !== 'shell_call') add(type.slice(0, -'_call'.length));
    else if (environment?.type !== 'local') inContainer('shell', environment?.container_id);
  }
  const billed = asCount(asObject(asObject(response?.tool_usage)?.web_search)?.num_requests) ?? searches;
  if (billed > 0) add(searchToolOf(response?.tools ?? body.tools), billed);
  return Array.from(counts, ([type, count]) => ({ type, count }));
}

function looksUp({ action }: Body): boolean {
  const type = asObject(action)?.type;
  return type === undefined || type === 'search';
}

/** The two search tools have different fees. It is `web_search_call` where the tool is unknown. */
function searchToolOf(tools: unknown): string {
  const types = asArray(tools).map((tool) => asString(asObject(tool)?.type) ?? '');
  const isPreview = types.some((type) => type.startsWith('web_search_preview'));
  const isCurrent = types.some((type) => /^web_search(_\d|$)/.test(type));
  if (isPreview === isCurrent) return 'web_search_call';
  return isPreview ? 'web_search_preview' : 'web_search';
}
