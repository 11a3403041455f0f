import { type Carrier, isAbsent } from '../../carried.ts';
import { asArray, asObject, type Body } from '../../json.ts';

/** @throws {ProxyError} for a tool that is not a function */
export function carryTools(tools: unknown, carrier: Carrier): Body[] {
  return asArray(tools).map((value, index) => {
    const tool = asObject(value);
    const called = asObject(tool?.function);
    if (tool?.type !== 'function' || !called) return carrier.refuse(`tools[${index}].type`, 'takes functions alone');
    const { name, description, parameters, strict } = called;
    return {
      name,
      ...(!isAbsent(description) && { description }),
      input_schema: isAbsent(parameters) ? { type: 'object', properties: {} } : parameters,
      ...(strict === true && { strict }),
      ...(!isAbsent(tool.cache_control) && { cache_control: tool.cache_control }),
    };
  });
}

/** @returns undefined where the model chooses freely, as both APIs have it by default */
export function carryToolChoice(body: Body, hasTools: boolean, carrier: Carrier): Body | undefined {
  const { tool_choice: choice, parallel_tool_calls: parallel } = body;
  const isSingle = parallel === false && hasTools;
  const single = isSingle ? { disable_parallel_tool_use: true } : {};
  if (isAbsent(choice) || choice === 'auto') return isSingle ? { type: 'auto', ...single } : undefined;
  if (choice === 'none') return { type: 'none' };
  if (choice === 'required') return { type: 'any', ...single };
  const named = asObject(asObject(choice)?.function);
  if (asObject(choice)?.type !== 'function' || !named) return carrier.refuse('tool_choice');
  return { type: 'tool', name: named.name, ...single };
}
