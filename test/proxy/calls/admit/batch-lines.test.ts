import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Candidate, makeAdmission } from '../../../../proxy/calls/admit/admission.ts';
import { admitLines } from '../../../../proxy/calls/admit/batch-lines.ts';
import type { Ownership } from '../../../../proxy/calls/resources/ownership.ts';
import { ProxyError } from '../../../../proxy/error.ts';
import { type InFlight, makeInFlight } from '../../../../proxy/in-flight.ts';
import { batches } from '../../../../proxy/operations/batches.ts';
import type { Exchange } from '../../../../proxy/providers/exchange.ts';
import { makeModelNames } from '../../../../proxy/snapshot/model-rules.ts';
import type { Snapshot } from '../../../../proxy/snapshot/snapshot.ts';
import { makeKey, provider } from '../../snapshot.ts';
import { chunked, cuts } from '../chunks.ts';
import { makeCallContext } from '../context.ts';

const key = makeKey('c1f0a4de-1c65-4c0e-8d5e-3a5b6e7f8091', {
  servesModel: (model) => model !== 'unserved',
  provider: { ...provider, names: makeModelNames([{ name: 'renamed', as: 'deployment' }]) },
});
const other = makeKey('d1f0a4de-1c65-4c0e-8d5e-3a5b6e7f8092');
const allowsModel = (model: string | undefined) => model !== undefined && model !== 'forbidden';
const mebibyte = 1024 * 1024;

/** What the caller owns: `resp_own` and `file_own` were made with the key of the batch, `resp_other` with another key. */
const ownership: Pick<Ownership, 'requireAll'> = {
  async requireAll(references) {
    const [first] = references;
    const foreign = references.find(({ id }) => !/_(own|other)$/.test(id));
    if (foreign) throw new ProxyError('resource_not_found', { param: foreign.param });
    return first && { apiKeyId: first.id.endsWith('_own') ? key.id : other.id };
  },
};

/** An exchange that answers with a file in these chunks. */
function exchangeOf(chunks: readonly Buffer[], status = 200): { exchange: Exchange; paths: string[] } {
  const paths: string[] = [];
  const exchange: Exchange = ({ path, key: used }, sink) => {
    assert.equal(used, key);
    paths.push(path);
    setImmediate(() => {
      sink.head(status, {});
      for (const chunk of chunks) sink.chunk(chunk);
      sink.end();
    });
    return { resume() {}, abort() {}, drop() {} };
  };
  return { exchange, paths };
}

interface Given {
  readonly body?: object;
  readonly chunks?: readonly Buffer[];
  readonly snapshot?: Partial<Snapshot>;
  readonly memory?: InFlight;
  readonly status?: number;
}

/** Checks a batch by all checks of a call. */
async function check({ body, chunks = [], snapshot, memory, status }: Given): Promise<string[]> {
  const { exchange, paths } = exchangeOf(chunks, status);
  const admission = makeAdmission({
    ownership: ownership as Ownership,
    exchange,
    guardrails: { check: () => undefined },
    ownChecks: {},
  });
  const candidate: Candidate = {
    context: makeCallContext({ allowsModel, ...snapshot }, {}, memory),
    operation: batches,
    body: { input_file_id: 'file-1', endpoint: '/v1/chat/completions', ...body },
    otherModels: [],
    said: {},
    isRewritable: false,
    references: [],
  };
  await admitLines(candidate, key, admission, {
    ownership: ownership as Ownership,
    exchange,
    guardrails: { check: () => undefined },
    ownChecks: {},
  });
  return paths;
}

const checkText = (text: string, given: Given = {}) => check({ chunks: [Buffer.from(text)], ...given });

const messages = [{ role: 'user', content: 'Hi' }];
const chat = (body: object = {}, line: object = {}) =>
  JSON.stringify({
    custom_id: 'one',
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model: 'gpt-4o', messages, ...body },
    ...line,
  });
const good = chat();
const goodResponse = (body: object) =>
  chat({}, { url: '/v1/responses', body: { model: 'gpt-4o', input: 'Hi', ...body } });

describe('a batch is admitted', () => {
  const files: readonly (readonly [what: string, text: string, body?: object])[] = [
    ['of one line', good],
    ['of two lines', `${good}\n${good}`],
    ['whose file ends with a line break', `${good}\n`],
    ['with line breaks of Windows', `${good}\r\n${good}\r\n`],
    ['with empty lines', `\n${good}\n \t\n\n${good}\n`],
    ['of an empty file, which the provider judges', ''],
    ['with text that a line break is escaped in', chat({ messages: [{ role: 'user', content: 'a\nb\u2028"\\' }] })],
    ['with an escaped name that no check reads', good.replace('"custom_id"', '"custom\\u005fid"')],
    ['with a name that stands in two objects', chat({ metadata: { model: 'm', messages: 'm' } })],
    ['of responses', goodResponse({}), { endpoint: '/v1/responses' }],
    [
      'with references to what the caller made by the same key',
      goodResponse({ previous_response_id: 'resp_own' }),
      { endpoint: '/v1/responses' },
    ],
    [
      'of embeddings',
      chat({}, { url: '/v1/embeddings', body: { model: 'm', input: ['a'] } }),
      { endpoint: '/v1/embeddings' },
    ],
  ];
  for (const [what, text, body = {}] of files) {
    test(what, async () => assert.deepEqual(await checkText(text, { body }), ['/files/file-1/content']));
  }

  test('with an id that has to be escaped in a path', async () => {
    assert.deepEqual(await checkText(good, { body: { input_file_id: '../models?x' } }), [
      '/files/..%2Fmodels%3Fx/content',
    ]);
  });
});

describe('a batch is refused before its file is read', () => {
  const rows: readonly (readonly [
    why: string,
    body: object,
    snapshot: Partial<Snapshot>,
    code: string,
    param: string | null,
  ])[] = [
    ['without an endpoint', { endpoint: undefined }, {}, 'invalid_request', 'endpoint'],
    ['with an endpoint that takes no batches', { endpoint: '/v1/audio/speech' }, {}, 'invalid_request', 'endpoint'],
    ['with an endpoint that is no text', { endpoint: ['/v1/responses'] }, {}, 'invalid_request', 'endpoint'],
    ['without a file', { input_file_id: undefined }, {}, 'invalid_request', 'input_file_id'],
    ['with an empty file id', { input_file_id: '' }, {}, 'invalid_request', 'input_file_id'],
    ['with a file id that is no text', { input_file_id: ['file-1'] }, {}, 'invalid_request', 'input_file_id'],
    [
      'for an API that the organization does not serve',
      {},
      { surfaces: new Set(['responses']) },
      'surface_not_allowed',
      null,
    ],
  ];
  for (const [why, body, snapshot, code, param] of rows) {
    test(why, async () => assert.rejects(check({ body, snapshot, chunks: [] }), { code, param }));
  }
});

/** Lines that are refused, with the code and a part of the message. */
const refused: readonly (readonly [line: string, text: string, code: string, message: RegExp])[] = [
  ['that is no JSON', 'hello', 'invalid_request', /must be a JSON object with a body$/],
  ['that is no object', '[{}]', 'invalid_request', /must be a JSON object with a body$/],
  ['with two objects', `${good} ${good}`, 'invalid_request', /must be a JSON object with a body$/],
  ['that begins with a byte order mark', `\ufeff${good}`, 'invalid_request', /must be a JSON object with a body$/],
  ['without a body', chat({}, { body: undefined }), 'invalid_request', /must be a JSON object with a body$/],
  ['whose body is a list', chat({}, { body: [] }), 'invalid_request', /must be a JSON object with a body$/],
  [
    'with the url of another API',
    chat({}, { url: '/v1/responses' }),
    'invalid_request',
    /must have the url of the batch$/,
  ],
  ['without a url', chat({}, { url: undefined }), 'invalid_request', /must have the url of the batch$/],
  ['without a model', chat({ model: undefined }), 'invalid_request', /its body must name a model$/],
  ['whose model is no text', chat({ model: ['gpt-4o'] }), 'invalid_request', /its body must name a model$/],
  ['with an empty model', chat({ model: '' }), 'invalid_request', /model must be the id of a model/],
  ['without a required field', chat({ messages: undefined }), 'invalid_request', /: messages is required$/],
  ['with a persona', chat({ persona_id: null }), 'persona_not_supported', /takes no persona/],
  ['with a model that is not allowed', chat({ model: 'forbidden' }), 'model_not_allowed', /"forbidden"/],
  [
    'with a tool whose model is not allowed',
    chat({ tools: [{ type: 't', model: 'forbidden' }] }),
    'model_not_allowed',
    /"forbidden"/,
  ],
  [
    'with a model that the key of the file does not serve',
    chat({ model: 'unserved' }),
    'invalid_request',
    /key of the file does not serve its model$/,
  ],
  [
    'with a model that the provider calls otherwise',
    chat({ model: 'renamed' }),
    'invalid_request',
    /calls the model "renamed" "deployment"/,
  ],
  [
    'that refers to another user’s resource',
    chat({ previous_response_id: 'resp_1' }),
    'resource_not_found',
    /nothing of yours has this id$/,
  ],
  ['that refers to what another key made', chat({ previous_response_id: 'resp_other' }), 'invalid_request', /./],
  [
    'with a model that stands twice',
    good.replace('"model"', '"model":"forbidden","model"'),
    'invalid_request',
    /: model must stand only once in an object$/,
  ],
  [
    'with any field that stands twice',
    good.replace('"role"', '"role":"system","role"'),
    'invalid_request',
    /: role must stand only once in an object$/,
  ],
  [
    'with a body that stands twice',
    good.replace('"body"', '"body":{"model":"forbidden"},"body"'),
    'invalid_request',
    /: body must stand only once in an object$/,
  ],
  [
    'with a body in another spelling',
    chat({}, { Body: { model: 'forbidden' } }),
    'invalid_request',
    /: Body must be written body$/,
  ],
  [
    'with a url in another spelling',
    chat({}, { URL: '/v1/responses' }),
    'invalid_request',
    /: URL must be written url$/,
  ],
  [
    'with a model in another spelling',
    chat({ Model: 'forbidden' }),
    'invalid_request',
    /: Model must be written model$/,
  ],
  [
    'with an escaped model',
    good.replace('"model"', '"mod\\u0065l"'),
    'invalid_request',
    /: model must be written without escapes$/,
  ],
  [
    'with an escaped body',
    good.replace('"body"', '"bod\\u0079"'),
    'invalid_request',
    /: body must be written without escapes$/,
  ],
  [
    'that is nested too deep',
    chat({ metadata: JSON.parse('['.repeat(600) + ']'.repeat(600)) }),
    'invalid_request',
    /: it is nested too deep$/,
  ],
];

describe('a batch is refused for a line', () => {
  for (const [line, text, code, message] of refused) {
    test(`${line}, and the refusal names the line once`, async () => {
      const error = await checkText(`${good}\n\n${text}\n${good}`).then(
        () => assert.fail('it was admitted'),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof ProxyError, String(error));
      assert.deepEqual([error.code, error.param], [code, 'input_file_id']);
      assert.match(error.message, message);
      assert.match(error.message, /line 3 of the input file: /);
      assert.equal(error.message.split('Error processing request').length <= 2, true, error.message);
    });
  }

  const invalid: readonly (readonly [what: string, bytes: number])[] = [
    ['a byte that is in no UTF-8', 0xff],
    ['half a character', 0xc3],
  ];
  for (const [what, byte] of invalid) {
    // Some parsers leave such bytes out, and read "model".
    test(`with ${what} in a name`, async () => {
      const [start = '', end = ''] = good.split('"model"');
      const line = Buffer.concat([
        Buffer.from(`${start}"model":"gpt-4o","mo`),
        Buffer.of(byte),
        Buffer.from(`del"${end}`),
      ]);
      await assert.rejects(check({ chunks: [line] }), { code: 'invalid_request', message: /line 1 .* valid UTF-8$/ });
    });
  }
});

test('a file that the provider does not give is a problem of its own', async () => {
  await assert.rejects(check({ chunks: [Buffer.from(good)], status: 404 }), {
    code: 'upstream_invalid_response',
    param: 'input_file_id',
  });
});

test('a file says the same, however the network cuts it', async () => {
  const lines = [good, '', chat({ messages: [{ role: 'user', content: 'ünï → 𝄞' }] }), chat({ model: 'forbidden' })];
  const bytes = Buffer.from(lines.join('\r\n'));
  await fc.assert(
    fc.asyncProperty(cuts, async (at) => {
      await assert.rejects(check({ chunks: chunked(bytes, at) }), { code: 'model_not_allowed', message: /^line 4 / });
    }),
  );
});

test('a line is admitted only if every parser reads the same model in it', async () => {
  const names = ['model', 'MODEL', 'mo\\u0064el', 'mod_el', 'seed', 's\\u0065ed', 'user'];
  const field = fc.record({ name: fc.constantFrom(...names), model: fc.constantFrom('gpt-4o', 'gpt-4o-mini') });
  await fc.assert(
    fc.asyncProperty(fc.array(field, { maxLength: 4 }), async (fields) => {
      const body = ['"messages":[]', ...fields.map(({ name, model }) => `"${name}":"${model}"`)].join(',');
      const parsed = fields.map(({ name }) => JSON.parse(`"${name}"`));
      const isPlain =
        parsed.filter((name) => name === 'model').length === 1 &&
        new Set(parsed).size === parsed.length &&
        !fields.some(({ name }) => ['MODEL', 'mo\\u0064el', 'mod_el'].includes(name));
      const checked = checkText(`{"url":"/v1/chat/completions","body":{${body}}}`);
      if (isPlain) await checked;
      else await assert.rejects(checked, { code: 'invalid_request' });
    }),
    { numRuns: 300 },
  );
});

describe('the memory of a batch', () => {
  test('is that of one line at a time, and is given back', async () => {
    const memory = makeInFlight(mebibyte);
    const line = chat({ user: 'x'.repeat(200_000) });
    await checkText(Array(20).fill(line).join('\n'), { memory });
    assert.equal(memory.heldBytes(), 0);
  });

  const large: readonly (readonly [what: string, text: () => string])[] = [
    ['that is larger than there is memory', () => chat({ user: 'x'.repeat(mebibyte) })],
    [
      'whose values take more memory than there is',
      () => chat({ metadata: [] }).replace('[]', `[${'[],'.repeat(500_000)}[]]`),
    ],
  ];
  for (const [what, text] of large) {
    test(`is not taken by a line ${what}`, async () => {
      const memory = makeInFlight(what.startsWith('whose') ? 16 * mebibyte : mebibyte);
      await assert.rejects(checkText(`${good}\n${text()}`, { memory }), {
        code: 'request_too_large',
        message: /line 2 of the input file/,
      });
    });
  }

  test('is not taken by a line that does not end', async () => {
    const memory = makeInFlight(mebibyte);
    const chunks = Array.from({ length: 100 }, () => Buffer.alloc(65_536, 'x'));
    await assert.rejects(check({ chunks, memory }), { code: 'request_too_large' });
    assert.ok(memory.heldBytes() < mebibyte, `${memory.heldBytes()} bytes`);
  });
});
