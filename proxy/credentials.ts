import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JSONWebKeySet } from 'jose';
import { requireText } from '../crds/text.ts';
import type { DataKeySet, NamespaceKeySet } from '../database/envelope.ts';
import type { ServiceAccountTokens } from './calls/identify/tokens/service-account-token.ts';

/** The contents of the organization's Secret, one file per field. The operator writes it. */
export interface Credentials {
  readonly organizationId: string;
  readonly organizationName: string;
  readonly databaseUrl: string;
  /** Public keys, and the shared secret where the Organization names one (`kty: oct`, `alg: HS256`). */
  readonly jwks: JSONWebKeySet;
  readonly dataKeys: DataKeySet;
  /**
   * The keys of the namespaces that this proxy acts for; in a pod, the namespace of the Secret. So the keys decide
   * which namespace a proxy acts for, and whoever starts the proxy cannot claim another.
   */
  readonly namespaceKeys?: readonly NamespaceKeySet[];
  /** Set where the organization accepts service account tokens of its member namespaces. */
  readonly serviceAccounts?: ServiceAccountTokens;
}

/** The file names, which are the keys of the Secret. */
export const credentialFiles = {
  organization: 'organization.json',
  databaseUrl: 'database-url',
  jwks: 'jwks.json',
  dataKeys: 'data-keys.json',
  namespaceKeys: 'namespace-keys.json',
  serviceAccounts: 'service-accounts.json',
} as const;

/**
 * Reads the credentials from a mounted Secret.
 *
 * @param place a directory with a file per field; or a file `….json` with all of them, as workers have for each organization
 * @throws where a file is missing or malformed; the message names the file and never shows its contents
 */
export async function readCredentials(place: string): Promise<Credentials> {
  const find = place.endsWith('.json') ? await openBundle(place) : (name: string) => readOptional(join(place, name));
  const read = async (name: string) => {
    let text: string | undefined;
    let cause: unknown;
    try {
      text = await find(name);
    } catch (error) {
      cause = error;
    }
    if (text === undefined) throw new Error(`The credentials in ${place} have no readable file "${name}"`, { cause });
    return text;
  };
  const serviceAccounts = await find(credentialFiles.serviceAccounts);
  const namespaceKeys = await find(credentialFiles.namespaceKeys);
  const organization = parse<{ id: string; name: string }>(
    credentialFiles.organization,
    await read(credentialFiles.organization),
  );
  return {
    organizationId: organization.id,
    organizationName: organization.name,
    databaseUrl: (await read(credentialFiles.databaseUrl)).trim(),
    jwks: parse<JSONWebKeySet>(credentialFiles.jwks, await read(credentialFiles.jwks)),
    dataKeys: parse<DataKeySet>(credentialFiles.dataKeys, await read(credentialFiles.dataKeys)),
    ...(namespaceKeys !== undefined && {
      namespaceKeys: parse<readonly NamespaceKeySet[]>(credentialFiles.namespaceKeys, namespaceKeys),
    }),
    ...(serviceAccounts !== undefined && {
      serviceAccounts: parse<ServiceAccountTokens>(credentialFiles.serviceAccounts, serviceAccounts),
    }),
  };
}

/** Opens a file that has the contents of all others by their names. */
async function openBundle(file: string): Promise<(name: string) => Promise<string | undefined>> {
  const files = parse<Readonly<Record<string, string>>>(file, requireText(await readFile(file), file));
  return async (name) => files[name];
}

/** @returns undefined where there is no such file */
async function readOptional(file: string): Promise<string | undefined> {
  try {
    return requireText(await readFile(file), file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Calls `onChange` whenever the credentials change, until stopped. It ignores a half-written or unreadable state. */
export function followCredentials(
  directory: string,
  current: Credentials,
  onChange: (credentials: Credentials) => void,
  intervalMs = 2_000,
): () => void {
  let known = digest(current);
  // It polls, since a mounted Secret changes by a swap of links, which file watchers report unreliably.
  const timer = setInterval(async () => {
    try {
      const credentials = await readCredentials(directory);
      if (digest(credentials) === known) return;
      known = digest(credentials);
      onChange(credentials);
    } catch {
      // The next tick finds it complete.
    }
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

function digest(credentials: Credentials): string {
  return createHash('sha256').update(JSON.stringify(credentials)).digest('hex');
}

function parse<T>(name: string, text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    // No cause: the parser's message quotes the text.
    throw new Error(`The credential "${name}" is not JSON`);
  }
}
