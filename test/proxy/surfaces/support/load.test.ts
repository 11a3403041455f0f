import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readResidentBytes } from '../../../../bench/resident-memory.ts';
import { until } from '../../../until.ts';
import { startDesk } from './desk-stack.ts';

const conversations = 200;
/** Of these, two messages come at once. */
const doubled = 40;

test('200 conversations wait for a slow provider: each gets its own answers, in order, and others do not wait', async (t) => {
  const desk = await startDesk(t, { maxTurns: 1_000 }, {}, { ownProcess: true });
  const { proxy } = desk.stack;
  const prompts: string[] = [];
  let waiting = 0;
  let gate = Promise.withResolvers<void>();
  desk.reply = async (texts: readonly string[]) => {
    waiting += 1;
    await gate.promise;
    waiting -= 1;
    prompts.push(texts.slice(3).join('\n'));
    const [, customer, what] = /number (\d+) and forgot my (\w+)/.exec(texts.at(-1) ?? '') ?? [];
    return { answer: `About customer ${customer} and the ${what}.` };
  };
  const say = (customer: number, what: string, id?: string) =>
    desk.say(`I am number ${customer} and forgot my ${what}`, {
      ...{ user_id: `customer_${customer}`, channel: 'chat' },
      ...(id && { conversation_id: id }),
    });
  const customers = Array.from({ length: conversations }, (_, at) => at);
  const pid = process.platform === 'linux' ? proxy.pid() : undefined;
  const before = pid === undefined ? 0 : await readResidentBytes(pid);

  const answers = customers.map((customer) => say(customer, 'password'));
  // The provider has not answered any of them yet.
  await until(() => waiting === conversations, 'all calls', 120_000);
  const times: number[] = [];
  for (let request = 0; request < 40; request += 1) {
    const startedTicks = performance.now();
    const { status } = await desk.ask('GET', '/conversations/conv_0');
    times.push(performance.now() - startedTicks);
    assert.equal(status, 404);
  }
  const median = times.sort((a, b) => a - b)[20] ?? Number.POSITIVE_INFINITY;
  assert.ok(median < 500, `others wait ${median} ms`);
  if (pid !== undefined) {
    const grown = ((await readResidentBytes(pid)) - before) / 1e6;
    t.diagnostic(
      `${conversations} waiting conversations: ${Math.round(grown)} MB more, others wait ${median.toFixed(1)} ms`,
    );
    assert.ok(grown < 150, `${grown} MB for ${conversations} conversations`);
  }
  gate.resolve();
  const ids: string[] = [];
  for (const [customer, answer] of (await Promise.all(answers)).entries()) {
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.equal(answer.body.response, `About customer ${customer} and the password.`);
    ids.push(answer.body.conversation_id);
  }

  gate = Promise.withResolvers<void>();
  const twice = customers.slice(0, doubled).map((customer) => {
    const id = ids[customer];
    return Promise.all([say(customer, 'lamp', id), say(customer, 'invoice', id)]);
  });
  // Of each conversation one is asked, the other waits for its answer.
  await until(() => waiting === doubled, 'one call of each conversation', 120_000);
  gate.resolve();
  for (const pair of await Promise.all(twice)) assert.ok(pair.every(({ status }) => status === 200));
  for (const customer of customers.slice(0, doubled)) {
    const { body } = await desk.ask('GET', `/conversations/${ids[customer]}`);
    const said: string[] = body.messages.map(({ content }: { content: string }) => content);
    assert.equal(said.length, 6);
    for (const at of [2, 4]) {
      const what = /forgot my (\w+)/.exec(said[at] ?? '')?.[1];
      assert.equal(said[at + 1], `About customer ${customer} and the ${what}.`);
    }
    const last = prompts.find((prompt) => prompt.includes(said[4] ?? '?'));
    assert.ok(last?.includes(said[3] ?? '?'), 'the later message was answered with the earlier answer known');
  }
});
