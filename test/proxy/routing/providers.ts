import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import OpenAI from 'openai';
import { parseDocument, stringify } from 'yaml';
import { replaceFile } from '../../directories.ts';
import type { Scope } from '../../scope.ts';
import { type ScriptedProvider, startScriptedProvider } from '../../scripted-provider.ts';
import { type Stack, type StackOptions, startStack } from '../../stack.ts';

/** Fields of a provider in `spec.providers`, but for what the test itself knows. */
export interface StatedProvider {
  readonly type?: string;
  readonly baseUrl?: string;
  readonly [field: string]: unknown;
}

/** A binding, and the key in its Secret. */
export interface StatedBinding {
  readonly provider: string;
  readonly key?: string;
  readonly [field: string]: unknown;
}

export interface Routed<Name extends string> extends Stack {
  readonly providers: Readonly<Record<Name, ScriptedProvider>>;
  readonly client: OpenAI;
  /** Forgets the requests so far. */
  forget(): void;
  /** How many requests each provider has had. */
  counts(): Record<Name, number>;
  /** Sets fields of the Organization's spec; undefined removes one. */
  edit(spec: Readonly<Record<string, unknown>>): Promise<void>;
}

export interface RoutedOptions<Name extends string> extends StackOptions {
  readonly providers: Readonly<Record<Name, StatedProvider>>;
  /** Absent: one key for each provider, named like it. */
  readonly bindings?: Readonly<Record<string, StatedBinding>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** Starts a proxy whose Organization has several providers, each on a socket of its own. */
export async function startRouted<Name extends string>(
  scope: Scope,
  { providers: stated, bindings, spec = {}, ...options }: RoutedOptions<Name>,
): Promise<Routed<Name>> {
  const names = Object.keys(stated) as Name[];
  const started = await Promise.all(names.map(async (name) => [name, await startScriptedProvider(scope)] as const));
  const providers = Object.fromEntries(started) as Record<Name, ScriptedProvider>;
  const specOf = () => ({
    providers: names.map((name) => ({ name, type: 'compatible', baseUrl: providers[name].url, ...stated[name] })),
    models: undefined,
    ...spec,
  });
  const keys = bindings ?? Object.fromEntries(names.map((name) => [name, { provider: name }]));
  const stack = await startStack(scope, {
    ...options,
    upstreamUrl: 'http://127.0.0.1:9/v1',
    async prepare(directory) {
      await setSpec(directory, specOf());
      await replaceFile(join(directory, 'keys.yaml'), Object.entries(keys).map(writeBinding).join('---\n'));
      await options.prepare?.(directory);
    },
  });
  const client = new OpenAI({
    baseURL: stack.baseUrl,
    apiKey: stack.token,
    defaultHeaders: { 'X-User-ID': 'bob' },
    maxRetries: 0,
  });
  return {
    ...stack,
    providers,
    client,
    forget() {
      for (const name of names) providers[name].requests.length = 0;
    },
    counts: () =>
      Object.fromEntries(names.map((name) => [name, providers[name].requests.length])) as Record<Name, number>,
    edit: (changes) => setSpec(stack.directory, changes),
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

function writeBinding([name, { key = `sk-${name}`, ...spec }]: [string, StatedBinding]): string {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { 'api-key': key } };
  const binding = {
    apiVersion: 'chaperone.dev/v1alpha1',
    kind: 'ApiKeyBinding',
    metadata: { name },
    spec: { organizationRef: { name: 'acme' }, secretKeyRef: { name, key: 'api-key' }, ...spec },
  };
  return `${stringify(secret)}---\n${stringify(binding)}`;
}
