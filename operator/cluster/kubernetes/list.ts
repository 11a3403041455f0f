import type { ApiClient } from './api-client.ts';
import { isGone } from './api-error.ts';
import type { ApiObject } from './api-object.ts';

interface Page<O> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  /** Null where an API server has nothing to list of which metadata alone was asked for. */
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
  /** Where a watch goes on from. */
  readonly resourceVersion: string;
}

const pageSize = 500;

/**
 * Lists everything, page by page. Where the pages expire on the way, the whole is asked for at once, as client-go does:
 * who was too slow once will be again.
 *
 * @param decode called page by page, so that what it leaves out need not be kept until the end
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
