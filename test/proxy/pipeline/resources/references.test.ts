import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProxyError } from '../../../../proxy/error.ts';
import { findReferences, mayRefer, refuseFormReferences } from '../../../../proxy/pipeline/resources/references.ts';

const textFields: readonly Readonly<Record<string, unknown>>[] = [
  { model: 'gpt-image-1', prompt: 'A cat', n: '1', size: '1024x1024', 'svg[model]': 'gpt-4o' },
  { model: 'whisper-1', prompt: 'Names', language: 'en', 'timestamp_granularities[]': 'word' },
  { model: 'gpt-4o-transcribe', 'include[]': 'logprobs', 'chunking_strategy[type]': 'server_vad' },
  { 'known_speaker_names[]': ['ada', 'bob'], 'known_speaker_references[]': ['data:audio/wav;base64,AA'] },
  { voice: 'alloy', audio: 'text', constructor: 'x' },
];
for (const texts of textFields) {
  test(`a form may have the fields ${Object.keys(texts).join(', ')}`, () => refuseFormReferences(texts));
}

const references = [
  'file',
  'image',
  'image[]',
  'images[0]',
  'image[file_id]',
  'mask',
  'mask.file_id',
  'file_id',
  'voice[id]',
];
for (const name of references) {
  test(`a form may not have the text field ${name}`, () => {
    assert.throws(
      () => refuseFormReferences({ prompt: 'A cat', [name]: 'file-1' }),
      (error) => error instanceof ProxyError && error.code === 'invalid_request' && error.param === name,
    );
  });
}

const message = { type: 'message', role: 'assistant', content: 'Hi' };
const bodies: readonly (readonly [name: string, body: object, found: readonly string[]])[] = [
  ['text', { input: 'file_id' }, []],
  ['a message that says all of itself', { input: [{ ...message, id: 'msg_1' }] }, []],
  ['a message without a type', { input: [{ role: 'user', content: 'Hi', id: 'msg_1' }] }, []],
  ['a message that says nothing', { input: [{ ...message, content: null, id: 'msg_1' }] }, ['item msg_1']],
  ['sealed reasoning', { input: [{ type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'x' }] }, []],
  ['reasoning', { input: [{ type: 'reasoning', id: 'rs_1', summary: [] }] }, ['item rs_1']],
  ['a type of tomorrow', { input: [{ type: 'dream', id: 'dr_1', content: 'x' }] }, ['item dr_1']],
  ['a reference', { input: [{ type: 'item_reference', id: 'msg_1', content: 'x' }] }, ['item msg_1']],
  ['a reference in a conversation', { items: [{ type: 'item_reference', id: 'msg_1' }] }, ['item msg_1']],
  ['nothing but an id', { input: [{ id: 'msg_1' }] }, ['item msg_1']],
  ['an approval', { input: [{ type: 'mcp_approval_response', approval_request_id: 'mcpr_1' }] }, ['item mcpr_1']],
  [
    'where an answer has it from',
    { input: [{ ...message, content: [{ type: 'output_text', text: '', annotations: [{ file_id: 'cfile_1' }] }] }] },
    [],
  ],
  [
    'an earlier container',
    { input: [{ type: 'code_interpreter_call', id: 'ci_1', container_id: 'cntr_1' }] },
    ['container cntr_1', 'item ci_1'],
  ],
  [
    'a prompt',
    { prompt: { id: 'pmpt_1', variables: { file: { type: 'input_file', file_id: 'file-1' } } } },
    ['file file-1'],
  ],
  [
    'a skill',
    { tools: [{ type: 'shell', environment: { type: 'container_auto', skills: [{ skill_id: 'sk_1' }] } }] },
    [],
  ],
  ['a prompt that is text', { prompt: 'A cat' }, []],
  ['a voice that is a name', { voice: 'alloy', input: 'Hi' }, []],
  ['a voice', { voice: { id: 'voice_1' }, input: 'Hi' }, []],
  ['a voice of a chat', { audio: { voice: { id: 'voice_1' } }, messages: [] }, []],
  ['what was said aloud', { messages: [{ role: 'assistant', audio: { id: 'audio_1' } }] }, ['item audio_1']],
  ['calls of tools', { messages: [{ role: 'assistant', tool_calls: [{ id: 'call_1', type: 'function' }] }] }, []],
];
for (const [name, body, found] of bodies) {
  test(`what a body refers to: ${name}`, () => {
    const raw = Buffer.from(JSON.stringify(body));
    const parsed = JSON.parse(raw.toString());
    assert.deepEqual(
      findReferences(parsed)
        .map(({ kind, id }) => `${kind} ${id}`)
        .sort(),
      found,
    );
    // Of conversations each is looked at.
    if (found.length > 0 && !('items' in body)) assert.ok(mayRefer(raw, parsed));
  });
}
