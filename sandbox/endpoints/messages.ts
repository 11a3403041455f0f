import { findClaudeModel } from '../claude-models.ts';
import { anthropicEnvelope, versionWithoutSampling } from '../dialect.ts';
import { Fields } from '../fields.ts';
import type { Generation, GenerationRequest } from '../generation.ts';
import type { GenerativeEndpoint } from '../generative-call.ts';
import { anthropicId } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import type { Lookup } from '../lookup.ts';
import { composeOutput, type Output, textOutput } from '../output.ts';
import { errorOfStatus, ProviderError } from '../provider-error.ts';
import { tokensOfBytes, tokensOfText, usageOf } from '../usage.ts';
import { type Block, eventStream, type Message, wholeMessage } from './messages-answer.ts';
import { type MessagesRequest, readMessagesPrompt, readMessagesRequest } from './messages-request.ts';

const refusal = 'I can’t help with that.';
const thought = 'The sandbox repeats what it was told.';

/** Anthropic's `POST /v1/messages`. */
export function makeMessages(): GenerativeEndpoint {
  return { path: '/v1/messages', newId: () => anthropicId('msg'), generate };
}

/** `POST /v1/messages/count_tokens`. */
export function countTokens({ body }: Lookup): JsonObject {
  const { model, turns } = readMessagesPrompt(body);
  findClaudeModel(model);
  return { input_tokens: tokensOfBytes(turns.reduce((bytes, turn) => bytes + turn.bytes, 0)) };
}

function generate({ id, body, headers, faults }: GenerationRequest): Generation {
  requireNoSampling(body, headers['anthropic-version']);
  const request = readMessagesRequest(new Fields(body));
  // A message has no way to say that it failed.
  if (faults.failed) throw errorOfStatus(500);
  const model = findClaudeModel(request.model);
  const thoughtTokens = request.thinks ? Math.min(faults.reasoning ?? tokensOfText(thought), request.maxTokens) : 0;
  const maxTokens = request.maxTokens - thoughtTokens;
  const output = faults.refusal
    ? textOutput(refusal, maxTokens, faults)
    : composeOutput({ ...request, maxTokens }, faults);
  const inputBytes = request.turns.reduce((bytes, turn) => bytes + turn.bytes, 0);
  const usage = usageOf(inputBytes, output.tokens, thoughtTokens, faults);
  const message: Message = {
    id,
    model,
    blocks: blocksOf(output, request),
    stopReason: faults.refusal ? 'refusal' : stopReasonOf(output),
    stoppedBy: output.stoppedBy ?? null,
    usage,
  };
  const answer: Generation['answer'] = request.stream
    ? { kind: 'stream', stream: eventStream(message) }
    : { kind: 'whole', body: wholeMessage(message), error: anthropicEnvelope };
  return { usage, failed: false, answer };
}

function blocksOf({ text, calls }: Output, { thinks }: MessagesRequest): Block[] {
  const thoughts: Block[] = thinks ? [{ type: 'thinking', thinking: thought, signature: 'c2FuZGJveA==' }] : [];
  const said: Block[] = text === '' ? [] : [{ type: 'text', text }];
  const called = calls.map(({ name, input }): Block => ({ type: 'tool_use', id: anthropicId('toolu'), name, input }));
  return [...thoughts, ...said, ...called];
}

function stopReasonOf({ calls, cut, stoppedBy }: Output): Message['stopReason'] {
  if (cut) return 'max_tokens';
  if (stoppedBy !== undefined) return 'stop_sequence';
  return calls.length > 0 ? 'tool_use' : 'end_turn';
}

/** Whatever their value, a later version takes none of these. */
function requireNoSampling(body: JsonObject, version: string | string[] | undefined): void {
  const found = ['temperature', 'top_p', 'top_k'].find((name) => name in body);
  if (version !== versionWithoutSampling || found === undefined) return;
  throw new ProviderError('Extra inputs are not permitted', { param: found });
}
