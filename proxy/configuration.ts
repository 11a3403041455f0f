import type { Logger } from 'pino';
import { type InForce, termsOf } from './calls/context.ts';
import { makeAuthenticators } from './calls/identify/authenticate.ts';
import { accountTokensOf } from './calls/identify/tokens/account-token.ts';
import { makeIssuers } from './calls/identify/tokens/issuers.ts';
import type { AccountingTerms } from './calls/settle/account.ts';
import type { Metrics } from './calls/settle/metrics.ts';
import { type Credentials, followCredentials } from './credentials.ts';
import { ProxyError } from './error.ts';
import { makePrice } from './prices/price.ts';
import { priceListsOf, providerTable } from './providers/table.ts';
import { makeEnvelopes } from './snapshot/envelopes.ts';
import { type Follower, followSnapshot } from './snapshot/follow.ts';
import type { DefaultUrls } from './snapshot/open-provider.ts';
import { openSnapshot } from './snapshot/open-snapshot.ts';
import { openRevocations } from './snapshot/revocations.ts';
import { makeRowOpener, type RowOpener } from './snapshot/row-opener.ts';
import type { SealedSnapshot } from './snapshot/sealed-snapshot.ts';
import type { Snapshot } from './snapshot/snapshot.ts';

export interface ConfigurationOptions extends DefaultUrls {
  /** The credentials at the start. Changes are read from the directory. */
  readonly credentials: Credentials;
  readonly credentialsDirectory: string;
  /** The last snapshot is kept here. */
  readonly dataDirectory: string;
  readonly fetchKeySet: Parameters<typeof makeIssuers>[0]['fetchKeySet'];
  readonly metrics: Pick<Metrics, 'issuerFetches' | 'snapshotVersion' | 'snapshotPropagation'>;
  readonly log: Logger;
  /** Called each time a configuration comes into force. */
  readonly onInForce: () => void;
  /** Called for each new version, even if it cannot be used. */
  readonly onVersion: () => void;
}

/** The configuration of one organization. It follows the database and the mounted Secret until closed. */
export interface Configuration {
  readonly follower: Follower;
  /** Resolves with the first snapshot, from the database or from the volume. */
  readonly first: Promise<unknown>;
  /** What is in force. Undefined: nothing yet. */
  current(): InForce | undefined;
  /** @throws {ProxyError} `organization_deleted` where nothing is in force */
  require(): InForce;
  /** The parts that background work needs. @throws {ProxyError} `organization_deleted` where nothing is in force */
  terms(): { readonly snapshot: Snapshot; readonly terms: AccountingTerms };
  /** The organization's login. It changes when the password rotates. */
  databaseUrl(): string;
  close(): Promise<void>;
}

/** Opens the configuration. It connects to the database in the background. */
export function openConfiguration(options: ConfigurationOptions): Configuration {
  const { metrics, log } = options;
  let { credentials } = options;
  const { organizationId } = credentials;
  let inForce: InForce | undefined;
  let newest: SealedSnapshot | undefined;
  let opener = makeRowOpener(organizationId, makeEnvelopes(credentials));
  /** The credentials behind the configuration in force. New credentials take over nothing from it. */
  let credentialsInForce: Credentials | undefined;
  const onFetch = (issuer: string, outcome: string) => metrics.issuerFetches.inc({ issuer, outcome });
  const issuers = makeIssuers({ log, onFetch, fetchKeySet: options.fetchKeySet });
  const authenticatorOf = makeAuthenticators({ organizationId, issuers, log });

  const putInForce = () => {
    if (!newest) return;
    const last = credentialsInForce === credentials ? inForce : undefined;
    try {
      inForce = makeInForce(newest, credentials, opener, authenticatorOf, options, last);
      credentialsInForce = credentials;
      metrics.snapshotVersion.set(newest.version);
      options.onInForce();
    } catch (error) {
      log.error({ err: error }, 'cannot use the new configuration; the last one stays in force');
      // Revocations apply even where the rest of the configuration cannot be used.
      const revocations = openRevocations(newest.revocations.values());
      if (inForce) inForce = { ...inForce, snapshot: { ...inForce.snapshot, revocations } };
    }
  };
  const follower = followSnapshot({
    organizationId,
    databaseUrl: () => credentials.databaseUrl,
    directory: options.dataDirectory,
    log,
    onSnapshot: (snapshot, ageMs) => {
      const arrivedAtMs = performance.now();
      newest = snapshot;
      putInForce();
      options.onVersion();
      if (ageMs === undefined || inForce?.snapshot.version !== snapshot.version) return;
      metrics.snapshotPropagation.observe((ageMs + performance.now() - arrivedAtMs) / 1_000);
    },
  });
  const stopFollowingCredentials = followCredentials(options.credentialsDirectory, credentials, (changed) => {
    try {
      opener = makeRowOpener(organizationId, makeEnvelopes(changed));
    } catch (error) {
      log.error({ err: error }, 'cannot use the new credentials; the last ones stay in force');
      return;
    }
    credentials = changed;
    putInForce();
    void follower.renewLogin();
  });
  const requireInForce = (): InForce => {
    // A deleted organization serves no calls, whether its data is retained or not.
    if (!inForce || inForce.snapshot.isDeleted) throw new ProxyError('organization_deleted');
    return inForce;
  };
  return {
    follower,
    first: follower.first,
    current: () => inForce,
    require: requireInForce,
    terms() {
      const current = requireInForce();
      return { snapshot: current.snapshot, terms: termsOf(current) };
    },
    databaseUrl: () => credentials.databaseUrl,
    async close() {
      stopFollowingCredentials();
      await follower.stop();
    },
  };
}

function makeInForce(
  sealed: SealedSnapshot,
  credentials: Credentials,
  opener: RowOpener,
  authenticatorOf: ReturnType<typeof makeAuthenticators>,
  defaultUrls: DefaultUrls,
  last: InForce | undefined,
): InForce | undefined {
  const snapshot = openSnapshot(sealed, opener, defaultUrls);
  if (!snapshot) return undefined;
  // Where the spec is unchanged, the authenticator and the prices are kept, with the tokens and prices that they
  // remember.
  if (last && last.snapshot.spec === snapshot.spec) return { ...last, snapshot };
  const { organization: envelope, namespaces } = makeEnvelopes(credentials);
  return {
    snapshot,
    authenticator: authenticatorOf({
      jwks: credentials.jwks,
      issuers: snapshot.spec.authentication?.issuers,
      leeway: snapshot.spec.authentication?.leeway,
      serviceAccounts: credentials.serviceAccounts,
      accounts: accountTokensOf(snapshot.spec, envelope, snapshot.organizationId),
    }),
    envelope,
    namespaces,
    price: makePrice(snapshot.spec.prices, priceListsOf(providerTable, snapshot.spec.providers)),
  };
}
