import { ApiError } from '../../../operator/cluster/kubernetes/api-error.ts';

/**
 * The right for want of which an API server refused a request, in words: `list pods in namespace shop`.
 *
 * @returns undefined where it was refused for another reason
 */
export function missingRightOf(error: unknown): string | undefined {
  if (!(error instanceof ApiError) || error.status !== 403) return undefined;
  // As k8s.io/apiserver's handlers/responsewriters/errors.go words it.
  const told = /cannot (\w+) resource "([^"]+)"(?: in API group "([^"]*)")?(?: in the namespace "([^"]+)")?/;
  const [, verb, resource, group = '', namespace] = told.exec(error.message) ?? [];
  if (verb === undefined) return error.message;
  const place = namespace === undefined ? 'the whole cluster' : `namespace ${namespace}`;
  return `${verb} ${group === '' ? resource : `${resource}.${group}`} in ${place}`;
}
