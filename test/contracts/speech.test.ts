import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import type { Client } from 'pg';
import { connect } from '../database/tenant.ts';
import { makeDirectory } from '../directories.ts';
import { runCli } from '../run-cli.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { assertShape, fields, map, orNull } from './shape.ts';

const costs = fields({
  total_cost_usd: 'number',
  breakdown_by_service: map('number'),
  breakdown_by_provider: map('number'),
  total_entries: 'integer',
  cache_savings_usd: 'number',
  optimization_level: 'string',
});
const metrics = fields({
  session_id: 'string',
  total_turns: 'integer',
  successful_turns: 'integer',
  failed_turns: 'integer',
  interrupted_turns: 'integer',
  avg_asr_latency_ms: 'number',
  avg_llm_latency_ms: 'number',
  avg_translation_latency_ms: 'number',
  avg_tts_latency_ms: 'number',
  avg_total_latency_ms: 'number',
  cache_hit_rate: 'number',
  llm_cache_hits: 'integer',
  llm_cache_misses: 'integer',
  tts_cache_hits: 'integer',
  tts_cache_misses: 'integer',
  guardrail_violations: 'integer',
  guardrail_blocks: 'integer',
  total_cost_usd: 'number',
  optimization_level: 'string',
  language_code: orNull('string'),
});
const userFeedback = fields({
  id: 'integer',
  session_id: 'string',
  turn_id: orNull('string'),
  message_id: orNull('string'),
  rating: 'integer',
  rating_type: 'string',
  feedback_text: orNull('string'),
  feedback_category: orNull('string'),
  incorrect_response: 'boolean',
  too_slow: 'boolean',
  unhelpful: 'boolean',
  offensive: 'boolean',
  user_input: orNull('string'),
  assistant_response: orNull('string'),
  metadata: fields({}),
  created_at: 'time',
});

/** The document's own body. */
const feedback = {
  session_id: 'session-123',
  turn_id: 'turn-456',
  message_id: 'msg-789',
  rating: 1,
  rating_type: 'thumbs',
  feedback_text: 'Great response, very helpful!',
  feedback_category: 'quality',
  incorrect_response: false,
  too_slow: false,
  unhelpful: false,
  offensive: false,
  user_input: 'What is my order status?',
  assistant_response: 'Your order is being processed and will ship tomorrow.',
  metadata: { optimization_level: 'balanced', language: 'hi-IN' },
};

const entry = {
  service: 'llm',
  provider: 'sarvam',
  operation: 'generate',
  units: 1500,
  unit_type: 'tokens',
  cost_usd: 0.003,
  session_id: 'session-123',
  turn_id: 'turn-456',
  cached: false,
  optimization_level: 'balanced',
  timestamp: '2025-10-15T14:32:10.123456',
};

/** Contract 1 from its first chapter to its last, as a user who reads it would go through it. */
describe('the speech contract, as a story', () => {
  const scope = suiteScope();
  let stack: Stack;
  let database: Client;
  before(async () => {
    // The contract knows neither users nor roles. An Organization that wants that says so.
    stack = await startStack(scope, {
      ownProcess: true,
      authentication: { defaultRoles: ['admin'], requireUser: false },
    });
    database = await connect(scope, stack.database.url);
  });

  const ask = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string | undefined> = {},
  ) => {
    const all = { 'x-api-key': stack.token, 'content-type': 'application/json', ...headers };
    const answer = await fetch(`${stack.baseUrl.replace(/\/v1$/, '')}/api/v1${path}`, {
      method,
      headers: Object.fromEntries(
        Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
      ),
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
    return { status: answer.status, headers: answer.headers, body: JSON.parse(await answer.text()) as any };
  };

  it('a session that is not known is not found', async () => {
    for (const path of ['/sessions/session-123/costs', '/sessions/session-123/metrics']) {
      const { status, body } = await ask('GET', path);
      assert.deepEqual([status, body], [404, { detail: 'Session not found' }]);
    }
    const { status, body } = await ask('POST', '/feedback', feedback);
    assert.deepEqual([status, body], [404, { detail: 'Session not found' }]);
  });

  it('a call begins it', async () => {
    const client = new OpenAI({ baseURL: stack.baseUrl, apiKey: stack.token, maxRetries: 0 });
    await client.chat.completions.create(
      { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'What is my order status?' }] },
      { headers: { 'X-Session-ID': 'session-123', 'X-Turn-ID': 'turn-456' } },
    );
    const { status, body, headers } = await ask('GET', '/sessions/session-123/costs');
    assert.equal(status, 200);
    assertShape(body, costs);
    assert.equal(body.total_entries, 1);
    assert.ok(body.total_cost_usd > 0);
    assert.equal(body.breakdown_by_service.llm, body.total_cost_usd);
    assert.match(headers.get('x-request-id') ?? '', /^req_/);
  });

  it('session metrics', async () => {
    const { status, body } = await ask('GET', '/sessions/session-123/metrics');
    assert.equal(status, 200);
    assertShape(body, metrics);
    assert.deepEqual([body.total_turns, body.successful_turns, body.language_code], [1, 1, null]);
    assert.ok(body.avg_llm_latency_ms > 0 && body.avg_total_latency_ms > 0);
  });

  it('costs of services that were called elsewhere', async () => {
    const before = (await ask('GET', '/sessions/session-123/costs')).body;
    const posted = await ask('POST', '/sessions/session-123/costs', entry, { 'idempotency-key': 'one' });
    assert.equal(posted.status, 201);
    const { entry_id, ...recorded } = posted.body;
    assert.deepEqual(recorded, { ...entry, timestamp: '2025-10-15T14:32:10.123Z' });
    const again = await ask('POST', '/sessions/session-123/costs', entry, { 'idempotency-key': 'one' });
    assert.equal(again.body.entry_id, entry_id);
    const cached = { service: 'tts', provider: 'elevenlabs', cost_usd: 0.01, cached: true };
    await ask('POST', '/sessions/session-123/costs', cached);
    const { body } = await ask('GET', '/sessions/session-123/costs');
    assert.equal(body.total_entries, before.total_entries + 2);
    assert.ok(Math.abs(body.total_cost_usd - before.total_cost_usd - 0.003) < 1e-12);
    assert.equal(body.breakdown_by_provider.sarvam, 0.003);
    assert.equal(body.breakdown_by_provider.elevenlabs, 0);
    assert.equal(body.cache_savings_usd, 0.005);
    const { body: went } = await ask('GET', '/sessions/session-123/metrics');
    assert.deepEqual([went.tts_cache_hits, went.llm_cache_misses, went.cache_hit_rate], [1, 1, 0.5]);
  });

  it('turns that the application closes', async () => {
    const closed = await ask('POST', '/sessions/session-123/turns', {
      turn_id: 'turn-456',
      status: 'interrupted',
      latencies_ms: { asr: 523.4, llm: 1245.7, translation: 312.5, tts: 856.2, total: 2937.8 },
    });
    assert.equal(closed.status, 201);
    await ask('POST', '/sessions/session-123/turns', {
      turn_id: 'turn-457',
      status: 'successful',
      latencies_ms: { total: 9.5 },
    });
    const { body } = await ask('GET', '/sessions/session-123/metrics');
    assert.deepEqual([body.interrupted_turns, body.avg_asr_latency_ms, body.avg_llm_latency_ms], [1, 523.4, 1245.7]);
    assert.deepEqual([body.successful_turns, body.avg_total_latency_ms], [1, 9.5]);
  });

  it('user feedback', async () => {
    const given = await ask('POST', '/feedback', feedback);
    assert.equal(given.status, 201);
    assertShape(
      given.body,
      fields({ id: 'integer', session_id: 'string', rating: 'integer', rating_type: 'string', created_at: 'time' }),
    );
    const few = { session_id: 'session-123', rating: 5, rating_type: 'stars' };
    assert.equal((await ask('POST', '/feedback', few)).status, 201);
    const listed = await ask('GET', '/feedback?session_id=session-123&rating_type=thumbs');
    assert.deepEqual([listed.status, listed.body.total], [200, 1]);
    const [first] = listed.body.feedback;
    assertShape(first, userFeedback);
    const { id, created_at, user_id, ...said } = first;
    assert.deepEqual(said, feedback);
    assert.equal(user_id, null);
    const paged = await ask('GET', '/feedback?limit=1&offset=1');
    assert.deepEqual([paged.body.total, paged.body.limit, paged.body.offset, paged.body.feedback[0].id], [2, 1, 1, id]);
  });

  it('what is said in feedback is sealed', async () => {
    const { rows } = await database.query('select f::text as row, contents_encrypted from chaperone.feedback f');
    assert.equal(rows.length, 2);
    for (const { row, contents_encrypted } of rows) {
      assert.doesNotMatch(`${row} ${contents_encrypted ?? ''}`, /order|helpful|hi-IN/);
    }
  });

  const wrong: readonly (readonly [what: string, path: string, body: unknown, detail: string | RegExp])[] = [
    [
      'thumbs with stars',
      '/feedback',
      { ...feedback, rating: 5 },
      'Rating must be -1 (thumbs down) or 1 (thumbs up) for thumbs type',
    ],
    [
      'stars without any',
      '/feedback',
      { ...feedback, rating: 0, rating_type: 'stars' },
      'Rating must be between 1 and 5 for stars type',
    ],
    ['half a star', '/feedback', { ...feedback, rating: 1.5, rating_type: 'stars' }, 'rating must be a whole number'],
    [
      'another scale',
      '/feedback',
      { ...feedback, rating_type: 'points' },
      'rating_type must be one of "thumbs", "stars"',
    ],
    ['no session', '/feedback', { rating: 1, rating_type: 'thumbs' }, 'session_id is required'],
    ['an unknown field', '/feedback', { ...feedback, stars: 1 }, 'stars is not a known field'],
    ['no JSON', '/feedback', '{', /JSON/],
    [
      'another service',
      '/sessions/s/costs',
      { ...entry, session_id: 's', service: 'video' },
      /^service must be one of "asr"/,
    ],
    ['no cost', '/sessions/s/costs', { service: 'asr', provider: 'x' }, 'cost_usd is required'],
    [
      'a negative cost',
      '/sessions/s/costs',
      { service: 'asr', provider: 'x', cost_usd: -1 },
      'cost_usd must be at least 0',
    ],
    ['another session', '/sessions/s/costs', entry, 'session_id must be the session of the path, or left out'],
    [
      'no time',
      '/sessions/s/costs',
      { service: 'asr', provider: 'x', cost_usd: 1, timestamp: 'yesterday' },
      'timestamp must be a time such as 2027-01-31T12:00:00Z',
    ],
    ['another status', '/sessions/s/turns', { turn_id: 't', status: 'odd' }, /^status must be one of "successful"/],
    ['a turn without a name', '/sessions/s/turns', { turn_id: ' ', status: 'failed' }, 'turn_id must not be blank'],
  ];
  for (const [what, path, body, detail] of wrong) {
    it(`refuses ${what}`, async () => {
      const answer = await ask('POST', path, body);
      assert.equal(answer.status, 400);
      assert.deepEqual(Object.keys(answer.body), ['detail']);
      if (typeof detail === 'string') assert.equal(answer.body.detail, detail);
      else assert.match(answer.body.detail, detail);
    });
  }

  it('refuses a missing and an unknown key, and what it does not serve', async () => {
    for (const key of [undefined, 'your-api-key-here']) {
      const { status, body } = await ask('GET', '/sessions/session-123/costs', undefined, { 'x-api-key': key });
      assert.deepEqual([status, body], [401, { detail: 'Invalid API key' }]);
    }
    const { status, body } = await ask('DELETE', '/sessions/session-123/costs');
    assert.deepEqual([status, Object.keys(body)], [404, ['detail']]);
  });

  it('shows a member its own sessions only', async () => {
    const member = await stack.sign({ user: 'bob', roles: ['member'] });
    const as = { 'x-api-key': member };
    const { status, body } = await ask('GET', '/sessions/session-123/costs', undefined, as);
    assert.deepEqual([status, body], [404, { detail: 'Session not found' }]);
    const own = { service: 'asr', provider: 'x', cost_usd: 1 };
    assert.equal((await ask('POST', '/sessions/session-123/costs', own, as)).status, 201);
    assert.equal((await ask('GET', '/sessions/session-123/costs', undefined, as)).body.total_cost_usd, 1);
    const ofBob = await ask('GET', '/sessions/session-123/costs?user_id=bob');
    assert.equal(ofBob.body.total_cost_usd, 1);
    assert.equal((await ask('GET', '/sessions/session-123/costs?user_id=ada', undefined, as)).status, 403);
    assert.equal((await ask('GET', '/feedback', undefined, as)).status, 403);
    await ask('POST', '/feedback', { session_id: 'session-123', rating: -1, rating_type: 'thumbs' }, as);
    const listed = await ask('GET', '/feedback?user_id=bob');
    assert.deepEqual(
      listed.body.feedback.map(({ user_id, rating }: { user_id: string; rating: number }) => [user_id, rating]),
      [['bob', -1]],
    );
  });

  it('the command line has the same figures', async () => {
    const directory = await makeDirectory(scope);
    await writeFile(join(directory, 'url'), stack.database.url);
    const chaperone = async (...args: string[]) => {
      const file = join(directory, 'url');
      const { code, stdout, stderr } = await runCli(['get', 'sessions', ...args, '--database-url-file', file]);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    // A proxy adds its calls up a moment after it has answered.
    const sessions = await until(async () => {
      const listed = JSON.parse(await chaperone('--organization', 'acme', '--output', 'json')).sessions;
      return listed.length === 2 ? listed : undefined;
    });
    const [bobs, first] = sessions;
    const [costs, metrics] = [
      (await ask('GET', '/sessions/session-123/costs?user_id=bob')).body,
      (await ask('GET', '/sessions/session-123/metrics')).body,
    ];
    assert.deepEqual([bobs.user, Number(bobs.costUsd), bobs.turns], ['bob', costs.total_cost_usd, 0]);
    assert.deepEqual(bobs.feedback, { thumbsUp: 0, thumbsDown: 1, starred: 0, stars: null });
    assert.deepEqual(first.feedback, { thumbsUp: 1, thumbsDown: 0, starred: 1, stars: 5 });
    assert.ok(Math.abs(Number(bobs.costUsd) + Number(first.costUsd) - metrics.total_cost_usd) < 1e-12);
    assert.deepEqual(
      [first.sessionId, first.turns, first.interruptedTurns, first.successfulTurns, first.averageTurnMs],
      ['session-123', metrics.total_turns, metrics.interrupted_turns, metrics.successful_turns, 9.5],
    );
    assert.match(
      await chaperone('--user', 'bob'),
      /^ORGANIZATION.*\nacme +session-123 +bob +\S+ +0 +0 +0 +1 +0 +0 +1\n$/,
    );
    assert.equal(await chaperone('--user', 'carol'), 'There are no sessions.\n');
  });
});
