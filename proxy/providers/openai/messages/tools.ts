import { type Carrier, isAbsent } from '../../carried.ts';
import { asArray, asObject, type Body } from '../../json.ts';

/** Fields of a tool that are carried, or that are hints for Anthropic alone. */
const known = new Set([
  ...['type', 'name', 'description', 'input_schema', 'strict'],
  ...['cache_control', 'eager_input_streaming', 'input_examples'],
]);

/** @throws {ProxyError} for a tool that Anthropic runs, or whose schema only Anthropic knows */
export function carryTools(tools: unknown, carrier: Carrier): Body[] {
  return asArray(tools).map((value, index) => {
    const tool = asObject(value) ?? {};
    const path = `tools[${index}]`;
    if (!isAbsent(tool.type) && tool.type !== 'custom') carrier.refuse(`${path}.type`, 'takes functions alone');
    carrier.onlyKnown(tool, known, `${path}.`);
    const { name, description, input_schema: parameters, strict } = tool;
    const called = {
      name,
      ...(!isAbsent(description) && { description }),
      parameters,
      ...(strict === true && { strict }),
    };
    return { type: 'function', function: called };
  });
}

const choices: Readonly<Record<string, string>> = { auto: 'auto', any: 'required', none: 'none' };

export function carryToolChoice(value: unknown, carrier: Carrier): Body {
  const choice = asObject(value);
  if (!choice) return {};
  const type = String(choice.type);
  const single = choice.disable_parallel_tool_use === true ? { parallel_tool_calls: false } : {};
  if (type === 'tool') return { tool_choice: { type: 'function', function: { name: choice.name } }, ...single };
  if (!Object.hasOwn(choices, type)) carrier.refuse('tool_choice.type');
  return { tool_choice: choices[type], ...single };
}
