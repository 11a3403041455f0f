import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import type { ProxyProcess } from '../../../cli/local/proxies.ts';
import { suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';
import { type GovernedStack, startGovernedStack } from '../quota/governed-stack.ts';

/** Dollars: per million tokens in and out, per minute of audio, per million characters. */
const prices = { input: 1, output: 2, minute: 0.006, characters: 15 };

const spec = `
cache: {}
prices:
  - { model: gpt-4o-mini-2024-07-18, inputPerMillion: "${prices.input}", outputPerMillion: "${prices.output}" }
  - { model: whisper-1, audioPerMinute: "${prices.minute}" }
  - { model: tts-1, charactersPerMillion: "${prices.characters}" }
guardrails:
  - { name: no-keys, secrets: {}, action: Block, appliesTo: Input }
  - { name: mail, pii: { kinds: [email] }, action: Report, appliesTo: Input }
`;

/** A call as the sandbox counts it. */
interface BilledCall {
  readonly id: string;
  readonly endpoint: string;
  readonly status: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly audio_seconds: number | null;
  readonly characters: number | null;
}

const secret = ['ghp', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'].join('_');

/** A voice assistant with OpenAI's SDK: each turn is heard, answered, translated and spoken. */
describe('a voice loop', () => {
  const scope = suiteScope();
  let stack: GovernedStack<ProxyProcess>;
  let client: OpenAI;
  before(async () => {
    stack = await startGovernedStack(scope, { ownProcess: true });
    await stack.state(spec);
    client = new OpenAI({
      baseURL: stack.baseUrl,
      apiKey: stack.token,
      defaultHeaders: { 'X-User-ID': 'ada', 'X-Session-ID': 'voice', 'X-Language-Code': 'hi-IN' },
      maxRetries: 0,
    });
  });

  // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
  const read = async (path: string, headers: Record<string, string> = {}): Promise<any> => {
    const url = stack.baseUrl.replace(/\/v1$/, `/api/v1/${path}`);
    const answer = await fetch(url, { headers: { 'x-api-key': stack.token, ...headers } });
    assert.equal(answer.status, 200, path);
    return answer.json();
  };
  /** Nobody says the same sounds twice. */
  const sound = (turn: string) =>
    new File([new Uint8Array(40_000).fill(Number(turn.at(-1)))], 'said.wav', { type: 'audio/wav' });
  const inTurn = (turn: string, more: Record<string, string> = {}) => ({
    headers: { 'X-Turn-ID': turn, ...more },
  });
  const hear = (turn: string) =>
    client.audio.transcriptions.create(
      { file: sound(turn), model: 'whisper-1', response_format: 'verbose_json' },
      inTurn(turn),
    );
  const chat = (turn: string, content: string, headers: Record<string, string> = {}) =>
    client.chat.completions.create(
      { model: 'gpt-4o-mini', messages: [{ role: 'user', content }] },
      inTurn(turn, headers),
    );
  const speak = (turn: string) =>
    client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'Namaste, how can I help?' }, inTurn(turn));
  const billed = async () => {
    const answer = await fetch(stack.upstreamUrl.replace(/\/v1$/, '/sandbox/calls'));
    return ((await answer.json()) as { calls: BilledCall[] }).calls;
  };

  it('costs what the provider has counted', async () => {
    let said = 0;
    const ids = { llm: new Set<string>(), translation: new Set<string>() };
    for (const turn of ['turn-1', 'turn-2']) {
      const { text } = await hear(turn);
      const answered = await chat(turn, `${text} (${turn})`, { 'X-Optimization-Level': 'quality' });
      const answer = answered.choices[0]?.message.content ?? '';
      const translated = await chat(turn, `Translate into Hindi: ${answer}`, { 'X-Service': 'translation' });
      ids.llm.add(answered.id);
      ids.translation.add(translated.id);
      await (await speak(turn)).arrayBuffer();
      said += 4;
      const isCounted = async () => (await read('sessions/voice/costs')).total_entries === said;
      await until(isCounted, `${said} calls in the costs of the session`);
    }
    const costs = await read('sessions/voice/costs');
    const calls = await billed();
    const ofService = (endpoint: string) => calls.filter((call) => call.endpoint === endpoint);
    const tokensUsd = (call: BilledCall) =>
      (call.input_tokens * prices.input + call.output_tokens * prices.output) / 1e6;
    const expected = {
      asr: sum(ofService('/v1/audio/transcriptions').map((call) => ((call.audio_seconds ?? 0) / 60) * prices.minute)),
      llm: sum(calls.filter(({ id }) => ids.llm.has(id)).map(tokensUsd)),
      translation: sum(calls.filter(({ id }) => ids.translation.has(id)).map(tokensUsd)),
      tts: sum(ofService('/v1/audio/speech').map((call) => ((call.characters ?? 0) * prices.characters) / 1e6)),
    };
    // The second time it is spoken, the cache answers.
    assert.equal(ofService('/v1/audio/speech').length, 1);
    for (const [service, usd] of Object.entries(expected)) {
      assert.ok(usd > 0, service);
      assertNear(costs.breakdown_by_service[service], usd, service);
    }
    const total = sum(Object.values(expected));
    assertNear(costs.total_cost_usd, total, 'total');
    assertNear(costs.breakdown_by_provider.openai, total, 'provider');
    assertNear(costs.cache_savings_usd, expected.tts / 2, 'savings');
    assert.equal(costs.optimization_level, 'quality');
  });

  it('an answer that the user interrupts makes an interrupted turn, and costs what was made of it', async () => {
    const stream = await client.chat.completions.create(
      {
        model: 'gpt-4o-mini',
        messages: [{ role: 'user', content: 'Tell me a long story' }],
        stream: true,
        user: 'sandbox:words=200,delta-delay=5',
      },
      inTurn('turn-3'),
    );
    for await (const _ of stream) break;
    stream.controller.abort();
    await until(
      async () => (await read('sessions/voice/metrics')).interrupted_turns === 1,
      'the interrupted turn to be settled',
    );
    const { rows } = await stack.owner.query(
      `select status, input_tokens, output_tokens, cost_usd is not null as priced from chaperone.requests
       where turn_id = 'turn-3'`,
    );
    assert.deepEqual(
      rows.map(({ status, priced }) => [status, priced]),
      [['cancelled', true]],
    );
  });

  it('a call that fails, or that a guardrail refuses, makes a failed turn', async () => {
    await assert.rejects(
      client.chat.completions.create(
        { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Fail' }], user: 'sandbox:status=400' },
        inTurn('turn-4'),
      ),
      { status: 400 },
    );
    await chat('turn-4', 'Again');
    const before = await read('sessions/voice/metrics');
    assert.equal(before.guardrail_blocks, 0);
    await assert.rejects(chat('turn-5', `My key is ${secret}`), { status: 400, code: 'guardrail_blocked' });
    const blocked = await read('sessions/voice/metrics');
    assert.deepEqual(
      [blocked.guardrail_blocks, blocked.guardrail_violations, blocked.failed_turns],
      [1, 1, before.failed_turns + 1],
    );
    await chat('turn-6', 'Write to ada@example.com');
    const reported = await read('sessions/voice/metrics');
    assert.deepEqual([reported.guardrail_blocks, reported.guardrail_violations], [1, 2]);
  });

  it('says how it went', async () => {
    // A call without a turn is one of its own.
    await client.chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Bye' }] });
    const metrics = await read('sessions/voice/metrics');
    const costs = await read('sessions/voice/costs');
    const { avg_asr_latency_ms, avg_llm_latency_ms, avg_translation_latency_ms, avg_total_latency_ms, ...rest } =
      metrics;
    for (const latency of [avg_asr_latency_ms, avg_llm_latency_ms, avg_translation_latency_ms, avg_total_latency_ms]) {
      assert.ok(latency > 0, JSON.stringify(metrics));
    }
    assert.ok(rest.avg_tts_latency_ms >= 0);
    delete rest.avg_tts_latency_ms;
    assert.deepEqual(rest, {
      session_id: 'voice',
      total_turns: 7,
      successful_turns: 4,
      failed_turns: 2,
      interrupted_turns: 1,
      // Of chats, and of two translations, transcriptions and speeches: only the second speech was known.
      cache_hit_rate: 1 / (rest.llm_cache_misses + 6),
      llm_cache_hits: 0,
      llm_cache_misses: rest.llm_cache_misses,
      tts_cache_hits: 1,
      tts_cache_misses: 1,
      guardrail_violations: 2,
      guardrail_blocks: 1,
      total_cost_usd: costs.total_cost_usd,
      optimization_level: 'quality',
      language_code: 'hi-IN',
    });
  });

  it('has the same sums in analytics', async () => {
    const answer = await fetch(`${stack.baseUrl}/analytics/sessions?user_id=ada`, {
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada' },
    });
    const { sessions } = (await answer.json()) as { sessions: { session_id: string; total_cost: number }[] };
    const costs = await read('sessions/voice/costs');
    assertNear(
      sessions.find(({ session_id }) => session_id === 'voice')?.total_cost,
      costs.total_cost_usd,
      'analytics',
    );
  });

  it('without a header, its language is what the transcription reported', async () => {
    await client.audio.transcriptions.create(
      { file: sound('turn-8'), model: 'whisper-1', response_format: 'verbose_json' },
      { headers: { 'X-Session-ID': 'heard', 'X-Language-Code': null } },
    );
    assert.equal((await read('sessions/heard/metrics')).language_code, 'english');
  });

  it('keeps what a guardrail refused through the death of the proxy', async () => {
    await assert.rejects(chat('turn-7', `My key is ${secret}`), { code: 'guardrail_blocked' });
    process.kill(stack.proxy.pid() ?? 0, 'SIGKILL');
    const { rows } = await until(async () => {
      const found = await stack.owner.query(
        `select turn_id, guardrail_hits from chaperone.guardrail_blocks where turn_id = 'turn-7'`,
      );
      return found.rows.length > 0 && found;
    }, 'the refused call to arrive');
    assert.deepEqual(rows, [{ turn_id: 'turn-7', guardrail_hits: ['no-keys'] }]);
  });
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Sums of floats differ in the last places. */
function assertNear(actual: number | undefined, expected: number, what: string): void {
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) < 1e-12, `${what}: ${actual}, not ${expected}`);
}
