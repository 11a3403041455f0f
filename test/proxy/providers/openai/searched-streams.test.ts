import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { chat } from '../../../../proxy/providers/openai/chat.ts';
import { completions } from '../../../../proxy/providers/openai/completions.ts';
import { responses } from '../../../../proxy/providers/openai/responses.ts';
import type { StreamReader } from '../../../../proxy/providers/reading.ts';
import { chunked, cuts } from '../../calls/chunks.ts';

/** Bytes, each as one Latin-1 character. */
const toBytes = (text: string) => Buffer.from(text).toString('latin1');

/** The text of a delta as it stands in its JSON: mostly valid, sometimes not even UTF-8. */
const writtenText = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: 'grapheme' }).map((text) => toBytes(JSON.stringify(text).slice(1, -1))) },
  { weight: 2, arbitrary: fc.constantFrom('\\"', '\\\\', '\\u00e9', '\\ud83d', '\\ude00', '\\/', ',"usage":null') },
  { weight: 1, arbitrary: fc.constantFrom('\\x', '\\u12', '\t', '\xe9', '\xf0\x9f', '\x98\x80', '\\', '"') },
);

/** What stands around the texts of a stream, and what now and then stands there instead. */
interface Around {
  readonly id: string;
  readonly before: string;
  readonly after: string;
  readonly rest: string;
}

const around = (field: 'content' | 'text'): fc.Arbitrary<Around> => {
  const opens = field === 'text' ? [''] : ['"delta":{', '"delta":{"role":"assistant",', '"delta":{"tool_calls":[],'];
  const closes = field === 'text' ? [''] : ['}', ',"refusal":null}', ',"refusal":"No"}', ',"content":"twice"}'];
  const more = field === 'text' ? '"text":"twice",' : '"delta":{"tool_calls":[{"index":0,"function":{"name":"f"}}]},';
  return fc.record({
    id: fc.constantFrom('c-1', 'c-1', 'c-1', 'c-2', 'é'),
    before: fc.constantFrom(
      ...opens.map((open) => `"choices":[{"index":0,${open}`),
      `"choices":[{"index":1,${opens[0]}`,
      `"choices":[{"index":2000,${opens[0]}`,
      `"choices":[{"index":0,${more}${opens[0]}`,
      `"x":{"${field}":"other"},"choices":[{"index":0,${opens[0]}`,
      `"usage":{"prompt_tokens":1,"completion_tokens":1},"choices":[{"index":0,${opens[0]}`,
    ),
    after: fc.constantFrom(
      ...closes.flatMap((close) => [`${close},"finish_reason":null}]`, `${close}}]`]),
      `${closes[0]},"finish_reason":"stop"}]`,
      `${closes[0]},"finish_reason":""}]`,
      `${closes[0]},"message":{"audio":{"id":"audio_1"}}}]`,
      `${closes[0]}},{"index":1,${opens[0]}"${field}":"more"${closes[0]}}]`,
    ),
    rest: fc.constantFrom(
      '',
      ',"usage":null',
      ',"usage":null',
      ',"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}',
      ',"model":"m","service_tier":"flex"',
      ',"error":{"code":"overloaded"}',
    ),
  });
};

const obfuscation = fc.option(fc.constantFrom('', 'a', 'Bc', '\\n', '\\x', 'é'), { nil: undefined });

/** A stream of one form, in which every fifth event or so is different. */
function streamOf(field: 'content' | 'text'): fc.Arbitrary<{ events: string[]; end: string; missing: number }> {
  const write = ({ id, before, after, rest }: Around, text: string, padding: string | undefined, blank: string) => {
    const end = padding === undefined ? '' : `,"obfuscation":"${padding}"`;
    return toBytes(`data: {"id":"${id}",${before}"${field}":${blank}"`) + text + toBytes(`"${after}${rest}${end}}`);
  };
  const other = fc.oneof(
    fc.constantFrom(': ping', 'event: error\ndata: {"code":"c"}', 'data: [DONE]', 'data: no JSON', 'data: {}'),
    fc.constantFrom('data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":9}}', 'data: {"id":"c-9"}'),
    fc.tuple(around(field), writtenText, obfuscation).map(([form, text, padding]) => write(form, text, padding, '')),
  );
  return fc
    .record({
      form: around(field),
      blank: fc.constantFrom('', ' '),
      hasPadding: fc.boolean(),
      isNamed: fc.constantFrom('', '', 'event: x\n'),
      texts: fc.array(
        fc.oneof(
          { weight: 5, arbitrary: fc.tuple(writtenText, fc.constantFrom('a', 'bc', 'def')) },
          { weight: 1, arbitrary: other },
        ),
        { maxLength: 12 },
      ),
      lineEnd: fc.constantFrom('\n', '\n', '\r\n'),
      missing: fc.constantFrom(0, 0, 1, 2),
    })
    .map(({ form, blank, hasPadding, isNamed, texts, lineEnd, missing }) => ({
      events: texts.map((text) => {
        const event = Array.isArray(text) ? write(form, text[0], hasPadding ? text[1] : undefined, blank) : text;
        return `${isNamed}${event}\n\n`.replaceAll('\n', lineEnd);
      }),
      end: lineEnd,
      missing,
    }));
}

function readAll(reader: StreamReader, chunks: readonly Buffer[]) {
  const pieces = chunks.map((chunk) => reader.read(chunk));
  const rest = reader.end();
  const passed = Buffer.concat([...pieces, rest].filter((piece) => piece !== undefined)).toString('latin1');
  const [reading, partial, output, hasOutput] = [
    reader.reading(),
    reader.partial(),
    reader.output(),
    reader.hasOutput(),
  ];
  return { passed, reading, partial, output, hasOutput };
}

describe('a reader that searches gives exactly what a parser gives', () => {
  for (const [name, format, field] of [
    ['chat', chat, 'content'],
    ['completions', completions, 'text'],
  ] as const) {
    test(name, () => {
      fc.assert(
        fc.property(
          streamOf(field),
          cuts,
          fc.boolean(),
          fc.constantFrom({}, { n: 2 }),
          ({ events, end, missing }, at, hideUsage, body) => {
            const open = () => format.readStream({ hideUsage, keepOutput: true, body });
            const cutEnd = (text: string) => Buffer.from(text.slice(0, text.length - missing * end.length), 'latin1');
            const searched = readAll(open(), chunked(cutEnd(events.join('')), at));
            // An event without facts before each other one: nothing is like what came before, so everything is parsed.
            const between = `data: {"between":0}\n\n`;
            const parsed = readAll(open(), [cutEnd(events.map((event) => between + event).join(''))]);
            assert.deepEqual(searched, { ...parsed, passed: parsed.passed.replaceAll(between, '') });
          },
        ),
        { numRuns: 1_000 },
      );
    });
  }

  test('responses', () => {
    const data = fc.oneof(
      writtenText.map((text) => `{"type":"response.output_text.delta","delta":"${text}"}`),
      fc.constantFrom(
        '{"type":"response.created","response":{"id":"resp_1","model":"m"}}',
        '{"type":"response.completed","response":{"id":"resp_1","usage":{"input_tokens":1,"output_tokens":2}}}',
        '{"type":"error","code":"c"}',
        'a\ndata: b',
        'a\revent: error\rdata: {}',
        'a\nevent: response.completed',
      ),
    );
    const name = fc.constantFrom('response.output_text.delta', 'response.output_text.delta', 'response.completed', '');
    const stream = fc.array(fc.tuple(name, data), { maxLength: 8 });
    fc.assert(
      fc.property(stream, cuts, (events, at) => {
        const write = (before: string) =>
          events.map(([type, text]) => `${before}${type && `event: ${type}\n`}data: ${text}\n\n`).join('');
        const open = () => responses.readStream({ hideUsage: false, keepOutput: true, body: {} });
        const searched = readAll(open(), chunked(Buffer.from(write(''), 'latin1'), at));
        // Behind a comment, no event is in the form that is searched for.
        const parsed = readAll(open(), [Buffer.from(write(': parse\n'), 'latin1')]);
        assert.deepEqual(searched, { ...parsed, passed: parsed.passed.replaceAll(': parse\n', '') });
      }),
      { numRuns: 1_000 },
    );
  });
});
