import type { OrganizationStatus } from '../../crds/resources.generated.ts';
import type { Verdict } from '../runtime/conditions.ts';
import { type InadmissibleWorkload, listInadmissible } from './admissible.ts';
import type { RollableRef, RollableWorkload } from './rollout.ts';
import { describeWorkload, type OutdatedWorkload, type SidecarSurvey, type WorkloadRef } from './survey.ts';

/** The facts for a decision about an organization's sidecars. */
export interface GatheredSidecars {
  readonly survey: SidecarSurvey;
  readonly rolls: boolean;
  /** The workload that was rolled last, if its rollout is not complete. */
  readonly unfinished: { readonly ref: RollableRef; readonly isStuck: boolean } | undefined;
  /** The first outdated workload that may be rolled. */
  readonly candidate: RollCandidate | undefined;
  /** Workloads whose pods would not be admitted again. */
  readonly inadmissible: readonly InadmissibleWorkload[];
  /** What keeps each outdated workload from being rolled, if none may be rolled. */
  readonly hindrances: readonly Hindrance[];
  /** How long to wait before the first roll after the operator's start. */
  readonly pauseMs: number;
  /** Whether the API server refuses to read or change workloads. */
  readonly isForbidden: boolean;
}

/** Why a workload is not rolled, as a phrase that follows its name. */
export interface Hindrance {
  readonly workload: WorkloadRef;
  readonly why: string;
}

export interface RollCandidate {
  readonly ref: RollableRef;
  readonly workload: RollableWorkload;
  readonly hash: string;
}

export interface SidecarDecision {
  readonly verdict: Verdict;
  readonly roll: RollCandidate | undefined;
  readonly status: Pick<OrganizationStatus, 'rolling'> & { readonly outdatedSidecars: number };
  /** Rollouts are polled, not watched. */
  readonly requeueAfterMs: number | undefined;
}

const lookMs = 5_000;
/** When to check again whether a workload can be rolled. */
const patienceMs = 60_000;
/** A condition names only this many workloads. `kubectl get pods` lists all. */
const maxNamed = 10;

/** Decides the condition about an organization's sidecars, and which workload to roll, if any. */
export function decideSidecars(gathered: GatheredSidecars): SidecarDecision {
  const { survey, rolls, unfinished, candidate, inadmissible, isForbidden, pauseMs } = gathered;
  const { outdated } = survey;
  const outdatedSidecars = outdated.reduce((sum, { pods }) => sum + pods, 0);
  const roll = unfinished || isForbidden ? undefined : candidate;
  const rolling = unfinished?.ref ?? roll?.ref;
  const verdict = (reason: string, message: string): Verdict => ({
    type: 'SidecarsCurrent',
    status: reason === 'Current',
    reason,
    message,
  });
  const decided = (stated: Verdict, requeueAfterMs: number | undefined): SidecarDecision => ({
    verdict: stated,
    roll,
    status: { outdatedSidecars, ...(rolling && { rolling }) },
    requeueAfterMs,
  });

  if (unfinished?.isStuck) {
    const name = describeWorkload(unfinished.ref);
    const message = `${name} was rolled and does not become ready, so no other workload is rolled. See kubectl -n ${unfinished.ref.namespace} describe ${unfinished.ref.kind.toLowerCase()} ${unfinished.ref.name}. ${listOutdated(outdated)}`;
    return decided(verdict('RolloutStuck', message), lookMs);
  }
  if (rolling) {
    const message = `${describeWorkload(rolling)} is being rolled. ${listOutdated(outdated)}`;
    return decided(verdict('Rolling', message), lookMs);
  }
  if (inadmissible.length > 0) {
    const message = `Some running pods would be refused if they were created again. Their workloads are not rolled until you change the templates. ${listInadmissible(inadmissible, maxNamed)} ${listOutdated(outdated)}`;
    return decided(verdict('Inadmissible', message), rolls ? patienceMs : undefined);
  }
  if (outdatedSidecars === 0)
    return decided(verdict('Current', 'Every pod has the sidecar that new pods get.'), undefined);
  if (!rolls) {
    const hint = 'To bring them up to date: kubectl rollout restart, or spec.sidecars.rollout: Roll.';
    return decided(verdict('Outdated', `${listOutdated(outdated)} ${hint}`), undefined);
  }
  if (isForbidden) {
    const hint = 'The operator may not roll workloads. The chart value operator.rollsWorkloads gives it the right.';
    return decided(verdict('RolloutForbidden', `${hint} ${listOutdated(outdated)}`), patienceMs);
  }
  if (pauseMs > 0) {
    const hint =
      'They are rolled one at a time, when this operator has led for a minute: an older one may still inject until then.';
    return decided(verdict('Outdated', `${listOutdated(outdated)} ${hint}`), pauseMs);
  }
  const why = listHindrances(gathered.hindrances);
  return decided(verdict('Outdated', `${listOutdated(outdated)} None is rolled now: ${why}.`), patienceMs);
}

function listHindrances(hindrances: readonly Hindrance[]): string {
  const named = hindrances.slice(0, maxNamed).map(({ workload, why }) => `${describeWorkload(workload)} ${why}`);
  const others = hindrances.length > maxNamed ? `; and ${hindrances.length - maxNamed} more` : '';
  return `${named.join('; ')}${others}`;
}

function listOutdated(outdated: readonly OutdatedWorkload[]): string {
  const pods = outdated.reduce((sum, workload) => sum + workload.pods, 0);
  if (pods === 0) return 'No pod has an outdated sidecar any more.';
  const named = outdated.slice(0, maxNamed).map((workload) => `${describeWorkload(workload)} (${workload.pods})`);
  const others = outdated.length > maxNamed ? ` and ${outdated.length - maxNamed} more` : '';
  return `Pods with an outdated sidecar: ${pods}, of ${named.join(', ')}${others}.`;
}
