import type { Organization } from '../../crds/resources.generated.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { ApiError, isConflict, isNotFound } from '../cluster/kubernetes/api-error.ts';
import { keyOf } from '../cluster/object-key.ts';
import type { FindInadmissible, InadmissibleWorkload } from './admissible.ts';
import { decideSidecars, type GatheredSidecars, type Hindrance, type SidecarDecision } from './decide.ts';
import type { Fleet } from './fleet.ts';
import { asRollable, findHindrance, type RollableRef, rolloutState } from './rollout.ts';
import { describeWorkload, type OutdatedWorkload, type SidecarSurvey } from './survey.ts';
import type { Workloads } from './workloads.ts';

export interface SidecarContext {
  readonly fleet: Pick<Fleet, 'find' | 'subscribe'>;
  readonly workloads: Workloads;
  readonly findInadmissible: FindInadmissible;
  /**
   * Nothing is rolled before this time (milliseconds since 1970). During an upgrade, an old operator may still serve
   * the webhook and inject outdated sidecars.
   */
  readonly rollsFromMs: number;
}

/** The state of an organization's sidecars, for its status. */
export type SidecarOutcome = Omit<SidecarDecision, 'roll'>;

/** @returns undefined until the pods have been listed */
export async function reconcileSidecars(
  context: SidecarContext,
  cluster: Pick<Cluster, 'recordEvent' | 'list'>,
  organization: Organization,
  nowMs: number,
): Promise<SidecarOutcome | undefined> {
  const survey = context.fleet.find(organization.metadata.name);
  if (!survey) return undefined;
  const inadmissible = await context.findInadmissible(survey.outdated, cluster.list('Organization'));
  const gathered = { ...(await gather(context, organization, survey, inadmissible, nowMs)), inadmissible };
  const { roll, ...outcome } = decideSidecars(gathered);
  if (!roll) return afterPause(outcome, organization, context.rollsFromMs - nowMs);
  try {
    await context.workloads.roll(roll.ref, roll.workload, roll.hash);
  } catch (error) {
    // The workload has changed or gone since it was read.
    const isOther = isConflict(error) || isNotFound(error);
    if (!isOther && !isForbidden(error)) throw error;
    const { ref } = roll;
    const hindrances = isOther ? [{ workload: ref, why: 'has changed or gone just now' }] : [];
    return decideSidecars({ ...gathered, candidate: undefined, hindrances, isForbidden: isForbidden(error) });
  }
  const message = `${describeWorkload(roll.ref)} is rolled, so that its pods get the sidecar that new pods get.`;
  await cluster.recordEvent(keyOf(organization), { type: 'Normal', reason: 'SidecarsRolled', message });
  return outcome;
}

/** Reconciles again when the pause after the start is over. */
function afterPause(outcome: SidecarOutcome, { spec }: Organization, remainingMs: number): SidecarOutcome {
  const waits = spec.sidecars?.rollout === 'Roll' && remainingMs > 0 && outcome.status.outdatedSidecars > 0;
  return waits ? { ...outcome, requeueAfterMs: remainingMs } : outcome;
}

async function gather(
  context: SidecarContext,
  { spec, status }: Organization,
  survey: SidecarSurvey,
  inadmissible: readonly InadmissibleWorkload[],
  nowMs: number,
): Promise<Omit<GatheredSidecars, 'inadmissible'>> {
  const rolls = spec.sidecars?.rollout === 'Roll';
  const nothing = {
    ...{ survey, rolls, unfinished: undefined, candidate: undefined },
    ...{ hindrances: [], pauseMs: 0, isForbidden: false },
  };
  try {
    const unfinished = await findUnfinished(context, status?.rolling);
    const pauseMs = Math.max(0, context.rollsFromMs - nowMs);
    if (unfinished || !rolls || pauseMs > 0) return { ...nothing, unfinished, pauseMs };
    return { ...nothing, ...(await findCandidate(context, survey, inadmissible)) };
  } catch (error) {
    if (isForbidden(error)) return { ...nothing, isForbidden: true };
    throw error;
  }
}

async function findUnfinished(
  { workloads }: SidecarContext,
  ref: NonNullable<Organization['status']>['rolling'],
): Promise<GatheredSidecars['unfinished']> {
  const workload = ref && (await workloads.find(ref));
  if (!workload) return undefined;
  const state = rolloutState(ref.kind, workload);
  return state === 'complete' ? undefined : { ref, isStuck: state === 'stuck' };
}

/** Finds the first workload that may be rolled, or else what keeps each one from being rolled. */
async function findCandidate(
  { workloads }: SidecarContext,
  { outdated }: SidecarSurvey,
  inadmissible: readonly InadmissibleWorkload[],
): Promise<Pick<GatheredSidecars, 'candidate' | 'hindrances'>> {
  const hindrances: Hindrance[] = [];
  for (const entry of outdated) {
    // Its pods would end, and new ones would not be admitted.
    if (inadmissible.some(({ workload }) => workload === entry)) continue;
    const ref = asRollable(entry);
    const workload = ref && (await workloads.find(ref));
    const why = ref && workload ? findHindrance(ref.kind, entry, workload) : whyNotRollable(entry, ref);
    if (ref && workload && why === undefined) return { candidate: { ref, workload, hash: entry.hash }, hindrances };
    hindrances.push({ workload: entry, why: why ?? '' });
  }
  return { candidate: undefined, hindrances };
}

function whyNotRollable({ kind }: OutdatedWorkload, ref: RollableRef | undefined): string {
  if (ref) return 'does not exist any more';
  return kind === 'Pod'
    ? 'has no controller that would create it again'
    : `is a ${kind}, which the operator does not roll`;
}

function isForbidden(error: unknown): boolean {
  return error instanceof ApiError && error.status === 403;
}
