import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { problems } from '../../../../proxy/error.ts';
import { operations as calls } from '../../../../proxy/surfaces/openai/operations.ts';
import { inputTokensRoute, resourceRoutes, uploadRoute } from '../../../../proxy/surfaces/openai/resources/routes.ts';
import { suiteScope } from '../../../scope.ts';
import { type Stack, startStack } from '../../../stack.ts';

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Record<string, Media> }>
  >;
}

interface Media {
  readonly schema?: object;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

describe('/openapi.json and /docs', () => {
  const scope = suiteScope();
  let stack: Stack;
  let document: Document;
  let root: string;
  before(async () => {
    stack = await startStack(scope);
    root = stack.baseUrl.replace(/\/v1$/, '');
    document = (await (await fetch(`${root}/openapi.json`)).json()) as Document;
  });

  const operations = () =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
    );

  it('are valid OpenAPI 3.1', async () => {
    assert.equal(document.openapi, '3.1.0');
    const { valid, errors } = await new Validator().validate({ ...structuredClone(document) });
    assert.ok(valid, JSON.stringify(errors, null, 2));
  });

  it('describe the purpose, the answers and the refusals of every operation', () => {
    for (const { name, operation } of operations()) {
      assert.ok(operation.summary && operation.tags?.length === 1, name);
      const statuses = Object.keys(operation.responses);
      // A session over a WebSocket begins with 101.
      const succeeds = statuses.some((status) => status.startsWith('2') || status === '101');
      assert.ok(succeeds && statuses.includes('401'), `${name} ${statuses}`);
      for (const [status, { description }] of Object.entries(operation.responses)) {
        assert.notEqual(description, 'Default Response', `${name} ${status}`);
      }
    }
  });

  it('are linked from the root, for a browser and for others', async () => {
    const page = await fetch(root, { headers: { accept: 'text/html' } });
    assert.equal(page.url, `${root}/console`);
    assert.match(await page.text(), /<a href="docs">/);
    assert.match(await (await fetch(`${root}/docs`)).text(), /Chaperone API/);
    const told = (await (await fetch(root)).json()) as Record<string, string>;
    for (const path of [told.docs, told.openapi]) assert.equal((await fetch(`${root}${path}`)).status, 200);
    const unknown = (await (await fetch(`${root}/nothing`)).json()) as { error: { message: string } };
    assert.match(unknown.error.message, /\/v1.*\/docs/);
  });

  it('include every route of the surface', () => {
    const described = new Set(operations().map(({ name }) => name));
    const missing = [
      ...calls.map(({ path }) => `POST /v1${path}`),
      ...[...resourceRoutes, uploadRoute, inputTokensRoute].map(({ method, path }) => `${method} /v1${path}`),
    ].filter((name) => !described.has(name.replaceAll(/:(\w+)/g, '{$1}')));
    assert.deepEqual(missing, []);
  });

  it('have examples that their own schemas accept', () => {
    const ajv = addFormats.default(new Ajv2020({ strict: false, inlineRefs: false, code: { optimize: false } }));
    ajv.addSchema({ $id: 'document', components: document.components });
    const validators = new Map<string, ValidateFunction>();
    let checked = 0;
    const check = (name: string, { schema, example, examples }: Media) => {
      if (!schema) return;
      const text = JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/');
      const values = [
        ...(example === undefined ? [] : [example]),
        ...Object.values(examples ?? {}).map(({ value }) => value),
        ...('example' in schema ? [schema.example] : []),
      ];
      for (const value of values) {
        const validate = validators.get(text) ?? ajv.compile(JSON.parse(text));
        validators.set(text, validate);
        assert.ok(validate(value), `${name}: ${ajv.errorsText(validate.errors)}`);
        checked += 1;
      }
    };
    for (const { name, operation } of operations()) {
      for (const media of Object.values(operation.requestBody?.content ?? {})) check(name, media);
      for (const [status, { content }] of Object.entries(operation.responses)) {
        for (const media of Object.values(content ?? {})) check(`${name} ${status}`, media);
      }
    }
    assert.ok(checked > 50, `${checked} examples`);
  });

  it('list every refusal', () => {
    const told = operations().flatMap(({ operation }) => Object.values(operation.responses));
    const text = told.map(({ description }) => description).join();
    // No operation is meant, or none could be expected.
    const untold = ['route_not_found', 'websocket_not_served', 'internal_error'];
    const missing = Object.keys(problems).filter((code) => !text.includes(`\`${code}\``));
    assert.deepEqual(missing.sort(), untold.sort());
  });

  it('are shown by a page that loads nothing from elsewhere', async () => {
    const page = await fetch(`${root}/docs`);
    const html = await page.text();
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'self'/);
    const sources = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source ?? '');
    assert.ok(sources.length >= 3);
    for (const source of sources) {
      assert.match(source, /^\//);
      const file = await fetch(`${root}${source}`);
      assert.equal(file.status, 200, source);
      assert.ok((await file.text()).length > 50, source);
    }
  });
});
