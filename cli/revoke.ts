import { setTimeout as delay } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { recordRevocation } from '../database/audit/revocation.ts';
import { userIdOf } from '../database/ids.ts';
import { findOrganization } from '../database/organizations.ts';
import { insertRevocation, type Revocation } from '../database/revocations.ts';
import { inTransaction } from '../database/transaction.ts';
import { isUserId } from '../proxy/calls/identify/user-id.ts';
import { chooseInstallation, type InstallationOptions } from './installation.ts';
import { type OwnerDatabase, withOwnerDatabase } from './owner-database.ts';

export interface RevokeOptions extends InstallationOptions {
  readonly organization: string;
  /** A token's id, or the token itself. */
  readonly id?: string;
  readonly user?: string;
  /** RFC 3339, or `now`. */
  readonly issuedBefore?: string;
  /** A file with the owner's database URL, instead of an installation. */
  readonly databaseUrlFile?: string;
}

/** `chaperone token revoke`: makes every proxy refuse tokens from now on, and prints which. */
export async function revoke(options: RevokeOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { what, waitMs, toRevocation } = chooseRevocation(options, Date.now());
  const installation = options.databaseUrlFile === undefined ? chooseInstallation(options, environment) : undefined;
  if (installation?.kind === 'cluster') {
    const { runInOperator } = await import('./cluster/run-in-operator.ts');
    process.exitCode = await runInOperator(installation, toCommand(options));
    return;
  }
  const database: OwnerDatabase = installation ?? { databaseUrlFile: options.databaseUrlFile ?? '' };
  await withOwnerDatabase(database, 'token-revoke', async (client) => {
    const organization = await findOrganization(client, options.organization);
    if (!organization) throw new Error(`There is no organization "${options.organization}" in the database`);
    const revocation = toRevocation(organization.organizationId);
    await inTransaction(client, async () => {
      await insertRevocation(client, revocation);
      await recordRevocation(client, revocation, 'chaperone token revoke', options.user);
    });
  });
  // Tokens that are issued after this command must not count as issued before.
  await delay(waitMs);
  process.stdout.write(`Revoked in organization "${options.organization}": ${what}.\n`);
}

interface ChosenRevocation {
  readonly what: string;
  readonly waitMs: number;
  readonly toRevocation: (organizationId: string) => Revocation;
}

/**
 * Chooses the tokens to revoke.
 *
 * @throws where the options are ambiguous
 */
export function chooseRevocation(options: RevokeOptions, nowMs: number): ChosenRevocation {
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
  // The argument is a token itself, such as one that leaked. It contains its id.
  const { jti, exp } = decodeJwt(id);
  if (!jti) throw new Error('The token has no id (jti): name its --user or --issued-before');
  // Ten minutes more than the token's lifetime, which is longer than any leeway.
  return { tokenId: jti, expiresAt: exp === undefined ? null : new Date((exp + 600) * 1_000) };
}

/** Tokens have their issue time in whole seconds. */
function parseMoment(text: string, nowMs: number): number {
  if (text === 'now') return Math.floor(nowMs / 1_000 + 1) * 1_000;
  const moment = /^\d{4}-\d{2}-\d{2}T.*(Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(moment)) throw new Error(`The time must be "now" or such as 2027-01-31T12:00:00Z, not "${text}"`);
  if (moment > nowMs) throw new Error('The time must not be ahead: tokens that are issued until then would be revoked');
  return moment;
}

function toCommand({ organization, id, user, issuedBefore }: RevokeOptions): string[] {
  return [
    ...['token', 'revoke', '--organization', organization],
    ...(id === undefined ? [] : ['--id', id]),
    ...(user === undefined ? [] : ['--user', user]),
    ...(issuedBefore === undefined ? [] : ['--issued-before', issuedBefore]),
  ];
}
