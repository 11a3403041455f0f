import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HeldState } from '../../../../proxy/calls/held/held-answers.ts';
import { asInProgress, whyNotContinued, withEditedText } from '../../../../proxy/calls/held/held-response.ts';

const message = (text: string) => ({
  ...{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed' },
  content: [{ type: 'output_text', text, annotations: [{ type: 'url_citation' }], logprobs: [] }],
});
const call = { type: 'function_call', name: 'buy', arguments: '{}' };
const edited = { type: 'output_text', text: 'Edited', annotations: [], logprobs: [] };

test('an edit takes the place of all texts and of the reasoning, and leaves calls of tools', () => {
  const response = {
    ...{ id: 'resp_1', status: 'completed', output_text: 'One' },
    output: [{ type: 'reasoning', summary: [{ text: 'Secret' }] }, message('One'), call, message('Two')],
  };
  const shown = withEditedText(response, 'Edited');
  assert.deepEqual(shown.output, [{ ...message(''), content: [edited] }, call]);
  assert.equal(shown.output_text, 'Edited');
  const [, added] = withEditedText({ id: 'resp_1', output: [call] }, 'Edited').output as [
    unknown,
    { content: unknown },
  ];
  assert.deepEqual(added.content, [edited], 'one that had no text');
});

test('a held response is one that is in progress', () => {
  const response = { id: 'resp_1', status: 'incomplete', output: [message('One')], output_text: 'One', usage: {} };
  assert.doesNotMatch(JSON.stringify(asInProgress(response)), /One/);
  assert.equal(asInProgress(response).status, 'in_progress');
});

const state = { itemId: 'rev-1', rule: { name: 'advice', detector: 'words' } };
const states: readonly (readonly [HeldState, string | undefined])[] = [
  [{ ...state, outcome: 'waiting' }, 'answer_held'],
  [{ ...state, outcome: 'rejected', isExpired: true }, 'guardrail_blocked'],
  [{ ...state, outcome: 'released', text: 'Edited' }, 'answer_held'],
  [{ ...state, outcome: 'released', text: undefined }, undefined],
];

test('a call continues only what its caller has as the provider has it', () => {
  for (const [given, code] of states) assert.equal(whyNotContinued(given)?.code, code, given.outcome);
});
