import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importJWK, SignJWT } from 'jose';
import { parseDurationMs } from '../crds/duration.ts';
import { credentialsSecretName, operatorNamespace, signingSecretName } from '../operator/credentials.ts';
import { ownIssuer } from '../proxy/calls/identify/tokens/own-token.ts';
import { isUserId } from '../proxy/calls/identify/user-id.ts';
import { chooseInstallation, type Installation, type InstallationOptions } from './installation.ts';
import { statePaths } from './local/state.ts';
import { parseKeys, type SigningMaterial } from './signing-material.ts';

/** What a token is to say. */
export interface TokenClaims {
  readonly organization: string;
  readonly user?: string;
  readonly roles?: readonly string[];
  /** A duration; the organization's `tokenLifetime` where absent. */
  readonly expires?: string;
}

export interface TokenOptions extends TokenClaims {
  /** Of a `chaperone up`. */
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
export async function token(
  { json, ...options }: TokenClaims & InstallationOptions & { readonly json?: boolean },
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const installation = chooseInstallation(options, environment);
  const issued = await issueToken(options, await readMaterial(installation, options.organization));
  process.stdout.write(`${json ? JSON.stringify(issued) : issued.token}\n`);
}

/** Only the token, of a `chaperone up`. */
export async function signToken(options: TokenOptions): Promise<string> {
  return (await issueToken(options, await readLocalMaterial(options.data, options.organization))).token;
}

async function readMaterial(installation: Installation, organization: string): Promise<SigningMaterial> {
  if (installation.kind === 'local') return readLocalMaterial(installation.data, organization);
  const { readClusterMaterial } = await import('./cluster/read-signing-material.ts');
  return readClusterMaterial(installation, organization);
}

/** @throws where the data directory has no such organization */
async function readLocalMaterial(data: string, organization: string): Promise<SigningMaterial> {
  const credentials = credentialsSecretName(organization);
  const signing = signingSecretName(organization);
  const { id } = await readCredential(data, organization, credentials, 'organization.json', parseId);
  return {
    organizationId: id,
    keys: await readCredential(data, organization, signing, 'keys.json', parseKeys),
    tokenLifetime: await readCredential(data, organization, signing, 'token-lifetime', (text) => text),
  };
}

/**
 * A token of the organization's, signed with the key that is in use.
 *
 * @throws where the lifetime is none, or the user is none that a call could name
 */
export async function issueToken(
  { organization, user, roles, expires }: TokenClaims,
  { organizationId, keys: { keys }, tokenLifetime }: SigningMaterial,
): Promise<IssuedToken> {
  // An empty one, of a script whose variable is not set, would make a token that may call as anybody.
  if (user !== undefined && !isUserId(user)) {
    throw new Error(`The user must be 1 to 255 characters that a header can hold, not ${JSON.stringify(user)}`);
  }
  const lifetimeMs = parseDurationMs(expires ?? tokenLifetime);
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
      `There is no organization "${organization}" in ${data}; is it applied, and has \`chaperone up\` run? For one in a cluster, name its --context or --namespace`,
      { cause },
    );
  }
}

function parseId(text: string): { id: string } {
  return JSON.parse(text) as { id: string };
}
