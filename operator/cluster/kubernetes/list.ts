import type { ApiClient } from './api-client.ts';
import { isGone } from './api-error.ts';
import type { ApiObject } from './api-object.ts';

interface Page<O> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  /** An API server sends null for an empty list of metadata. */
  readonly items: readonly O[] | null;
}

export interface ListOptions {
  readonly path: string;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly accept?: string;
  readonly signal?: AbortSignal;
}

export interface Listed<T> {
  readonly items: readonly T[];
  /** The version from which a watch continues. */
  readonly resourceVersion: string;
}

const pageSize = 500;

/**
 * Lists all objects, page by page. Where the pages expire on the way, it requests the whole list at once, as client-go
 * does: a client that was too slow once will be too slow again.
 *
 * @param decode called page by page, so that fields it drops are not kept until the end
 */
export async function listAll<O extends ApiObject, T>(
  client: ApiClient,
  options: ListOptions,
  decode: (object: O) => T,
): Promise<Listed<T>> {
  try {
    return await listPages(client, options, decode, String(pageSize));
  } catch (error) {
    if (!isGone(error)) throw error;
    return listPages(client, options, decode, undefined);
  }
}

async function listPages<O extends ApiObject, T>(
  client: ApiClient,
  { path, query, accept, signal }: ListOptions,
  decode: (object: O) => T,
  limit: string | undefined,
): Promise<Listed<T>> {
  const items: T[] = [];
  let next: string | undefined;
  for (;;) {
    const page: Page<O> = await client.send<Page<O>>({
      method: 'GET',
      path,
      query: { ...query, limit, continue: next },
      ...(accept !== undefined && { accept }),
      ...(signal && { signal }),
    });
    for (const object of page.items ?? []) items.push(decode(object));
    next = page.metadata.continue || undefined;
    if (next === undefined) return { items, resourceVersion: page.metadata.resourceVersion };
  }
}
