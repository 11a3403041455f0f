import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';

/** A hostile request. */
export interface Hostile {
  readonly name: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** How often it is sent, relative to the small ones. */
  readonly share: number;
}

const mebibyte = 1024 * 1024;
const json = { 'content-type': 'application/json' };
const start = '{"model":"gpt-4o","input":';

function text(name: string, body: string | Buffer, path = '/responses', share = 1): Hostile {
  return { name, path, headers: json, body: Buffer.from(body), share };
}

function packed(name: string, encoding: string, body: Buffer): Hostile {
  return { name, path: '/responses', headers: { ...json, 'content-encoding': encoding }, body, share: 1 };
}

function form(name: string, parts: readonly string[], share = 1): Hostile {
  const headers = { 'content-type': 'multipart/form-data; boundary=B' };
  return { name, path: '/audio/transcriptions', headers, body: Buffer.from(parts.join('\r\n')), share };
}

/** 31 kinds of bodies, up to 100 MB. */
export function makeHostileBodies(): readonly Hostile[] {
  const blanks = Buffer.alloc(100 * mebibyte, ' ');
  const file = 'Content-Disposition: form-data; name="file"; filename="a"';
  const model = 'Content-Disposition: form-data; name="model"';
  return [
    text('nothing', ''),
    text('no JSON', 'hello'),
    text('half of JSON', `${start}"Hi`),
    text('a list', '[]'),
    text('100 MB of blanks', blanks, '/responses', 0.02),
    text('60 MB in one text', `${start}"${'x'.repeat(60 * mebibyte)}"}`, '/responses', 0.05),
    text('10 MB in one text', `${start}"${'x'.repeat(10 * mebibyte)}"}`, '/responses', 0.1),
    text('1 MB in one text', `${start}"${'x'.repeat(mebibyte)}"}`),
    text('1 MB of text beyond Latin-1', `${start}"${'☃'.repeat(mebibyte / 3)}"}`),
    text('1 MB of escapes', `${start}"${'\\u2603'.repeat(mebibyte / 6)}"}`),
    text('1 MB of quotes', `${start}"${'\\"'.repeat(mebibyte / 2)}"}`),
    text('1 MB of lists', `${start}[${'[],'.repeat(mebibyte / 3)}[]]}`),
    text('8 MB of lists', `${start}[${'[],'.repeat((8 * mebibyte) / 3)}[]]}`, '/responses', 0.1),
    text('1 MB of objects', `${start}[${'{"":{}},'.repeat(mebibyte / 8)}{}]}`),
    text('1 MB of numbers', `${start}[${'1,'.repeat(mebibyte / 2)}1]}`),
    text('500 KB of brackets', `${start}${'['.repeat(250_000)}${']'.repeat(250_000)}}`),
    text('100,000 fields', `{${Array.from({ length: 100_000 }, (_, index) => `"f${index}":1`).join(',')}}`),
    text('a field 100,000 times', `{${'"model":"gpt-4o",'.repeat(100_000)}"input":"Hi"}`),
    text('a name of 1 MB', `{"${'m'.repeat(mebibyte)}":1}`),
    text('bytes that are no text', Buffer.alloc(mebibyte, 0xff)),
    text('a persona of 10 MB', `{"name":"x","content":"${'x'.repeat(10 * mebibyte)}"}`, '/personas', 0.1),
    text('an analysis of lists', `{"id":"x","config":[${'[],'.repeat(mebibyte / 3)}[]]}`, '/analysis'),
    text(
      'a conversation of 1 MB',
      `{"items":[${'{"role":"user","content":"x"},'.repeat(30_000)}{}]}`,
      '/conversations',
    ),
    packed('100 MB in gzip', 'gzip', gzipSync(blanks)),
    packed('100 MB in deflate', 'deflate', deflateSync(blanks)),
    packed('100 MB in br', 'br', brotliCompressSync(blanks, { params: {} })),
    packed('100 MB in zstd', 'zstd', zstdCompressSync(blanks)),
    packed('no gzip', 'gzip', Buffer.alloc(mebibyte, 'x')),
    form('a form without an end', ['--B', file, '', 'x'.repeat(mebibyte)]),
    form(
      'a form with its model behind 40 MB',
      [...['--B', file, '', 'x'.repeat(40 * mebibyte)], ...['--B', model, '', 'gpt-4o-transcribe', '--B--', '']],
      0.05,
    ),
    form('a form of 2,000 parts', [
      ...Array(2_000).fill(`--B\r\n${model.replace('model', 'a')}\r\n\r\nx`),
      '--B--',
      '',
    ]),
  ];
}
