import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import type { Client } from 'pg';
import { connect } from '../../database/tenant.ts';
import { suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';

/** What a stream used that broke off after its id came, where the provider has kept the whole response. */
describe('a response whose stream was cut', () => {
  const scope = suiteScope();
  let stack: Stack;
  let client: OpenAI;
  let database: Client;
  before(async () => {
    stack = await startStack(scope);
    client = new OpenAI({
      ...{ baseURL: stack.baseUrl, apiKey: stack.token, maxRetries: 0 },
      defaultHeaders: { 'X-User-ID': 'ada' },
    });
    database = await connect(scope, stack.database.url);
  });

  /** Reads a stream until it breaks. @returns the id of its response */
  async function readCut(faults: string, more: object = {}): Promise<string> {
    const stream = await client.responses.create({
      ...{ model: 'gpt-4o-mini', input: 'Tell me a story', stream: true, metadata: { sandbox: `words=40,${faults}` } },
      ...more,
    });
    let id = '';
    await assert.rejects(async () => {
      for await (const event of stream) if (event.type === 'response.created') id = event.response.id;
    });
    return id;
  }

  const recordOf = (id: string) =>
    until(async () => {
      const { rows } = await database.query(
        `select status, error_code, http_status, input_tokens::int, output_tokens::int, cost_usd, duration_ms,
           time_to_first_token_ms from chaperone.requests where response_id = $1`,
        [id],
      );
      return rows[0];
    }, `the record of ${id}`);

  const billOf = async (id: string) =>
    (await fetch(new URL(`/sandbox/calls/${id}`, stack.upstreamUrl))).json() as Promise<Record<string, unknown>>;

  it('has the usage that the provider tells, and is a failure all the same', async () => {
    const id = await readCut('cut,kept');
    const record = await recordOf(id);
    const { input_tokens, output_tokens } = await billOf(id);
    assert.deepEqual(
      [record.status, record.error_code, record.http_status, record.input_tokens, record.output_tokens],
      ['failed', 'upstream_interrupted', 200, input_tokens, output_tokens],
    );
    assert.ok(Number(record.cost_usd) > 0, record.cost_usd);
    assert.ok(record.time_to_first_token_ms !== null && record.duration_ms < 5_000);
  });

  it('is of unknown usage where the provider has not kept it', async () => {
    const record = await recordOf(await readCut('cut'));
    assert.deepEqual(
      [record.status, record.error_code, record.output_tokens, record.cost_usd],
      ['failed', 'upstream_interrupted', null, null],
    );
  });

  it('is not looked up where its caller asked for it not to be stored', async () => {
    const id = await readCut('cut,kept', { store: false });
    const record = await recordOf(id);
    assert.deepEqual([record.status, record.cost_usd], ['failed', null]);
    const { rows } = await database.query('select from chaperone.pending_calls where response_id = $1', [id]);
    assert.equal(rows.length, 0);
  });

  it('whose client has left is the client’s end, with its usage', async () => {
    const leaving = new AbortController();
    const stream = await client.responses.create(
      {
        ...{ model: 'gpt-4o-mini', input: 'Tell me a story', stream: true },
        metadata: { sandbox: 'words=40,delta-delay=10,cut,kept' },
      },
      { signal: leaving.signal },
    );
    let id = '';
    for await (const event of stream) {
      if (event.type === 'response.created') id = event.response.id;
      if (event.type === 'response.output_text.delta') break;
    }
    leaving.abort();
    const record = await recordOf(id);
    assert.equal(record.status, 'cancelled');
    assert.ok(Number(record.cost_usd) > 0, record.cost_usd);
  });
});
