import { readCounterRoom } from '../database/rule-use.ts';
import { makeAdmission } from './calls/admit/admission.ts';
import { admitLines } from './calls/admit/batch-lines.ts';
import type { InForce } from './calls/context.ts';
import { makeIdentify } from './calls/identify/identify.ts';
import { makePipeline, type Pipeline } from './calls/pipeline.ts';
import type { StallWatch } from './calls/receive/stall-watch.ts';
import { makeHistories } from './calls/reserve/history.ts';
import { makeLimits } from './calls/reserve/limits.ts';
import type { Metrics } from './calls/settle/metrics.ts';
import type { Origin } from './calls/settle/record.ts';
import type { InFlight } from './in-flight.ts';
import type { OpenOrganization } from './organization.ts';
import { providerTable } from './providers/table.ts';

export interface CallPathOptions {
  readonly organization: OpenOrganization;
  /** @throws {ProxyError} where no configuration is in force, or no more calls are taken */
  readonly inForce: () => InForce;
  readonly inFlight: InFlight;
  readonly metrics: Metrics;
  readonly stalls: StallWatch;
  /** The pod that the process serves. */
  readonly origin: Origin | undefined;
  /** How long an answer is read after its client has gone. Absent: a minute. */
  readonly drainMs?: number | undefined;
}

/** Makes the path of an organization's calls. A proxy, a gateway and a worker have the same one. */
export function makeCallPath({ organization, ...options }: CallPathOptions): Pipeline {
  const { cache, configuration, exchange, guardrails, health, link, modelRules, ownership, quota, settlement, traces } =
    organization;
  const histories = makeHistories(organization.callBounds);
  const { inForce, inFlight, metrics, stalls, origin } = options;
  const identify = makeIdentify(organization.id);
  const catchUp = () => configuration.follower.catchUp();
  const looking = {
    ...{
      inForce,
      identify,
      ownership,
      providers: providerTable,
      health,
      inFlight,
      quota,
      histories,
      origin,
      modelRules,
    },
    catchUp,
    lookAtCache: cache.look,
    readRoom: (ids: readonly number[]) =>
      configuration.follower.query((db) => readCounterRoom(db, organization.id, ids)),
  };
  return makePipeline({
    ...{ inForce, identify, settlement, catchUp, providers: providerTable, health, exchange, guardrails, cache, link },
    ...{ metrics, stalls, inFlight, traces, drainMs: options.drainMs ?? 60_000 },
    explain: async (question) => (await import('./calls/explain/explain.ts')).makeExplain(looking)(question),
    reserve: makeLimits({
      quota,
      origin,
      histories,
      onLimited: ({ name, kind, enforces }) => metrics.limited.inc({ limit: name, kind, enforced: String(enforces) }),
    }),
    admission: makeAdmission({
      ownership,
      exchange,
      guardrails,
      health,
      providers: providerTable,
      modelRules,
      origin,
      onCeiling: (ceiling, field, action) => metrics.ceilings.inc({ ceiling, field, action }),
      ownChecks: { batches: admitLines },
    }),
  });
}
