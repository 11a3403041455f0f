import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importJWK, type JSONWebKeySet, SignJWT } from 'jose';
import { parseDurationMs } from '../crds/duration.ts';
import { credentialsSecretName, operatorNamespace, signingSecretName } from '../operator/credentials.ts';
import { ownIssuer } from '../proxy/calls/identify/tokens/own-token.ts';
import { isUserId } from '../proxy/calls/identify/user-id.ts';
import { statePaths } from './local/state.ts';

export interface TokenOptions {
  readonly organization: string;
  readonly user?: string;
  readonly roles?: readonly string[];
  readonly expires?: string;
  readonly data: string;
}

/** A token with what it says. */
export interface IssuedToken {
  readonly token: string;
  /** By which it can be revoked. */
  readonly id: string;
  readonly organization: string;
  /** Null: whoever the caller names. */
  readonly user: string | null;
  /** Null: the organization's default ones. */
  readonly roles: readonly string[] | null;
  /** RFC 3339. */
  readonly expiresAt: string;
}

/** `chaperone token`: prints a token and nothing else, or with `json` what it says, too. */
export async function token(options: TokenOptions & { readonly json?: boolean }): Promise<void> {
  const issued = await issueToken(options);
  process.stdout.write(`${options.json ? JSON.stringify(issued) : issued.token}\n`);
}

/** Only the token. */
export async function signToken(options: TokenOptions): Promise<string> {
  return (await issueToken(options)).token;
}

/**
 * A token of the organization's, signed with its newest key.
 *
 * @throws where the data directory has no such organization, the lifetime is none, or the user is none that a call could name
 */
export async function issueToken({ organization, user, roles, expires, data }: TokenOptions): Promise<IssuedToken> {
  // An empty one, of a script whose variable is not set, would make a token that may call as anybody.
  if (user !== undefined && !isUserId(user)) {
    throw new Error(`The user must be 1 to 255 characters that a header can hold, not ${JSON.stringify(user)}`);
  }
  const { id: organizationId } = await readCredential(
    data,
    organization,
    credentialsSecretName(organization),
    'organization.json',
    parseId,
  );
  const secret = signingSecretName(organization);
  const { keys } = await readCredential(data, organization, secret, 'keys.json', parseKeys);
  const lifetime = expires ?? (await readCredential(data, organization, secret, 'token-lifetime', (text) => text));
  const lifetimeMs = parseDurationMs(lifetime);
  if (lifetimeMs === 0) throw new Error('A token must be valid for longer than nothing');
  const [key] = keys;
  if (!key) throw new Error(`Organization "${organization}" has no token key`);
  const nowS = Math.floor(Date.now() / 1_000);
  const expiresAtS = nowS + Math.ceil(lifetimeMs / 1_000);
  const id = randomUUID();
  const signed = await new SignJWT(roles ? { roles } : {})
    .setProtectedHeader({ alg: key.alg ?? 'EdDSA', kid: key.kid ?? '', typ: 'JWT' })
    .setIssuer(ownIssuer)
    .setAudience(organizationId)
    .setSubject(user ?? organizationId)
    .setJti(id)
    .setIssuedAt(nowS)
    .setExpirationTime(expiresAtS)
    .sign(await importJWK(key, key.alg));
  return {
    ...{ token: signed, id, organization, user: user ?? null, roles: roles ?? null },
    expiresAt: new Date(expiresAtS * 1_000).toISOString(),
  };
}

/** Reads a key of a Secret that `chaperone up` keeps. @throws where there is no such organization */
export async function readCredential<T>(
  data: string,
  organization: string,
  secret: string,
  key: string,
  parse: (text: string) => T,
): Promise<T> {
  const file = join(statePaths(data).secrets, operatorNamespace, secret, key);
  try {
    return parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new Error(
      `There is no organization "${organization}" in ${data}; is it applied, and has \`chaperone up\` run?`,
      { cause },
    );
  }
}

function parseId(text: string): { id: string } {
  return JSON.parse(text) as { id: string };
}

function parseKeys(text: string): JSONWebKeySet {
  return JSON.parse(text) as JSONWebKeySet;
}
