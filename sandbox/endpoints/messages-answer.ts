import { splitDeltas, splitJson } from '../answer.ts';
import { anthropicEnvelope } from '../dialect.ts';
import type { EventStream, StreamEvent } from '../generation.ts';
import type { JsonObject } from '../json.ts';
import type { TokenUsage } from '../usage.ts';

/** A message that is decided but not yet written. */
export interface Message {
  id: string;
  model: string;
  blocks: readonly Block[];
  stopReason: 'end_turn' | 'max_tokens' | 'stop_sequence' | 'tool_use' | 'refusal';
  /** The stop sequence that ended it. */
  stoppedBy: string | null;
  usage: TokenUsage;
}

export type Block =
  | { type: 'text'; text: string }
  | { type: 'thinking'; thinking: string; signature: string }
  /** `input` is JSON. It is cut off where the token limit was reached. */
  | { type: 'tool_use'; id: string; name: string; input: string };

export function wholeMessage(message: Message): JsonObject {
  return {
    ...head(message),
    content: message.blocks.map(wholeBlock),
    ...end(message),
    usage: usageObject(message.usage),
  };
}

function head({ id, model }: Message): JsonObject {
  return { id, type: 'message', role: 'assistant', model, container: null };
}

function end({ stopReason, stoppedBy }: Message): JsonObject {
  const details = stopReason === 'refusal' ? { type: 'refusal', category: null, explanation: null } : null;
  return { stop_reason: stopReason, stop_sequence: stoppedBy, stop_details: details };
}

function wholeBlock(block: Block): JsonObject {
  if (block.type === 'text') return { ...block, citations: null };
  if (block.type === 'thinking') return { ...block };
  return { ...emptyBlock(block), input: parseInput(block.input) };
}

/** Of a call that was cut off, the input is empty. */
function parseInput(json: string): JsonObject {
  try {
    return JSON.parse(json);
  } catch {
    return {};
  }
}

/** As a stream announces a block. */
function emptyBlock(block: Block): JsonObject {
  if (block.type === 'text') return { type: 'text', text: '', citations: null };
  if (block.type === 'thinking') return { type: 'thinking', thinking: '', signature: '' };
  return { type: 'tool_use', id: block.id, caller: { type: 'direct' }, name: block.name, input: {} };
}

function deltasOf(block: Block): JsonObject[] {
  if (block.type === 'text') return splitDeltas(block.text).map((text) => ({ type: 'text_delta', text }));
  if (block.type === 'thinking') {
    const thoughts = splitDeltas(block.thinking).map((thinking) => ({ type: 'thinking_delta', thinking }));
    return [...thoughts, { type: 'signature_delta', signature: block.signature }];
  }
  // Anthropic's first piece of an input is empty.
  return ['', ...splitJson(block.input)].map((partial_json) => ({ type: 'input_json_delta', partial_json }));
}

export function eventStream(message: Message): EventStream {
  const told = message.blocks.map(deltasOf);
  return {
    deltaCount: told.flat().length,
    events: () => events(message, told),
    encode: (data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`,
    error: (error) => anthropicEnvelope(error),
    unknown: () => ({ type: 'sandbox_note' }),
    trailer: '',
  };
}

function* events(message: Message, told: readonly JsonObject[][]): Iterable<StreamEvent> {
  const { usage } = message;
  const empty = { content: [], stop_reason: null, stop_sequence: null, stop_details: null };
  const begun = { ...head(message), ...empty, usage: usageObject({ ...usage, output: 1, reasoning: 0 }) };
  yield { part: 'opening', data: { type: 'message_start', message: begun } };
  for (const [index, deltas] of told.entries()) {
    const block = message.blocks[index];
    if (!block) continue;
    yield { part: 'opening', data: { type: 'content_block_start', index, content_block: emptyBlock(block) } };
    if (index === 0) yield { part: 'opening', data: { type: 'ping' } };
    for (const delta of deltas) yield { part: 'delta', data: { type: 'content_block_delta', index, delta } };
    yield { part: 'closing', data: { type: 'content_block_stop', index } };
  }
  const { cache_creation: _, service_tier: _tier, inference_geo: _geo, ...counts } = usageObject(usage);
  yield {
    part: 'terminal',
    data: { type: 'message_delta', delta: { ...end(message), container: null }, usage: counts },
  };
  yield { part: 'terminal', data: { type: 'message_stop' } };
}

/** Anthropic does not count what was read from the cache or written to it as input. */
function usageObject({ input, cached, output, reasoning, written = { short: 0, long: 0 } }: TokenUsage): JsonObject {
  return {
    input_tokens: input - cached - written.short - written.long,
    cache_creation_input_tokens: written.short + written.long,
    cache_read_input_tokens: cached,
    cache_creation: { ephemeral_5m_input_tokens: written.short, ephemeral_1h_input_tokens: written.long },
    output_tokens: output,
    output_tokens_details: { thinking_tokens: reasoning },
    server_tool_use: null,
    service_tier: 'standard',
    inference_geo: 'not_available',
  };
}
