import type { Problem } from './problem.ts';

/** What a person can do about a problem. Codes that are not here need no more than their message. */
const advice: Readonly<Record<string, string>> = {
  unreachable: 'Check that the proxy runs, and that this browser can reach it. The page tries again by itself.',
  role_required: 'Sign in with a credential that has the role, or ask an admin of the organization for it.',
  invalid_credentials: 'The token may have expired or been revoked. Sign in again.',
  user_required: 'Sign in with the id of the user that you act for.',
  records_pending: 'The newest records are on their way to the database. Try again in a few seconds.',
  store_unavailable: 'The database cannot be reached. Calls go on meanwhile; figures come back with the database.',
  limit_reached: 'The limit of requests to this API is reached. Wait until the time that is named, or raise the tier.',
  owned_by_resource:
    'Change the YAML of the Kubernetes resource that owns it: the operator would undo any other change.',
  name_taken: 'Choose another name: names are unique in an organization.',
  surface_not_allowed: 'The Organization does not serve this API: spec.surfaces would have to name it.',
  request_not_found: 'It may be older than the retention of records, or belong to another user.',
  contents_not_stored: 'The Organization keeps no contents (spec.storage.contents), or their time is over.',
};

export function adviceFor({ code, status, retryAfterS }: Problem): string | undefined {
  const known = advice[code];
  if (known !== undefined) return known;
  if (retryAfterS !== undefined) return `Try again in ${retryAfterS} seconds.`;
  return status >= 500 ? 'The proxy’s log has more, under the id of this request.' : undefined;
}
