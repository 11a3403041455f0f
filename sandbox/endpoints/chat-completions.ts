import { Fields } from '../fields.ts';
import type { Generation, GenerationRequest } from '../generation.ts';
import type { GenerativeEndpoint } from '../generative-call.ts';
import { chatCompletionId, toolCallId } from '../ids.ts';
import { findTextModel } from '../models.ts';
import { composeOutput, type Output, textOutput } from '../output.ts';
import { errorOfStatus } from '../provider-error.ts';
import type { ChatToolUse } from '../tools/chat-tools.ts';
import { usageOf } from '../usage.ts';
import { type Completion, chunkStream, wholeAnswer } from './chat-answer.ts';
import { readChatRequest } from './chat-request.ts';

const refusal = 'I’m sorry, but I can’t help with that.';

export function makeChatCompletions(): GenerativeEndpoint {
  return { path: '/v1/chat/completions', newId: chatCompletionId, generate };
}

function generate({ id, body, faults, createdAt }: GenerationRequest): Generation {
  const request = readChatRequest(new Fields(body));
  // A chat completion has no way to say that it failed.
  if (faults.failed) throw errorOfStatus(500);
  const model = findTextModel(request.model);
  const reasoning = Math.min(faults.reasoning ?? 0, request.maxTokens);
  const maxTokens = request.maxTokens - reasoning;
  const output = faults.refusal
    ? textOutput(refusal, maxTokens, faults)
    : composeOutput({ ...request, maxTokens }, faults);
  const inputBytes = request.turns.reduce((bytes, turn) => bytes + turn.bytes, 0);
  const usage = usageOf(inputBytes, output.tokens * request.choices, reasoning, faults);
  const completion: Completion = {
    head: { id, created: createdAt, model: model.snapshot, service_tier: request.serviceTier },
    text: output.text,
    saidAs: faults.refusal ? 'refusal' : 'content',
    choices: Array.from({ length: request.choices }, () =>
      output.calls.map((call) => ({ ...call, callId: toolCallId() })),
    ),
    calledAs: request.toolUse.legacy ? 'function_call' : 'tool_calls',
    finishReason: finishReasonOf(output, request.toolUse),
    usage,
  };
  if (!request.stream) return { usage, failed: false, answer: { kind: 'whole', body: wholeAnswer(completion) } };
  return { usage, failed: false, answer: { kind: 'stream', stream: chunkStream(completion, request.includeUsage) } };
}

/**
 * A call to a tool that the request named ends with `stop`, since the model had no choice.
 *
 * @see https://platform.openai.com/docs/guides/function-calling
 */
function finishReasonOf({ calls, cut }: Output, { named, legacy }: ChatToolUse): Completion['finishReason'] {
  if (cut) return 'length';
  if (calls.length === 0 || named) return 'stop';
  return legacy ? 'function_call' : 'tool_calls';
}
