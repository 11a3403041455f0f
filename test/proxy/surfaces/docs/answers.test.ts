import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { before, describe, test } from 'node:test';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { type ProblemCode, problems } from '../../../../proxy/error.ts';
import { type Scope, suiteScope } from '../../../scope.ts';
import { type Stack, startStack } from '../../../stack.ts';

interface Media {
  readonly schema?: { readonly example?: unknown; readonly properties?: Readonly<Record<string, object>> };
}

interface Response {
  readonly description: string;
  readonly headers?: Readonly<Record<string, object>>;
  readonly content?: Readonly<Record<string, Media>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
}

interface Operation {
  readonly tags?: readonly string[];
  readonly parameters?: readonly (Parameter | { readonly $ref: string })[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, Response>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: object;
}

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** What is sent in a path, a query or a body that the document says nothing of: what users get wrong. */
const oddTexts = [
  '',
  ' ',
  '..',
  'null',
  '-1',
  '0',
  '1e9',
  'true',
  '2026-01-01',
  '2026-13-45',
  'é',
  'a,b',
  '%00',
  'x'.repeat(600),
];
const idPrefixes = ['resp_', 'conv_', 'file-', 'batch_', 'vs_', 'req_', 'item_', 'gpt-', ''];
const value: fc.Arbitrary<unknown> = fc.oneof(
  { arbitrary: fc.constantFrom<unknown>(...oddTexts, null, true, 0, -1, 1.5, 2 ** 53, [], {}), weight: 3 },
  { arbitrary: fc.jsonValue({ maxDepth: 2 }), weight: 2 },
);

/** Of each operation: what the document lacks is met within a few. */
const numRuns = 12;
const seed = Number(process.env.CHAPERONE_TEST_SEED ?? Date.now() % 2 ** 31);

/** Answers what no client hopes for, each for some of the requests. */
async function startFailingProvider(scope: Scope): Promise<string> {
  let asked = 0;
  const server = createServer((request, response) => {
    request.resume();
    const error = JSON.stringify({ error: { message: 'No.', type: 'server_error', param: null, code: null } });
    const answers: readonly (() => unknown)[] = [
      () => response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":'),
      () => response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>'),
      () => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      ...[400, 401, 404, 409, 418, 429, 500, 503].map(
        (status) => () => response.writeHead(status, { 'content-type': 'application/json' }).end(error),
      ),
      () => request.socket.destroy(),
      () => response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {"type":"error"}\n\n'),
    ];
    answers[asked++ % answers.length]?.();
  });
  scope.after(async () => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  return `http://127.0.0.1:${address.port}/v1`;
}

/** The tags of operations that ask a provider. */
const asksProviders = ['Calls', 'Stored', 'Models', 'Analysis'];

const providers: readonly (readonly [what: string, start: ((scope: Scope) => Promise<string>) | undefined])[] = [
  ['of the sandbox', undefined],
  ['with a provider that fails', startFailingProvider],
];

for (const [what, startProvider] of providers)
  describe(`every answer ${what} is described in /openapi.json`, () => {
    const scope = suiteScope();
    let stack: Stack;
    let root: string;
    let document: Document;
    let credentials: readonly Readonly<Record<string, string>>[];
    /** Ids of what is there, so that not all is unknown. */
    let ids: readonly string[];
    const validators = new Map<string, ValidateFunction>();
    const ajv = addFormats.default(new Ajv2020({ strict: false, inlineRefs: false, code: { optimize: false } }));

    before(async () => {
      stack = await startStack(scope, startProvider && { upstreamUrl: await startProvider(scope) });
      root = stack.baseUrl.replace(/\/v1$/, '');
      document = (await (await fetch(`${root}/openapi.json`)).json()) as Document;
      ajv.addSchema({ $id: 'document', components: document.components });
      const member = `Bearer ${await stack.sign({ roles: ['member'] })}`;
      const admin = `Bearer ${await stack.sign({ roles: ['admin', 'analyst', 'reviewer'] })}`;
      credentials = [
        { authorization: admin, 'x-user-id': 'ada' },
        { authorization: admin, 'x-user-id': 'ada' },
        { authorization: member, 'x-user-id': 'ada' },
        { authorization: member, 'x-user-id': 'x'.repeat(300) },
        { authorization: admin },
        { authorization: 'Bearer nonsense', 'x-user-id': 'ada' },
        { 'x-user-id': 'ada' },
      ];
      ids = startProvider ? ['gpt-4o-mini', 'ada'] : await makeSome(admin);
    });

    /** Something of each kind, made by the user that most requests are of. */
    const makeSome = async (authorization: string): Promise<string[]> => {
      const headers = { authorization, 'x-user-id': 'ada', 'content-type': 'application/json' };
      const make = async (path: string, body: object) => {
        const answer = await fetch(`${root}/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
        const made = (await answer.json()) as { id?: string };
        const requestId = answer.headers.get('x-request-id') ?? '';
        assert.ok(answer.ok, `${path}: ${JSON.stringify(made)}`);
        return [made.id ?? '', requestId];
      };
      const form = new FormData();
      form.set('purpose', 'assistants');
      form.set('file', new Blob(['some text']), 'notes.txt');
      const uploaded = await fetch(`${root}/v1/files`, {
        method: 'POST',
        headers: { authorization, 'x-user-id': 'ada' },
        body: form,
      });
      const { id: fileId } = (await uploaded.json()) as { id: string };
      const made = [
        ...(await make('/responses', { model: 'gpt-4o-mini', input: 'Hello' })),
        ...(await make('/responses', { model: 'gpt-4o-mini', input: 'Hello', background: true })),
        ...(await make('/conversations', {})),
        ...(await make('/personas', { name: 'Made', content: 'Help.' })),
        ...(await make('/vector_stores', { name: 'Made' }).catch(() => [])),
      ];
      return [...made, fileId, 'gpt-4o-mini', 'ada'].filter((id) => id !== '');
    };

    const idOf = () =>
      fc.oneof(
        fc.constantFrom(...ids),
        fc.tuple(fc.constantFrom(...idPrefixes), fc.stringMatching(/^[0-9a-f]{1,24}$/)).map((parts) => parts.join('')),
        fc.uuid(),
        fc.constantFrom(...oddTexts.filter((text) => !['', '.', '..'].includes(text))),
      );

    const bodyOf = ({ requestBody }: Operation): fc.Arbitrary<string | undefined> => {
      const { schema } = Object.values(requestBody?.content ?? {})[0] ?? {};
      const example = (schema?.example ?? {}) as object;
      const names = [
        ...new Set([...Object.keys(schema?.properties ?? {}), ...Object.keys(example), 'stream', 'other']),
      ];
      const changes = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 3 });
      return fc.oneof(
        { arbitrary: changes.map((changed) => JSON.stringify({ ...example, ...changed })), weight: 4 },
        { arbitrary: fc.constant(JSON.stringify(example)), weight: 2 },
        {
          arbitrary: fc.constant(JSON.stringify({ ...example, stream: true })),
          weight: Object.hasOwn(schema?.properties ?? {}, 'stream') ? 2 : 0,
        },
        { arbitrary: fc.dictionary(fc.constantFrom(...names), value).map((body) => JSON.stringify(body)), weight: 1 },
        { arbitrary: fc.jsonValue({ maxDepth: 1 }).map((body) => JSON.stringify(body)), weight: 1 },
        { arbitrary: fc.constantFrom('', '{', 'nonsense', '[1,', '"\u0000"', undefined), weight: 1 },
      );
    };

    const queryOf = ({ parameters = [] }: Operation): fc.Arbitrary<string> => {
      const named = parameters.filter(
        (parameter): parameter is Parameter => 'in' in parameter && parameter.in === 'query',
      );
      const names = [...named.map(({ name }) => name), 'limit', 'after', 'order', 'include', 'stream', 'other'];
      const text = fc.oneof(fc.constantFrom(...oddTexts, 'desc', '5', '2026-06-01'), fc.string({ maxLength: 8 }));
      return fc
        .array(fc.tuple(fc.constantFrom(...names), text), { maxLength: 3 })
        .map((pairs) => new URLSearchParams(pairs).toString());
    };

    const askedOf = (path: string, method: string, operation: Operation): fc.Arbitrary<Asked> => {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
      const takesBody = method === 'post' || method === 'put' || method === 'patch';
      return fc
        .record({
          values: fc.tuple(...names.map(idOf)),
          query: fc.oneof(fc.constant(''), queryOf(operation)),
          credential: fc.constantFrom(...credentials),
          type: fc.constantFrom(
            'application/json',
            'application/json',
            'text/plain',
            'multipart/form-data; boundary=x',
          ),
          extra: fc.constantFrom<Record<string, string>>(
            {},
            {},
            {},
            { 'content-encoding': 'compress' },
            { 'x-response-format': 'simple' },
          ),
          body: takesBody ? bodyOf(operation) : fc.constant(undefined),
        })
        .map(({ values, query, credential, type, extra, body }) => {
          const filled = names.reduce(
            (url, name, index) => url.replace(`{${name}}`, encodeURIComponent(values[index] ?? '')),
            path,
          );
          return {
            method: method.toUpperCase(),
            url: `${root}${filled}${query === '' ? '' : `?${query}`}`,
            headers: { ...credential, ...extra, ...(body !== undefined && { 'content-type': type }) },
            body,
          };
        });
    };

    /** What the answer says that the document does not; undefined where it says all of it. */
    const findGap = async (operation: Operation, { url, ...init }: Asked): Promise<string | undefined> => {
      const answer = await fetch(url, { ...init, body: init.body ?? null, redirect: 'manual' });
      const text = await answer.text();
      const { status, headers } = answer;
      const code = ownCodeOf(status, text);
      const response = operation.responses[status] ?? (code === undefined ? operation.responses.default : undefined);
      if (!response) return `status ${status} (${code ?? text.slice(0, 100)})`;
      if (code !== undefined && !response.description.includes(`\`${code}\``)) return `${status} for ${code}`;
      const told = Object.keys(response.headers ?? {}).map((name) => name.toLowerCase());
      const untold = [...headers.keys()].filter((name) => name.startsWith('x-') && !told.includes(name));
      if (untold.length > 0) return `header ${untold.join()} of ${status}`;
      if (!headers.has('x-request-id')) return `no X-Request-ID with ${status}`;
      if (!response.content || text === '')
        return text === '' || !operation.responses[status] ? undefined : `a body of ${status}`;
      const type = headers.get('content-type')?.split(';')[0] ?? '';
      const media = response.content[type] ?? response.content[`${type.split('/')[0]}/*`] ?? response.content['*/*'];
      // What a provider calls its answer is its own affair.
      if (!media) return startProvider && code === undefined ? undefined : `${type} of ${status}`;
      return media.schema && bodyGap(media.schema, text, status);
    };

    const bodyGap = (schema: object, text: string, status: number): string | undefined => {
      const key = JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/');
      const validate = validators.get(key) ?? ajv.compile(JSON.parse(key));
      validators.set(key, validate);
      return validate(JSON.parse(text)) ? undefined : `a body of ${status}: ${ajv.errorsText(validate.errors)}`;
    };

    test('for any request', async (t) => {
      for (const [path, operations] of Object.entries(document.paths)) {
        for (const [method, operation] of Object.entries(operations)) {
          if (startProvider && !asksProviders.includes(operation.tags?.[0] ?? '')) continue;
          await t.test(`${method.toUpperCase()} ${path}`, async () => {
            const gaps = new Map<string, Asked>();
            const look = async (asked: Asked) => {
              const gap = await findGap(operation, asked);
              if (gap !== undefined) gaps.set(gap, asked);
            };
            // All that differs at once, each with one request that shows it.
            await Promise.all(fc.sample(askedOf(path, method, operation), { numRuns, seed }).map(look));
            assert.deepEqual(Object.fromEntries(gaps), {}, `seed ${seed}`);
          });
        }
      }
    });
  });

/** The code of an error of ours: a provider's pass through, and have codes of their own. */
function ownCodeOf(status: number, text: string): ProblemCode | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown } };
    const code = String(error?.code);
    return isProblemCode(code) && problems[code].status === status ? code : undefined;
  } catch {
    return undefined;
  }
}

function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(problems, code);
}
