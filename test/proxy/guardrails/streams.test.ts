import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Detector } from '../../../proxy/guardrails/detect/detector.ts';
import { makeDetector } from '../../../proxy/guardrails/detect/make-detector.ts';
import { AnswerGuard } from '../../../proxy/guardrails/output/answer-guard.ts';
import { problemOf } from '../../../proxy/guardrails/problem.ts';
import type { Action, Rule } from '../../../proxy/guardrails/rule.ts';
import { chat } from '../../../proxy/providers/openai/chat.ts';
import { completions } from '../../../proxy/providers/openai/completions.ts';
import { responses } from '../../../proxy/providers/openai/responses.ts';
import type { WireFormat } from '../../../proxy/providers/wire-format.ts';
import { makeKey } from '../snapshot.ts';
import { makeCorpus } from './detect/corpus/corpus.ts';

type Name = 'chat' | 'completions' | 'responses';

/** One way in which a stream says a text. */
interface Form {
  readonly operation: Name;
  readonly format: WireFormat;
  /** The events that say these pieces. */
  readonly events: (pieces: readonly string[]) => string[];
  /** The text that a client puts together from the events. */
  readonly said: (events: readonly Record<string, unknown>[]) => string;
  readonly isJson: boolean;
}

const event = (data: object, name?: string) => `${name ? `event: ${name}\n` : ''}data: ${JSON.stringify(data)}\n\n`;
// biome-ignore lint/suspicious/noExplicitAny: a client reads what it knows
type Read = any;

const choices = (operation: Name, delta: (text: string) => object, read: (choice: Read) => string): Form => ({
  operation,
  format: operation === 'chat' ? chat : completions,
  events: (pieces) => [
    ...pieces.map((text) =>
      event({ id: 'c', model: 'm', choices: [{ index: 0, ...delta(text), finish_reason: null }] }),
    ),
    event({ id: 'c', model: 'm', choices: [{ index: 0, delta: {}, text: '', finish_reason: 'stop' }] }),
    'data: [DONE]\n\n',
  ],
  said: (events) => events.map((data) => read((data.choices as Read)?.[0])).join(''),
  isJson: false,
});

const typed = (type: string, last: (text: string) => object): Form => ({
  operation: 'responses',
  format: responses,
  events: (pieces) => {
    const place = { item_id: 'i', output_index: 0, content_index: 0 };
    const whole = last(pieces.join(''));
    return [
      event({ type: 'response.created', response: { id: 'r', output: [] } }, 'response.created'),
      ...pieces.map((delta) => event({ type: `${type}.delta`, ...place, delta }, `${type}.delta`)),
      event({ type: `${type}.done`, ...place, ...whole }, `${type}.done`),
      event({ type: 'response.completed', response: { id: 'r', output: [whole] } }, 'response.completed'),
    ];
  },
  said: (events) => events.map((data) => (data.type === `${type}.delta` ? data.delta : '')).join(''),
  isJson: false,
});

const asArguments = (form: Form): Form => ({ ...form, isJson: true });

const forms: Readonly<Record<string, Form>> = {
  'a chat': choices(
    'chat',
    (content) => ({ delta: { content } }),
    (choice) => choice?.delta.content ?? '',
  ),
  'the arguments of a tool in a chat': asArguments(
    choices(
      'chat',
      (text) => ({ delta: { tool_calls: [{ index: 0, function: { arguments: text } }] } }),
      (choice) => choice?.delta.tool_calls?.[0].function.arguments ?? '',
    ),
  ),
  'a completion': choices(
    'completions',
    (text) => ({ text }),
    (choice) => choice?.text ?? '',
  ),
  'a response': typed('response.output_text', (text) => ({ type: 'output_text', text })),
  'the arguments of a tool in a response': asArguments(
    typed('response.function_call_arguments', (text) => ({ type: 'function_call', arguments: text })),
  ),
};

const substitute = (_rule: unknown, kind: string) => `[${kind.toUpperCase()}_X]`;

function guardOf(detector: Detector, action: Action, operation: Name): AnswerGuard {
  const rule: Rule = {
    name: 'one',
    detector: detector.name,
    appliesTo: 'Output',
    action,
    restores: false,
    look: { by: 'matches', detector },
  };
  const key = makeKey('c1f0a4de-1c65-4c0e-8d5e-3a5b6e7f8091');
  return new AnswerGuard({
    rules: [rule],
    restored: undefined,
    operation,
    textIsJson: false,
    judging: { substitute, isRewritable: true, call: { side: 'Output', operation, model: 'm', key } },
    onHit: () => {},
    onFailure: () => {},
    problemOf: (blocking, hasFailed) => problemOf(blocking, 'Output', hasFailed),
  });
}

/** Feeds a guarded stream in chunks of so many bytes. */
function pass(form: Form, guard: AnswerGuard, pieces: readonly string[], chunkBytes: number): string {
  const reader = guard.stream(form.format.readStream({ hideUsage: false, keepOutput: true, body: {} }));
  const bytes = Buffer.from(form.events(pieces).join(''));
  let shown = '';
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    shown += reader.read(bytes.subarray(at, at + chunkBytes))?.toString('latin1') ?? '';
  }
  shown += reader.end()?.toString('latin1') ?? '';
  return Buffer.from(shown, 'latin1').toString();
}

const dataOf = (text: string): Record<string, unknown>[] =>
  [...text.matchAll(/^data: (\{.*)$/gm)].map(([, data = '']) => JSON.parse(data));

function redacted(detector: Detector, text: string): string {
  let result = '';
  let at = 0;
  for (const { start, end, kind } of detector.scan(text)) {
    result += text.slice(at, start) + substitute(undefined, kind);
    at = end;
  }
  return result + text.slice(at);
}

/** The arguments of a tool in a whole answer, as a guard leaves them. */
function judgedWhole(detector: Detector, said: string): string {
  const answer = { choices: [{ message: { tool_calls: [{ function: { arguments: said } }] } }] };
  const judged = guardOf(detector, 'Redact', 'chat').answer(answer);
  assert.ok(!(judged instanceof Promise));
  const read: Read = judged ?? answer;
  return read.choices[0].message.tool_calls[0].function.arguments;
}

describe('what a stream says, in any pieces, is judged as the whole', () => {
  let detectors: readonly Detector[];
  before(async () => {
    detectors = await Promise.all([makeDetector({ detector: 'pii' }), makeDetector({ detector: 'secrets' })]);
  });
  const texts = makeCorpus(2).map(({ text }) => text);

  for (const [name, form] of Object.entries(forms)) {
    /** The pieces: single characters, or with all of the text in one. */
    const splits = (text: string) => [[...text], [text], text.match(/[\s\S]{1,7}/g) ?? []];

    it(`${name}: every text of the corpus, redacted`, () => {
      let found = 0;
      for (const detector of detectors) {
        for (const text of texts) {
          const said = form.isJson ? JSON.stringify({ to: text }) : text;
          const wanted = form.isJson ? judgedWhole(detector, said) : redacted(detector, text);
          for (const pieces of splits(said)) {
            const shown = pass(form, guardOf(detector, 'Redact', form.operation), pieces, 4_096);
            assert.equal(form.said(dataOf(shown)), wanted);
            // An escape that is split between events moves into the second one.
            if (wanted !== said) found += 1;
            else if (!form.isJson || pieces.length === 1)
              assert.equal(shown, form.events(pieces).join(''), 'the bytes are unchanged');
          }
        }
      }
      assert.ok(found > 100);
    });

    it(`${name}: nothing of a match passes where the rule blocks, whatever the chunks`, () => {
      for (const detector of detectors) {
        for (const text of texts.slice(0, 60)) {
          const said = form.isJson ? JSON.stringify({ to: text }) : text;
          const [first] = detector.scan(text);
          for (const chunkBytes of [1, 13, 4_096]) {
            const guard = guardOf(detector, 'Block', form.operation);
            const shown = pass(form, guard, [...said], chunkBytes);
            assert.equal(guard.problem()?.code, first && 'guardrail_blocked');
            if (!first) continue;
            const passed = form.said(
              dataOf(shown).filter(({ error, type }) => error === undefined && type !== 'error'),
            );
            if (form.isJson) assert.ok(said.startsWith(passed) && !passed.includes(text.slice(first.start, first.end)));
            else assert.equal(passed, text.slice(0, first.start));
            assert.match(shown, /guardrail_blocked[^\n]*\n\n$/);
          }
        }
      }
    });
  }

  it('the arguments of a tool are read with their escapes', () => {
    const [pii] = detectors;
    assert.ok(pii);
    const said = '{"to":"ana.silva\\u0040example.com","n":1}';
    const form = forms['the arguments of a tool in a chat'];
    assert.ok(form);
    for (const pieces of [[...said], [said]]) {
      const shown = pass(form, guardOf(pii, 'Redact', 'chat'), pieces, 4_096);
      assert.deepEqual(JSON.parse(form.said(dataOf(shown))), { to: '[EMAIL_X]', n: 1 });
    }
  });

  it('a response repeats its text redacted, and is recorded so', () => {
    const [pii] = detectors;
    const form = forms['a response'];
    assert.ok(pii && form);
    const guard = guardOf(pii, 'Redact', 'responses');
    const shown = pass(form, guard, [...'Ask ana.silva@example.com now'], 4_096);
    assert.doesNotMatch(shown, /silva/);
    assert.equal(dataOf(shown).length, 32);
  });

  it('tokens of a text that was changed are removed', () => {
    const [pii] = detectors;
    assert.ok(pii);
    const form = choices(
      'chat',
      (content) => ({ delta: { content }, logprobs: { content: [{ token: content }] } }),
      (choice) => choice?.delta.content ?? '',
    );
    const shown = pass(form, guardOf(pii, 'Redact', 'chat'), ['Ask ', 'ana.silva@example.com', ' now'], 4_096);
    assert.doesNotMatch(shown, /silva/);
    assert.match(shown, /"token":"Ask "/);
  });
});
