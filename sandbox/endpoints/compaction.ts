import { composeAnswer } from '../answer.ts';
import { Fields } from '../fields.ts';
import type { Generation, GenerationRequest } from '../generation.ts';
import type { GenerativeEndpoint } from '../generative-call.ts';
import { itemId } from '../ids.ts';
import type { Keep } from '../keep.ts';
import { findTextModel } from '../models.ts';
import { errorOfStatus } from '../provider-error.ts';
import { requirePrevious } from '../response-store.ts';
import { operatorTurn, readInputItems, readItem } from '../turns.ts';
import { tokensOfText, usageOf } from '../usage.ts';
import { inputItem, usageObject } from './response-object.ts';

/** Compacts a conversation: the user's messages stay, and one item replaces everything else. */
export function makeCompaction(keepOf: (key: string) => Keep): GenerativeEndpoint {
  return {
    path: '/v1/responses/compact',
    newId: () => itemId('resp'),
    generate: (request) => generate(keepOf(request.key), request),
  };
}

function generate({ responses }: Keep, { id, body, faults, createdAt }: GenerationRequest): Generation {
  const fields = new Fields(body);
  const model = findTextModel(fields.requiredString('model'));
  const previousId = fields.string('previous_response_id');
  const items = fields.value('input') === null && previousId !== null ? [] : readInputItems(fields);
  requirePrevious(responses, previousId);
  if (faults.failed) throw errorOfStatus(500);
  const instructions = fields.string('instructions');
  const turns = [
    ...(instructions === null ? [] : [operatorTurn(instructions)]),
    ...responses.chain(previousId).flatMap((stored) => stored.turns),
    ...items.map((item, index) => readItem(item, `input[${index}]`)),
  ];
  const summary = composeAnswer(model.id, turns, faults.words);
  const inputBytes = turns.reduce((bytes, turn) => bytes + turn.bytes, 0);
  const usage = usageOf(inputBytes, tokensOfText(summary), 0, faults);
  const said = items.filter((item) => item.role === 'user').map(inputItem);
  const compaction = { id: itemId('cmp'), type: 'compaction', encrypted_content: toBase64(summary) };
  const output = [...said, compaction];
  return {
    usage,
    failed: false,
    answer: {
      kind: 'whole',
      body: { id, object: 'response.compaction', created_at: createdAt, output, usage: usageObject(usage) },
    },
  };
}

function toBase64(text: string): string {
  return Buffer.from(text).toString('base64');
}
