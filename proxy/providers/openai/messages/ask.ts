import { hash } from 'node:crypto';
import { Carrier, isAbsent } from '../../carried.ts';
import { asArray, asObject, asString, type Body } from '../../json.ts';
import { carryToolChoice, carryTools } from './tools.ts';
import { carryTurn, textOf } from './turns.ts';

/** How a provider is asked for a bound of the answer. Servers that are compatible may not know OpenAI's newer field. */
export type LimitField = 'max_completion_tokens' | 'max_tokens';

/** Fields of a message that are carried, or that mean nothing to OpenAI. The rest are refused by name. */
const known = new Set([
  ...['model', 'max_tokens', 'messages', 'system', 'stop_sequences', 'stream', 'temperature', 'top_p', 'metadata'],
  ...['tools', 'tool_choice', 'output_config', 'service_tier', 'speed', 'context_management'],
  // Hints for Anthropic's cache, and how much a model of Anthropic's thinks.
  ...['cache_control', 'thinking'],
]);

/** OpenAI's bound of `user`. */
const maxUserLength = 64;

/**
 * Makes the body of a chat completion from that of a message.
 *
 * @throws {ProxyError} `invalid_request` with the field that a chat completion cannot say
 */
export function askByChat(body: Body, provider: string, limit: LimitField): Body {
  const carrier = new Carrier(provider, 'OpenAI’s chat completions');
  carrier.onlyKnown(body, known);
  if (!isAbsent(body.speed) && body.speed !== 'standard') carrier.refuse('speed');
  requireNoEdits(body.context_management, carrier);
  const system = textOf(body.system, 'system', carrier);
  const turns = asArray(body.messages).flatMap((value, index) => carryTurn(value, `messages[${index}]`, carrier));
  const tools = carryTools(body.tools, carrier);
  return {
    model: body.model,
    messages: [...(system === '' ? [] : [{ role: 'system', content: system }]), ...turns],
    ...(!isAbsent(body.max_tokens) && { [limit]: body.max_tokens }),
    ...(!isAbsent(body.stop_sequences) && { stop: body.stop_sequences }),
    ...(!isAbsent(body.temperature) && { temperature: body.temperature }),
    ...(!isAbsent(body.top_p) && { top_p: body.top_p }),
    ...(body.stream === true && { stream: true }),
    ...(tools.length > 0 && { tools, ...carryToolChoice(body.tool_choice, carrier) }),
    ...userOf(body.metadata),
    ...(body.service_tier === 'standard_only' && { service_tier: 'default' }),
    ...carryOutput(asObject(body.output_config), carrier),
  };
}

/** Anthropic takes longer ids of users. */
function userOf(metadata: unknown): Body {
  const user = asString(asObject(metadata)?.user_id);
  if (user === null) return {};
  return { user: user.length > maxUserLength ? hash('sha256', user, 'hex') : user };
}

/** Thoughts are not carried, so an edit that removes them has nothing to do. */
function requireNoEdits(management: unknown, carrier: Carrier): void {
  for (const [index, value] of asArray(asObject(management)?.edits).entries()) {
    const type = asString(asObject(value)?.type) ?? '';
    if (!type.startsWith('clear_thinking')) carrier.refuse(`context_management.edits[${index}].type`);
  }
}

const ofOutput = new Set(['effort', 'format']);

function carryOutput(config: Body | null, carrier: Carrier): Body {
  if (!config) return {};
  carrier.onlyKnown(config, ofOutput, 'output_config.');
  const effort = config.effort === 'max' ? 'xhigh' : config.effort;
  const schema = asObject(asObject(config.format)?.schema);
  if (!isAbsent(config.format) && !schema) carrier.refuse('output_config.format');
  const format = { type: 'json_schema', json_schema: { name: 'output', schema, strict: true } };
  return { ...(!isAbsent(effort) && { reasoning_effort: effort }), ...(schema && { response_format: format }) };
}
