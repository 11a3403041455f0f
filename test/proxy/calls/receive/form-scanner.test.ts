import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { makeFormScanner } from '../../../../proxy/calls/receive/form-scanner.ts';
import { until } from '../../../until.ts';
import { chunked, cuts } from '../chunks.ts';

const governed = new Set(['model', 'stream', 'svg', 'svg[model]']);

function scan(bytes: Buffer, boundary: string, at: readonly number[] = []) {
  const scanner = makeFormScanner(boundary, governed);
  for (const chunk of chunked(bytes, at)) scanner.push(chunk);
  scanner.end();
  return { fields: { ...scanner.content.fields }, files: scanner.content.files };
}

/** Cuts before each byte. */
const everyByte = (text: string) => Array.from(text, (_, index) => index / text.length);

/** A form as fetch writes it, with the boundary that it chose. */
async function write(entries: readonly (readonly [string, string | File])[]) {
  const form = new FormData();
  for (const [name, value] of entries) form.append(name, value);
  const response = new Response(form);
  const boundary = /boundary=(.*)$/.exec(response.headers.get('content-type') ?? '')?.[1] ?? '';
  return { bytes: Buffer.from(await response.arrayBuffer()), boundary };
}

test('a form is read as fetch wrote it, wherever its chunks break', async () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'ü', ' ', '%', '_', '(', '☃'), minLength: 1 });
  const content = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('', '\r\n', '\r\n--', '--', 'Content-Disposition: form-data; name="model"\r\n\r\no3'),
  );
  const entry = fc.oneof(
    fc.tuple(name, content),
    fc.tuple(
      name,
      fc.tuple(content, name).map(([text, file]) => new File([text], file, { type: 'audio/wav' })),
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 5 }), cuts, async (entries, at) => {
      const { bytes, boundary } = await write([...entries, ['model', 'gpt-4o-transcribe']]);
      // What fetch itself reads in it: it writes line ends as CRLF.
      const read = await new Response(bytes, {
        headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
      }).formData();
      const expected: Record<string, string | string[]> = {};
      const files: object[] = [];
      for (const [field, value] of read) {
        if (typeof value !== 'string') files.push({ field, name: value.name, type: value.type, bytes: value.size });
        else expected[field] = field in expected ? [expected[field] ?? '', value].flat() : value;
      }
      const found = scan(bytes, boundary, at);
      assert.deepEqual(found.fields, expected);
      assert.deepEqual(found.files, files);
    }),
  );
});

/** What buffers hold when nothing is left to be collected, in bytes. */
function held(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().arrayBuffers;
}

test('a large file is not kept', async () => {
  const scanner = makeFormScanner('B', governed);
  scanner.push(Buffer.from('--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'));
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  const before = held();
  for (let count = 0; count < 200; count += 1) scanner.push(chunk);
  // What a collection finds unused is freed in the background.
  await until(() => held() - before < 10 * chunk.length, 'the file to be forgotten');
  scanner.push(Buffer.from('\r\n--B--\r\n'));
  scanner.end();
  assert.equal(scanner.content.files[0]?.bytes, 200 * chunk.length);
});

const part = (headers: string, content = 'x') => `--B\r\n${headers}\r\n\r\n${content}\r\n`;
const field = (name: string, content?: string) => part(`Content-Disposition: form-data; name="${name}"`, content);
const end = '--B--\r\n';
const model = field('model', 'whisper-1');

const accepted: readonly (readonly [string, string, Record<string, unknown>])[] = [
  ['nothing', end, {}],
  ['no CRLF at the end', `${model}--B--`, { model: 'whisper-1' }],
  ['a value of several lines', field('prompt', 'a\r\nb\r\n') + end, { prompt: 'a\r\nb\r\n' }],
  ['an empty value', field('model', '') + end, { model: '' }],
  ['a name without quotes', part('Content-Disposition: form-data; name=model', 'm') + end, { model: 'm' }],
  ['headers in small letters', part('content-disposition: form-data; name="model"', 'm') + end, { model: 'm' }],
  [
    'a value that says what it is',
    part('Content-Disposition: form-data; name="model"\r\nContent-Type: text/plain; charset=UTF-8', 'm') + end,
    { model: 'm' },
  ],
  ...['ISO-8859-1', 'us-ascii', '"windows-1252"', 'Latin1', 'gb18030'].map(
    (charset) =>
      [
        `a value in ASCII that says ${charset}`,
        part(`Content-Disposition: form-data; name="model"\r\nContent-Type: text/plain; charset=${charset}`, 'm') + end,
        { model: 'm' },
      ] as const,
  ),
  ['a blank line before the first boundary', `\r\n${model}${end}`, { model: 'whisper-1' }],
  ['blank lines around its parts', `\r\n\r\n${model}${end}\r\n \t\n`, { model: 'whisper-1' }],
  ['a field of a field', field('svg[model]', 'm') + end, { 'svg[model]': 'm' }],
  ['a list', field('include[]', 'a') + field('include[]', 'b') + end, { 'include[]': ['a', 'b'] }],
  ['a property of every object', field('__proto__', 'a') + end, JSON.parse('{"__proto__":"a"}')],
];
describe('a form is accepted with', () => {
  for (const [what, text, fields] of accepted) {
    test(what, () => {
      for (const at of [[], everyByte(text)]) assert.deepEqual(scan(Buffer.from(text), 'B', at).fields, fields);
    });
  }
});

/** The parts of a form as clients write them; what they have in common is left to the table above. */
const clients: readonly (readonly [string, string])[] = [
  ['curl', 'Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: application/octet-stream'],
  ['httpx', 'Content-Disposition: form-data; name="file"; filename="a%22.wav"\r\nContent-Type: audio/x-wav'],
  ['requests', 'Content-Disposition: form-data; name="file"; filename="C:\\\\a.wav"'],
  ['Apache, with a quote in it', 'Content-Disposition: form-data; name="file"; filename="a\\"b.wav"'],
  [
    '.NET',
    "Content-Type: audio/wav\r\nContent-Disposition: form-data; name=file; filename=a.wav; filename*=utf-8''a.wav",
  ],
  [
    'OkHttp',
    'Content-Disposition: form-data; name="file"; filename="ü.wav"\r\nContent-Type: audio/wav\r\nContent-Length: 1',
  ],
  ['Go', 'Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: application/octet-stream'],
  ['Apache', 'Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Transfer-Encoding: binary'],
];
for (const [client, headers] of clients) {
  test(`a file is recognized as ${client} writes it`, () => {
    const { fields, files } = scan(Buffer.from(part(headers) + model + end), 'B');
    assert.deepEqual([fields, files.length, files[0]?.field], [{ model: 'whisper-1' }, 1, 'file']);
  });
}

const refused: readonly (readonly [string, string, string?])[] = [
  ['nothing at all', ''],
  ['no end', model],
  ['another boundary', model.replaceAll('--B', '--C') + end],
  ['text before the first boundary', `Hello\r\n${model}${end}`],
  ['half a blank line before the first boundary', `\n${model}${end}`],
  ['many blank lines before the first boundary', `${'\r\n'.repeat(600)}${model}${end}`],
  ['many blank lines after the last boundary', `${model}${end}${'\r\n'.repeat(600)}`],
  ['something after the last boundary', `${model}${end}${model}${end}`],
  ['a second model', model + field('model', 'o3') + end, 'model'],
  ['a second model that is the same', model + model + end, 'model'],
  ['a list of models', model + field('model[]', 'o3') + end, 'model'],
  ['a model of a model', field('model[0]', 'o3') + end, 'model'],
  ['a model in a file', part('Content-Disposition: form-data; name="model"; filename="m"', 'o3') + end, 'model'],
  [
    'a model in another encoding',
    part('Content-Disposition: form-data; name="model"\r\nContent-Type: text/plain; charset=utf-16', 'o3') + end,
    'model',
  ],
  ...['utf-16le', 'utf-7', 'hz-gb-2312', 'iso-2022-jp', 'shift_jis', 'x-unknown'].map(
    (charset) =>
      [
        `a model in ${charset}`,
        part(`Content-Disposition: form-data; name="model"\r\nContent-Type: text/plain; charset=${charset}`, 'o3') +
          end,
        'model',
      ] as const,
  ),
  [
    'a model in another charset that is not in ASCII',
    part('Content-Disposition: form-data; name="model"\r\nContent-Type: text/plain; charset=ISO-8859-1', 'ö') + end,
    'model',
  ],
  ['a model in another spelling', field('Model', 'o3') + end, 'Model'],
  ['a list of models in another spelling', field('MODEL[]', 'o3') + end, 'MODEL[]'],
  [
    'another parameter behind an escaped quote',
    part('Content-Disposition: form-data; name="file"; filename="a\\"; name="model"', 'o3') + end,
  ],
  [
    'another parameter behind a name with an escaped quote',
    part('Content-Disposition: form-data; filename="a\\"b"; name="x"', 'o3') + end,
  ],
  [
    'a name that ends in an escaped backslash',
    part('Content-Disposition: form-data; name="file"; filename="a\\\\"', 'o3') + end,
  ],
  [
    'a model in JSON',
    part('Content-Disposition: form-data; name="model"\r\nContent-Type: application/json', '"o3"') + end,
    'model',
  ],
  ['a long model', field('model', 'm'.repeat(1_025)) + end, 'model'],
  ['base64', part('Content-Disposition: form-data; name="model"\r\nContent-Transfer-Encoding: base64', 'bzM=') + end],
  ['another charset for all fields', field('_charset_', 'utf-16') + end],
  ['two names', part('Content-Disposition: form-data; name="a"; name="model"') + end],
  ['a name in another form', part("Content-Disposition: form-data; name*=utf-8''model") + end],
  ['both forms of a name', part("Content-Disposition: form-data; name=a; name*=utf-8''model") + end],
  ['a quote that may be escaped', part('Content-Disposition: form-data; name="a\\"; name="model"') + end],
  ['no name', part('Content-Disposition: form-data; filename="a"') + end],
  ['no disposition', part('Content-Type: text/plain') + end],
  ['another disposition', part('Content-Disposition: attachment; name="model"') + end],
  [
    'two dispositions',
    part('Content-Disposition: form-data; name="a"\r\nContent-Disposition: form-data; name="model"') + end,
  ],
  ['a header of two lines', part('Content-Disposition: form-data;\r\n name="model"') + end],
  ['no headers', '--B\r\n\r\nx\r\n--B--\r\n'],
  ['lines that end in LF', (model + end).replaceAll('\r\n', '\n')],
  ['headers that end in LF', part('Content-Disposition: form-data; name="a"\nX: y') + end],
  ['a boundary within a line', field('a', 'x--B\r\n') + end],
  ['a boundary after LF alone', field('a', 'x\n--B\r\nContent-Disposition: form-data; name="model"\r\n\r\no3') + end],
  ['a longer boundary', field('a', 'x\r\n--BB') + end],
  ['a boundary with spaces', model.replace('--B\r\n', '--B \r\n') + end],
  ['long headers', part(`Content-Disposition: form-data; name="a"\r\nX: ${'y'.repeat(8_192)}`) + end],
  ['endless headers', `--B\r\nX: ${'y'.repeat(9_000)}`],
  ['a thousand parts and one', field('a').repeat(1_001) + end],
];
describe('a form is refused with', () => {
  for (const [what, text, param] of refused) {
    test(what, () => {
      for (const at of [[], everyByte(text)]) {
        assert.throws(() => scan(Buffer.from(text), 'B', at), { code: 'invalid_request', param: param ?? null });
      }
    });
  }
});
