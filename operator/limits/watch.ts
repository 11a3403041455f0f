import type { Logger } from 'pino';
import type { ApiKeyBinding, Organization } from '../../crds/resources.generated.ts';
import { countsOfBinding, countsOfOrganization, type RuleCount } from '../../crds/rule-counts.ts';
import { figuresOf, type RuleFigure } from '../../crds/rule-figures.ts';
import {
  findUnannouncedWarnings,
  insertBudgetWarnings,
  markAnnounced,
  type UnannouncedWarning,
} from '../../database/budget-warnings.ts';
import type { Queryable } from '../../database/queryable.ts';
import { type NamedUse, readQuotaTime, readRuleUse } from '../../database/rule-use.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { keyOf, type ObjectPath, pathOf } from '../cluster/object-key.ts';
import { startResync } from '../runtime/resync.ts';
import type { RuleMetrics } from './metrics.ts';
import { essenceOf, type RuleStatus, ruleStatusOf, summarize } from './summarize.ts';
import { describeWarning, findWarnings } from './warnings.ts';

type Ruled = Organization | ApiKeyBinding;

/** What statuses say of limits and budgets. */
export interface RuleStatuses {
  /** What the status of a resource says now. It changes at most once in `writeMs`. */
  of(resource: Ruled): RuleStatus;
}

export interface RuleWatchOptions {
  readonly cluster: Pick<Cluster, 'list' | 'get' | 'recordEvent'>;
  readonly db: Queryable;
  /** Called where the status of a resource is to be written. */
  readonly onChange: (kind: Ruled['kind'], path: ObjectPath) => void;
  /** Whether the database can be used. */
  readonly isUsable: () => boolean;
  readonly metrics?: RuleMetrics | undefined;
  readonly log: Logger;
  /** How often counters are read. */
  readonly periodMs: number;
  /** How often the status of one resource is written at most. */
  readonly writeMs: number;
  readonly now: () => number;
}

/** Reads what is used of limits and budgets, for statuses, and warns of budgets that are used up in part. */
export function watchRules(options: RuleWatchOptions): RuleStatuses & { stop(): Promise<void> } {
  const { cluster, periodMs, log, isUsable } = options;
  const shown = new Map<string, { readonly status: RuleStatus; readonly atMs: number }>();
  /** The warnings that are in the database, so that they are not written again each time. */
  const known = new Map<string, Set<string>>();
  const resync = startResync(async () => {
    if (!isUsable()) return;
    for (const organization of cluster.list('Organization')) {
      await watchOrganization(options, organization, shown, known).catch((error: unknown) =>
        log.warn({ err: error, organization: organization.metadata.name }, 'cannot read what is used of limits'),
      );
    }
    options.metrics?.publish();
  }, periodMs);
  return {
    of(resource) {
      const seen = shown.get(idOf(resource))?.status;
      if (seen || !hasRules(resource)) return seen ?? {};
      // As long as nothing is known, what was said before stays.
      return ruleStatusOf(resource.status ?? {});
    },
    stop: () => resync.stop(),
  };
}

async function watchOrganization(
  options: RuleWatchOptions,
  organization: Organization,
  shown: Map<string, { readonly status: RuleStatus; readonly atMs: number }>,
  known: Map<string, Set<string>>,
): Promise<void> {
  const { cluster, db } = options;
  const { name } = organization.metadata;
  const bindings = cluster.list('ApiKeyBinding').filter(({ spec }) => spec.organizationRef.name === name);
  const counts = new Map<Ruled, RuleCount[]>([
    [organization, countsOfOrganization(organization.spec)],
    ...bindings.map((binding) => [binding, countsOfBinding(binding.spec, pathOf(binding.metadata))] as const),
  ]);
  const all = [...counts.values()].flat();
  const organizationId = organization.status?.id;
  const rules = [...new Set(all.map(({ rule }) => rule))];
  const isRead = organizationId !== undefined && rules.length > 0;
  const nowMs = await readQuotaTime(db);
  const uses = isRead ? await readRuleUse(db, organizationId, { rules, userId: null, atMs: nowMs }) : [];
  for (const [resource, ofResource] of counts) {
    const figures = figuresOf(ofResource, uses, nowMs);
    show(options, resource, figures, shown);
    options.metrics?.observe(resource, figures);
  }
  if (!isRead) return;
  await warn(options, organizationId, figuresOf(all, uses, nowMs), known);
  if (known.get(organizationId)?.has(undone)) await announce(options, organizationId, counts, known);
}

function show(
  { onChange, writeMs, now }: RuleWatchOptions,
  resource: Ruled,
  figures: readonly RuleFigure<NamedUse>[],
  shown: Map<string, { readonly status: RuleStatus; readonly atMs: number }>,
): void {
  const id = idOf(resource);
  const before = shown.get(id);
  const status = summarize(figures);
  const nowMs = now();
  if (before && (nowMs - before.atMs < writeMs || essenceOf(before.status) === essenceOf(status))) return;
  const isSame = essenceOf(before?.status ?? resource.status ?? {}) === essenceOf(status);
  shown.set(id, { status, atMs: isSame ? Number.NEGATIVE_INFINITY : nowMs });
  if (!isSame) onChange(resource.kind, pathOf(resource.metadata));
}

/** Stands for warnings that may not have been announced, as at the start. */
const undone = 'undone';

async function warn(
  { db }: RuleWatchOptions,
  organizationId: string,
  figures: readonly RuleFigure<NamedUse>[],
  known: Map<string, Set<string>>,
): Promise<void> {
  const before = known.get(organizationId) ?? new Set([undone]);
  const reached = findWarnings(figures);
  const idOfWarning = ({ counterId, percent }: { counterId: number; percent: number }) => `${counterId} ${percent}`;
  const fresh = reached.filter((warning) => !before.has(idOfWarning(warning)));
  const isNew = fresh.length > 0 && (await insertBudgetWarnings(db, organizationId, fresh));
  // Those of windows that are over are forgotten.
  known.set(organizationId, new Set([...reached.map(idOfWarning), ...(isNew || before.has(undone) ? [undone] : [])]));
}

/** An Event whose writing fails is written at the next time. */
async function announce(
  { cluster, db, metrics }: RuleWatchOptions,
  organizationId: string,
  counts: ReadonlyMap<Ruled, readonly RuleCount[]>,
  known: Map<string, Set<string>>,
): Promise<void> {
  for (const warning of await findUnannouncedWarnings(db, organizationId)) {
    const [resource, count] = findRule(counts, warning);
    if (resource) {
      await cluster.recordEvent(keyOf(resource), describeWarning(warning, count));
      metrics?.warned(resource, count?.name ?? warning.rule, warning.percent);
    }
    await markAnnounced(db, organizationId, warning);
  }
  known.get(organizationId)?.delete(undone);
}

function findRule(
  counts: ReadonlyMap<Ruled, readonly RuleCount[]>,
  { rule }: UnannouncedWarning,
): readonly [Ruled | undefined, RuleCount | undefined] {
  for (const [resource, ofResource] of counts) {
    const count = ofResource.find((one) => one.rule === rule);
    if (count) return [resource, count];
  }
  return [undefined, undefined];
}

function hasRules({ spec }: Ruled): boolean {
  return Boolean(spec.limits?.length || spec.budgets?.length || spec.tier || ('tiers' in spec && spec.tiers?.length));
}

function idOf({ kind, metadata }: Ruled): string {
  return `${kind} ${pathOf(metadata)} ${metadata.uid}`;
}
