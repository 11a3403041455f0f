import type { ApiClient } from '../../../operator/cluster/kubernetes/api-client.ts';
import { isNotFound } from '../../../operator/cluster/kubernetes/api-error.ts';
import { listAll } from '../../../operator/cluster/kubernetes/list.ts';
import type { MetaOnly } from './objects.ts';

type Query = Readonly<Record<string, string>>;

/** Reads objects of an API server, and trusts that they have the expected shape. */
export interface Reader {
  list<O extends MetaOnly>(path: string, query?: Query): Promise<readonly O[]>;
  /** Asks only for metadata, so the API server does not send the contents. */
  listMeta(path: string, query?: Query): Promise<readonly MetaOnly[]>;
  /** Undefined: there is no such object. */
  find<O extends MetaOnly>(path: string): Promise<O | undefined>;
}

const metadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

export function makeReader(client: ApiClient): Reader {
  const { signal } = new AbortController();
  const list = async <O extends MetaOnly>(path: string, query: Query, accept: string) => {
    const { items } = await listAll<O, O>(client, { path, query, accept, signal }, (object) => object);
    return items;
  };
  return {
    list: (path, query = {}) => list(path, query, 'application/json'),
    listMeta: (path, query = {}) => list(path, query, metadataOnly),
    find: async <O extends MetaOnly>(path: string) => {
      try {
        return await client.send<O>({ method: 'GET', path });
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
  };
}
