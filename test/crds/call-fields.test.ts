import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { referringFields } from '../../crds/call-fields.ts';
import { findReservedParameter, permittedParameters } from '../../crds/persona-parameters.ts';
import { readCallFields } from '../../crds/read-call-fields.ts';

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
  test(`the references of a body: ${name}`, () => {
    const { references } = readCallFields(JSON.parse(JSON.stringify(body)));
    assert.deepEqual(references.map(({ kind, id }) => `${kind} ${id}`).sort(), found);
  });
}

const models: readonly (readonly [body: object, named: readonly string[]])[] = [
  [{ model: 'a' }, []],
  [{ models: ['a', 'b', 7] }, ['a', 'b']],
  [{ tools: [{ type: 'web_search' }, null, { type: 'image_generation', model: 'a' }] }, ['a']],
  [{ tools: [{ type: 'function', parameters: { properties: { model: { type: 'string' } } } }] }, []],
  [{ svg: { model: 'a' } }, ['a']],
  [{ svg: '{"model":"a"}' }, ['{"model":"a"}']],
  [{ messages: [{ role: 'assistant', model: 'a' }] }, []],
];
for (const [body, named] of models) {
  test(`the further models of a body: ${JSON.stringify(body)}`, () => {
    assert.deepEqual(readCallFields(JSON.parse(JSON.stringify(body))).models, named);
  });
}

const lookalikes: readonly (readonly [body: object, field: string | undefined])[] = [
  [{ Model: 'a' }, 'Model'],
  [{ messages: [{ content: [{ file: { File_ID: 'f' } }] }] }, 'File_ID'],
  [{ tools: [{ Vector_Store_IDs: ['v'] }] }, 'Vector_Store_IDs'],
  [{ tools: [{ container: { fileIds: ['f'] } }] }, 'fileIds'],
  [{ input: [{ TYPE: 'item_reference', type: 'message', content: 'x', id: 'm' }] }, 'TYPE'],
  [{ input: [{ type: 'message', content: 'x', Content: null, id: 'm' }] }, 'Content'],
  [{ messages: [{ audio: { ID: 'audio_1' } }] }, 'ID'],
  [{ 'model\0': 'a' }, 'model\0'],
  [{ prompt: { id: 'p', Variables: {} } }, 'Variables'],
  [{ metadata: { Model: 'a', File_ID: 'f' }, topK: 3 }, undefined],
  [{ tools: [{ parameters: { properties: { File_ID: {}, ID: {}, Input: {} } } }] }, undefined],
  [{ messages: [{ content: 'x', ID: 7 }] }, undefined],
  [{ prompt: { id: 'p', variables: { Model: 'x', Input: 'y' } } }, undefined],
];
for (const [body, field] of lookalikes) {
  test(`${JSON.stringify(body)} has ${field === undefined ? 'no field' : `${field}`} of another spelling`, () => {
    assert.equal(readCallFields(JSON.parse(JSON.stringify(body))).lookalike?.field, field);
  });
}

test('the name of a prompt’s variable has no meaning', () => {
  const file = { type: 'input_file', file_id: 'file-1' };
  for (const name of ['metadata', 'parameters', 'properties', 'schema']) {
    const { references } = readCallFields({ prompt: { id: 'p', variables: { [name]: file } } });
    assert.deepEqual(
      references.map(({ id }) => id),
      ['file-1'],
      name,
    );
  }
});

/** Fields of OpenAI's own types that end like a reference and are none, with the reason. */
const noReferences: Readonly<Record<string, string>> = {
  call_id: 'pairs the parts of a call of a tool, within a prompt',
  tool_call_id: 'pairs the parts of a call of a tool, within a prompt',
  caller_id: 'pairs the parts of a call of a tool, within a prompt',
  item_id: 'only in events of answers',
  stream_id: 'only in events of answers',
  segment_id: 'only in events of answers',
  first_id: 'only in lists',
  last_id: 'only in lists',
  error_file_id: 'only in answers',
  output_file_id: 'only in answers',
  conversation_id: 'a part of the path',
  connector_id: 'one of a few services that OpenAI names',
  tunnel_id: 'the provider account’s, as a skill is',
  skill_id: 'the provider account’s, for all who use its key',
};

test('every id field of the SDK’s types is in the list, or known to refer to nothing', () => {
  const resources = join(import.meta.dirname, '..', '..', 'node_modules', 'openai', 'resources');
  const served =
    '{responses,chat,vector-stores,conversations,audio,files,batches,images,embeddings,moderations,completions}';
  const found = new Set<string>();
  for (const file of globSync([`${served}.d.ts`, `${served}/**/*.d.ts`], { cwd: resources })) {
    const text = readFileSync(join(resources, file), 'utf8');
    for (const [, name = ''] of text.matchAll(/^\s+(\w+_ids?)\??:/gm)) found.add(name);
  }
  assert.ok(found.size > 10);
  const unknown = [...found].filter((name) => !Object.hasOwn(referringFields, name) && !(name in noReferences));
  assert.deepEqual(unknown, [], 'Does a body name another user’s thing by it? Add it to crds/call-fields.ts, or here.');
});

describe('a persona', () => {
  const reserved: readonly (readonly [parameters: object, reason: RegExp])[] = [
    [{ model: 'o3' }, /each request to say/],
    [{ background: true }, /each request to say/],
    [{ stream: false }, /each request to say/],
    [{ stream_options: {} }, /each request to say/],
    [{ prompt: { id: 'p' } }, /each request to say/],
    [{ Background: true }, /must be written background/],
    [{ previous_response_id: 'resp_1' }, /kept at a provider; each/],
    [{ conversation: 'conv_1' }, /kept at a provider/],
    [{ conversation: { id: 'conv_1' } }, /kept at a provider/],
    [{ tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] }, /kept at a provider in vector_store_ids/],
    [{ tools: [{ type: 'code_interpreter', container: 'cntr_1' }] }, /kept at a provider in container/],
    [{ tools: [{ type: 'image_generation', model: 'gpt-image-1' }] }, /names a model/],
    [{ prompt_cache_options: { comparison_response_id: 'resp_1' } }, /kept at a provider/],
    [{ tools: [{ Vector_Store_IDs: ['vs_1'] }] }, /must be written vector_store_ids/],
  ];
  for (const [parameters, reason] of reserved) {
    test(`may not have ${JSON.stringify(parameters)}`, () => {
      const [name] = Object.keys(parameters);
      const found = findReservedParameter({ temperature: 1, ...parameters });
      assert.equal(found?.name, name);
      assert.match(found?.reason ?? '', reason);
      assert.deepEqual(permittedParameters({ temperature: 1, ...parameters }), { temperature: 1 });
    });
  }

  const allowed = [
    {},
    { temperature: 0.2, store: false, metadata: { model: 'x', file_id: 'y' } },
    { tools: [{ type: 'web_search' }, { type: 'function', name: 'f', parameters: { properties: { file_id: {} } } }] },
    { tools: [{ type: 'code_interpreter', container: { type: 'auto' } }], tool_choice: 'auto' },
    { audio: { voice: 'alloy', format: 'wav' }, response_format: { type: 'json_object' } },
  ];
  for (const parameters of allowed) {
    test(`may have ${JSON.stringify(parameters)}`, () => {
      assert.equal(findReservedParameter(parameters), undefined);
      assert.equal(permittedParameters(parameters), parameters);
    });
  }
});
