import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import { type Stack, startStack } from '../../stack.ts';
import { suiteScope } from '../../up/start-up.ts';

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: { readonly example?: object } }>>;
  };
}

interface Attempt {
  readonly path: readonly string[];
  readonly query: readonly (readonly [string, string])[];
  readonly body: string;
}

const inputsPerOperation = 20;
const seed = 20_261_122;

/** Values that have been trouble somewhere. */
const awkward = fc.constantFrom(
  '',
  ' ',
  '0',
  '-1',
  '1e309',
  '9'.repeat(30),
  'null',
  '\0',
  '%00',
  '../../etc',
  "'; drop table chaperone.users; --",
  '😀\ud800',
  'x'.repeat(5_000),
  '2026-02-30',
  '0000-00-00',
  '275760-09-14T00:00:00Z',
  'infinity',
  'req_00000000000000000000000000000000',
  'resp_',
  '123e4567-e89b-12d3-a456-426614174000',
);
const text = fc.oneof(awkward, fc.string({ maxLength: 60, unit: 'binary' }));
const value = fc.oneof(text, fc.jsonValue({ maxDepth: 3 }));

/** Any body at all, and more often one that is nearly right. */
function bodies(example: object): fc.Arbitrary<string> {
  const nearlyRight = fc
    .tuple(fc.constantFrom(...Object.keys(example), 'unknown'), value, fc.boolean())
    .map(([field, wrong, remove]) => JSON.stringify({ ...example, [field]: remove ? undefined : wrong }));
  return fc.oneof(
    { weight: 4, arbitrary: Object.keys(example).length > 0 ? nearlyRight : value.map((any) => JSON.stringify(any)) },
    { weight: 1, arbitrary: value.map((any) => JSON.stringify(any)) },
    { weight: 1, arbitrary: fc.string() },
  );
}

describe('bad input', () => {
  const scope = suiteScope();
  let stack: Stack;
  let operations: { readonly method: string; readonly path: string; readonly operation: Operation }[];
  before(async () => {
    stack = await startStack(scope);
    const response = await fetch(stack.baseUrl.replace(/\/v1$/, '/openapi.json'));
    const { paths } = (await response.json()) as { paths: Record<string, Record<string, Operation>> };
    operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
    );
  });

  const attempts = (operation: Operation): fc.Arbitrary<Attempt> => {
    const named = operation.parameters?.filter((parameter) => parameter.in === 'query').map(({ name }) => name) ?? [];
    const example = Object.values(operation.requestBody?.content ?? {})[0]?.schema.example ?? {};
    return fc.record({
      path: fc.array(text, { minLength: 4, maxLength: 4 }),
      query: fc.array(fc.tuple(fc.constantFrom(...named, 'unknown'), text), { maxLength: 3 }),
      body: bodies(example),
    });
  };

  const throwAt = async ({ method, path, operation }: (typeof operations)[number]) => {
    for (const attempt of fc.sample(attempts(operation), { numRuns: inputsPerOperation, seed })) {
      const url = toUrl(path, attempt);
      const hasBody = method !== 'GET' && method !== 'DELETE';
      const response = await fetch(`${stack.baseUrl.replace(/\/v1$/, '')}${url}`, {
        method,
        headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada', 'content-type': 'application/json' },
        ...(hasBody && { body: attempt.body }),
        signal: AbortSignal.timeout(20_000),
      });
      const answer = await response.text();
      const what = `${method} ${url.slice(0, 300)} ${hasBody ? attempt.body.slice(0, 300) : ''}: ${response.status} ${answer.slice(0, 300)}`;
      assert.ok(response.status < 500, what);
      if (response.status < 400) continue;
      const { error } = JSON.parse(answer);
      // The provider's own errors pass as they are, and some have no code.
      const hasCode = typeof error.code === 'string' || error.code === null;
      assert.ok(typeof error.message === 'string' && error.message !== '' && hasCode, what);
      assert.match(response.headers.get('x-request-id') ?? '', /^req_/, what);
    }
  };

  it('gets an error in the envelope from every operation, and never a 500', async () => {
    assert.ok(operations.length > 15, `${operations.length} operations`);
    // All at once: most of them wait, for a record that may still be on its way.
    await Promise.all(operations.map(throwAt));
    const health = await fetch(`${stack.baseUrl}/personas`, {
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada' },
    });
    assert.equal(health.status, 200);
  });
});

function toUrl(path: string, { path: segments, query }: Attempt): string {
  let index = 0;
  const filled = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent((segments[index++] ?? '').toWellFormed()) || 'x');
  return query.length === 0
    ? filled
    : `${filled}?${new URLSearchParams(query.map(([name, text]) => [name, text.toWellFormed()]))}`;
}
