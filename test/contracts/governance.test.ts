import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { type Ask, makeAsk } from '../proxy/surfaces/governance/ask.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

import { any, assertShape, fields, list, map, orNull, type Shape } from './shape.ts';

const simpleResponse = fields({
  id: 'string',
  content: list(fields({ text: 'string' })),
  usage: fields({ input_tokens: 'integer', output_tokens: 'integer', total_tokens: 'integer' }),
});
const persona = fields({
  id: 'uuid',
  organization_id: 'uuid',
  user_id: orNull('string'),
  name: 'string',
  description: orNull('string'),
  content: 'string',
  is_active: 'boolean',
  created_at: 'time',
  updated_at: 'time',
});
const analysis = fields({
  request_id: 'string',
  response_id: 'string',
  analysis_type: 'string',
  primary_category: any('string', 'null', list('string')),
  categories: list(fields({ name: 'string', confidence: 'number' })),
  confidence: 'number',
  reasoning: orNull('string'),
  metadata: fields({ sentiment: 'string', urgency: 'string', topics: list('string') }),
  analyzed_at: 'time',
  model_used: 'string',
  tokens_used: 'integer',
  cost_usd: 'number',
  cached: 'boolean',
});
const config = fields({
  id: 'uuid',
  organization_id: 'uuid',
  name: 'string',
  description: orNull('string'),
  config: fields({ analysis_type: 'string', categories: list(fields({ name: 'string' })) }),
  is_active: 'boolean',
  created_at: 'time',
  updated_at: 'time',
});
const counts: Readonly<Record<string, Shape>> = {
  request_count: 'integer',
  success_count: 'integer',
  failure_count: 'integer',
  success_rate: 'number',
  input_tokens: 'integer',
  output_tokens: 'integer',
  total_tokens: 'integer',
  total_cost: 'number',
  avg_response_time: 'number',
};
const period: Readonly<Record<string, Shape>> = { period_start: 'time', period_end: 'time' };
const totals: Readonly<Record<string, Shape>> = { total_requests: 'integer', total_cost: 'number', ...period };
const personaUsage = fields({
  persona_id: 'uuid',
  name: 'string',
  description: orNull('string'),
  user_id: orNull('string'),
  ...counts,
  last_used_at: orNull('time'),
  models_used: list('string'),
  is_active: 'boolean',
});

/** Contract 0 from its first chapter to its last, as a user who reads it would go through it. */
describe('the governance contract, as a story', () => {
  const scope = suiteScope();
  let stack: Stack;
  let ask: Ask;
  before(async () => {
    // The contract knows no roles: any token does everything. An Organization that wants that says so.
    stack = await startStack(scope, { ownProcess: true, authentication: { defaultRoles: ['admin'] } });
    const asAda = makeAsk(stack);
    ask = (method, path, body, headers) => asAda(method, path, body, { 'x-response-format': 'simple', ...headers });
  });

  /** What later chapters know from earlier ones. */
  const known = { responseId: '', requestId: '', sessionId: '', personaId: '', configId: '' };

  it('making API requests', async () => {
    const answer = await ask(
      'POST',
      '/responses',
      { model: 'gpt-4o', input: 'The app crashes', stream: false, temperature: 0.7, max_output_tokens: 150 },
      { 'x-session-id': 'session123' },
    );
    assert.equal(answer.status, 200);
    assertShape(answer.body, simpleResponse);
    assert.match(answer.headers.get('x-request-id') ?? '', /^req_/);
    assert.equal(answer.headers.get('x-session-id'), 'session123');
    const { input_tokens, output_tokens, total_tokens } = answer.body.usage;
    assert.equal(input_tokens + output_tokens, total_tokens);
    known.responseId = answer.body.id;
    known.requestId = answer.headers.get('x-request-id') ?? '';
  });

  it('streaming, read as the document does', async () => {
    const response = await fetch(`${stack.baseUrl}/responses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada', 'x-response-format': 'simple' },
      body: JSON.stringify({ model: 'gpt-4o', input: 'Count to three', stream: true }),
    });
    const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: '));
    const events = lines.map((line) => JSON.parse(line.slice('data: '.length)));
    const text = events
      .filter(({ content }) => content)
      .map(({ content }) => content[0].text)
      .join('');
    assert.ok(text.length > 0 && events.length > 2, JSON.stringify(events));
    assertShape(events.at(-1), fields({ id: 'string', usage: fields({ total_tokens: 'integer' }) }));
  });

  it('the default is the provider’s own answer', async () => {
    const { body } = await ask(
      'POST',
      '/responses',
      { model: 'gpt-4o', input: 'Hi' },
      { 'x-response-format': 'openai' },
    );
    assertShape(body, fields({ id: 'string', object: 'string', output: list(fields({ type: 'string' })) }));
    assert.equal('content' in body, false);
    const odd = await ask('POST', '/responses', { model: 'gpt-4o', input: 'Hi' }, { 'x-response-format': 'xml' });
    assert.deepEqual([odd.status, odd.body.error.param], [400, 'X-Response-Format']);
  });

  it('managing conversations', async () => {
    const first = await ask('POST', '/responses', {
      model: 'gpt-4o',
      input: 'What is quantum computing?',
      stream: false,
    });
    const second = await ask(
      'POST',
      '/responses',
      { model: 'gpt-4o', input: 'In simpler terms?', previous_response_id: first.body.id, stream: false },
      { 'x-session-id': first.headers.get('x-session-id') ?? '' },
    );
    assert.equal(second.status, 200);
    assert.match(first.headers.get('x-session-id') ?? '', /^sess_/);
    assert.equal(second.headers.get('x-session-id'), first.headers.get('x-session-id'));
    known.sessionId = first.headers.get('x-session-id') ?? '';
  });

  it('using personas', async () => {
    const made = await ask('POST', '/personas', {
      name: 'Customer Support Agent',
      content: 'You help the customers of Acme. Be polite.',
      description: 'For handling customer inquiries',
    });
    assert.equal(made.status, 201);
    assertShape(made.body, persona);
    known.personaId = made.body.id;
    const used = await ask('POST', '/responses', {
      model: 'gpt-4o',
      input: 'My order is late',
      persona_id: known.personaId,
      instructions: 'Be rude.',
      stream: false,
    });
    assert.match(used.body.content[0].text, /You help the customers of Acme/);
    const listed = await ask('GET', '/personas');
    assertShape(
      listed.body,
      fields({ personas: list(persona), total: 'integer', limit: 'integer', offset: 'integer' }),
    );
    assert.ok(listed.body.personas.some(({ id }: { id: string }) => id === known.personaId));
    const changed = await ask('PUT', `/personas/${known.personaId}`, {
      name: 'Updated Customer Support Agent',
      content: 'Be brief.',
      description: 'Updated description',
    });
    assertShape(changed.body, persona);
    assert.deepEqual([changed.body.id, changed.body.content], [known.personaId, 'Be brief.']);
  });

  const categories = [
    { name: 'technical_support', description: 'Technical issues', examples: ['bug', 'error', 'crash'] },
    { name: 'billing_inquiry', description: 'Billing and payment', examples: ['invoice', 'charge'] },
    { name: 'feature_request', description: 'New features', examples: ['add feature'] },
    { name: 'general_inquiry', description: 'General questions', examples: ['how do I'] },
  ];
  const intent = {
    analysis_type: 'intent',
    categories,
    model: 'gpt-4o-mini',
    temperature: 0.3,
    include_reasoning: true,
  };

  it('analyzing conversations', async () => {
    const answer = await ask('POST', '/analysis', { id: known.requestId, config: intent });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assertShape(answer.body, analysis);
    assert.deepEqual(
      [answer.body.request_id, answer.body.response_id, answer.body.cached],
      [known.requestId, known.responseId, false],
    );
    const names = categories.map(({ name }) => name);
    assert.deepEqual(answer.body.categories.map(({ name }: { name: string }) => name).sort(), names.sort());
    const confidences = answer.body.categories.map(({ confidence }: { confidence: number }) => confidence);
    assert.deepEqual(
      confidences,
      confidences.toSorted((a: number, b: number) => b - a),
    );

    // The same by its response id, and from the cache.
    const again = await ask('POST', '/analysis', { id: known.responseId, config: intent });
    assert.deepEqual(again.body, { ...answer.body, cached: true });
  });

  it('reusable configurations', async () => {
    const made = await ask('POST', '/analysis/configs', {
      name: 'Support Intent Classifier',
      description: 'Classifies support requests by intent',
      config: { analysis_type: 'intent', categories: categories.slice(0, 2), model: 'gpt-4o-mini', temperature: 0.3 },
    });
    assert.equal(made.status, 201);
    assertShape(made.body, config);
    known.configId = made.body.id;
    const byName = await ask('GET', '/analysis/configs/by-name/Support%20Intent%20Classifier');
    assert.deepEqual(byName.body, made.body);
    const used = await ask('POST', '/analysis', { id: known.requestId, config_id: known.configId });
    assertShape(used.body, analysis);
    assert.equal(used.body.categories.length, 2);
    const overridden = await ask('POST', '/analysis', {
      id: known.requestId,
      config_id: known.configId,
      config: { model: 'gpt-4o' },
    });
    assert.match(overridden.body.model_used, /^gpt-4o(?!-mini)/);
  });

  it('sentiment, and the advanced options', async () => {
    const sentiment = await ask('POST', '/analysis', {
      id: known.requestId,
      config: {
        analysis_type: 'sentiment',
        categories: ['positive', 'neutral', 'negative'].map((name) => ({ name, description: name, examples: [name] })),
      },
    });
    assertShape(sentiment.body, analysis);
    const advanced = await ask('POST', '/analysis', {
      id: known.requestId,
      config: {
        analysis_type: 'custom',
        categories: ['urgent', 'important', 'routine'].map((name) => ({ name, description: name })),
        model: 'gpt-4o',
        temperature: 0.2,
        multi_label: true,
        confidence_threshold: 0.5,
        custom_prompt: 'How urgent is this?\n\nUser: {user_input}\nAI: {ai_response}\n\nCategories: {categories}',
      },
    });
    assertShape(advanced.body, analysis);
    assert.ok(Array.isArray(advanced.body.primary_category) || advanced.body.metadata.below_threshold === true);
  });

  it('rating responses', async () => {
    const byRequest = await ask('POST', `/responses/${known.requestId}/rate`, { rating: 1, feedback: 'Very helpful.' });
    assert.equal(byRequest.status, 200);
    assertShape(
      byRequest.body,
      fields({ request_id: 'string', response_id: 'string', rating: 'integer', rated_at: 'time' }),
    );
    const byResponse = await ask('POST', `/responses/${known.responseId}/rate`, {
      rating: -1,
      feedback: 'Not an answer.',
    });
    assert.deepEqual([byResponse.body.request_id, byResponse.body.rating], [known.requestId, -1]);
    const rated = await until(async () => {
      const answer = await ask('GET', '/analytics/rated-responses');
      return answer.body.negative_count === 1 && answer;
    }, 'the second rating');
    assertShape(
      rated.body,
      fields({
        responses: list(
          fields({
            request_id: 'string',
            response_id: orNull('string'),
            session_id: 'string',
            user_id: orNull('string'),
            persona_id: orNull('uuid'),
            model: 'string',
            rating: 'integer',
            feedback: orNull('string'),
            rated_at: 'time',
            created_at: 'time',
            total_tokens: 'integer',
            total_cost: 'number',
          }),
        ),
        total_rated: 'integer',
        positive_count: 'integer',
        negative_count: 'integer',
        filtered_by_user: orNull('string'),
        ...period,
      }),
    );
    // The second rating took the place of the first.
    assert.deepEqual([rated.body.total_rated, rated.body.positive_count], [1, 0]);
  });

  it('analytics and monitoring', async () => {
    const models = await until(async () => {
      const answer = await ask('GET', '/analytics/models');
      return answer.body.total_requests >= 6 && answer;
    }, 'all six calls in the analytics');
    assertShape(models.body, fields({ models: list(fields({ model: 'string', ...counts })), ...totals }));
    assert.equal(models.body.total_requests, 6);

    const users = await ask('GET', '/analytics/user-usage?user_id=ada');
    assertShape(
      users.body,
      fields({
        users: list(fields({ user_id: 'string', ...counts, last_request_at: 'time', models_used: list('string') })),
        total_users: 'integer',
        ...totals,
        filtered_by_user: 'string',
      }),
    );
    assert.deepEqual([users.body.filtered_by_user, users.body.total_requests], ['ada', 6]);

    const sessions = await ask('GET', '/analytics/sessions');
    assertShape(
      sessions.body,
      fields({
        sessions: list(
          fields({
            session_id: 'string',
            user_id: orNull('string'),
            started_at: 'time',
            ended_at: orNull('time'),
            duration_minutes: 'number',
            request_count: 'integer',
            total_tokens: 'integer',
            total_cost: 'number',
            models_used: list('string'),
            is_active: 'boolean',
          }),
        ),
        total_sessions: 'integer',
        active_sessions: 'integer',
        ...totals,
        avg_session_duration: 'number',
        filtered_by_user: orNull('string'),
      }),
    );
    const conversation = sessions.body.sessions.find(
      ({ session_id }: { session_id: string }) => session_id === known.sessionId,
    );
    assert.deepEqual([conversation.request_count, conversation.is_active, conversation.ended_at], [2, true, null]);

    const personas = await ask('GET', '/analytics/personas');
    assertShape(
      personas.body,
      fields({
        personas: list(personaUsage),
        total_personas: 'integer',
        ...totals,
        filtered_by_user: orNull('string'),
        include_inactive: 'boolean',
      }),
    );
    const detailed = await ask('GET', `/analytics/personas/${known.personaId}`);
    assertShape(
      detailed.body,
      fields({
        persona: personaUsage,
        daily_usage: list(
          fields({
            date: 'date',
            request_count: 'integer',
            success_count: 'integer',
            failure_count: 'integer',
            total_tokens: 'integer',
            total_cost: 'number',
          }),
        ),
        request_count_by_model: map('integer'),
        request_count_by_status: map('integer'),
        token_usage_by_model: map(
          fields({ input_tokens: 'integer', output_tokens: 'integer', total_tokens: 'integer', total_cost: 'number' }),
        ),
        top_users: list(
          fields({ user_id: 'string', request_count: 'integer', total_tokens: 'integer', total_cost: 'number' }),
        ),
        ...period,
      }),
    );
    assert.equal(detailed.body.persona.request_count, 1);

    const filtered = await ask('GET', '/analytics/models?start_date=2025-06-01&end_date=2025-06-07');
    assert.deepEqual(
      [filtered.body.total_requests, filtered.body.period_start.slice(0, 19), filtered.body.period_end.slice(0, 19)],
      [0, '2025-06-01T00:00:00', '2025-06-07T23:59:59'],
    );
  });

  it('troubleshooting: every sentence that the document explains', async () => {
    const call = { model: 'gpt-4o', input: 'Hi' };
    const table: readonly (readonly [string, () => ReturnType<Ask>, number])[] = [
      ['Invalid authentication credentials', () => ask('POST', '/responses', call, { authorization: 'Bearer x' }), 401],
      ['User not found', () => ask('POST', '/responses', call, { 'x-user-id': '' }), 400],
      [
        'Persona not found or not accessible',
        () => ask('POST', '/responses', { ...call, persona_id: '123e4567-e89b-12d3-a456-426614174999' }),
        404,
      ],
      ['Error processing request', () => ask('POST', '/responses', '{"model": '), 400],
    ];
    for (const [message, refused, status] of table) {
      const answer = await refused();
      assert.equal(answer.status, status);
      // The sentence comes first; behind it, what is wrong and what to do.
      assert.match(answer.body.error.message, new RegExp(`^${message}(: .+)?$`));
      assertShape(answer.body.error, fields({ type: 'string', code: 'string', param: orNull('string') }));
    }
  });

  it('troubleshooting: no key', async () => {
    await rm(join(stack.directory, 'keys.yaml'));
    const refused = await until(async () => {
      const answer = await ask('POST', '/responses', { model: 'gpt-4o', input: 'Hi' });
      return answer.status !== 200 && answer;
    }, 'the withdrawn key');
    assert.equal(refused.status, 403);
    assert.match(refused.body.error.message, /^No active API key found for organization(: .+)?$/);
  });
});
