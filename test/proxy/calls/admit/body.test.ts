import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { governingFields, identifiedFields, referringFields } from '../../../../crds/call-fields.ts';
import { applyPersona, checkBody, makeUpstreamBody, readBody } from '../../../../proxy/calls/admit/body.ts';
import { ProxyError } from '../../../../proxy/error.ts';
import { chat } from '../../../../proxy/operations/chat.ts';
import { embeddings } from '../../../../proxy/operations/embeddings.ts';
import type { Operation } from '../../../../proxy/operations/operation.ts';
import { responses } from '../../../../proxy/operations/responses.ts';
import { formatOf, providerTable } from '../../../../proxy/providers/table.ts';
import { provider } from '../../snapshot.ts';
import { makePersona } from '../persona.ts';
import { type Reader, readAs, type Written, write } from '../readers.ts';

const persona = makePersona({ content: 'Be kind.' });

function makeUpstream(text: string, operation: Operation, withPersona = false) {
  const raw = Buffer.from(text);
  const asked = readBody(raw);
  const judged = withPersona ? applyPersona(asked, operation, persona) : asked.body;
  const { body, hideUsage } = makeUpstreamBody(
    raw,
    asked,
    judged,
    operation,
    formatOf(providerTable, provider, operation.name),
    withPersona ? persona : undefined,
  );
  return { body: body.toString(), isUntouched: body === raw, hideUsage };
}

describe('a body that needs no change', () => {
  const untouched: readonly (readonly [string, Operation])[] = [
    ['{ "model" : "gpt-4o",\n"input":"Hi",  "seed": 12345678901234567890 }', responses],
    ['{"model":"gpt-4o","input":"say \\"model\\": x"}', responses],
    ['{"model":"gpt-4o","messages":[],"stream":true,"stream_options":{"include_usage":true}}', chat],
    ['{"model":"gpt-4o","input":"Hi","stream":true}', responses],
    ['{"model":"gpt-4o","messages":[],"stream":false}', chat],
    ['{"model":"e","input":"Hi","unknown":{"deep":[1.0,-0]}}', embeddings],
  ];
  for (const [text, operation] of untouched) {
    test(`goes upstream unchanged: ${text}`, () => {
      assert.deepEqual(makeUpstream(text, operation), { body: text, isUntouched: true, hideUsage: false });
    });
  }

  test('goes upstream as the client’s own bytes, whatever else it contains', () => {
    const anything = fc.dictionary(
      fc.string({ unit: fc.constantFrom('a', 'b', '_', 'é') }),
      fc.oneof(fc.string({ unit: 'grapheme-ascii' }), fc.integer(), fc.boolean()),
    );
    fc.assert(
      fc.property(anything, fc.constantFrom(0, 2, '\t'), (fields, space) => {
        const text = JSON.stringify({ ...fields, model: 'gpt-4o' }, null, space);
        assert.ok(makeUpstream(text, responses).isUntouched);
      }),
    );
  });
});

const changed: readonly (readonly [string, string, Operation, string])[] = [
  [
    'persona_id never goes upstream, even where it names nobody',
    '{"model":"gpt-4o","input":"Hi","persona_id":null}',
    responses,
    '{"model":"gpt-4o","input":"Hi"}',
  ],
  [
    'usage is asked for, in front of the client’s own bytes',
    ' { "model":"gpt-4o", "messages":[], "stream":true}',
    chat,
    ' {"stream_options":{"include_usage":true}, "model":"gpt-4o", "messages":[], "stream":true}',
  ],
  [
    'usage is asked for beside the client’s other options',
    '{"model":"gpt-4o","messages":[],"stream":true,"stream_options":{"include_obfuscation":false}}',
    chat,
    '{"model":"gpt-4o","messages":[],"stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true}}',
  ],
  [
    'usage is asked for where the client refused it',
    '{"model":"gpt-4o","messages":[],"stream":true,"stream_options":{"include_usage":false}}',
    chat,
    '{"model":"gpt-4o","messages":[],"stream":true,"stream_options":{"include_usage":true}}',
  ],
  ['a model written with escapes', '{"mod\\u0065l":"o3","input":"Hi"}', responses, '{"model":"o3","input":"Hi"}'],
  [
    'numbers keep every digit',
    '{"model":"m","seed":12345678901234567890,"a":[1.0,-0,1e400,0.1],"persona_id":null}',
    responses,
    '{"model":"m","seed":12345678901234567890,"a":[1.0,-0,1e400,0.1]}',
  ],
  [
    'a field that is every object’s stays a field',
    '{"model":"m","__proto__":{"a":1},"persona_id":null}',
    responses,
    '{"model":"m","__proto__":{"a":1}}',
  ],
];
describe('a body that changes', () => {
  for (const [what, text, operation, expected] of changed) {
    test(what, () => {
      assert.equal(makeUpstream(text, operation).body, expected);
    });
  }

  test('hides the usage only where the proxy asked for it, not the client', () => {
    assert.equal(makeUpstream('{"model":"m","messages":[],"stream":true}', chat).hideUsage, true);
    assert.equal(makeUpstream('{"model":"m","messages":[]}', chat).hideUsage, false);
    assert.equal(makeUpstream('{"model":"m","messages":[],"stream":true}', chat, true).hideUsage, true);
  });

  test('has the persona’s instructions and every other field, but not the persona’s id', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue()), (fields) => {
        const own = { ...fields, model: 'gpt-4o', input: 'Hi' };
        const { body } = makeUpstream(JSON.stringify({ ...own, persona_id: persona.id }), responses, true);
        const { persona_id: _, ...expected } = JSON.parse(JSON.stringify(own));
        assert.deepEqual(JSON.parse(body), { ...expected, instructions: 'Be kind.' });
      }),
    );
  });
});

const bodies: readonly (readonly [string, Operation, string | undefined, string | undefined])[] = [
  ['{"model":"gpt-4o"}', responses, undefined, 'gpt-4o'],
  ['{"model":"gpt-4o","messages":[]}', chat, undefined, 'gpt-4o'],
  ['{"messages":[]}', chat, 'model', undefined],
  ['{"model":"","messages":[]}', chat, 'model', undefined],
  ['{"model":["gpt-4o"],"messages":[]}', chat, 'model', undefined],
  ['{"model":"gpt-4o"}', chat, 'messages', undefined],
  ['{"model":"m"}', embeddings, 'input', undefined],
  ['{"model":"m","previous_response_id":7}', responses, 'previous_response_id', undefined],
  ['{"model":"m","previous_response_id":null}', responses, undefined, 'm'],
  ['{"model":"m","background":true}', responses, undefined, 'm'],
  ['{"model":"m","messages":[],"background":true}', chat, 'background', undefined],
  ['{"model":"m","background":false}', responses, undefined, 'm'],
];
for (const [text, operation, param, model] of bodies) {
  test(`${operation.name} ${text} ${param === undefined ? 'is accepted' : `lacks a right ${param}`}`, () => {
    const check = () => checkBody(readBody(Buffer.from(text)).body, operation);
    if (param === undefined) assert.equal(check(), model);
    else assert.throws(check, { code: 'invalid_request', param });
  });
}

test('the persona’s model is used where the body names none', () => {
  const read = (body: object) => readBody(Buffer.from(JSON.stringify(body)));
  const withModel = makePersona({ model: 'o3' });
  assert.equal(checkBody(applyPersona(read({ input: 'Hi' }), responses, withModel), responses), 'o3');
  assert.equal(checkBody(applyPersona(read({ model: 'm' }), responses, withModel), responses), 'm');
});

for (const text of ['', 'null', '[]', '"x"', '7', '{', '{"a":1}x', '\ufeff{}']) {
  test(`${JSON.stringify(text)} is refused as a body`, () => {
    assert.throws(() => readBody(Buffer.from(text)), { code: 'invalid_json' });
  });
}

for (const [field, governed] of [
  ['Model', 'model'],
  ['STREAM', 'stream'],
  ['\u017ftream_options', 'stream_options'],
  ['bac\u212aground', 'background'],
  ['Messages', 'messages'],
] as const) {
  test(`${field} is refused, since a provider may take it for ${governed}`, () => {
    const text = JSON.stringify({ model: 'gpt-4o', input: 'Hi', [field]: 'o3' });
    assert.throws(() => readBody(Buffer.from(text)), {
      code: 'invalid_request',
      param: field,
      message: `Error processing request: ${field} must be written ${governed}`,
    });
  });
}

test('other fields may be written in any way', () => {
  const body = { model: 'gpt-4o', input: 'Hi', Seed: 7, topK: 3, größe: 1, metadata: { Model: 'x' } };
  assert.deepEqual(readBody(Buffer.from(JSON.stringify(body))).body, body);
});

test('a body that is nested too deep for some parsers is refused', () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  assert.throws(() => makeUpstream(`{"model":"gpt-4o","seed":12345678901234567890,"deep":${deep}}`, responses, true), {
    code: 'invalid_request',
    message: 'Error processing request: the body is nested too deep',
  });
});

describe('what goes upstream', () => {
  const names = [...governingFields, ...Object.keys(referringFields), ...Object.keys(identifiedFields)];
  const variants = names.flatMap((name) => [
    name,
    name.toUpperCase(),
    name.replace(/^./, (letter) => letter.toUpperCase()),
    name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
    name.replace('s', '\u017f'),
    `${name}\0`,
  ]);
  const name = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...names) },
    { weight: 1, arbitrary: fc.constantFrom(...variants) },
    { weight: 3, arbitrary: fc.constantFrom('content', 'text', 'file', 'x', '') },
  );
  const { body: written } = fc.letrec<{ body: Written; value: Written }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<Written[]>('a', 'b"\\', ':', '"x":', 1, true, null),
      fc.array(tie('value'), { maxLength: 3 }),
      tie('body'),
    ),
    body: fc.array(fc.tuple(name, tie('value')), { maxLength: 4 }).map((fields) => ({ fields })),
  }));
  const fold = (text: string) => (text.split('\0', 1)[0] ?? '').toUpperCase().toLowerCase().replaceAll('_', '');
  const canonical = new Map(names.map((listed) => [fold(listed), listed]));
  const readers: readonly Reader[] = (['first', 'last'] as const).flatMap((takes) => [
    { takes, nameOf: (text: string) => text },
    { takes, nameOf: (text: string) => canonical.get(fold(text)) ?? text },
  ]);

  test('is read alike by every parser, or the body is refused', () => {
    let sent = 0;
    let refused = 0;
    fc.assert(
      fc.property(written, fc.func(fc.boolean()), (value, isEscaped) => {
        const raw = Buffer.from(write(value, isEscaped));
        let upstream: string;
        try {
          const asked = readBody(raw);
          upstream = makeUpstreamBody(
            raw,
            asked,
            asked.body,
            responses,
            formatOf(providerTable, provider, 'responses'),
            undefined,
          ).body.toString();
        } catch (error) {
          assert.ok(error instanceof ProxyError && error.code === 'invalid_request' && error.param !== null);
          refused += 1;
          return;
        }
        sent += 1;
        const judged = JSON.parse(upstream);
        for (const reader of readers) assert.deepEqual(readAs(upstream, reader), judged);
      }),
      { numRuns: 2_000 },
    );
    assert.ok(sent > 100 && refused > 100, `${sent} sent, ${refused} refused`);
  });
});

for (const [text, field] of [
  ['{"input":[{"type":"item_reference","id":"msg_1"}],"input":"hi"}', 'input'],
  ['{"model":"o3","model":"gpt-4o","input":"Hi"}', 'model'],
  ['{"model":"gpt-4o","mod\\u0065l":"o3","input":"Hi"}', 'model'],
  ['{"stream":true,"model":"m","stream":false}', 'stream'],
  ['{"background":true,"model":"m","background":false}', 'background'],
  ['{"previous_response_id":"resp_a","model":"m","previous_response_id":null}', 'previous_response_id'],
  ['{"messages":[{"content":[{"file":{"file_id":"a"}}],"content":"hi"}]}', 'content'],
  ['{"input":[{"id":"msg_1","type":"item_reference","type":"message","content":"x"}]}', 'type'],
  ['{"text":{"x":"\\"","y":"\\\\"},"a":{"b":1,"c":[{}],"b":2}}', 'b'],
] as const) {
  test(`${text} is refused, since it could be read in two ways`, () => {
    const message = `Error processing request: ${field} must stand only once in an object`;
    assert.throws(() => readBody(Buffer.from(text)), { code: 'invalid_request', param: field, message });
  });
}

test('a body that is not UTF-8 is refused', () => {
  const latin1 = Buffer.from('{"model":"gpt-4o","input":"größe"}', 'latin1');
  assert.throws(() => readBody(latin1), {
    code: 'invalid_json',
    message: 'Error processing request: the body is not valid UTF-8',
  });
});
