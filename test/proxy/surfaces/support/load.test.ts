import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../../until.ts';
import { startDesk } from './desk-stack.ts';

const conversations = 200;

test('200 conversations wait for a slow provider at once, and each gets its own answer', async (t) => {
  const desk = await startDesk(t, { maxTurns: 1_000 });
  let waiting = 0;
  const go = Promise.withResolvers<void>();
  desk.reply = async (texts: readonly string[]) => {
    waiting += 1;
    await go.promise;
    return { answer: `About customer ${/number (\d+) /.exec(texts.at(-1) ?? '')?.[1]}.` };
  };
  const answers = Array.from({ length: conversations }, (_, at) =>
    desk.say(`I am number ${at} and forgot my password`, { user_id: `customer_${at}` }),
  );
  // The provider has not answered any of them yet.
  await until(() => waiting === conversations, 'all calls', 120_000);
  go.resolve();
  for (const [at, answer] of (await Promise.all(answers)).entries()) {
    assert.deepEqual(
      [answer.status, answer.body.response],
      [200, `About customer ${at}.`],
      JSON.stringify(answer.body),
    );
  }
});
