import { ApiError } from '../../../operator/cluster/kubernetes/api-error.ts';

/**
 * The missing right for which an API server refused a request, such as `list pods in namespace shop`.
 *
 * @returns undefined where the reason is another
 */
export function missingRightOf(error: unknown): string | undefined {
  if (!(error instanceof ApiError) || error.status !== 403) return undefined;
  // The format is that of k8s.io/apiserver's handlers/responsewriters/errors.go.
  const told = /cannot (\w+) resource "([^"]+)"(?: in API group "([^"]*)")?(?: in the namespace "([^"]+)")?/;
  const [, verb, resource, group = '', namespace] = told.exec(error.message) ?? [];
  if (verb === undefined) return error.message;
  const place = namespace === undefined ? 'the whole cluster' : `namespace ${namespace}`;
  return `${verb} ${group === '' ? resource : `${resource}.${group}`} in ${place}`;
}
