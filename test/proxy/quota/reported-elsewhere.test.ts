import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { ProxyProcess } from '../../../cli/local/proxies.ts';
import { suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';
import { type GovernedStack, startGovernedStack } from './governed-stack.ts';

/**
 * What users of other gateways have reported about budgets and rate limits, through the front door: two proxies, a real
 * operator, PostgreSQL and the sandbox. Each entry names the public report. One configuration has all rules, each for
 * users of its own.
 */
const rules = `
limits:
  - {name: shared-calls, match: {users: [replica-*]}, requests: {count: 12, window: 24h}}
  - {name: stream-tokens, per: User, match: {users: [stream-*]}, tokens: {count: 1000000, window: 24h}}
  - {name: all-tokens, per: User, match: {users: [all-*]}, tokens: {count: 1000000, window: 24h}}
  - {name: input-tokens, match: {users: [input-*]}, tokens: {count: 20000, window: 24h}}
  - {name: one-large, match: {users: [large-*]}, tokens: {count: 300, window: 24h}}
  - {name: routes, match: {users: [route-*]}, tokens: {count: 1000000, window: 24h}}
  - {name: restarted, match: {users: [restart-*]}, requests: {count: 3, window: 24h}}
  - {name: headers, per: User, match: {users: [header-*]}, requests: {count: 1, window: 24h}}
  - {name: failures, match: {users: [failing-*]}, requests: {count: 2, window: 24h}}
  - {name: failed-tokens, match: {users: [failing-*]}, tokens: {count: 1000000, window: 24h}}
  - {name: place, match: {users: [leaving-*, wrong-*]}, concurrent: 1}
budgets:
  - {name: shared-model, per: Model, match: {users: [dollars-*]}, amountUsd: "0.0004", window: Day}
  - {name: stream-cost, per: User, match: {users: [stream-*]}, amountUsd: "100", window: Day}
  - {name: newcomers, per: User, match: {users: [new-*]}, amountUsd: "0.000001", window: Day}
  - {name: last-one, match: {users: [last-*]}, amountUsd: "0.0004", window: Day}
  - {name: cached, match: {users: [cached-*]}, amountUsd: "100", window: Month}
  - {name: failed-cost, match: {users: [failing-*]}, amountUsd: "100", window: Day}
  - {name: audio, match: {users: [audio-*]}, amountUsd: "0.1", window: Day}
  - {name: shanghai, match: {users: [zone-*]}, amountUsd: "0.0001", window: Day}
`;

const messages = [{ role: 'user' as const, content: 'Where is my parcel?' }];
const model = 'gpt-4o-mini';

describe('what users of other gateways have reported', () => {
  const scope = suiteScope();
  let stack: GovernedStack<ProxyProcess>;
  before(async () => {
    stack = await startGovernedStack(scope, {
      ...{ proxies: 2, ownProcess: true },
      environment: { ...process.env, TZ: 'Asia/Shanghai' },
    });
    await stack.state(rules);
  });
  const places = () => stack.proxies;
  const on = (number: number) => places()[number % places().length] ?? stack.proxy;

  /** A request as curl would make it. */
  const post = async (
    user: string | undefined,
    path: string,
    body: object | FormData,
    proxy = stack.proxy,
    more = {},
  ) => {
    const isForm = body instanceof FormData;
    const answer = await fetch(`http://127.0.0.1:${proxy.port}/v1${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${stack.token}`,
        ...(user !== undefined && { 'x-user-id': user }),
        ...(!isForm && { 'content-type': 'application/json' }),
        ...more,
      },
      body: isForm ? body : JSON.stringify(body),
    });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };
  const chat = (user: string, more: object = {}, proxy = stack.proxy) =>
    post(user, '/chat/completions', { model, messages, max_tokens: 100, ...more }, proxy);

  /** What the database has counted once the records of these users' calls are there, in the unit of the rule. */
  const counted = async (rule: string, users: string, calls: number, user?: string) =>
    until(async () => {
      const { rows } = await stack.owner.query<{ counted: string; records: string }>(
        `select (select coalesce(sum(c.used + l.settled), 0)
             from chaperone.quota_counters c
               cross join lateral (select coalesce(sum(settled), 0) as settled from chaperone.quota_leases l
                 where l.organization_id = c.organization_id and l.counter_id = c.counter_id) l
               left join chaperone.users u on u.user_id::text = c.scope
             where c.rule like '%/' || $1 and ($3::text is null or u.external_id = $3)) as counted,
           (select count(*) from chaperone.requests r join chaperone.users u using (organization_id, user_id)
             where u.external_id like $2) as records`,
        [rule, `${users}%`, user ?? null],
      );
      const [row] = rows;
      // As an object: until waits for something, and nothing may have been counted.
      return Number(row?.records) >= calls && { counted: Number(row?.counted) };
    }, `the records of ${users}`).then((found) => found.counted);

  /** How many calls the provider has had. */
  const asked = async (): Promise<number> => {
    const answer = await fetch(new URL('/sandbox/calls?summary', stack.upstreamUrl));
    const { total }: { total?: number } = JSON.parse(await answer.text());
    assert.ok(total !== undefined && total > 0);
    return total;
  };

  const reports: readonly {
    readonly guards: string;
    readonly report: string;
    readonly run: () => Promise<void>;
  }[] = [
    {
      guards: 'each replica counts by itself for a while, so several of them let too many calls through',
      report: 'https://github.com/BerriAI/litellm/issues/6288',
      run: async () => {
        const calls = Array.from({ length: 30 }, (_, number) => chat(`replica-${number}`, {}, on(number)));
        const statuses = (await Promise.all(calls)).map(({ status }) => status);
        let made = statuses.filter((status) => status === 200).length;
        // What one proxy had leased and not used comes back.
        await until(async () => {
          for (const proxy of places()) if ((await chat('replica-late', {}, proxy)).status === 200) made += 1;
          return made >= 12;
        }, 'all of the limit to be used');
        assert.deepEqual([made, (await chat('replica-late', {}, on(1))).status], [12, 429]);
      },
    },
    {
      guards: 'a budget per model reads what its own pod has spent, and the fleet spends a multiple',
      report: 'https://github.com/BerriAI/litellm/issues/33325',
      run: async () => {
        const calls = Array.from({ length: 20 }, (_, number) => chat(`dollars-${number}`, {}, on(number)));
        const made = (await Promise.all(calls)).filter(({ status }) => status === 200).length;
        assert.ok(made > 0 && made < 20, `${made} of 20 calls`);
        const spent = await counted('shared-model', 'dollars-', made);
        assert.ok(spent > 0 && spent <= 400_000, `${spent} of 400000`);
        assert.equal((await chat('dollars-1', { model: 'gpt-4.1-nano', max_tokens: 16 })).status, 200, 'another model');
      },
    },
    {
      guards: 'tokens of streams are not counted, or not where the client does not ask for usage',
      report: 'https://github.com/BerriAI/litellm/issues/41610, https://github.com/defilantech/LLMKube/issues/1852',
      run: async () => {
        const plain = await chat('stream-no');
        const stream = await chat('stream-yes', { stream: true });
        assert.doesNotMatch(stream.text, /"usage":\{/, 'the client did not ask for it');
        const [one, other] = [
          await counted('stream-tokens', 'stream-', 2, 'stream-no'),
          await counted('stream-tokens', 'stream-', 2, 'stream-yes'),
        ];
        assert.deepEqual([one, other], [JSON.parse(plain.text).usage.total_tokens, one]);
      },
    },
    {
      guards: 'streamed calls cost nothing, so budgets never end',
      report: 'https://github.com/BerriAI/litellm/issues/37923',
      run: async () => {
        await chat('stream-cost-no');
        await chat('stream-cost-yes', { stream: true });
        const [one, other] = [
          await counted('stream-cost', 'stream-cost-', 2, 'stream-cost-no'),
          await counted('stream-cost', 'stream-cost-', 2, 'stream-cost-yes'),
        ];
        assert.ok(one > 0);
        assert.equal(other, one);
      },
    },
    {
      guards: 'only the output counts, so large prompts are free',
      report: 'https://github.com/BerriAI/litellm/issues/17664',
      run: async () => {
        const long = { messages: [{ role: 'user', content: 'word '.repeat(2_000) }], max_tokens: 4 };
        const { usage } = JSON.parse((await chat('input-1', long)).text);
        assert.ok(usage.prompt_tokens >= 2_500, String(usage.prompt_tokens));
        assert.equal(await counted('input-tokens', 'input-', 1), usage.total_tokens);
      },
    },
    {
      guards: 'one call may use more than the whole limit, since tokens are checked after the answer',
      report: 'https://github.com/BerriAI/litellm/issues/4829, https://github.com/envoyproxy/ai-gateway/issues/2394',
      run: async () => {
        const before = await asked();
        for (const more of [{}, { stream: true }]) {
          const { status, text } = await chat('large-1', { max_tokens: 16_000, ...more });
          assert.equal(status, 429, text);
        }
        assert.equal(await asked(), before, 'the provider was not asked');
      },
    },
    {
      guards: 'a limit of tokens counts one for each call, by the Messages API',
      report: 'https://github.com/wso2/api-platform/issues/2932',
      run: async () => {
        const { status, text } = await post('all-messages', '/messages', { model, messages, max_tokens: 100 });
        assert.equal(status, 200, text);
        const { usage } = JSON.parse(text);
        assert.equal(
          await counted('all-tokens', 'all-messages', 1, 'all-messages'),
          usage.input_tokens + usage.output_tokens,
        );
      },
    },
    {
      guards: 'some routes are not counted: embeddings, completions, responses, what passes through',
      report: 'https://github.com/BerriAI/litellm/issues/27738, https://github.com/maximhq/bifrost/issues/2873',
      run: async () => {
        const ways: readonly (readonly [path: string, body: object])[] = [
          ['/chat/completions', { model, messages }],
          ['/responses', { model, input: 'Hi' }],
          ['/completions', { model: 'gpt-3.5-turbo-instruct', prompt: 'Hi' }],
          ['/embeddings', { model: 'text-embedding-3-small', input: 'Hi' }],
        ];
        let total = 0;
        for (const [path, body] of ways) {
          const { status, text } = await post('route-1', path, body);
          assert.equal(status, 200, text);
          total += JSON.parse(text).usage.total_tokens;
        }
        assert.equal(await counted('routes', 'route-', ways.length), total);
      },
    },
    {
      guards: 'what was counted is lost when a replica restarts',
      report: 'https://github.com/BerriAI/litellm/pull/25374',
      run: async () => {
        const proxy = on(1);
        for (let number = 0; number < 3; number += 1) assert.equal((await chat('restart-1', {}, proxy)).status, 200);
        const pid = proxy.pid() ?? 0;
        process.kill(pid, 'SIGKILL');
        await until(() => proxy.pid() !== pid, 'the killed proxy to be started again');
        const answered = async () => chat('restart-1', {}, proxy).catch(() => undefined);
        const first = await until(answered, 'the restarted proxy to answer');
        assert.equal(first.status, 429, first.text);
        assert.equal((await chat('restart-1')).status, 429, 'nor by the other');
      },
    },
    {
      guards: 'the first calls of a user whom nobody knows yet pass the budget all at once',
      report: 'https://github.com/BerriAI/litellm/issues/40095',
      run: async () => {
        const before = await asked();
        const calls = Array.from({ length: 8 }, (_, number) => chat('new-1', {}, on(number)));
        for (const { status, text, headers } of await Promise.all(calls)) {
          assert.equal(status, 429);
          // Such a call may cost more than the whole budget, so it is vain to wait for the next one.
          assert.match(text, /It never has enough for this call/);
          assert.deepEqual([headers.get('retry-after'), headers.get('x-should-retry')], [null, 'false']);
        }
        assert.equal(await asked(), before, 'the provider was not asked');
      },
    },
    {
      guards: 'calls at the same time all see the last of a budget, and all of them spend it',
      report: 'https://github.com/BerriAI/litellm/issues/26672',
      run: async () => {
        // Each may cost up to 0.0003 dollars, and the budget pays for one of them.
        const calls = Array.from({ length: 6 }, (_, number) => chat(`last-${number}`, { max_tokens: 450 }, on(number)));
        const made = (await Promise.all(calls)).filter(({ status }) => status === 200).length;
        const spent = await counted('last-one', 'last-', made);
        assert.ok(made >= 1 && spent <= 400_000, `${made} calls spent ${spent}`);
      },
    },
    {
      guards: 'another spelling of the header of the user, or another user’s name, is another allowance',
      report: 'https://github.com/BerriAI/litellm/issues/11083, https://github.com/screenpipe/screenpipe/pull/6258',
      run: async () => {
        assert.equal((await chat('header-1')).status, 200);
        const asWritten = (name: string, value: string) =>
          post(undefined, '/chat/completions', { model, messages }, stack.proxy, { [name]: value });
        assert.equal((await asWritten('X-USER-ID', 'header-1')).status, 429);
        assert.equal((await asWritten('x-user-id', '  header-1 ')).status, 429);
        // The credential says who calls.
        const token = await stack.sign({ user: 'header-2' });
        const bound = (user: string) =>
          post(user, '/chat/completions', { model, messages }, stack.proxy, { authorization: `Bearer ${token}` });
        assert.equal((await bound('header-2')).status, 200);
        for (const user of ['header-2', 'header-3', 'HEADER-2']) assert.notEqual((await bound(user)).status, 200, user);
      },
    },
    {
      guards: 'cached tokens are charged at the full price',
      report: 'https://github.com/BerriAI/litellm/issues/6215',
      run: async () => {
        const { text } = await chat('cached-1', { metadata: { sandbox: 'cached=2000' } });
        const { usage } = JSON.parse(text);
        assert.equal(usage.prompt_tokens_details.cached_tokens, 2_000);
        // 0.15, 0.075 and 0.60 dollars for a million tokens of gpt-4o-mini.
        const nano = (usage.prompt_tokens - 2_000) * 150 + 2_000 * 75 + usage.completion_tokens * 600;
        assert.equal(await counted('cached', 'cached-', 1), nano);
      },
    },
    {
      guards: 'failed calls do not count as calls, or are charged like answered ones',
      report: 'https://github.com/BerriAI/litellm/issues/21312, https://github.com/BerriAI/litellm/pull/37365',
      run: async () => {
        const failing = { metadata: { sandbox: 'status=500' } };
        for (let number = 0; number < 2; number += 1) assert.equal((await chat('failing-1', failing)).status, 500);
        const refused = await chat('failing-1');
        assert.equal(refused.status, 429, 'both calls count');
        assert.equal(refused.headers.get('x-ratelimit-remaining-requests'), '0');
        assert.equal(await counted('failed-tokens', 'failing-', 2), 0);
        assert.equal(await counted('failed-cost', 'failing-', 2), 0);
      },
    },
    {
      guards: 'a stream that its client leaves keeps its place for ever',
      report: 'https://github.com/BerriAI/litellm/issues/27955',
      run: async () => {
        const controller = new AbortController();
        const stream = await stack
          .client('leaving-1')
          .chat.completions.create(
            { model, messages, stream: true, metadata: { sandbox: 'words=40,delta-delay=20' } },
            { signal: controller.signal },
          );
        for await (const _ of stream) break;
        controller.abort();
        await until(async () => (await chat('leaving-2')).status === 200, 'its place to be free');
      },
    },
    {
      guards: 'a call that fails before it reaches the provider keeps its place for ever',
      report: 'https://github.com/BerriAI/litellm/issues/1477',
      run: async () => {
        const wrong = [{ model: 'gpt-of-nobody' }, { messages: undefined }, { previous_response_id: 'resp_of_nobody' }];
        for (const more of wrong) await chat('wrong-1', more);
        await until(async () => (await chat('wrong-1')).status === 200, 'the place to be free');
      },
    },
    {
      guards: 'audio that is priced by its length has no part in a budget',
      report: 'https://github.com/BerriAI/litellm/pull/37056',
      run: async () => {
        const form = new FormData();
        form.append('model', 'whisper-1');
        form.append('file', new File(['x'.repeat(160_000)], 'ten-seconds.wav'));
        const { status, text } = await post('audio-1', '/audio/transcriptions', form);
        assert.equal(status, 200, text);
        // Ten seconds of whisper-1, at 0.006 dollars a minute.
        assert.equal(await counted('audio', 'audio-', 1), 1_000_000);
        // How long the next one is shows only in its answer: what it may cost is more than what is left.
        const calls = Array.from({ length: 4 }, () => post('audio-1', '/audio/transcriptions', form));
        const made = (await Promise.all(calls)).filter(({ status: each }) => each === 200).length;
        assert.ok((await counted('audio', 'audio-', 1 + made)) <= 100_000_000);
      },
    },
    {
      guards: 'a budget of a day begins anew at the midnight of the replica’s own time zone',
      report: 'https://github.com/BerriAI/litellm/issues/34896',
      run: async () => {
        // The budget pays for a call or two, and for more of them tomorrow.
        const refused = (proxy: typeof stack.proxy) =>
          until(async () => {
            const answer = await chat('zone-1', {}, proxy);
            return answer.status === 429 && answer;
          }, 'the budget to be spent');
        for (const proxy of places()) {
          const midnight = () => new Date(Math.ceil(Date.now() / 86_400_000) * 86_400_000).toISOString();
          const before = midnight();
          const { text, headers } = await refused(proxy);
          assert.ok(
            [before, midnight()].some((reset) => text.includes(reset)),
            text,
          );
          assert.ok(Number(headers.get('retry-after')) <= 86_400);
        }
      },
    },
  ];
  for (const { guards, report, run } of reports) it(`${guards} (${report})`, run);
});
