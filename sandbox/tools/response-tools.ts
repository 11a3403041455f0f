import { Fields, missing, wrongType } from '../fields.ts';
import type { JsonObject } from '../json.ts';
import { ProviderError } from '../provider-error.ts';
import { maxTools, readTool } from './definitions.ts';
import type { Tool, ToolUse } from './tool.ts';

/**
 * Reads `tools`, `tool_choice` and `parallel_tool_calls` of a response. The provider's own tools are accepted, and
 * never called.
 *
 * @throws ProviderError 400 for an invalid definition, and for a choice that is not defined
 */
export function readResponseTools(body: Fields): ToolUse {
  const definitions = body.objects('tools', { maximum: maxTools }) ?? [];
  const tools = definitions.flatMap((definition, index) => readDefinition(new Fields(definition, `tools[${index}]`)));
  const all = { tools, named: false, parallel: body.boolean('parallel_tool_calls') ?? true };
  const choice = body.value('tool_choice');
  if (choice === null) return { ...all, mode: 'auto' };
  if (typeof choice === 'string') {
    const mode = body.choice('tool_choice', ['none', 'auto', 'required']) ?? 'auto';
    if (mode !== 'required' || definitions.length > 0) return { ...all, mode };
    throw refusal("Tool choice 'required' must be specified with 'tools' parameter.");
  }
  const fields = body.nested('tool_choice');
  if (fields === null) throw wrongType('tool_choice', 'one of a string or object', choice);
  const type = fields.string('type') ?? fail(fields.path('type'));
  if (type === 'allowed_tools') return { ...all, ...readAllowed(fields, definitions, tools) };
  const [chosen] = findChosen(fields, definitions, tools, type);
  return chosen ? { ...all, tools: [chosen], mode: 'required', named: true } : { ...all, tools: [], mode: 'required' };
}

function readDefinition(fields: Fields): Tool[] {
  const type = fields.string('type') ?? fail(fields.path('type'));
  return type === 'function' || type === 'custom' ? [readTool(type, fields)] : [];
}

function readAllowed(fields: Fields, definitions: readonly JsonObject[], tools: readonly Tool[]) {
  const mode = fields.choice('mode', ['auto', 'required']) ?? fail(fields.path('mode'));
  const allowed = fields.objects('tools', { notEmpty: true }) ?? fail(fields.path('tools'));
  const chosen = allowed.flatMap((entry, index) => {
    const one = new Fields(entry, `${fields.path('tools')}[${index}]`);
    return findChosen(one, definitions, tools, one.string('name') ?? one.string('type') ?? fail(one.path('type')));
  });
  return { tools: chosen, mode };
}

/** Finds the chosen tool. Empty for one of the provider's own. */
function findChosen(
  choice: Fields,
  definitions: readonly JsonObject[],
  tools: readonly Tool[],
  calledAs: string,
): Tool[] {
  const type = choice.string('type') ?? fail(choice.path('type'));
  const notFound = () => refusal(`Tool choice '${calledAs}' not found in 'tools' parameter.`);
  if (type !== 'function' && type !== 'custom') {
    // A choice may name a dated version: `web_search_preview_2025_03_11`.
    if (definitions.some((tool) => typeof tool.type === 'string' && type.startsWith(tool.type))) return [];
    throw notFound();
  }
  const name = choice.requiredString('name');
  const chosen = tools.find((tool) => tool.kind === type && tool.name === name);
  if (!chosen) throw notFound();
  return [chosen];
}

function refusal(message: string): ProviderError {
  return new ProviderError(message, { param: 'tool_choice' });
}

function fail(path: string): never {
  throw missing(path);
}
