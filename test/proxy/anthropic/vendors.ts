import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { Client } from 'pg';
import { parseDocument, stringify } from 'yaml';
import { startSandbox } from '../../../sandbox/server.ts';
import { replaceFile } from '../../directories.ts';
import { atEnd, type Scope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';

/** What a call left in `requests`. */
export interface CallRow {
  readonly request_id: string;
  readonly operation: string;
  readonly provider: string;
  readonly model: string | null;
  readonly status: string;
  readonly error_code: string | null;
  readonly response_id: string | null;
  readonly input_tokens: number | null;
  readonly cached_input_tokens: number | null;
  readonly cache_write_tokens: number | null;
  readonly output_tokens: number | null;
  readonly reasoning_tokens: number | null;
  readonly total_tokens: number | null;
  readonly cost_usd: string | null;
}

export interface Vendors extends Stack {
  readonly anthropic: Anthropic;
  readonly openai: OpenAI;
  /** The record of a call. */
  row(requestId: string | null | undefined): Promise<CallRow>;
  /** The request that the sandbox got last, with its headers in lower case. */
  sent(): Promise<{ readonly headers: Readonly<Record<string, string>>; readonly body: Record<string, unknown> }>;
  /** Sets fields of the Organization's spec; undefined removes one. */
  edit(spec: Readonly<Record<string, unknown>>): Promise<void>;
}

/**
 * Starts a proxy whose Organization has two providers: OpenAI, and Anthropic for the models `claude-*`. The sandbox stands
 * for both, and each vendor's own SDK is the client.
 */
export async function startVendors(scope: Scope): Promise<Vendors> {
  const sandbox = await startSandbox();
  atEnd(scope, sandbox.close);
  const providers = [
    { name: 'openai', type: 'openai', models: ['gpt-*', 'o*'].map((name) => ({ name })) },
    { name: 'anthropic', type: 'anthropic', baseUrl: sandbox.url, models: [{ name: 'claude-*' }] },
  ];
  const stack = await startStack(scope, {
    upstreamUrl: sandbox.url,
    async prepare(directory) {
      await setSpec(directory, { providers, models: undefined });
      await replaceFile(join(directory, 'anthropic.yaml'), binding);
    },
  });
  const { baseUrl, token } = stack;
  const client = new Client({ connectionString: stack.database.url });
  await client.connect();
  atEnd(scope, () => client.end());
  const callsUrl = sandbox.url.replace(/\/v1$/, '/sandbox/calls');
  const read = async (path = '') => JSON.parse(await (await fetch(callsUrl + path)).text());
  return {
    ...stack,
    anthropic: new Anthropic({
      baseURL: baseUrl.replace(/\/v1$/, ''),
      apiKey: token,
      defaultHeaders: { 'X-User-ID': 'bob' },
      maxRetries: 0,
    }),
    openai: new OpenAI({ baseURL: baseUrl, apiKey: token, defaultHeaders: { 'X-User-ID': 'bob' }, maxRetries: 0 }),
    row: (requestId) =>
      until(async () => {
        const { rows } = await client.query<CallRow>(selectRow, [requestId]);
        return rows[0];
      }, `the record of ${requestId}`),
    async sent() {
      const { calls } = await read();
      const { headers, body } = await read(`/${calls.at(-1).id}`);
      const named = headers.map(([name, value]: [string, string]) => [name.toLowerCase(), value]);
      return { headers: Object.fromEntries(named), body: JSON.parse(body) };
    },
    edit: (spec) => setSpec(stack.directory, spec),
  };
}

async function setSpec(directory: string, changes: Readonly<Record<string, unknown>>): Promise<void> {
  const file = join(directory, 'organization.yaml');
  const document = parseDocument(await readFile(file, 'utf8'));
  for (const [field, value] of Object.entries(changes)) {
    if (value === undefined) document.deleteIn(['spec', field]);
    else document.setIn(['spec', field], value);
  }
  await replaceFile(file, document.toString());
}

/** Counts as numbers, not as the text of 64-bit integers. */
const counts = ['input', 'cached_input', 'cache_write', 'output', 'reasoning', 'total'];
const selectRow = `
  select request_id, operation, provider, model, status, error_code, response_id, cost_usd::text,
    ${counts.map((count) => `${count}_tokens::float8`).join(', ')}
  from chaperone.requests where request_id = $1`;

const metadata = { name: 'anthropic' };
const binding = [
  { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { key: 'sk-ant-secret-1234' } },
  {
    apiVersion: 'chaperone.dev/v1alpha1',
    kind: 'ApiKeyBinding',
    metadata,
    spec: { organizationRef: { name: 'acme' }, provider: 'anthropic', secretKeyRef: { ...metadata, key: 'key' } },
  },
]
  .map((document) => stringify(document))
  .join('---\n');
