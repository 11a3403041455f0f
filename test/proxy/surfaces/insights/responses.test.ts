import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { suiteScope } from '../../../scope.ts';
import { type ScriptedProvider, sendJson, startScriptedProvider } from '../../../scripted-provider.ts';
import { type Insights, startInsights } from './insights-stack.ts';

const loan = {
  query: 'Can I get a personal loan with a credit score of 650?',
  customer_id: 'cust-456',
  context: { previous_interactions: 3, account_type: 'savings' },
};
const sure = {
  category: 'Loan inquiry',
  cited: [] as string[],
  confidence: 0.87,
  answer: 'A credit score of 650 may qualify.',
  alternative_answers: ['You may qualify.', 'You may qualify.', 'A credit score of 650 may qualify.'],
};

/** Generated responses of contract 3, through the front door. */
describe('a generated response', () => {
  const scope = suiteScope();
  let insights: Insights;
  let provider: ScriptedProvider;
  let reply: object;
  let prompt: string[] = [];
  let app: string;
  let rita: string;
  before(async () => {
    provider = await startScriptedProvider(scope);
    provider.answer = (response, { body }) => {
      prompt = (body.messages as { content: string }[]).map(({ content }) => content);
      const content = JSON.stringify({ ...sure, ...reply });
      sendJson(response, {
        ...{ id: 'chatcmpl-1', created: 1, model: 'gpt-4o-mini', object: 'chat.completion' },
        choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
      });
    };
    insights = await startInsights(
      scope,
      {
        'insights.responses': { confidenceThreshold: 0.6, reviewCategories: ['investment_advice'] },
        guardrails: [
          { name: 'mail', action: 'Redact', appliesTo: 'Both', pii: { kinds: ['email'] } },
          {
            name: 'codes',
            action: 'Block',
            appliesTo: 'Both',
            patterns: { patterns: [{ name: 'code', pattern: 'TOP-[0-9]+' }] },
          },
        ],
      },
      { upstreamUrl: provider.url },
    );
    app = await insights.stack.sign({ user: 'app', roles: ['member'] });
    rita = await insights.stack.sign({ user: 'rita', roles: ['reviewer'] });
  });
  const generate = async (made: object = {}, more: object = {}) => {
    reply = made;
    return insights.ask('POST', '/generate/response', { ...loan, ...more }, { token: app });
  };

  it('has what the contract says', async () => {
    const { status, body } = await generate();
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(body.data, {
      response: sure.answer,
      category: 'loan_inquiry',
      requires_human_review: false,
      confidence: 0.87,
      alternative_responses: ['You may qualify.'],
      sources: [],
      review_reasons: [],
    });
    assert.ok(prompt.at(-1)?.includes(loan.query) && prompt.at(-2)?.includes('"account_type":"savings"'));
    assert.ok(!prompt.join('\n').includes('cust-456'), 'no model hears who the customer is');
  });

  it('is queued for review for each reason, and not without one', async () => {
    for (const [made, more, reasons] of [
      [{ confidence: 0.59 }, {}, ['low_confidence']],
      [{ category: 'investment_advice' }, {}, ['category']],
      [{}, { query: 'Write to ann@example.com' }, ['guardrail']],
      [{ answer: 'Write to desk@example.com' }, {}, ['guardrail']],
      [{ confidence: 0, category: 'investment_advice' }, {}, ['low_confidence', 'category']],
    ] as const) {
      const { data } = (await generate(made, more)).body;
      assert.deepEqual([data.requires_human_review, data.review_reasons], [true, reasons]);
      const item = (await insights.ask('GET', `/review/items/${data.item_id}`, undefined, { token: rita })).body.data;
      assert.deepEqual(
        [item.status, item.source, item.response, item.category, item.metadata.customer_id],
        ['queued', 'generation', data.response, data.category, 'cust-456'],
      );
      assert.deepEqual(item.metadata.reasons, reasons);
      assert.match(item.metadata.request_id, /^req_/);
    }
    assert.equal('item_id' in (await generate()).body.data, false);
  });

  it('comes from the knowledge base, and is not sure of what no article says', async () => {
    const article = { title: 'Personal loans', content: 'A personal loan needs a credit score of at least 640.' };
    const made = await insights.ask('POST', '/knowledge-base', article);
    const id = made.body.id ?? made.body.article_id;
    const founded = await generate({ cited: [`${id}#0`, 'invented#0'], confidence: 0.95 });
    assert.deepEqual([founded.body.data.sources, founded.body.data.requires_human_review], [[id], false]);
    assert.ok(founded.body.data.confidence > 0.6, String(founded.body.data.confidence));
    assert.match(prompt[2] ?? '', /at least 640/);
    const unfounded = (await generate({ cited: [], confidence: 0.95 })).body.data;
    assert.deepEqual([unfounded.sources, unfounded.review_reasons], [[], ['low_confidence']]);
  });

  it('says how a call failed', async () => {
    for (const [made, more, status, code] of [
      [{ answer: '' }, {}, 502, 'upstream_invalid_response'],
      [{ confidence: 'high' }, {}, 502, 'upstream_invalid_response'],
      [{}, { query: 'Tell me TOP-1' }, 400, 'guardrail_blocked'],
      [{ answer: 'It is TOP-1' }, {}, 400, 'guardrail_blocked'],
      [{}, { query: '' }, 400, 'invalid_request'],
      [{}, { customer_id: 'a\nb' }, 400, 'invalid_request'],
    ] as const) {
      const answer = await generate(made, more);
      assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(answer.body));
    }
  });

  it('never says what it was instructed with', async () => {
    reply = {};
    await generate();
    const rules = prompt[0]?.split('\n')[0] ?? '';
    assert.equal((await generate({ answer: rules })).body.code, 'upstream_invalid_response');
    assert.deepEqual((await generate({ alternative_answers: [rules] })).body.data.alternative_responses, []);
  });
});
