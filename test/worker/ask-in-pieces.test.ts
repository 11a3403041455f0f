import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { pino } from 'pino';
import { addJobOf } from '../../database/jobs.ts';
import { JobError } from '../../worker/job-error.ts';
import type { Task, TaskQuestion, TaskReply } from '../../worker/task.ts';
import { startWorker } from '../../worker/worker.ts';
import { connect } from '../database/tenant.ts';
import { makeDirectory } from '../directories.ts';
import { startVendors } from '../proxy/anthropic/vendors.ts';
import { stateGuardrails } from '../proxy/guardrails/state-guardrails.ts';
import { atEnd, type Scope, suiteScope } from '../scope.ts';
import { type ScriptedProvider, sendJson, sendStream, startScriptedProvider } from '../scripted-provider.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

type Told = { readonly texts: string[]; readonly reply?: TaskReply; readonly error?: { code?: string } };

/** Starts a worker, and returns the function that has it ask with somebody who wants the text while it comes. */
async function startAsking(scope: Scope, stack: Stack, owner: Client) {
  const told = new Map<string, Told>();
  const questions = new Map<string, Pick<TaskQuestion, 'body'>>();
  const tasks: Readonly<Record<string, Task>> = {
    tell: {
      async run({ ask }, id) {
        const texts: string[] = [];
        const question = questions.get(id);
        assert.ok(question);
        try {
          const onText = (text: string) => void texts.push(text);
          const reply = await ask({ step: 'only', kind: 'analysis', user: 'ada', ...question, onText });
          told.set(id, { texts, reply });
        } catch (error) {
          told.set(id, { texts, error: error as { code?: string } });
          throw new JobError('told', 'It is told', { isFinal: true });
        }
      },
    },
  };
  const worker = await startWorker({
    databaseUrl: (await readFile(`${stack.workerCredentials}/database-url`, 'utf8')).trim(),
    credentialsDirectory: stack.workerCredentials,
    dataDirectory: await makeDirectory(scope),
    upstreamUrl: stack.upstreamUrl,
    metricsHost: '127.0.0.1',
    metricsPort: 0,
    tasks,
    log: pino({ level: 'silent' }),
  });
  atEnd(scope, worker.stop);
  const { rows } = await owner.query<{ id: string }>('select organization_id as id from chaperone.organizations');
  return async (content: string, model = 'gpt-4o'): Promise<Told> => {
    const id = `row-${questions.size}`;
    questions.set(id, { body: { model, messages: [{ role: 'user', content }] } });
    await addJobOf(owner, rows[0]?.id ?? '', { task: 'tell', id });
    return until(() => told.get(id), 'the answer');
  };
}

function lastRecord(owner: Client, code: string | null) {
  return until(async () => {
    const { rows } = await owner.query<Record<string, unknown>>(
      `select status, error_code, is_stream, total_tokens::float8 as tokens from chaperone.requests
       where error_code is not distinct from $1 order by started_at desc limit 1`,
      [code],
    );
    return rows[0];
  }, 'the record');
}

const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'gpt-4o' };
const delta = (content: string) =>
  `data: ${JSON.stringify({ ...chunk, choices: [{ index: 0, delta: { content } }] })}\n\n`;
const completion = {
  ...{ id: 'chatcmpl-2', object: 'chat.completion', created: 1, model: 'gpt-4o' },
  choices: [{ index: 0, message: { role: 'assistant', content: 'All at once.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
};
const textOf = ({ reply }: Told) => (reply?.completion as typeof completion | undefined)?.choices[0]?.message.content;

describe('a task that wants the text while it comes', () => {
  const scope = suiteScope();
  let provider: ScriptedProvider;
  let stack: Stack;
  let owner: Client;
  let ask: Awaited<ReturnType<typeof startAsking>>;
  before(async () => {
    provider = await startScriptedProvider(scope);
    stack = await startStack(scope, { upstreamUrl: provider.url });
    owner = await connect(scope, stack.database.url);
    ask = await startAsking(scope, stack, owner);
  });

  it('gets it whole from a provider that does not take what such a call asks', async () => {
    provider.answer = (response, { body }) =>
      body.stream_options
        ? sendJson(response, { error: { message: 'Unknown field stream_options', param: 'stream_options' } }, 400)
        : sendJson(response, completion);
    const told = await ask('Refuse the option');
    assert.deepEqual([textOf(told), told.texts, told.reply?.totalTokens], ['All at once.', [], 3]);
    assert.deepEqual(
      provider.requests.map(({ body }) => body.stream),
      [true, undefined],
    );
  });

  it('gets it whole from a provider that sends no pieces', async () => {
    provider.answer = (response) => sendJson(response, completion);
    const told = await ask('Be whole');
    assert.deepEqual([textOf(told), told.texts], ['All at once.', []]);
  });

  it('is told that it broke off, and so is the record', async () => {
    provider.answer = (response) => sendStream(response, [delta('Half a '), delta('sentence')], { end: 'cut' });
    const told = await ask('Break off');
    assert.equal(told.error?.code, 'upstream_interrupted');
    assert.equal(told.texts[0], 'Half a ');
    const record = await lastRecord(owner, 'upstream_interrupted');
    assert.deepEqual([record.status, record.is_stream, record.tokens], ['failed', true, null]);
  });

  it('is told of an error in the stream', async () => {
    const error = { error: { message: 'Too hot', type: 'server_error', code: 'too_hot' } };
    provider.answer = (response) => sendStream(response, [delta('Hm'), `data: ${JSON.stringify(error)}\n\n`]);
    assert.equal((await ask('Fail')).error?.code, 'upstream_error');
    assert.equal((await lastRecord(owner, 'too_hot')).status, 'failed');
  });

  it('gets only what guardrails have seen as a whole', async () => {
    await stateGuardrails(stack, [{ name: 'mail', action: 'Redact', appliesTo: 'Output', pii: { kinds: ['email'] } }]);
    provider.answer = (response) =>
      sendJson(response, {
        ...completion,
        choices: [{ ...completion.choices[0], message: { content: 'Write to ann@example.com' } }],
      });
    const told = await until(async () => {
      const one = await ask('To whom?');
      return one.reply && !textOf(one)?.includes('ann@') && one;
    }, 'the guardrail to be in force');
    assert.deepEqual(told.texts, []);
    assert.equal(provider.requests.at(-1)?.body.stream, undefined);
  });
});

it('the text of a model of Anthropic’s comes in pieces, too', async (t) => {
  const vendors = await startVendors(t);
  const owner = await connect(t, vendors.database.url);
  const ask = await startAsking(t, vendors, owner);
  const told = await ask('Say something', 'claude-sonnet-4-6');
  const text = textOf(told) ?? '';
  assert.ok(text.length > 0 && told.texts.length > 0);
  assert.ok(told.texts.every((part) => text.startsWith(part)));
  const { body } = await vendors.sent();
  assert.deepEqual([body.stream, body.stream_options], [true, undefined]);
  const record = await lastRecord(owner, null);
  assert.deepEqual([record.status, record.is_stream, record.tokens], ['completed', true, told.reply?.totalTokens]);
  assert.ok((told.reply?.totalTokens ?? 0) > 0 && told.reply?.costUsd !== null);
});
