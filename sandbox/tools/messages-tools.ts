import { Fields, missing } from '../fields.ts';
import type { JsonObject } from '../json.ts';
import { ProviderError } from '../provider-error.ts';
import { noTools, type Tool, type ToolUse } from './tool.ts';

/**
 * Reads `tools` and `tool_choice` of Anthropic's Messages API. Tools that Anthropic runs itself, or whose schema it knows,
 * are accepted and never called.
 *
 * @throws ProviderError 400 for an invalid definition, and for a choice that is not defined
 */
export function readMessagesTools(body: Fields): ToolUse {
  const definitions = body.objects('tools') ?? [];
  const tools = definitions.map(readDefinition).filter((tool) => tool !== null);
  const names = tools.map(({ name }) => name);
  if (new Set(names).size < names.length) throw new ProviderError('Tool names must be unique.', { param: 'tools' });
  const choice = body.nested('tool_choice');
  if (choice === null) return tools.length === 0 ? noTools : { tools, mode: 'auto', named: false, parallel: true };
  const type = choice.choice('type', ['auto', 'any', 'tool', 'none']);
  if (type === null) throw missing(choice.path('type'));
  const parallel = !(choice.boolean('disable_parallel_tool_use') ?? false);
  const all = { tools, named: false, parallel };
  if (type !== 'tool') return { ...all, mode: ({ auto: 'auto', any: 'required', none: 'none' } as const)[type] };
  const name = choice.requiredString('name');
  const chosen = tools.find((tool) => tool.name === name);
  if (!chosen) throw new ProviderError(`Tool '${name}' not found in provided tools`, { param: choice.path('name') });
  return { tools: [chosen], mode: 'required', named: true, parallel };
}

function readDefinition(definition: JsonObject, index: number): Tool | null {
  const fields = new Fields(definition, `tools[${index}]`);
  if ((fields.string('type') ?? 'custom') !== 'custom') return null;
  const name = fields.requiredString('name');
  if (!/^[a-zA-Z0-9_-]{1,128}$/.test(name)) {
    throw new ProviderError("String should match pattern '^[a-zA-Z0-9_-]{1,128}$'", {
      param: fields.path('custom.name'),
    });
  }
  const schema = fields.nested('input_schema');
  if (schema === null) throw missing(fields.path('custom.input_schema'));
  if (schema.string('type') !== 'object')
    throw new ProviderError("Input should be 'object'", { param: schema.path('type') });
  return {
    kind: 'function',
    name,
    description: fields.string('description') ?? '',
    parameters: fields.object('input_schema'),
  };
}
