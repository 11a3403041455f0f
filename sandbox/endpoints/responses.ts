import { composeAnswer, formatAnswer, limitTokens } from '../answer.ts';
import { Fields } from '../fields.ts';
import type { Generation, GenerationRequest } from '../generation.ts';
import type { GenerativeEndpoint } from '../generative-call.ts';
import { itemId } from '../ids.ts';
import { findTextModel } from '../models.ts';
import { type ResponseStore, requirePrevious } from '../response-store.ts';
import { operatorTurn, readItem } from '../turns.ts';
import { tokensOfText, usageOf } from '../usage.ts';
import { finishedResponse, inputItem, messageItem, type ResponsePlan } from './response-object.ts';
import { readResponseRequest } from './response-request.ts';
import { responseStream } from './response-stream.ts';

export function makeResponses(store: ResponseStore): GenerativeEndpoint {
  return {
    path: '/v1/responses',
    newId: () => itemId('resp'),
    generate: (request) => generate(store, request),
  };
}

function generate(store: ResponseStore, { id, body, faults, createdAt }: GenerationRequest): Generation {
  const request = readResponseRequest(new Fields(body));
  const model = findTextModel(request.model);
  requirePrevious(store, request.previousId);
  const own = request.input.map((item, index) => readItem(item, `input[${index}]`));
  const earlier = store.chain(request.previousId).flatMap((stored) => stored.turns);
  const instructions = request.instructions === null ? [] : [operatorTurn(request.instructions)];
  const turns = [...instructions, ...earlier, ...own];

  const reasoning = Math.min(faults.reasoning ?? 0, request.maxOutputTokens);
  const answer = formatAnswer(composeAnswer(request.model, turns, faults.words), request.format);
  const { text, cut } = limitTokens(answer, request.maxOutputTokens - reasoning);
  const usage = usageOf(
    turns.reduce((bytes, turn) => bytes + turn.bytes, 0),
    tokensOfText(text),
    reasoning,
    faults,
  );
  const plan: ResponsePlan = {
    status: faults.failed ? 'failed' : cut ? 'incomplete' : 'completed',
    head: { id, object: 'response', created_at: createdAt },
    model: model.snapshot,
    echo: request.echo,
    text,
    usage,
    reasoningId: reasoning > 0 ? itemId('rs') : null,
    messageId: itemId('msg'),
  };
  const response = finishedResponse(plan);
  return {
    usage,
    failed: plan.status === 'failed',
    answer: request.stream
      ? { kind: 'stream', stream: responseStream(plan, response) }
      : { kind: 'whole', body: response },
    onComplete() {
      if (!request.store) return;
      const input = request.input.map(inputItem);
      const said = readItem(messageItem(plan, 'completed'), 'output');
      store.keep(id, { response, previousId: request.previousId, input, turns: [...own, said] });
    },
  };
}
