import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { syntheticKeySecretName } from '../../operator/credentials.ts';
import { replaceFile } from '../directories.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const call = { model: 'gpt-4o', input: 'Hi' };
const user = { 'x-user-id': 'ada' };

/** What is sent, the status, and the message: the document's sentence, what is wrong, and what to do. */
const cases: readonly (readonly [what: string, body: object | string, headers: object, status: number, RegExp])[] = [
  [
    'no user',
    call,
    {},
    400,
    /^User not found: send your id of the user in the header X-User-ID, or use a token for one user \(chaperone token --organization NAME --user YOU\)$/,
  ],
  ['no model', { input: 'Hi' }, user, 400, /^Error processing request: model is required: the id of a model, as GET/],
  ['a model that is no text', { ...call, model: 4 }, user, 400, /^Error processing request: model must be the id of a/],
  [
    'bad JSON',
    '{"model": ',
    user,
    400,
    /^Error processing request: the body is not JSON \(Unexpected end of JSON input\)$/,
  ],
  ['a list', '[]', user, 400, /^Error processing request: the body is not a JSON object$/],
  [
    'a persona by its name',
    { ...call, persona_id: 'Finance Analyst' },
    user,
    404,
    /^Persona not found or not accessible: persona_id must be a persona's id, not its name; GET \/v1\/personas shows the ids$/,
  ],
  [
    'persona',
    { ...call, persona: 'Finance Analyst' },
    user,
    400,
    /^Error processing request: persona must be written persona_id$/,
  ],
  [
    'personaId',
    { ...call, personaId: 'x' },
    user,
    400,
    /^Error processing request: personaId must be written persona_id$/,
  ],
  [
    'personaID',
    { ...call, personaID: 'x' },
    user,
    400,
    /^Error processing request: personaID must be written persona_id$/,
  ],
  [
    'persona-id',
    { ...call, 'persona-id': 'x' },
    user,
    400,
    /^Error processing request: persona-id must be written persona_id$/,
  ],
  [
    'no credential',
    call,
    { ...user, authorization: '' },
    401,
    /^Invalid authentication credentials: send Authorization/,
  ],
  [
    'an unknown key',
    call,
    { ...user, authorization: 'Bearer chp_x' },
    401,
    /^Invalid authentication credentials: the token or key is unknown here, has expired or was revoked$/,
  ],
];

/** Each refusal, as the person reads it who gets it. */
describe('a refusal says what is wrong and what to do', () => {
  const scope = suiteScope();
  let stack: Stack;
  before(async () => {
    stack = await startStack(scope);
  });
  const send = (body: object | string, headers: object) =>
    fetch(`${stack.baseUrl}/responses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });

  for (const [what, body, headers, status, message] of cases) {
    it(what, async () => {
      const answer = await send(body, headers);
      const { error } = (await answer.json()) as { error?: { message: string } };
      assert.equal(answer.status, status);
      assert.match(error?.message ?? '', message);
    });
  }

  it('but a tool or metadata may have a field named persona', async () => {
    const parameters = { type: 'object', properties: { persona: { type: 'string' } } };
    const tools = [{ type: 'function', name: 'greet', parameters }];
    assert.equal((await send({ ...call, metadata: { persona: 'x' }, tools }, user)).status, 200);
  });

  it('a key whose Secret is missing, then whose binding has gone', async () => {
    const file = join(stack.credentialsDirectory, '../../default', syntheticKeySecretName('openai-shared'), 'api-key');
    const headers = { ...user, authorization: `Bearer ${await readFile(file, 'utf8')}` };
    const answer = async () => {
      const sent = await send(call, headers);
      const { error } = (await sent.json()) as { error?: { message: string } };
      return `${sent.status} ${error?.message}`;
    };
    assert.match(await answer(), /^200 /);
    const refusal =
      /^403 No active API key found for organization: the ApiKeyBinding of this key chp_… is not Ready, or/;
    for (const [name, text] of [
      ['local/openai-secret.yaml', (before: string) => before.replace('name: openai\n', 'name: other\n')],
      ['keys.yaml', () => '# none\n'],
    ] as const) {
      const edited = join(stack.directory, name);
      const before = await readFile(edited, 'utf8');
      await replaceFile(edited, text(before));
      await until(async () => refusal.test(await answer()), 'the key to be refused with what is wrong');
      await replaceFile(edited, before);
      await until(async () => {
        // The former key's Secret may still be there.
        headers.authorization = `Bearer ${await readFile(file, 'utf8').catch(() => '')}`;
        return (await answer()).startsWith('200 ');
      }, 'the key to be in force again');
    }
  });
});
