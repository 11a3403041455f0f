import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { hashPassword } from '../../database/password-hash.ts';
import { accountOf, setSpec, stateHashes } from '../proxy/surfaces/insights/insights-stack.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { standInForOperator } from '../trainer/stand-in-operator.ts';
import { until } from '../until.ts';
import { any, assertShape, fields, list, map, orNull, type Shape } from './shape.ts';

const share = { positive: 'number', negative: 'number', neutral: 'number' } as const;
const credentials = { username: 'user@example.com', password: 'secure_password' };
const training = {
  ...{ namespace: 'training', modelStore: 's3://customerai-models/', dataStores: ['s3://customerai-data/'] },
  ...{ instanceTypes: [{ name: 'ml.g4dn.xlarge' }], maxInstances: 4 },
};

/** Contract 3 from its first chapter to its last, with its own requests, as a user who reads it would go through it. */
describe('the contract of customer insights, as a story', () => {
  const scope = suiteScope();
  let stack: Stack;
  let token = '';
  let itemId: string;
  let jobId: string;
  let modelUri: string;
  before(async () => {
    const hash = await hashPassword(credentials.password);
    stack = await startStack(scope, {
      async prepare(directory) {
        await stateHashes(directory, { user: hash });
        await setSpec(directory, {
          'authentication.accounts': [accountOf(credentials.username, 'user', ['admin'])],
          'models.allow': ['gpt-4o*', 'text-embedding-3-*', 'financial-*'],
          'models.defaultAlias': 'gpt4o_financial',
          'models.aliases': [
            { name: 'gpt4o_financial', model: 'gpt-4o', complianceLevel: 'financial' },
            { name: 'claude_sonnet', model: 'gpt-4o-mini', complianceLevel: 'financial' },
            { name: 'embeddings', model: 'text-embedding-3-large' },
            { name: 'our_sentiment', model: 'financial-sentiment-prod' },
          ],
        });
      },
    });
    await standInForOperator(scope, stack, training);
  });

  const ask = async (method: string, path: string, body?: object) => {
    const answer = await fetch(new URL(`/api/v1${path}`, stack.baseUrl), {
      method,
      headers: { ...(token && { authorization: `Bearer ${token}` }), 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
    return { status: answer.status, headers: answer.headers, body: JSON.parse(await answer.text()) as any };
  };
  /** @returns the data of an answer in the envelope of the document */
  const get = async (method: string, path: string, body: object | undefined, shape: Record<string, Shape>) => {
    const { status, body: answer } = await ask(method, path, body);
    assert.equal(status, 200, JSON.stringify(answer));
    assert.deepEqual(Object.keys(answer).sort(), ['data', 'error', 'status_code', 'timestamp']);
    assert.deepEqual([answer.error, answer.status_code], [false, 200]);
    assertShape(answer, fields({ timestamp: 'time', data: fields(shape) }));
    return answer.data;
  };

  it('lets nobody in without a token, and says how many requests are left', async () => {
    const { status, headers, body } = await ask('GET', '/ai/providers');
    assert.equal(status, 401);
    assertShape(body, fields({ error: 'boolean', status_code: 'integer', message: 'string', timestamp: 'time' }));
    assert.deepEqual([body.error, body.status_code], [true, 401]);
    for (const what of ['Limit', 'Remaining', 'Reset'])
      assert.match(headers.get(`X-Rate-Limit-${what}`) ?? '', /^\d+$/);
  });

  it('logs in', async () => {
    const login = await get('POST', '/auth/login', credentials, {
      ...{ token: 'string', user_id: 'string', roles: list('string') },
    });
    assert.deepEqual(login.roles, ['admin']);
    token = login.token;
  });

  it('says how texts sound, with a model and without', async () => {
    const asked = { text: "I'm very happy with your service and prompt response to my query.", use_ai: true };
    const analysis = fields({ satisfaction_score: 'number', key_positives: list('string') });
    await get('POST', '/analyze/sentiment', asked, { sentiment: 'string', ...share, analysis });
    const own = await get('POST', '/analyze/sentiment', { ...asked, use_ai: false }, { ...share, analysis });
    assert.deepEqual([own.sentiment, own.analysis.key_positives], ['positive', ['happy']]);
    const conversations = [
      { id: 'conv-123', text: "I've been trying to contact support for days with no response!" },
      { id: 'conv-124', text: 'Thank you for resolving my issue so quickly.' },
    ];
    const { results, summary } = await get(
      'POST',
      '/analyze/batch',
      { conversations },
      {
        results: list(fields({ id: 'string', sentiment: 'string', ...share })),
        summary: fields({ positive_count: 'integer', negative_count: 'integer', neutral_count: 'integer' }),
      },
    );
    assert.deepEqual(
      results.map(({ id }: { id: string }) => id),
      ['conv-123', 'conv-124'],
    );
    assert.equal(summary.positive_count + summary.negative_count + summary.neutral_count, 2);
    assert.equal(results[1].sentiment, 'positive');
  });

  it('drafts an answer', async () => {
    const asked = {
      ...{ query: 'Can I get a personal loan with a credit score of 650?', customer_id: 'cust-456' },
      context: { previous_interactions: 3, account_type: 'savings' },
    };
    await get('POST', '/generate/response', asked, {
      ...{ response: 'string', category: 'string', requires_human_review: 'boolean', confidence: 'number' },
      alternative_responses: list('string'),
    });
  });

  it('anonymizes, to the letter', async () => {
    const text = 'Hi, my name is John Smith and my account number is 1234567890. My phone number is 555-123-4567.';
    const { mapping_id: _, ...data } = await get('POST', '/privacy/anonymize', { text, keep_mapping: true }, {});
    assert.deepEqual(data, {
      anonymized_text:
        'Hi, my name is [NAME_1] and my account number is [ACCOUNT_NUMBER_1]. My phone number is [PHONE_1].',
      mapping: { '[NAME_1]': 'John Smith', '[ACCOUNT_NUMBER_1]': 'XXXXXX7890', '[PHONE_1]': 'XXX-XXX-4567' },
      pii_detected: ['name', 'account_number', 'phone_number'],
    });
  });

  it('compares how groups fare', async () => {
    const row = (age: string, gender: string, score: number, resolved: boolean) => ({
      ...{ age_group: age, gender, satisfaction_score: score, resolved },
    });
    const data = [row('18-30', 'female', 4, true), row('31-45', 'male', 5, true), row('46-60', 'non-binary', 3, false)];
    const asked = { attributes: ['age_group', 'gender'], outcome_columns: ['satisfaction_score', 'resolved'] };
    const finding: Readonly<Record<string, Shape>> = {
      ...{ attribute: 'string', outcome: 'string', disparity_score: orNull('number'), concern_level: 'string' },
      disparities: map(fields({ average: 'number', sample_size: 'integer' })),
    };
    const shape = { fairness_score: orNull('number'), detailed_findings: list(fields(finding)) };
    await get('POST', '/fairness/analyze', { data, ...asked }, { ...shape, recommendations: list('string') });
    const many = Array.from({ length: 400 }, (_, at) => row(at % 2 ? '18-30' : '60+', 'x', 1 + (at % 5), at % 8 > 1));
    const found = await get(
      'POST',
      '/fairness/analyze',
      { data: many, ...asked, attributes: ['age_group'] },
      {
        ...{ fairness_score: 'number', recommendations: list('string') },
        detailed_findings: list(fields({ ...finding, disparity_score: 'number' })),
      },
    );
    assert.equal(found.detailed_findings.length, 2);
  });

  it('has a person look at an answer', async () => {
    const item = {
      ...{ query: 'What stocks should I invest in for maximum returns?', response: 'Based on market trends, …' },
      ...{ category: 'investment_advice', priority: 2 },
      metadata: { customer_id: 'cust-789', interaction_id: 'int-456' },
    };
    const queued = await get('POST', '/review/queue', item, {
      ...{ item_id: 'string', status: 'string', estimated_review_time: 'time' },
    });
    assert.match(queued.item_id, /^rev-/);
    assert.equal(queued.status, 'queued');
    itemId = queued.item_id;
    const decision = {
      ...{ item_id: itemId, approved: true, feedback: 'Response includes proper disclaimers and balanced advice' },
      edits: { modified_response: 'Based on market trends, … However, please note that all investments carry risk.' },
    };
    const decided = await get('POST', '/review/decision', decision, {
      ...{ item_id: 'string', status: 'string', review_time: 'time', reviewer_id: 'string' },
    });
    assert.deepEqual(
      [decided.item_id, decided.status, decided.reviewer_id],
      [itemId, 'reviewed', credentials.username],
    );
  });

  it('sums up', async () => {
    const today = new Date().toISOString().slice(0, 10);
    const shape: Record<string, Shape> = {
      ...{ total_conversations: 'integer', sentiment_distribution: fields(share) },
      ...{ average_satisfaction: orNull('number'), response_time_avg: orNull('number') },
      resolution_rate: orNull('number'),
      timeline_data: list(fields({ date: 'date', conversations: 'integer', avg_sentiment: orNull('number') })),
      top_issues: list(fields({ issue: 'string', count: 'integer', sentiment: orNull('number') })),
    };
    for (const granularity of ['daily', 'weekly', 'monthly']) {
      const query = `?start_date=2023-08-01&end_date=${today}&granularity=${granularity}`;
      const found = await get('GET', `/analytics/summary${query}`, undefined, shape);
      assert.deepEqual([found.total_conversations, found.timeline_data.length, found.top_issues.length], [4, 1, 1]);
    }
  });

  it('asks the organization’s models', async () => {
    const usage = fields({ prompt_tokens: 'integer', completion_tokens: 'integer', total_tokens: 'integer' });
    const prompt = 'Write a response to a customer who is asking about our premium credit card benefits.';
    const generated = await get(
      'POST',
      '/ai/generate',
      {
        ...{ prompt, model: 'gpt4o_financial', max_tokens: 500, temperature: 0.7, stream: false },
        system_prompt: 'You are a helpful financial assistant with expertise in credit card benefits.',
        context: { customer_segment: 'premium', risk_profile: 'low' },
      },
      {
        ...{ generated_text: 'string', usage, model: 'string' },
        compliance_check: fields({ passed: 'boolean', flags: list('string') }),
      },
    );
    assert.match(generated.model, /^gpt-4o/);
    const texts = ['What are the benefits of your premium credit card?', 'How do I dispute a charge on my statement?'];
    const embedded = await get(
      'POST',
      '/ai/embed',
      { texts, model: 'embeddings', dimensions: 1536 },
      {
        ...{ embeddings: list(list('number')), model: 'string', dimensions: 'integer' },
      },
    );
    assert.deepEqual([embedded.embeddings.length, embedded.embeddings[0].length, embedded.dimensions], [2, 1536, 1536]);
    const categories = ['account_access', 'transaction_issue', 'balance_inquiry', 'fee_dispute', 'technical_support'];
    const text = "I'm having trouble accessing my account online after multiple attempts.";
    const found = await get(
      'POST',
      '/ai/classify',
      { text, categories, model: 'claude_sonnet' },
      {
        ...{ classifications: map('number'), top_category: 'string', model: 'string' },
      },
    );
    assert.deepEqual(Object.keys(found.classifications).sort(), [...categories].sort());
    const { providers, default_provider: first } = await get('GET', '/ai/providers', undefined, {
      default_provider: 'string',
      providers: list(
        fields({
          ...{ id: 'string', provider: 'string', model: 'string', compliance_level: orNull('string') },
          ...{ capabilities: list('string'), is_default: 'boolean' },
        }),
      ),
    });
    assert.equal(first, 'gpt4o_financial');
    assert.deepEqual(
      providers.filter((one: { is_default: boolean }) => one.is_default).map(({ id }: { id: string }) => id),
      [first],
    );
  });

  it('trains a model', async () => {
    const order = {
      base_model: 'customerai-classifier',
      training_data_uri: 's3://customerai-data/financial-sentiment-dataset.csv',
      validation_data_uri: 's3://customerai-data/financial-sentiment-validation.csv',
      hyperparameters: { learning_rate: 2e-5, epochs: 3, batch_size: 16 },
      ...{ instance_count: 4, instance_type: 'ml.g4dn.xlarge' },
    };
    const unknown = { ...order, base_model: 'gpt-9' };
    const isAllowed = async () => (await ask('POST', '/ai/distributed-training', unknown)).status === 400;
    await until(isAllowed, 'training to be allowed');
    const started = await get('POST', '/ai/distributed-training', order, {
      ...{
        job_id: 'string',
        status: 'string',
        estimated_time: 'string',
        model_output_uri: 'string',
        logs_uri: 'string',
      },
    });
    assert.match(started.job_id, /^train-\d{4}-\d\d-\d\d-/);
    assert.ok(['STARTING', 'IN_PROGRESS'].includes(started.status));
    assert.match(started.model_output_uri, /^s3:\/\/customerai-models\/.*\/$/);
    ({ job_id: jobId, model_output_uri: modelUri } = started);
    const whole: Record<string, Shape> = {
      current_epoch: 'integer',
      total_epochs: 'integer',
      current_step: 'integer',
      total_steps: 'integer',
    };
    const shape: Record<string, Shape> = {
      ...{ job_id: 'string', status: 'string', estimated_completion: any('time', 'null') },
      progress: fields({ ...whole, metrics: map('number') }),
    };
    await until(async () => {
      const job = await get('GET', `/ai/training-job/${jobId}`, undefined, shape);
      return job.status === 'IN_PROGRESS' && job.progress.metrics.validation_accuracy > 0 && job.estimated_completion;
    }, 'the job to be at work');
  });

  it('deploys it, and explains what it says', async () => {
    const made = await get(
      'POST',
      '/ai/deploy',
      {
        ...{ model_uri: modelUri, deployment_name: 'financial-sentiment-prod', deployment_strategy: 'kubernetes' },
        ...{ replicas: 3, auto_scaling: { min_replicas: 2, max_replicas: 10, target_utilization: 70 } },
        resource_requirements: { cpu: '2', memory: '4Gi', gpu: '1' },
      },
      { deployment_id: 'string', status: 'string', endpoint: 'string', metrics_endpoint: 'string' },
    );
    assert.match(made.deployment_id, /^deploy-/);
    assert.ok(['CREATING', 'IN_SERVICE'].includes(made.status));
    const text = 'Honestly, your app was quick and friendly.';
    const predict = () => ask('POST', '/ai/predict/financial-sentiment-prod', { texts: [text] });
    await until(async () => (await predict()).status === 200, 'it to answer');
    const completion = await fetch(`${stack.baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'our_sentiment', messages: [{ role: 'user', content: text }] }),
    });
    const { choices } = (await completion.json()) as { choices: { message: { content: string } }[] };
    assert.equal(JSON.parse(choices[0]?.message.content ?? '{}').label, 'positive', 'an alias leads to it');
    const asked = { model_name: 'financial-sentiment-prod', data: { text }, explanation_method: 'shap' };
    const explained = await get('POST', '/ai/explain', asked, {
      prediction: fields({ sentiment: 'string', confidence: 'number' }),
      explanation: fields({
        ...{ method: 'string', visualization_url: 'string' },
        feature_importance: list(fields({ feature: 'string', importance: 'number' })),
      }),
    });
    assert.deepEqual([explained.prediction.sentiment, explained.explanation.method], ['positive', 'shap']);
    const picture = await fetch(explained.explanation.visualization_url);
    assert.match(picture.headers.get('content-type') ?? '', /^image\/svg\+xml/);
  });

  it('says of each field what is wrong', async () => {
    const { body } = await ask('POST', '/analyze/sentiment', { use_ai: false });
    const { timestamp, code: _, ...said } = body;
    assertShape(timestamp, 'time');
    const expected = { error: true, status_code: 400, message: 'Validation error' };
    assert.deepEqual(said, { ...expected, details: { text: 'Field is required' } });
  });

  it('tells what happens over a WebSocket', async () => {
    const address = `${stack.baseUrl.replace(/^http/, 'ws').replace(/\/v1$/, '')}/websocket?token=${token}`;
    const socket = new WebSocket(address);
    scope.after(() => socket.close());
    const seen: { event: string; data: object; timestamp: string }[] = [];
    socket.onmessage = ({ data }) => void seen.push(JSON.parse(String(data)));
    const told = (event: string) => until(() => seen.find((one) => one.event === event), event);
    await told('system_status');
    await ask('POST', '/review/queue', { query: 'Q', response: 'A', category: 'live' });
    await ask('POST', '/analyze/sentiment', { text: 'Horrible, terrible, awful, disgusting!' });
    await told('queue_update');
    await told('sentiment_alert');
    for (const message of seen) assertShape(message, fields({ event: 'string', data: fields({}), timestamp: 'time' }));
  });
});
