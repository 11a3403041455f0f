import { managedBy, managedByLabel, ownerLabel } from '../cluster/owned.ts';

/** On a namespace: the organization whose training may run there. On objects and pods: the organization that they are for. */
export const trainingLabel = 'chaperone.dev/training-of';

/** The id of the training job, on its objects and pods. */
export const jobLabel = 'chaperone.dev/training-job';

/** The name of the deployment, on its objects and pods. */
export const servedLabel = 'chaperone.dev/served-model';

/** The name of a deployment's objects. A deployment's name has at most 40 characters. */
export function servingName(deployment: string): string {
  return `serve-${deployment}`;
}

/** The Organization that objects are made for. */
export interface TrainingOwner {
  readonly name: string;
  readonly uid: string;
}

export function labelsFor({ name, uid }: TrainingOwner): Record<string, string> {
  return { [trainingLabel]: name, [managedByLabel]: managedBy, [ownerLabel]: uid };
}

/** Kubernetes removes the objects of an Organization whose finalizer somebody removed by hand. */
export function ownerReferencesTo({ name, uid }: TrainingOwner) {
  return [{ apiVersion: 'chaperone.dev/v1alpha1', kind: 'Organization', name, uid }];
}
