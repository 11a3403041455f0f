import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { asArray, asObject, asString, type Body, parseObject } from '../../../../proxy/providers/json.ts';
import { JoinedText } from '../../../../proxy/providers/openai/joined-text.ts';
import { PlainDeltas } from '../../../../proxy/providers/openai/plain-deltas.ts';
import { parseEvent } from '../../../../proxy/providers/sse.ts';

function readContent(chunk: Body) {
  const content = asString(asObject(asObject(asArray(chunk.choices)[0])?.delta)?.content);
  return content === null ? undefined : { choiceIndex: 0, text: content };
}

function learnFrom(raw: string): PlainDeltas {
  const plain = new PlainDeltas(readContent);
  plain.learn(raw, parseObject(parseEvent(raw).data) ?? {}, undefined);
  return plain;
}

const event = (content: string, rest = '') =>
  `data: {"id":"c","choices":[{"index":0,"delta":{"content":"${content}"}}]${rest}}\n\n`;
const padded = (content: string, padding: string) => event(content, `,"obfuscation":"${padding}"`);
const utf8 = (text: string) => Buffer.from(text).toString('latin1');

describe('an event is plain', () => {
  const table: readonly (readonly [name: string, learned: string, raw: string, text: string])[] = [
    ['with another text', event('Hi'), event(' there'), ' there'],
    ['without text', event('Hi'), event(''), ''],
    ['with escapes', event('Hi'), event('\\"a\\\\\\n\\u00e9\\ud83d'), '"a\\\né\ud83d'],
    ['with a text that is not ASCII', event(''), event(utf8('é😀')), 'é😀'],
    ['with a broken character', event(''), event('\xe9'), '\ufffd'],
    ['with another padding', padded('Hi', 'a'), padded('x', 'bcd'), 'x'],
    ['where a server writes blanks', event('a').replaceAll(':"', ': "'), event('b').replaceAll(':"', ': "'), 'b'],
    ['with a name', `event: x\n${event('a')}`, `event: x\n${event('b')}`, 'b'],
    ['with CRLF', event('a').replaceAll('\n', '\r\n'), event('b').replaceAll('\n', '\r\n'), 'b'],
  ];
  for (const [name, learned, raw, text] of table) {
    test(name, () => {
      const plain = learnFrom(learned);
      assert.equal(plain.matches(raw), true);
      assert.deepEqual(plain.added(raw), { choiceIndex: 0, text });
    });
  }
});

describe('a field that is hidden in the parsed event is hidden in plain ones', () => {
  const hidden = ',"usage":null';
  const table: readonly (readonly [name: string, write: (text: string, padding: string) => string])[] = [
    ['before the text', (text, padding) => padded(text, padding).replace('"c"', `"c"${hidden}`)],
    ['behind the text', (text) => event(text, hidden)],
    ['before the padding', (text, padding) => event(text, `${hidden},"obfuscation":"${padding}"`)],
    ['behind the padding', (text, padding) => event(text, `,"obfuscation":"${padding}"${hidden}`)],
  ];
  for (const [name, write] of table) {
    test(name, () => {
      const learned = write('a', 'b');
      const plain = new PlainDeltas(readContent);
      const start = learned.indexOf(hidden);
      plain.learn(learned, parseObject(parseEvent(learned).data) ?? {}, { start, end: start + hidden.length });
      const raw = write('a longer text', 'a longer padding');
      assert.equal(plain.matches(raw), true);
      assert.equal(plain.shown(raw), raw.replace(hidden, ''));
    });
  }
});

describe('an event is parsed', () => {
  const table: readonly (readonly [name: string, learned: string, raw: string])[] = [
    ['with another fact before its text', event('a'), event('b').replace('"c"', '"d"')],
    ['with another fact behind its text', event('a'), event('b', ',"usage":{"total_tokens":3}')],
    ['that ends in another way', event('a'), event('b').replaceAll('\n', '\r\n')],
    ['without its end', event('a'), event('b').slice(0, -1)],
    ['with more behind its end', event('a'), `${event('b')}x`],
    ['with an invalid escape', event('a'), event('\\x')],
    ['with a control character', event('a'), event('\t')],
    ['with a padding that is no string', padded('a', 'b'), padded('a', '\\x')],
    ['without the padding', padded('a', 'b'), event('a')],
    ['that is very large', event('a'), event('x'.repeat(20_000))],
    ['before any was learned', 'data: {}\n\n', event('a')],
    ['where the first text is not the one that is read', event('a","content":"b'), event('a","content":"c')],
    ['where the text is that of another object', event('a').replace('{"id', '{"x":{"content":"a"},"id'), event('b')],
  ];
  for (const [name, learned, raw] of table) {
    test(name, () => assert.equal(learnFrom(learned).matches(raw), false));
  }
});

test('plain events are compared only with the last parsed one', () => {
  const plain = learnFrom(event('a'));
  plain.learn('data: {}\n\n', {}, undefined);
  assert.equal(plain.matches(event('b')), false);
});

test('a stream whose events never match is no longer compared', () => {
  const reads: Body[] = [];
  const plain = new PlainDeltas((chunk) => {
    reads.push(chunk);
    return readContent(chunk);
  });
  for (let id = 0; id < 100; id += 1) {
    const raw = event('a').replace('"c"', `"${id}"`);
    plain.learn(raw, parseObject(parseEvent(raw).data) ?? {}, undefined);
    assert.equal(plain.matches(event('b')), false);
  }
  assert.ok(reads.length < 20, `${reads.length}`);
});

test('a joined text has all pieces in order', () => {
  const pieces = Array.from({ length: 100 }, (_, index) => (index % 3 === 0 ? '' : `${index} `));
  const text = new JoinedText();
  for (const piece of pieces) text.add(piece);
  assert.equal(String(text), pieces.join(''));
});
