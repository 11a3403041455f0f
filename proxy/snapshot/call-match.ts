import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { makeMatcher } from './model-rules.ts';

/** Which calls a rule of an Organization is for, as `match` in its YAML says. */
export type CallMatch = NonNullable<NonNullable<OrganizationSpec['guardrails']>[number]['match']>;

/** What rules may say of a call. */
export interface CallFacts {
  /** The model as it is asked for. Undefined: the provider chooses. */
  readonly model: string | undefined;
  readonly operation: string;
  /** External id. */
  readonly user: string | undefined;
  /** The pod's namespace and the Deployment, Job or the like. Undefined: the call is from outside of pods. */
  readonly workload: { readonly namespace: string; readonly workload: string } | undefined;
}

/** Whether a call fits every field of the match that is present. */
export type FitsCall = (facts: CallFacts) => boolean;

/** Compiles a `match`. Do it once per configuration. */
export function makeCallMatch(match: CallMatch | undefined): FitsCall {
  if (match === undefined) return () => true;
  const fitsModel = match.models && makeMatcher(match.models);
  const operations = match.operations && new Set<string>(match.operations);
  const fitsUser = match.users && makeMatcher(match.users);
  // A namespace stands for all of its workloads.
  const fitsWorkload =
    match.workloads && makeMatcher(match.workloads.map((name) => (name.includes('/') ? name : `${name}/*`)));
  return ({ model, operation, user, workload }) =>
    (!fitsModel || (model !== undefined && fitsModel(model))) &&
    (!operations || operations.has(operation)) &&
    (!fitsUser || (user !== undefined && fitsUser(user))) &&
    (!fitsWorkload || (workload !== undefined && fitsWorkload(`${workload.namespace}/${workload.workload}`)));
}
