import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument, stringify } from 'yaml';
import type { ProxyProcess } from '../../../../cli/local/proxies.ts';
import { operatorNamespace } from '../../../../operator/credentials.ts';
import { replaceFile } from '../../../directories.ts';
import type { TestProxy } from '../../../proxy-here.ts';
import type { Scope } from '../../../scope.ts';
import { type ProcessStackOptions, type Stack, type StackOptions, startStack } from '../../../stack.ts';

export interface InsightsAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
  readonly body: any;
}

/** A stack whose API of contract 3 a test asks. */
export interface Insights<Proxy extends TestProxy = TestProxy> {
  readonly stack: Stack<Proxy>;
  readonly ask: (method: string, path: string, body?: unknown, options?: AskOptions) => Promise<InsightsAnswer>;
}

interface AskOptions {
  /** Null: none. Absent: an admin's token. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @param spec fields of the Organization's spec, by their paths, such as `authentication.accounts` */
export function startInsights(
  scope: Scope,
  spec: Readonly<Record<string, unknown>>,
  options: ProcessStackOptions,
): Promise<Insights<ProxyProcess>>;
export function startInsights(
  scope: Scope,
  spec?: Readonly<Record<string, unknown>>,
  options?: StackOptions,
): Promise<Insights>;
export async function startInsights(
  scope: Scope,
  spec: Readonly<Record<string, unknown>> = {},
  options: StackOptions = {},
): Promise<Insights> {
  const stack = await startStack(scope, {
    ...options,
    async prepare(directory) {
      await options.prepare?.(directory);
      await setSpec(directory, spec);
    },
  });
  const admin = await stack.sign({ user: 'root@example.com', roles: ['admin'] });
  return {
    stack,
    async ask(method, path, body, { token = admin, headers = {} } = {}) {
      const answer = await fetch(new URL(`/api/v1${path}`, stack.baseUrl), {
        method,
        headers: { ...(token !== null && { authorization: `Bearer ${token}` }), ...headers },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, headers: answer.headers, body: text.startsWith('{') ? JSON.parse(text) : text };
    },
  };
}

/** Sets fields of the Organization's spec in the directory; undefined removes one. */
export async function setSpec(directory: string, fields: Readonly<Record<string, unknown>>): Promise<void> {
  const file = join(directory, 'organization.yaml');
  const document = parseDocument(await readFile(file, 'utf8'));
  for (const [path, value] of Object.entries(fields)) {
    const place = ['spec', ...path.split('.')];
    if (value === undefined) document.deleteIn(place);
    else document.setIn(place, value);
  }
  await replaceFile(file, document.toString());
}

/** States the Secret with the hashes of passwords, by the key that accounts name. */
export async function stateHashes(directory: string, hashes: Readonly<Record<string, string>>): Promise<void> {
  const secret = {
    ...{ apiVersion: 'v1', kind: 'Secret' },
    metadata: { name: 'people', namespace: operatorNamespace, labels: { 'chaperone.dev/accounts-of': 'acme' } },
    stringData: hashes,
  };
  await replaceFile(join(directory, 'people.yaml'), stringify(secret));
}

export function accountOf(user: string, key: string, roles?: readonly string[]) {
  return { user, ...(roles && { roles }), passwordHashRef: { name: 'people', key } };
}
