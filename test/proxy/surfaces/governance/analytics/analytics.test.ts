import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { nobody, userIdOf } from '../../../../../database/ids.ts';
import { insertRequests } from '../../../../../database/insert-requests.ts';
import { insertRatings } from '../../../../../database/ratings.ts';
import { ensureRequestPartitions, type RequestRecord } from '../../../../../database/requests.ts';
import { batchOf } from '../../../../database/batch.ts';
import { connect } from '../../../../database/tenant.ts';
import { makeRecord } from '../../../../request-record.ts';
import { suiteScope } from '../../../../scope.ts';
import { type Stack, startStack } from '../../../../stack.ts';
import { until } from '../../../../until.ts';

import { type Answer, type Ask, makeAsk } from '../ask.ts';

const dayMs = 86_400_000;
const today = new Date().toISOString().slice(0, 10);
const daysAgo = (days: number) => new Date(Date.parse(today) - days * dayMs);
const dayOf = (at: Date) => at.toISOString().slice(0, 10);

/** What is asked for through the front door: a real proxy, a real database, and records of the last months. */
describe('/v1/analytics', () => {
  const scope = suiteScope();
  let stack: Stack;
  let ask: Ask;
  let owner: Client;
  let organizationId: string;
  let personaId: string;
  let retiredId: string;

  before(async () => {
    stack = await startStack(scope, { ownDatabase: true });
    ask = makeAsk(stack);
    owner = await connect(scope, stack.database.url);
    const made = await ask('POST', '/personas', { name: 'Analyst of analytics', content: 'Count.' });
    personaId = made.body.id;
    organizationId = made.body.organization_id;
    retiredId = (await ask('POST', '/personas', { name: 'Retired', content: 'Rest.', is_active: false })).body.id;
    await owner.query("insert into chaperone.users (organization_id, user_id, external_id) values ($1, $2, 'hist')", [
      organizationId,
      userIdOf(organizationId, 'hist'),
    ]);
    await store([
      // A session of two calls, and one that failed, forty days ago.
      past(40, 0, { model: 'm-a', cost_usd: '0.1', total_tokens: 30, duration_ms: 1_000 }),
      past(40, 90, { model: 'm-b', cost_usd: '0.2', total_tokens: 60, duration_ms: 2_000, persona_id: personaId }),
      past(41, 0, {
        session_id: 'hist-2',
        status: 'failed',
        model: null,
        requested_model: 'm-a',
        cost_usd: null,
        total_tokens: null,
        input_tokens: null,
        output_tokens: null,
        duration_ms: null,
        persona_id: retiredId,
      }),
      past(41, 10, { session_id: 'hist-2', kind: 'analysis', model: 'm-c', cost_usd: '7' }),
      past(42, 0, {
        user_id: nobody,
        user_external_id: null,
        session_id: 'nobody',
        model: 'm-d',
        cost_usd: '0.000000000001',
      }),
    ]);
  });

  /** A call of the user `hist`, some days ago. */
  function past(days: number, minute: number, changes: Partial<RequestRecord>): RequestRecord {
    return makeRecord(organizationId, {
      started_at: new Date(daysAgo(days).getTime() + minute * 60_000).toISOString(),
      user_id: userIdOf(organizationId, 'hist'),
      user_external_id: 'hist',
      session_id: 'hist-1',
      requested_model: changes.model ?? 'm',
      ...changes,
    });
  }
  async function store(records: readonly RequestRecord[]) {
    for (const { started_at } of records) await ensureRequestPartitions(owner, new Date(started_at));
    await insertRequests(owner, organizationId, batchOf(records));
  }
  const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
    ask('GET', `/analytics/${path}`, undefined, headers);
  /** Asks what is answered by the day, anew where that changed meanwhile. */
  const onOneDay = async (question: () => Promise<Answer>) => {
    for (;;) {
      const lastDay = dayOf(new Date());
      const { body } = await question();
      if (dayOf(new Date()) === lastDay) return { body, lastDay };
    }
  };
  const then = `start_date=${dayOf(daysAgo(42))}&end_date=${dayOf(daysAgo(40))}`;
  const period = { period_start: `${dayOf(daysAgo(42))}T00:00:00Z`, period_end: `${dayOf(daysAgo(40))}T23:59:59Z` };
  const timeOf = (days: number, minute: number) => new Date(daysAgo(days).getTime() + minute * 60_000).toISOString();

  it('includes a call as soon as it is answered, and covers thirty days by default', async () => {
    let user = 'now';
    // A call is not waited for as long as a busy machine may take to store it. Of several, one is there at once.
    const { call, body, lastDay } = await until(async () => {
      const call = await ask(
        'POST',
        '/responses',
        { model: 'gpt-4o', input: 'Hi', persona_id: personaId },
        { 'x-user-id': user, 'x-session-id': 'sess_now' },
      );
      assert.equal(call.status, 200);
      const told = await onOneDay(() => get(`user-usage?user_id=${user}`));
      if (told.body.users.length > 0) return { call, ...told };
      user += '-again';
      return undefined;
    }, 'a call that is told of at once');
    const { input_tokens, output_tokens, total_tokens } = call.body.usage;
    const [used] = body.users;
    assert.deepEqual(
      [used.user_id, used.request_count, used.success_rate, used.input_tokens, used.output_tokens, used.total_tokens],
      [user, 1, 100, input_tokens, output_tokens, total_tokens],
    );
    assert.ok(used.total_cost > 0 && used.total_cost === body.total_cost);
    assert.deepEqual([used.models_used, body.filtered_by_user, body.total_users], [['gpt-4o'], user, 1]);
    assert.equal(body.period_start, `${dayOf(new Date(Date.parse(lastDay) - 29 * dayMs))}T00:00:00Z`);
    assert.equal(body.period_end, `${lastDay}T23:59:59Z`);
    const { body: sessions } = await get(`sessions?user_id=${user}`);
    const [session] = sessions.sessions;
    assert.deepEqual(
      [session.session_id, session.ended_at, session.is_active, session.duration_minutes, sessions.active_sessions],
      ['sess_now', null, true, 0, 1],
    );
  });

  const cache = { hits: 0, misses: 0, avoided_cost: 0, savings: 0, unpriced_hits: 0 };
  const analysis = { request_count: 1, total_cost: 7, unpriced_count: 0 };
  const excludedAnalysis = { ...analysis, reasons: [{ reason: 'analysis', ...analysis }] };

  it('lists models', async () => {
    const { status, body } = await get(`models?${then}&user_id=hist`);
    const shared = {
      unpriced_count: 0,
      failure_count: 0,
      success_count: 1,
      success_rate: 100,
      request_count: 1,
      cache,
    };
    assert.equal(status, 200);
    assert.deepEqual(body, {
      models: [
        {
          model: 'm-a',
          request_count: 2,
          success_count: 1,
          failure_count: 1,
          success_rate: 50,
          input_tokens: 10,
          output_tokens: 20,
          total_tokens: 30,
          total_cost: 0.1,
          unpriced_count: 0,
          cache,
          avg_response_time: 1,
          answered_by: [{ model: 'm-a', request_count: 2, total_tokens: 30, total_cost: 0.1 }],
        },
        {
          model: 'm-b',
          ...shared,
          input_tokens: 10,
          output_tokens: 20,
          total_tokens: 60,
          total_cost: 0.2,
          avg_response_time: 2,
          answered_by: [{ model: 'm-b', request_count: 1, total_tokens: 60, total_cost: 0.2 }],
        },
      ],
      total_models: 2,
      total_requests: 3,
      // 0.1 and 0.2 in decimals, not in floats.
      total_cost: 0.3,
      unpriced_count: 0,
      cache,
      excluded: excludedAnalysis,
      ...period,
    });
  });

  it('lists users, including those without a name', async () => {
    const { body } = await get(`user-usage?${then}`);
    assert.deepEqual(
      body.users.map(
        (user: { user_id: unknown; request_count: unknown; last_request_at: unknown; models_used: unknown }) => [
          user.user_id,
          user.request_count,
          user.last_request_at,
          user.models_used,
        ],
      ),
      [
        ['hist', 3, timeOf(40, 90), ['m-a', 'm-b']],
        [null, 1, timeOf(42, 0), ['m-d']],
      ],
    );
    assert.deepEqual(
      [body.total_users, body.total_requests, body.total_cost, body.filtered_by_user, body.users[1].total_cost],
      [2, 4, 0.300000000001, null, 1e-12],
    );
  });

  it('lists sessions', async () => {
    const { body } = await get(`sessions?${then}`);
    const rest = { is_active: false, unpriced_count: 0 };
    assert.deepEqual(body, {
      sessions: [
        {
          session_id: 'hist-1',
          user_id: 'hist',
          started_at: timeOf(40, 0),
          ended_at: timeOf(40, 90),
          duration_minutes: 90,
          request_count: 2,
          total_tokens: 90,
          total_cost: 0.3,
          models_used: ['m-a', 'm-b'],
          ...rest,
        },
        {
          session_id: 'hist-2',
          user_id: 'hist',
          started_at: timeOf(41, 0),
          ended_at: timeOf(41, 0),
          duration_minutes: 0,
          request_count: 1,
          total_tokens: 0,
          total_cost: 0,
          models_used: ['m-a'],
          ...rest,
        },
        {
          session_id: 'nobody',
          user_id: null,
          started_at: timeOf(42, 0),
          ended_at: timeOf(42, 0),
          duration_minutes: 0,
          request_count: 1,
          total_tokens: 30,
          total_cost: 1e-12,
          models_used: ['m-d'],
          ...rest,
        },
      ],
      total_sessions: 3,
      active_sessions: 0,
      total_requests: 4,
      total_cost: 0.300000000001,
      unpriced_count: 0,
      cache,
      excluded: excludedAnalysis,
      avg_session_duration: 30,
      ...period,
      filtered_by_user: null,
    });
    const { body: all } = await get(`sessions?${then}&kind=all&model=m-c`);
    assert.deepEqual([all.total_sessions, all.sessions[0].total_cost, all.total_cost], [1, 7, 7]);
  });

  it('counts a session as active until it was idle for half an hour, or as long as the Organization states', async () => {
    const nowMs = Date.now();
    const minutesAgo = (minutes: number) => new Date(nowMs - minutes * 60_000).toISOString();
    const of = { user_id: userIdOf(organizationId, 'idle'), user_external_id: 'idle' };
    await store([
      makeRecord(organizationId, { ...of, session_id: 'over', started_at: minutesAgo(31) }),
      makeRecord(organizationId, { ...of, session_id: 'on', started_at: minutesAgo(29) }),
      makeRecord(organizationId, { ...of, session_id: 'on', started_at: minutesAgo(60) }),
    ]);
    // Around midnight, they may have begun yesterday.
    const { body } = await get(`sessions?user_id=idle&start_date=${dayOf(daysAgo(1))}`);
    const { on, over } = Object.fromEntries(
      body.sessions.map((session: { session_id: string }) => [session.session_id, session]),
    );
    assert.deepEqual([on.is_active, on.ended_at, on.duration_minutes], [true, null, 31]);
    assert.deepEqual([over.is_active, body.active_sessions, body.avg_session_duration], [false, 1, 15.5]);
    assert.notEqual(over.ended_at, null);
  });

  it('lists personas, including unused ones, and inactive ones on request', async () => {
    const { body } = await get(`personas?${then}`);
    const [first] = body.personas;
    assert.deepEqual(first, {
      persona_id: personaId,
      name: 'Analyst of analytics',
      description: null,
      user_id: null,
      request_count: 1,
      success_count: 1,
      failure_count: 0,
      success_rate: 100,
      input_tokens: 10,
      output_tokens: 20,
      total_tokens: 60,
      total_cost: 0.2,
      unpriced_count: 0,
      cache,
      avg_response_time: 2,
      last_used_at: timeOf(40, 90),
      models_used: ['m-b'],
      is_active: true,
    });
    assert.deepEqual([body.total_requests, body.total_cost, body.include_inactive], [1, 0.2, false]);
    assert.equal(body.total_personas, body.personas.length);
    assert.ok(body.personas.some((persona: { last_used_at: unknown }) => persona.last_used_at === null));
    const { body: all } = await get(`personas?${then}&include_inactive=true`);
    assert.deepEqual(
      [all.total_personas, all.total_requests, all.include_inactive],
      [body.total_personas + 1, 2, true],
    );
    const retired = all.personas.find((persona: { persona_id: string }) => persona.persona_id === retiredId);
    assert.deepEqual([retired.is_active, retired.failure_count], [false, 1]);
  });

  it('shows one persona in detail', async () => {
    await store([
      past(39, 0, { persona_id: personaId, model: 'm-a', cost_usd: '0.1', status: 'cancelled', total_tokens: 5 }),
    ]);
    const { body } = await get(`personas/${personaId}?start_date=${dayOf(daysAgo(42))}&end_date=${dayOf(daysAgo(39))}`);
    const { persona, ...rest } = body;
    assert.deepEqual(
      [persona.request_count, persona.success_rate, persona.total_cost, persona.models_used],
      [2, 50, 0.3, ['m-a', 'm-b']],
    );
    assert.deepEqual(rest, {
      daily_usage: [
        {
          date: dayOf(daysAgo(40)),
          request_count: 1,
          success_count: 1,
          failure_count: 0,
          total_tokens: 60,
          total_cost: 0.2,
        },
        {
          date: dayOf(daysAgo(39)),
          request_count: 1,
          success_count: 0,
          failure_count: 1,
          total_tokens: 5,
          total_cost: 0.1,
        },
      ],
      request_count_by_model: { 'm-a': 1, 'm-b': 1 },
      request_count_by_status: { completed: 1, cancelled: 1 },
      token_usage_by_model: {
        'm-a': { input_tokens: 10, output_tokens: 20, total_tokens: 5, total_cost: 0.1 },
        'm-b': { input_tokens: 10, output_tokens: 20, total_tokens: 60, total_cost: 0.2 },
      },
      top_users: [{ user_id: 'hist', request_count: 2, total_tokens: 65, total_cost: 0.3 }],
      excluded: { request_count: 0, total_cost: 0, unpriced_count: 0, reasons: [] },
      period_start: period.period_start,
      period_end: `${dayOf(daysAgo(39))}T23:59:59Z`,
    });
    const { body: unused } = await get(`personas/${retiredId}`);
    assert.deepEqual(
      [unused.persona.request_count, unused.persona.success_rate, unused.daily_usage, unused.request_count_by_status],
      [0, 0, [], {}],
    );
  });

  it('lists rated calls', async () => {
    const call = await ask(
      'POST',
      '/responses',
      { model: 'gpt-4o', input: 'Rate me' },
      { 'x-user-id': 'rated', 'x-session-id': 'r' },
    );
    const requestId = call.headers.get('x-request-id');
    await ask('POST', `/responses/${requestId}/rate`, { rating: -1 }, { 'x-user-id': 'rated' });
    const given = await ask(
      'POST',
      `/responses/${call.body.id}/rate`,
      { rating: 1, feedback: 'Good' },
      { 'x-user-id': 'rated' },
    );
    const body = await until(async () => {
      const { body } = await get('rated-responses?user_id=rated');
      const [newest] = body.responses;
      return newest?.rating === 1 && newest.session_id !== null && body;
    }, 'the rating and its call');
    const [{ created_at, total_cost, ...rated }] = body.responses;
    assert.deepEqual(rated, {
      request_id: requestId,
      response_id: call.body.id,
      session_id: 'r',
      user_id: 'rated',
      persona_id: null,
      model: 'gpt-4o',
      response_model: call.body.model,
      rating: 1,
      feedback: 'Good',
      rated_at: given.body.rated_at,
      total_tokens: call.body.usage.total_tokens,
    });
    assert.ok(Date.parse(created_at) <= Date.parse(rated.rated_at) && total_cost > 0);
    assert.deepEqual(
      [body.total_rated, body.positive_count, body.negative_count, body.filtered_by_user],
      [1, 1, 0, 'rated'],
    );
    assert.equal((await get(`rated-responses?model=${call.body.model}&user_id=rated`)).body.total_rated, 1);
    assert.equal((await get('rated-responses?model=other&user_id=rated')).body.total_rated, 0);
    assert.equal((await get('rated-responses?user_id=hist')).body.total_rated, 0);
  });

  it('shows a rating whose call is not stored', async () => {
    const rating = {
      rating_id: '018f2b6e-0000-7000-8000-000000000001',
      request_id: 'of another time',
      response_id: null,
      user_id: userIdOf(organizationId, 'hist'),
      rating: -1,
      feedback: null,
      rated_by: null,
      rated_at: timeOf(40, 0),
    };
    await insertRatings(owner, organizationId, JSON.stringify([rating]));
    const { body } = await get(`rated-responses?${then}`);
    assert.deepEqual(body.responses, [
      {
        request_id: 'of another time',
        response_id: null,
        session_id: null,
        user_id: 'hist',
        persona_id: null,
        model: null,
        response_model: null,
        rating: -1,
        feedback: null,
        rated_at: timeOf(40, 0),
        created_at: null,
        total_tokens: null,
        total_cost: null,
      },
    ]);
    assert.deepEqual([body.total_rated, body.positive_count, body.negative_count], [1, 0, 1]);
  });

  it('filters ratings by their calls, whether those were stored before the rating or after it', async () => {
    const model = { model: 'rated-2026-01-01', requested_model: 'rated' };
    const early = past(30, 0, { ...model, persona_id: personaId, session_id: 'rated-1' });
    const late = past(30, 1, { ...model, kind: 'analysis', session_id: 'rated-2' });
    const rate = ({ request_id, user_id }: RequestRecord, number: number) =>
      JSON.stringify([
        {
          rating_id: `018f2b6e-0000-7000-8000-00000000010${number}`,
          request_id,
          response_id: null,
          user_id,
          rating: 1,
          feedback: null,
          rated_by: null,
          rated_at: timeOf(29, number),
        },
      ]);
    await store([early]);
    await insertRatings(owner, organizationId, rate(early, 0));
    await insertRatings(owner, organizationId, rate(late, 1));
    await store([late]);
    const count = async (query: string) => {
      const { body } = await get(
        `rated-responses?start_date=${dayOf(daysAgo(29))}&end_date=${dayOf(daysAgo(29))}&${query}`,
      );
      assert.equal(body.responses.length, body.total_rated);
      return body.total_rated;
    };
    const counts: Record<string, number> = {};
    for (const query of [
      'kind=all',
      'kind=call',
      'kind=analysis',
      `persona_id=${personaId}`,
      `persona_id=${retiredId}`,
      'kind=all&model=rated',
      'kind=all&model=rated-2026-01-01',
      'kind=call&model=rated',
      'kind=all&model=other',
    ])
      counts[query.replace(personaId, 'used').replace(retiredId, 'unused')] = await count(query);
    assert.deepEqual(counts, {
      'kind=all': 2,
      'kind=call': 1,
      'kind=analysis': 1,
      'persona_id=used': 1,
      'persona_id=unused': 0,
      'kind=all&model=rated': 2,
      'kind=all&model=rated-2026-01-01': 2,
      'kind=call&model=rated': 1,
      'kind=all&model=other': 0,
    });
  });

  it('filters by kind, persona and model, also by the requested model', async () => {
    const requests = async (query: string) => (await get(`models?${then}&${query}`)).body.total_requests;
    assert.equal(await requests('kind=analysis'), 1);
    assert.equal(await requests('kind=all'), 5);
    assert.equal(await requests(`persona_id=${personaId}`), 1);
    assert.equal(await requests(`persona_id=${personaId}&user_id=someone`), 0);
    assert.equal(await requests('model=m-a'), 2);
    await store([past(40, 1, { model: 'asked-2026-01-01', requested_model: 'asked', session_id: 'hist-3' })]);
    assert.deepEqual([await requests('model=asked'), await requests('model=asked-2026-01-01')], [1, 1]);
    assert.equal(await requests(`model=${encodeURIComponent('\0')}`), 0);
  });

  it('lists page by page', async () => {
    const { body } = await get(`user-usage?${then}&limit=1&offset=1`);
    assert.deepEqual([body.users.length, body.users[0].user_id, body.total_users], [1, null, 2]);
    const { body: beyond } = await get(`user-usage?${then}&offset=5`);
    assert.deepEqual([beyond.users, beyond.total_users, beyond.total_requests > 0], [[], 2, true]);
    const { body: sessions } = await get(`sessions?${then}&limit=1&offset=1`);
    assert.equal(sessions.sessions.length, 1);
    assert.ok(sessions.total_sessions > 1);
  });

  it('is empty where there are no calls', async () => {
    const { body } = await get('sessions?start_date=2020-01-01&end_date=2020-01-31&user_id=who');
    assert.deepEqual(body, {
      sessions: [],
      total_sessions: 0,
      active_sessions: 0,
      total_requests: 0,
      total_cost: 0,
      unpriced_count: 0,
      cache,
      excluded: { request_count: 0, total_cost: 0, unpriced_count: 0, reasons: [] },
      avg_session_duration: 0,
      period_start: '2020-01-01T00:00:00Z',
      period_end: '2020-01-31T23:59:59Z',
      filtered_by_user: 'who',
    });
  });

  it('shows a member only its own calls', async () => {
    const member = { authorization: `Bearer ${await stack.sign({ roles: ['member'] })}`, 'x-user-id': 'hist' };
    const { body } = await get(`user-usage?${then}`, member);
    assert.deepEqual(
      [body.users.map(({ user_id }: { user_id: string }) => user_id), body.filtered_by_user],
      [['hist'], 'hist'],
    );
    for (const path of ['models', 'user-usage', 'sessions', 'personas', `personas/${personaId}`, 'rated-responses']) {
      assert.equal((await get(`${path}?${then}&user_id=hist`, member)).status, 200, path);
      const refused = await get(`${path}?user_id=now`, member);
      assert.deepEqual(
        [refused.status, refused.body.error.code, refused.body.error.param],
        [403, 'role_required', 'user_id'],
        path,
      );
    }
    const own = await ask('POST', '/personas', { name: 'Only for now', content: 'Hi.', users: ['now'] });
    const hidden = await get(`personas/${own.body.id}`, member);
    assert.deepEqual(
      [hidden.status, hidden.body.error.message],
      [404, 'Persona not found or not accessible: GET /v1/personas lists those that you may use'],
    );
    const { body: listed } = await get('personas', member);
    assert.ok(!listed.personas.some((persona: { persona_id: string }) => persona.persona_id === own.body.id));
    const analyst = { authorization: `Bearer ${await stack.sign({ roles: ['analyst'] })}` };
    assert.equal((await get(`personas/${own.body.id}`, analyst)).status, 200);
  });

  const mistakes: readonly (readonly [query: string, param: string])[] = [
    ['start_date=2026-02-30', 'start_date'],
    ['end_date=soon', 'end_date'],
    ['start_date=2026-06-02&end_date=2026-06-01', 'start_date'],
    ['kind=calls', 'kind'],
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['offset=-1', 'offset'],
    ['offset=1.5', 'offset'],
    ['user_id=', 'user_id'],
    ['persona_id=support', 'persona_id'],
  ];
  for (const [query, param] of mistakes) {
    it(`refuses ${query}`, async () => {
      const { status, body } = await get(`user-usage?${query}`);
      assert.deepEqual([status, body.error.code, body.error.param], [400, 'invalid_request', param]);
      assert.ok(body.error.message.startsWith(`Error processing request: ${param} must`), body.error.message);
    });
  }

  it('finds no persona where there is none', async () => {
    for (const id of ['none', '123e4567-e89b-12d3-a456-426614174000', '%00']) {
      const { status, body } = await get(`personas/${id}`);
      assert.deepEqual([status, body.error.code], [404, 'persona_not_found'], id);
    }
  });

  it('answers 503 while the database is away', async () => {
    await owner.end();
    await stack.database.stop();
    const { status, body } = await get('models');
    assert.deepEqual([status, body.error.code], [503, 'store_unavailable']);
    await stack.database.start();
    assert.equal((await get('models')).status, 200);
  });
});
