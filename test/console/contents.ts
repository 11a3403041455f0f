import assert from 'node:assert/strict';
import type { Client } from 'pg';
import { addJobOf } from '../../database/jobs.ts';

/** Asks the API, as an admin unless a token says otherwise. */
export type Ask = (
  method: string,
  path: string,
  body?: unknown,
  token?: string,
) => Promise<{ status: number; body: unknown }>;

const article = {
  title: 'Reset a password',
  content: '## In the shop\n\nOpen *Account*, then **Forgot password**. The link works for an hour.',
  ...{ category: 'account', tags: ['password', 'login'], status: 'published' },
};

const config = {
  name: 'What it is about',
  description: 'Sorts what customers ask for',
  config: { analysis_type: 'topic', categories: [{ name: 'delivery' }, { name: 'payment' }] },
};

/** For the review queue. Whoever reviews takes the most urgent first. */
export const review = {
  query: 'May I return shoes that I have worn?',
  ...{ response: 'Yes, for ever and ever.', category: 'policy', priority: 1 },
};

/** What people and programs make by the API: an article and its second version, a config, a webhook. */
export async function addContents(ask: Ask): Promise<void> {
  const make = async (path: string, body: object) => {
    const answer = await ask('POST', path, body);
    assert.ok(answer.status < 300, `${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const made = (await make('/api/v1/knowledge-base', article)) as { article_id: string };
  const changed = { content: article.content.replace('an hour', 'a day') };
  await make('/api/v1/knowledge-base', { article_id: made.article_id, ...changed });
  await make('/v1/analysis/configs', config);
  const webhook = { name: 'incidents', url: 'https://hooks.example.com/chaperone', events: ['budget.warning'] };
  const { id } = (await make('/v1/webhooks', webhook)) as { id: string };
  await make(`/v1/webhooks/${id}/test`, {});
}

/** Jobs as workers leave them: one that waits, and one that has no attempt left. */
export async function leaveJobs(owner: Client, organizationId: string): Promise<void> {
  const dead = await addJobOf(owner, organizationId, { task: 'analyze-conversation', id: crypto.randomUUID() });
  await addJobOf(owner, organizationId, { task: 'index-knowledge', id: crypto.randomUUID() });
  await owner.query(
    `update graphile_worker._private_jobs set attempts = max_attempts,
       last_error = 'model_not_allowed: The organization does not allow this model'
     where id = $1::bigint`,
    [dead],
  );
}
