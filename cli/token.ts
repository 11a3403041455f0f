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

/** The claims of a new token. */
export interface TokenClaims {
  readonly organization: string;
  readonly user?: string;
  readonly roles?: readonly string[];
  /** A duration. Absent: the organization's `tokenLifetime`. */
  readonly expires?: string;
}

export interface TokenOptions extends TokenClaims {
  /** The data directory of a `chaperone up`. */
  readonly data: string;
}

/** A token with its claims. */
export interface IssuedToken {
  readonly token: string;
  /** The id for revoking the token. */
  readonly id: string;
  readonly organization: string;
  /** Null: the user that the call names. */
  readonly user: string | null;
  /** Null: the organization's default roles. */
  readonly roles: readonly string[] | null;
  /** RFC 3339. */
  readonly expiresAt: string;
}

/** `chaperone token`: prints only a token, or with `json` also its claims. */
export async function token(
  { json, ...options }: TokenClaims & InstallationOptions & { readonly json?: boolean },
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const installation = chooseInstallation(options, environment);
  const issued = await issueToken(options, await readMaterial(installation, options.organization));
  process.stdout.write(`${json ? JSON.stringify(issued) : issued.token}\n`);
}

/** Makes a token with the keys of a `chaperone up`. */
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
 * Makes a token, signed with the organization's current key.
 *
 * @throws where the lifetime is not a duration, or no call could name the user
 */
export async function issueToken(
  { organization, user, roles, expires }: TokenClaims,
  { organizationId, keys: { keys }, tokenLifetime }: SigningMaterial,
): Promise<IssuedToken> {
  // An empty user, from a script whose variable is not set, would give a token that may call as any user.
  if (user !== undefined && !isUserId(user)) {
    throw new Error(`The user must be 1 to 255 characters that a header can hold, not ${JSON.stringify(user)}`);
  }
  const lifetimeMs = parseDurationMs(expires ?? tokenLifetime);
  if (lifetimeMs === 0) throw new Error('The lifetime of a token must be longer than zero');
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

/** Reads a key of a Secret that `chaperone up` keeps. @throws where the organization does not exist */
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
