import assert from 'node:assert/strict';
import type { Stack } from '../stack.ts';

/** A text that would do something, were it HTML. */
export const hostile = '<img src=x onerror="window.hacked = 1"><script>window.hacked = 1</script> & <b>bold</b>';

/** Makes real calls through the proxy: a conversation with a branch, guardrails, a failure, and a text full of HTML. */
export async function makeCalls(stack: Stack): Promise<void> {
  const call = async (path: string, body: object, user = 'ada@example.com', session = 'sess_checkout_help') => {
    const answer = await fetch(`${stack.baseUrl}${path}`, {
      method: 'POST',
      headers: {
        ...{ authorization: `Bearer ${stack.token}`, 'content-type': 'application/json' },
        ...{ 'x-user-id': user, 'x-session-id': session, 'user-agent': 'OpenAI/Python 2.15.0' },
      },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, text };
  };
  const say = async (messages: readonly object[], user?: string, session?: string) => {
    const { status, text } = await call('/chat/completions', { model: 'gpt-4o-mini', messages }, user, session);
    assert.equal(status, 200, text);
    return JSON.parse(text).choices[0].message as object;
  };
  const user = (content: string) => ({ role: 'user', content });
  const system = { role: 'system', content: 'You help customers of Acme’s web shop. Be friendly and brief.' };
  const first = [system, user('Where is my parcel? The order number is 4711.')];
  const answered = [...first, await say(first)];
  const second = [...answered, user('It was due on Monday. Can you ask the carrier?')];
  await say([...second, await say(second), user('Thank you! Write to ada@example.com when you know more.')]);
  await say([...answered, user('I would rather cancel it.')]);
  await say([user(hostile)], 'grace@example.com', 'sess_hostile');
  const broken = { model: 'gpt-4o', input: 'Summarize it.', metadata: { sandbox: 'status=500' } };
  const failed = await call('/responses', broken, 'ada@example.com', 'sess_batch');
  assert.equal(failed.status, 500);
  const refused = await call('/responses', { model: 'gpt-4o', input: 'Tell me about Project Nightingale.' });
  assert.equal(refused.status, 400, refused.text);
  for (let time = 0; time < 2; time += 1)
    await call('/embeddings', { model: 'text-embedding-3-small', input: 'lamps' });
}

/** Makes one more call. */
export async function say(stack: Stack, user: string): Promise<void> {
  const answer = await fetch(`${stack.baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': user, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'One more' }] }),
  });
  assert.equal(answer.status, 200, await answer.text());
}
