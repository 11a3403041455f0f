import { Carrier, isAbsent } from '../../carried.ts';
import { asNumber, asObject, asString, type Body } from '../../json.ts';
import { carryMessages } from './messages.ts';
import { carryToolChoice, carryTools } from './tools.ts';

/** What an answer may have where the call does not say: Anthropic needs a bound, and OpenAI does not. */
export const defaultMaxTokens = 8_192;

/** Fields of a chat completion that are carried, or that only say what is so anyway. The rest are refused by name. */
const known = new Set([
  ...['model', 'messages', 'max_tokens', 'max_completion_tokens', 'stop', 'stream', 'temperature', 'top_p'],
  ...[
    'tools',
    'tool_choice',
    'parallel_tool_calls',
    'response_format',
    'reasoning_effort',
    'user',
    'safety_identifier',
  ],
  ...['n', 'logprobs', 'top_logprobs', 'modalities', 'store', 'frequency_penalty', 'presence_penalty', 'service_tier'],
  // How usage is told, and a hint for OpenAI's cache.
  ...['stream_options', 'prompt_cache_key', 'prompt_cache_retention', 'verbosity'],
]);

/**
 * Makes the body of a message from that of a chat completion.
 *
 * @throws {ProxyError} `invalid_request` with the field that Anthropic's API cannot say
 */
export function askByMessage(body: Body, provider: string): Body {
  const carrier = new Carrier(provider, 'Anthropic’s Messages API');
  carrier.onlyKnown(body, known);
  requireDefaults(body, carrier);
  const { system, messages } = carryMessages(body.messages, carrier);
  const tools = carryTools(body.tools, carrier);
  const toolChoice = carryToolChoice(body, tools.length > 0, carrier);
  const userId = asString(body.safety_identifier) ?? asString(body.user);
  return {
    model: body.model,
    max_tokens: body.max_completion_tokens ?? body.max_tokens ?? defaultMaxTokens,
    ...(system.length > 0 && { system }),
    messages,
    ...(tools.length > 0 && { tools }),
    ...(toolChoice && { tool_choice: toolChoice }),
    ...(!isAbsent(body.stop) && { stop_sequences: [body.stop].flat() }),
    ...(!isAbsent(body.temperature) && { temperature: body.temperature }),
    ...(!isAbsent(body.top_p) && { top_p: body.top_p }),
    ...(body.stream === true && { stream: true }),
    ...(userId !== null && { metadata: { user_id: userId } }),
    ...(body.service_tier === 'default' && { service_tier: 'standard_only' }),
    ...carryOutput(body, carrier),
  };
}

/** Some fields can be carried only where they say what Anthropic does anyway. */
function requireDefaults(body: Body, carrier: Carrier): void {
  const only = (name: string, ...allowed: readonly unknown[]) => {
    const value = body[name];
    const plain = asNumber(value) ?? value;
    if (!isAbsent(value) && !allowed.includes(plain)) carrier.refuse(name, `${name} cannot be carried to it`);
  };
  only('n', 1);
  only('logprobs', false);
  only('top_logprobs', 0);
  only('store', false);
  only('frequency_penalty', 0);
  only('presence_penalty', 0);
  only('verbosity', 'medium');
  only('service_tier', 'auto', 'default');
  const { modalities } = body;
  if (!isAbsent(modalities) && JSON.stringify(modalities) !== '["text"]') carrier.refuse('modalities');
  const temperature = asNumber(body.temperature);
  if (temperature !== null && temperature > 1) carrier.refuse('temperature', 'must be at most 1 there');
}

/** The form of the output, and how much effort it takes. */
function carryOutput({ response_format, reasoning_effort }: Body, carrier: Carrier): Body {
  const format = carryFormat(asObject(response_format), carrier);
  if (reasoning_effort === 'none')
    return { thinking: { type: 'disabled' }, ...(format && { output_config: { format } }) };
  const effort = reasoning_effort === 'minimal' ? 'low' : reasoning_effort;
  const config = { ...(!isAbsent(effort) && { effort }), ...(format && { format }) };
  return isAbsent(config) ? {} : { output_config: config };
}

function carryFormat(format: Body | null, carrier: Carrier): Body | undefined {
  if (!format || format.type === 'text') return undefined;
  const schema = asObject(asObject(format.json_schema)?.schema);
  if (format.type === 'json_schema' && schema) return { type: 'json_schema', schema };
  return carrier.refuse('response_format', 'takes a JSON schema alone');
}
