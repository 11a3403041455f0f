import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { Client } from 'pg';
import { connectTimeoutMs } from '../database/client.ts';
import { userIdOf } from '../database/ids.ts';
import { findOrganization } from '../database/organizations.ts';
import { insertRevocation, type Revocation } from '../database/revocations.ts';
import { credentialsSecretName } from '../operator/credentials.ts';
import { isUserId } from '../proxy/calls/identify/user-id.ts';
import { statePaths } from './local/state.ts';
import { readCredential } from './token.ts';

export interface RevokeOptions {
  readonly organization: string;
  /** A token's id, or the token itself. */
  readonly id?: string;
  readonly user?: string;
  /** RFC 3339, or `now`. */
  readonly issuedBefore?: string;
  /** The data directory of a `chaperone up`. */
  readonly data: string;
  /** Where it is no `chaperone up`: a file with the owner's database URL. */
  readonly databaseUrlFile?: string;
}

/** `chaperone token revoke`: has every proxy refuse tokens from now on, and says which. */
export async function revoke(options: RevokeOptions): Promise<void> {
  const { what, waitMs, toRevocation } = chooseRevocation(options, Date.now());
  const client = new Client({
    connectionString: await findDatabase(options),
    application_name: 'chaperone-token-revoke',
    connectionTimeoutMillis: connectTimeoutMs,
  });
  await client.connect();
  try {
    const organization = await findOrganization(client, options.organization);
    if (!organization) throw new Error(`The database has no organization "${options.organization}"`);
    await insertRevocation(client, toRevocation(organization.organizationId));
  } finally {
    await client.end();
  }
  // What is issued once this is over must not count as issued before.
  await delay(waitMs);
  process.stdout.write(`Revoked in organization "${options.organization}": ${what}.\n`);
}

interface ChosenRevocation {
  readonly what: string;
  readonly waitMs: number;
  readonly toRevocation: (organizationId: string) => Revocation;
}

/**
 * Which tokens are meant.
 *
 * @throws where that is not clear
 */
export function chooseRevocation(options: Omit<RevokeOptions, 'data'>, nowMs: number): ChosenRevocation {
  const { id, user, issuedBefore } = options;
  if (id !== undefined) {
    if (user !== undefined || issuedBefore !== undefined) throw new Error('Name either an id or a user and a time');
    const { tokenId, expiresAt } = readTokenId(id);
    return {
      what: `the token ${tokenId}`,
      waitMs: 0,
      toRevocation: (organizationId) => ({ organizationId, kind: 'token', tokenId, expiresAt }),
    };
  }
  if (user === undefined && issuedBefore === undefined) throw new Error('Name an --id, a --user or --issued-before');
  if (user !== undefined && !isUserId(user)) {
    throw new Error(`The user must be 1 to 255 characters that a header can hold, not ${JSON.stringify(user)}`);
  }
  const beforeMs = parseMoment(issuedBefore ?? 'now', nowMs);
  const before = { issuedBefore: new Date(beforeMs), expiresAt: null };
  return {
    what: `${user === undefined ? 'all tokens' : `the tokens of ${user}`} issued before ${before.issuedBefore.toISOString()}`,
    waitMs: Math.max(0, beforeMs - nowMs),
    toRevocation: (organizationId) =>
      user === undefined
        ? { organizationId, kind: 'all', ...before }
        : { organizationId, kind: 'user', userId: userIdOf(organizationId, user), ...before },
  };
}

function readTokenId(id: string): { readonly tokenId: string; readonly expiresAt: Date | null } {
  if (id.split('.').length !== 3) {
    if (id === '' || id.length > 1_000) throw new Error('The id must have 1 to 1000 characters');
    return { tokenId: id, expiresAt: null };
  }
  // A token that leaked, and its id is in it.
  const { jti, exp } = decodeJwt(id);
  if (!jti) throw new Error('The token has no id (jti): name its --user or --issued-before');
  // By then no leeway lets it in any more.
  return { tokenId: jti, expiresAt: exp === undefined ? null : new Date((exp + 600) * 1_000) };
}

/** Tokens tell in whole seconds when they were issued. */
function parseMoment(text: string, nowMs: number): number {
  if (text === 'now') return Math.floor(nowMs / 1_000 + 1) * 1_000;
  const moment = /^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(moment)) throw new Error(`The time must be "now" or such as 2027-01-31T12:00:00Z, not "${text}"`);
  if (moment > nowMs) throw new Error('The time must not be ahead: tokens that are issued until then would be revoked');
  return moment;
}

/** The owner's database URL: only the owner may revoke. */
async function findDatabase({ organization, data, databaseUrlFile }: RevokeOptions): Promise<string> {
  if (databaseUrlFile !== undefined) return (await readFile(databaseUrlFile, 'utf8')).trim();
  const secret = credentialsSecretName(organization);
  const url = new URL(await readCredential(data, organization, secret, 'database-url', (text) => text));
  url.username = 'chaperone';
  url.password = (await readFile(join(statePaths(data).postgres, 'owner.password'), 'utf8')).trim();
  return url.href;
}
