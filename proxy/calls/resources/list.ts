import type { OwnedResource } from '../../../database/owned-resources.ts';
import { ProxyError } from '../../error.ts';
import { asArray, asObject, asString, type Body } from '../../providers/json.ts';
import { notFound } from './ownership.ts';

/** Reads the page after `after` of a provider's list. */
export type ReadPage = (apiKeyId: string, after: string | undefined) => Promise<Body>;

export interface OwnList {
  readonly object: 'list';
  readonly data: readonly Body[];
  readonly first_id: string | null;
  readonly last_id: string | null;
  readonly has_more: boolean;
}

/** With a shared key, the caller's own resources may be spread over many pages of the provider's list. */
const maxPages = 200;

/**
 * Lists a page of the caller's own resources, from the provider's lists of each key that made any of them, one key
 * after another. Where one key's list fails, the others are still listed.
 *
 * @param onMissing called for a key whose list fails
 * @throws {ProxyError} `resource_not_found` where `after` is not the caller's own, and the error of the provider's list
 * where all lists fail
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
    // One more than requested shows that there are more.
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
