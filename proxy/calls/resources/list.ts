import type { OwnedResource } from '../../../database/owned-resources.ts';
import { ProxyError } from '../../error.ts';
import { asArray, asObject, asString, type Body } from '../../providers/json.ts';
import { notFound } from './ownership.ts';

/** Of a provider's list, what comes behind `after`, as the provider answers it. */
export type ReadPage = (apiKeyId: string, after: string | undefined) => Promise<Body>;

export interface OwnList {
  readonly object: 'list';
  readonly data: readonly Body[];
  readonly first_id: string | null;
  readonly last_id: string | null;
  readonly has_more: boolean;
}

/** Under a key that many share, a page of one's own may be spread over many pages of the provider's. */
const maxPages = 200;

/**
 * A page of what is the caller's own, taken from the lists of each key that they made any of it with, one key after the
 * other. What one key cannot list does not keep the others from being listed.
 *
 * @param onMissing told of a key whose list cannot be had
 * @throws {ProxyError} `resource_not_found` where `after` is not the caller's own, and what the provider's list threw where
 *   none can be had
 */
export async function listOwn(
  owned: readonly OwnedResource[],
  { limit, after }: { readonly limit: number; readonly after: string | undefined },
  readPage: ReadPage,
  onMissing: (apiKeyId: string, error: ProxyError) => void = () => {},
): Promise<OwnList> {
  const own = new Map(owned.map((resource) => [resource.resource_id, resource]));
  const start = after === undefined ? undefined : own.get(after);
  if (after !== undefined && !start) throw notFound(owned[0]?.kind ?? 'file', after, 'after');
  const keys = [...new Set(owned.map((resource) => resource.api_key_id))].sort();
  const data: Body[] = [];
  let pages = 0;
  const rest = keys.slice(start ? keys.indexOf(start.api_key_id) : 0);
  const failures: ProxyError[] = [];
  for (const key of rest) {
    let cursor = key === start?.api_key_id ? after : undefined;
    // One more than asked for says that there is more.
    for (let isLast = false; !isLast && data.length <= limit; pages += 1) {
      if (pages === maxPages) throw new ProxyError('upstream_invalid_response');
      const page = await readPage(key, cursor).catch(failureOf);
      if (page instanceof ProxyError) {
        failures.push(page);
        onMissing(key, page);
        break;
      }
      const things = asArray(page.data)
        .map(asObject)
        .filter((thing) => thing !== null);
      data.push(...things.filter((thing) => own.has(asString(thing.id) ?? '')));
      cursor = asString(things.at(-1)?.id) ?? undefined;
      isLast = page.has_more !== true || cursor === undefined;
    }
  }
  const [failure] = failures;
  if (failure && failures.length === rest.length) throw failure;
  const shown = data.slice(0, limit);
  return {
    object: 'list',
    data: shown,
    first_id: asString(shown.at(0)?.id),
    last_id: asString(shown.at(-1)?.id),
    has_more: data.length > limit,
  };
}

function failureOf(error: unknown): ProxyError {
  if (error instanceof ProxyError) return error;
  throw error;
}
