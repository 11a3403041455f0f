import type { Logger } from 'pino';
import { readPoints } from '../database/conversations.ts';
import type { PendingCall } from '../database/pending-calls.ts';
import { leaseQuota } from '../database/quota.ts';
import type { RequestRecord } from '../database/requests.ts';
import type { TraceEnvironment } from '../traces/settings.ts';
import { type Audit, makeAudit } from './audit/audit.ts';
import { type AnswerCache, makeAnswerCache } from './cache/answer-cache.ts';
import { noteBatch } from './calls/background/note-batch.ts';
import { type BackgroundWatch, watchBackground } from './calls/background/watch.ts';
import type { HeldAnswers } from './calls/held/held-answers.ts';
import { whyNotContinued } from './calls/held/held-response.ts';
import { makeHoldAtEnd } from './calls/held/hold-at-end.ts';
import { makeFetchKeySet } from './calls/identify/tokens/fetch-key-set.ts';
import { type ModelRules, makeModelRules } from './calls/models/model-rules.ts';
import { type SharedBounds, shareBounds } from './calls/reserve/share-bounds.ts';
import { makeRouteHealth, type RouteHealth } from './calls/route/health.ts';
import { sharePauses } from './calls/route/share-pauses.ts';
import { countCalls } from './calls/settle/count.ts';
import { isCut } from './calls/settle/late-end.ts';
import type { Metrics } from './calls/settle/metrics.ts';
import { makeModelLabel } from './calls/settle/model-label.ts';
import { noteBlock } from './calls/settle/note-block.ts';
import type { Origin } from './calls/settle/record.ts';
import { makeSettlement, type Settlement } from './calls/settle/settlement.ts';
import { makeTraces, type Traces } from './calls/traces/traces.ts';
import { type Configuration, openConfiguration } from './configuration.ts';
import { type Link, makeLink, waysToLink } from './conversations/links.ts';
import { makeLookUpPoint } from './conversations/look-up.ts';
import { readCredentials } from './credentials.ts';
import type { EgressSettings } from './egress/settings.ts';
import { type HttpClientName, makeUpstream } from './egress/upstream.ts';
import { type Guardrails, makeGuardrails } from './guardrails/guardrails.ts';
import { holdsAnswers } from './guardrails/reviewed.ts';
import type { InFlight } from './in-flight.ts';
import { lazyHeldAnswers } from './lazy-held-answers.ts';
import { logCalls } from './logs/call-log.ts';
import type { LevelSwitch } from './logs/level-switch.ts';
import { type LookUps, makeLookUps } from './look-ups.ts';
import { batches } from './operations/batches.ts';
import { responses } from './operations/responses.ts';
import { type EntraTokens, makeEntraTokens } from './providers/azure/entra-tokens.ts';
import { type Exchange, makeExchange } from './providers/exchange.ts';
import { providerTable } from './providers/table.ts';
import { makeDatabaseClock } from './quota/database-clock.ts';
import { makeQuota, type Quota, type QuotaOptions } from './quota/quota.ts';
import type { DefaultUrls } from './snapshot/open-provider.ts';
import { makeSetAsideEraser } from './spool/erase-set-aside.ts';
import { makeFolder } from './spool/fold.ts';
import { type Shipper, startShipper } from './spool/ship.ts';
import { openSpool, type Spool, spoolBoundsOf } from './spool/spool.ts';
import { makeStore, type Store } from './store.ts';

export interface OrganizationOptions extends DefaultUrls {
  /** Directory of the organization's mounted Secret. */
  readonly credentialsDirectory: string;
  /** Holds the spool and the last snapshot. It must survive restarts. */
  readonly dataDirectory: string;
  /** Size limit of the data directory. Absent: 5 GiB. */
  readonly dataLimitBytes?: number;
  /** Forward proxies to providers and issuers. Absent: direct connections. */
  readonly egress?: EgressSettings;
  /** Absent: our own. */
  readonly httpClient?: HttpClientName;
  /** The pod that the process serves. Its records name the pod. */
  readonly origin?: Origin;
  /** Finds the conversation of a call. Absent: our own. A benchmark measures what calls cost without it. */
  readonly link?: Link;
  /** How long waiting records are copied to the database when it closes. Absent: 500 ms. */
  readonly flushMs?: number;
  /** What the environment says about traces. Absent: nothing. */
  readonly traces?: TraceEnvironment | undefined;
  /** Of this program. */
  readonly version?: string | undefined;
  readonly inFlight: InFlight;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Sets the level of `log`. Absent: it stays as it is. */
  readonly levels?: Pick<LevelSwitch, 'state'> | undefined;
}

/** Answers that a proxy replays without asking the database. */
const maxCacheMemoryBytes = 16 * 1024 * 1024;

/** What a process holds for one organization: a proxy, a gateway or a worker. */
export interface OpenOrganization extends LookUps {
  readonly id: string;
  readonly name: string;
  readonly configuration: Configuration;
  readonly spool: Spool;
  /** Notes what the audit log has of this process. */
  readonly audit: Audit;
  /** The connection for reading and writing the organization's rows. */
  readonly store: Store;
  /** Copies the spool to the database. */
  readonly shipper: Shipper;
  /** Speaks to providers. */
  readonly exchange: Exchange;
  /** Credentials for providers that no ApiKeyBinding has. */
  readonly entraTokens: EntraTokens;
  readonly guardrails: Guardrails;
  /** The answers that guardrails keep from callers until a person releases them. */
  readonly heldAnswers: HeldAnswers;
  /** The answers that are replayed. */
  readonly cache: AnswerCache;
  readonly modelRules: ModelRules;
  readonly settlement: Settlement;
  /** Finds the conversation of a call. */
  readonly link: Link;
  /** Leases what limits and budgets allow. */
  readonly quota: Quota;
  /** Leases what requests are allowed, where an API counts them beside calls. It does nothing until it is asked. */
  readonly requestQuota: Quota;
  /** What the organization's proxies have learned of calls, to bound what the next ones may use. */
  readonly callBounds: SharedBounds;
  /** Which providers and keys fail, here and at the organization's other proxies. */
  readonly health: RouteHealth;
  readonly background: BackgroundWatch;
  /** Records calls as traces. */
  readonly traces: Traces;
  /** Ends what is still under way, copies waiting records, and releases everything. */
  close(): Promise<void>;
}

/**
 * Opens everything that a process needs to act for one organization. It needs neither the database nor a provider yet:
 * `configuration.first` resolves when there is a configuration.
 *
 * @throws where the credentials cannot be read, or the spool is in use; then nothing stays open
 */
export async function openOrganization(options: OrganizationOptions): Promise<OpenOrganization> {
  const { inFlight, metrics, log } = options;
  const credentials = await readCredentials(options.credentialsDirectory);
  const { organizationId, organizationName } = credentials;
  // Holds nothing until something is sent, so it is released where calls end (below).
  const upstream = await makeUpstream(options.egress, options.httpClient);
  const entraTokens = makeEntraTokens(upstream.agent);
  const exchange = makeExchange(upstream, providerTable, entraTokens);

  // Released in the reverse order, also where one of the next steps throws.
  await using opened = new AsyncDisposableStack();
  /** Calls of a predecessor that died, until there are names of models to count them by. */
  const recovered: RequestRecord[] = [];
  const spool = opened.adopt(openSpoolOf(options, recovered), (it) => it.close());
  const audit = opened.adopt(
    makeAudit({ spool, origin: options.origin, onEntry: (kind) => metrics.auditEntries.inc({ kind }) }),
    (it) => it.close(),
  );
  const guardrails = opened.adopt(
    makeGuardrails({
      exchange,
      inFlight,
      workload: options.origin,
      onFinding: ({ rule, detector, side, action }, requestId) => {
        metrics.guardrailHits.inc({ rule, detector, side, action });
        if (action !== 'Report')
          log.info({ rule, detector, side, action, requestId }, 'a guardrail has acted on a call');
      },
      onBlocked: (call, rules) => noteBlock(spool, call, rules),
      hold: async (held) => {
        const itemId = await heldAnswers.hold(held);
        metrics.heldAnswers.inc({ rule: held.rule.name });
        log.info({ rule: held.rule.name, itemId, requestId: held.call.requestId }, 'an answer waits for a person');
        return itemId;
      },
      onUnusable: (rule, error) =>
        log.error({ err: error, rule }, 'cannot use a guardrail; what it checks does not pass'),
    }),
    (it) => it.close(),
  );
  const modelRules = makeModelRules();
  const traces = opened.adopt(openTraces(options), (it) => it.close());
  const settlement = makeSettlement({
    organizationId,
    origin: options.origin,
    spool,
    subscribers: [
      countCalls(
        metrics,
        organizationName,
        makeModelLabel(() => configuration.current()?.snapshot),
      ),
      { deferred: (pending) => followDeferred(pending) },
      logCalls({ log, logsAll: () => configuration.current()?.snapshot.spec.logs?.access === true }),
      {
        unsettled: ({ request_id: requestId }, err) =>
          log.error({ err, requestId }, 'a call could not be settled; the next start settles it as interrupted'),
      },
    ],
  });
  const configuration = opened.adopt(
    openConfiguration({
      ...options,
      credentials,
      fetchKeySet: makeFetchKeySet(upstream.agent),
      onInForce: () => {
        for (const record of recovered.splice(0)) settlement.recovered(record);
        const current = configuration.current();
        if (!current) return;
        guardrails.prepare(current.snapshot);
        cache.prepare(current.snapshot);
        modelRules.prepare(current.snapshot);
        traces.prepare(current.snapshot);
        options.levels?.state(current.snapshot.spec.logs?.level);
      },
      onVersion: () => {
        cache.forget();
        void eraseFromSetAside();
      },
    }),
    (it) => it.close(),
  );
  const openStore = () => makeStore({ databaseUrl: configuration.databaseUrl, log });
  const store = opened.adopt(openStore(), (it) => it.close());
  const cache = opened.adopt(
    makeAnswerCache({
      organizationId,
      workload: options.origin,
      maxMemoryBytes: maxCacheMemoryBytes,
      query: configuration.follower.query,
      run: store.run,
      onFailure(error) {
        metrics.cacheFailures.inc();
        log.warn({ err: error }, 'cannot use the cache of answers in the database; calls go on without it');
      },
    }),
    (it) => it.close(),
  );
  const eraseFromSetAside = makeSetAsideEraser({ organizationId, spool, store, log });
  // So that the first one shows as an increase.
  for (const reason of ['refused', 'unreadable']) metrics.spoolSetAside.inc({ reason }, 0);
  const folder = opened.adopt(makeFolder({ store, log }), (it) => it.stop());
  const shipper = opened.adopt(
    startShipper({
      spool,
      store,
      openStore,
      organizationId,
      log,
      onShipped(rows) {
        metrics.spoolShipped.inc(rows);
        folder.onShipped(rows);
      },
      onSettled: (record) => settlement.arrivedFirst(record),
      onFailure: () => metrics.spoolFailures.inc(),
      onSetAside() {
        metrics.spoolSetAside.inc({ reason: 'refused' });
        void eraseFromSetAside();
      },
    }),
    async (it) => {
      await it.flush(options.flushMs ?? 500);
      await it.stop();
    },
  );
  const leasing: QuotaOptions = {
    lease: (demands) => configuration.follower.query((db) => leaseQuota(db, demands)),
    clock: makeDatabaseClock(),
    onWait: () => metrics.quotaWaits.inc(),
    onFailure(error) {
      metrics.quotaFailures.inc();
      log.warn({ err: error }, 'cannot lease what limits and budgets allow');
    },
  };
  const whenStored = () => {
    const mark = spool.mark();
    return () => spool.hasLeft(mark);
  };
  const quota = opened.adopt(makeQuota({ ...leasing, whenStored }), (it) => it.stop());
  const requestQuota = opened.adopt(makeQuota(leasing), (it) => it.stop());
  const callBounds = opened.adopt(shareBounds({ organizationId, run: store.run, log }), (it) => it.stop());
  const pauses = opened.adopt(
    sharePauses({
      organizationId,
      write: store.run,
      read: configuration.follower.query,
      onPauses: (known) => health.adopt(known),
      log,
    }),
    (it) => it.stop(),
  );
  const health = makeRouteHealth({
    nowMs: Date.now,
    sharing: pauses,
    onCircuit(provider, scope, keyId, isOpen) {
      metrics.circuits.set({ gen_ai_provider_name: provider, scope, api_key_id: keyId }, isOpen ? 1 : 0);
      log.warn({ provider, scope, keyId, isOpen }, isOpen ? 'calls go to other providers' : 'it serves again');
    },
  });
  configuration.follower.onPauses(pauses.look);
  // This ends the calls that are still under way, before the shipper copies the last records.
  opened.defer(() => upstream.destroy());
  const heldAnswers = lazyHeldAnswers({ inForce: configuration.require, store });
  const requireReleased = async (responseId: string, userId: string) => {
    if (!holdsAnswers(configuration.require().snapshot.spec.guardrails)) return;
    // Its end may not have been noticed yet.
    await background.lookAt(responseId);
    const state = await heldAnswers.stateOf(responseId, userId);
    const problem = state && whyNotContinued(state);
    if (problem) throw problem;
  };
  const lookUps = makeLookUps({ organizationId, spool, follower: configuration.follower, store, requireReleased });
  const { ownership } = lookUps;
  const linked = Object.fromEntries(waysToLink.map((way) => [way, metrics.linked.of({ link: way })]));
  const ownLink = makeLink({
    organizationId,
    lookUp: makeLookUpPoint({
      read: (points) => configuration.follower.query((db) => readPoints(db, organizationId, points)),
      onEnd: (result) => metrics.conversationLookUps.inc({ result }),
      onFailure: (error) => log.warn({ err: error }, 'cannot look up what a call continues; it stays on its branch'),
    }),
    onLinked: (way) => linked[way]?.add(),
  });
  const background = opened.adopt(
    watchBackground({
      organizationId,
      inForce: configuration.terms,
      operations: new Map([responses, batches].map(({ name }) => [name, name])),
      providers: providerTable,
      beforeEnd: makeHoldAtEnd({ inForce: configuration.require, guardrails }),
      onBatch: (batch, pending) => noteBatch(ownership, batch, pending),
      spool,
      query: store.run,
      exchange,
      inFlight,
      settle: settlement.settleLate,
      log,
    }),
    (it) => it.stop(),
  );
  const followDeferred = (pending: PendingCall) => {
    try {
      if (pending.operation === batches.name) noteBatch(ownership, { id: pending.response_id }, pending);
    } catch (error) {
      log.error({ err: error }, 'cannot record who owns a batch; its usage is recorded all the same');
    }
    background.expect();
    if (!isCut(pending)) return;
    background
      .lookAt(pending.response_id)
      .catch((error: unknown) => log.debug({ err: error }, 'cannot poll a cut call'));
  };
  const held = opened.move();
  return {
    id: organizationId,
    name: organizationName,
    configuration,
    spool,
    audit,
    store,
    shipper,
    exchange,
    entraTokens,
    guardrails,
    heldAnswers,
    cache,
    modelRules,
    settlement,
    link: options.link ?? ownLink,
    quota,
    requestQuota,
    callBounds,
    health,
    background,
    traces,
    ...lookUps,
    close: () => held.disposeAsync(),
  };
}

function openTraces({ traces: environment, version = 'unknown', origin, egress, metrics, log }: OrganizationOptions) {
  return makeTraces({
    environment,
    version,
    origin,
    agentFor: egress && (async (url) => (await import('./egress/tunnel.ts')).agentFor(egress, url)),
    onResult: (result, spans) => metrics.spans.inc({ result }, spans),
    onFailure: (reason) =>
      log.warn({ reason }, 'traces do not reach their collector; spans that wait too long are dropped'),
  });
}

function openSpoolOf({ dataDirectory, dataLimitBytes, metrics, log }: OrganizationOptions, recovered: RequestRecord[]) {
  return openSpool({
    directory: dataDirectory,
    onRecovered: (record) => recovered.push(record),
    ...(dataLimitBytes !== undefined && spoolBoundsOf(dataLimitBytes)),
    onWriteFailure: (error) => {
      metrics.spoolWriteFailures.inc();
      log.error({ err: error }, 'cannot write to the spool; settlements are kept in memory and tried again');
    },
    onUnreadable(table, error) {
      metrics.spoolSetAside.inc({ reason: 'unreadable' });
      log.error({ err: error, table }, 'a record of the spool is damaged, so it is lost; the others go on');
    },
  });
}
