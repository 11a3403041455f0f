import fc from 'fast-check';

/** An answer, as bytes in the pieces in which it is sent. */
export type SentAnswer = readonly Buffer[];

const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,10}$/).map((text) => `x-${text}`);
const value = fc.stringMatching(/^(?:[!-~\x80-\xff](?:[ -~\t]{0,12}[!-~])?)?$/);
const blanks = fc.constantFrom('', ' ', '\t', '  ');
const field = fc
  .tuple(name, blanks, value, blanks)
  .map(([key, before, text, behind]) => `${key}:${before}${text}${behind}\r\n`);
const fields = fc.array(field, { maxLength: 4 }).map((lines) => lines.join(''));
const connection = fc.constantFrom(
  '',
  '',
  '',
  'Connection: close\r\n',
  'connection: Keep-Alive\r\n',
  'Keep-Alive: timeout=5\r\n',
);
/** Any bytes, as latin1 text. */
const bytes = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((array) => Buffer.from(array).toString('latin1'));
const body = bytes(0, 60);
const status = fc.constantFrom(
  '200 OK',
  '200',
  '200 ',
  '204 No Content',
  '304 Not Modified',
  '400 Bad',
  '429 Too Many',
  '500 x',
  '302 F',
);
const version = fc.constantFrom('1.1', '1.1', '1.1', '1.0');

const extension = fc.constantFrom('', '', ';a', ';a=b', ';a="b c"', ';');
const chunk = fc.tuple(bytes(1, 20), extension, fc.boolean()).map(([text, more, isUpper]) => {
  const size = text.length.toString(16);
  return `${isUpper ? size.toUpperCase() : size}${more}\r\n${text}\r\n`;
});
const chunks = fc
  .tuple(fc.array(chunk, { maxLength: 5 }), fc.constantFrom('0', '000'), extension, fields)
  .map(([pieces, zero, more, trailers]) => `${pieces.join('')}${zero}${more}\r\n${trailers}\r\n`);

/** Framing headers with a body behind them. */
const framed = fc.oneof(
  body.map((text) => ['', text]),
  body.map((text) => [`Content-Length: ${text.length}\r\n`, text]),
  chunks.map((text) => ['Transfer-Encoding: chunked\r\n', text]),
);
const interim = fc.constantFrom('', '', '', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', 'HTTP/1.1 102 P\r\n\r\n');

const valid = fc
  .tuple(interim, version, status, fields, connection, framed, fields)
  .map(([before, minor, line, first, kept, [framing, content], last]) => {
    return `${before}HTTP/${minor} ${line}\r\n${first}${kept}${framing}${last}\r\n${content}`;
  });

const odd = fc.constantFrom(
  ...['\r', '\n', '\r\n', '\n\n', '\0', ' ', '\t', ':', ';', ',', '0', '1', 'a', 'g', '-', '\x7f', '\x80', '\xff', '"'],
  'Content-Length: 3\r\n',
  'content-length: 3, 3\r\n',
  'Content-Length: +3\r\n',
  'Content-Length:\r\n',
  'Transfer-Encoding: chunked\r\n',
  'transfer-encoding: gzip, chunked\r\n',
  'Transfer-Encoding: chunked, gzip\r\n',
  'Transfer-Encoding: xchunked\r\n',
  'Connection: close\r\n',
  ' folded\r\n',
  'HTTP/1.1 200 OK\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
);

/** Changes that make most answers invalid: something else in a place, something too much, a part missing. */
const change = fc.tuple(fc.nat(), fc.nat(3), odd);

function apply(text: string, [at, removed, inserted]: readonly [number, number, string]): string {
  const place = at % (text.length + 1);
  // Most of what matters begins on a line.
  const line = text.indexOf('\r\n', place);
  const start = inserted.length > 2 && line !== -1 ? line + 2 : place;
  return text.slice(0, start) + inserted + text.slice(start + (inserted.length > 2 ? 0 : removed));
}

const changed = fc
  .tuple(valid, fc.array(change, { minLength: 1, maxLength: 2 }))
  .map(([text, changes]) => changes.reduce(apply, text));
const cut = fc.tuple(valid, fc.nat()).map(([text, at]) => text.slice(0, at % (text.length + 1)));

export const answerTexts = fc.oneof(valid, changed, changed, cut);

/** Cuts a text into pieces at these places. */
export function toPieces(text: string, cuts: readonly number[]): SentAnswer {
  const places = [0, ...cuts.map((at) => at % (text.length + 1)).toSorted((a, b) => a - b), text.length];
  return places
    .slice(1)
    .map((end, index) => Buffer.from(text.slice(places[index], end), 'latin1'))
    .filter((piece) => piece.length > 0);
}
