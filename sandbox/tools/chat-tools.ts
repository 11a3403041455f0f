import { Fields, missing, wrongType } from '../fields.ts';
import type { JsonObject } from '../json.ts';
import { ProviderError } from '../provider-error.ts';
import { maxTools, readTool } from './definitions.ts';
import { noTools, type Tool, type ToolUse } from './tool.ts';

/** A chat completion's tool settings, and whether they use the legacy `functions`. */
export type ChatToolUse = ToolUse & { legacy: boolean };

/**
 * Reads `tools` and `tool_choice` of a chat completion, or `functions` and `function_call`, which they replaced.
 *
 * @throws ProviderError 400 for an invalid definition, and for a choice that is not defined
 */
export function readChatTools(body: Fields): ChatToolUse {
  const definitions = body.objects('tools', { notEmpty: true, maximum: maxTools });
  const functions = body.objects('functions', { notEmpty: true, maximum: maxTools });
  if (functions === null) requireAbsent(body, 'function_call', 'functions');
  if (definitions !== null) return { ...readChoice(body, definitions.map(readDefinition)), legacy: false };
  requireAbsent(body, 'tool_choice', 'tools');
  requireAbsent(body, 'parallel_tool_calls', 'tools');
  if (functions === null) return { ...noTools, legacy: false };
  const tools = functions.map((definition, index) =>
    readTool('function', new Fields(definition, `functions[${index}]`)),
  );
  return { ...readFunctionCall(body, tools), legacy: true };
}

function requireAbsent(body: Fields, name: string, needed: string): void {
  if (body.value(name) === null) return;
  const message = `Invalid value for '${name}': '${name}' is only allowed when '${needed}' are specified.`;
  throw new ProviderError(message, { param: name });
}

function readDefinition(definition: JsonObject, index: number): Tool {
  const fields = new Fields(definition, `tools[${index}]`);
  return readTool(...readKind(fields));
}

/** The type of a definition or choice, and the object of that name that has its fields. */
function readKind(fields: Fields): [kind: Tool['kind'], holder: Fields] {
  const kind = fields.choice('type', ['function', 'custom']) ?? fail(fields.path('type'));
  return [kind, fields.nested(kind) ?? fail(fields.path(kind))];
}

function readChoice(body: Fields, tools: readonly Tool[]): ToolUse {
  const all = { tools, named: false, parallel: body.boolean('parallel_tool_calls') ?? true };
  const choice = body.value('tool_choice');
  if (choice === null) return { ...all, mode: 'auto' };
  if (typeof choice === 'string') {
    return { ...all, mode: body.choice('tool_choice', ['none', 'auto', 'required']) ?? 'auto' };
  }
  const fields = body.nested('tool_choice') ?? fail('tool_choice');
  if (fields.string('type') === 'allowed_tools') return { ...all, ...readAllowed(fields, tools) };
  return { ...all, tools: [findChosen(fields, tools)], mode: 'required', named: true };
}

function readAllowed(choice: Fields, tools: readonly Tool[]) {
  const fields = choice.nested('allowed_tools') ?? fail(choice.path('allowed_tools'));
  const mode = fields.choice('mode', ['auto', 'required']) ?? fail(fields.path('mode'));
  const allowed = fields.objects('tools', { notEmpty: true }) ?? fail(fields.path('tools'));
  const path = fields.path('tools');
  return { tools: allowed.map((entry, index) => findChosen(new Fields(entry, `${path}[${index}]`), tools)), mode };
}

function findChosen(choice: Fields, tools: readonly Tool[]): Tool {
  const [kind, holder] = readKind(choice);
  const name = holder.requiredString('name');
  const chosen = tools.find((tool) => tool.kind === kind && tool.name === name);
  return chosen ?? failChoice('tool_choice', kind === 'custom' ? 'custom tool' : kind, name, 'tools');
}

function readFunctionCall(body: Fields, tools: readonly Tool[]): ToolUse {
  const all = { tools, named: false, parallel: false };
  const choice = body.value('function_call');
  if (choice === null) return { ...all, mode: 'auto' };
  if (typeof choice === 'string') return { ...all, mode: body.choice('function_call', ['none', 'auto']) ?? 'auto' };
  const fields = body.nested('function_call');
  if (fields === null) throw wrongType('function_call', 'one of a string or object', choice);
  const name = fields.requiredString('name');
  const chosen = tools.find((tool) => tool.name === name) ?? failChoice('function_call', 'function', name, 'functions');
  return { ...all, tools: [chosen], mode: 'required', named: true };
}

function failChoice(param: string, kind: string, name: string, among: string): never {
  const message = `Invalid value for '${param}': no ${kind} named ${name} was specified in the '${among}' parameter.`;
  throw new ProviderError(message, { param });
}

function fail(path: string): never {
  throw missing(path);
}
