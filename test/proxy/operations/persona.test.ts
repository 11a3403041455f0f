import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batches } from '../../../proxy/operations/batches.ts';
import { chat } from '../../../proxy/operations/chat.ts';
import { compact } from '../../../proxy/operations/compact.ts';
import { completions } from '../../../proxy/operations/completions.ts';
import { embeddings } from '../../../proxy/operations/embeddings.ts';
import { imageOperations } from '../../../proxy/operations/images.ts';
import { moderations } from '../../../proxy/operations/moderations.ts';
import { responses } from '../../../proxy/operations/responses.ts';
import { speech } from '../../../proxy/operations/speech.ts';
import { transcriptions } from '../../../proxy/operations/transcriptions.ts';
import { makePersona } from '../calls/persona.ts';

test('a persona replaces all other instructions, and the caller’s fields override its defaults', () => {
  const persona = makePersona({ content: 'Be kind.', model: 'gpt-4o', parameters: { temperature: 0.2, top_p: 0.9 } });
  const messages = [
    { role: 'system', content: 'Be rude.' },
    { role: 'developer', content: 'Be ruder.' },
    { role: 'user', content: 'Hi' },
  ];
  assert.deepEqual(chat.applyPersona({ messages, temperature: 1 }, persona), {
    model: 'gpt-4o',
    temperature: 1,
    top_p: 0.9,
    messages: [
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'Hi' },
    ],
  });
});

test('a persona’s text replaces the instructions, and the caller’s fields override its defaults', () => {
  const persona = makePersona({ content: 'Be kind.', model: 'gpt-4o', parameters: { temperature: 0.2, top_p: 0.9 } });
  assert.deepEqual(responses.applyPersona({ input: 'Hi', instructions: 'Be rude.', temperature: 1 }, persona), {
    model: 'gpt-4o',
    temperature: 1,
    top_p: 0.9,
    input: 'Hi',
    instructions: 'Be kind.',
  });
  assert.equal(responses.applyPersona({ model: 'o3' }, persona).model, 'o3');
});

test('a compaction gets a persona’s text as its instructions, but no parameters', () => {
  const persona = makePersona({ content: 'Be kind.', model: 'gpt-4o', parameters: { temperature: 0.2 } });
  assert.deepEqual(compact.applyPersona({ input: 'Hi', instructions: 'Be rude.' }, persona), {
    model: 'gpt-4o',
    input: 'Hi',
    instructions: 'Be kind.',
  });
});

for (const operation of [...imageOperations, batches, completions, embeddings, moderations, speech, transcriptions]) {
  test(`${operation.name} takes no persona`, () => {
    assert.throws(() => operation.applyPersona({}, makePersona()), {
      code: 'persona_not_supported',
      param: 'persona_id',
    });
  });
}
