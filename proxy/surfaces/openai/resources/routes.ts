import type { ResourceKind } from '../../../../database/owned-resources.ts';
import type { OwnedKind } from '../../../pipeline/resources/ownership.ts';
import type { Surface } from '../../../snapshot/snapshot.ts';

type Method = 'GET' | 'POST' | 'DELETE';

/** A request for something that is kept at the provider, which goes there once it is clear whose that is. */
export interface ResourceRoute {
  readonly method: Method;
  /** Below the surface's prefix and below the provider's base URL. `:id` is what must be the caller's own. */
  readonly path: string;
  readonly surface: Surface;
  /** What `:id` is. */
  readonly kind: OwnedKind;
  /** What the answer tells of: something new, or that it is gone. */
  readonly effect: 'make' | 'delete' | 'none';
}

/** Requests for something that is there: a verb and what follows its id. */
type Requests = readonly (readonly [method: Method, below: string])[];

const itself = '';

/** What may be asked of each kind, besides making, listing and deleting it. */
const requests: Readonly<Record<OwnedKind, Requests>> = {
  response: [
    ['GET', itself],
    ['DELETE', itself],
    ['POST', '/cancel'],
    ['GET', '/input_items'],
  ],
  conversation: [
    ['GET', itself],
    ['POST', itself],
    ['GET', '/items'],
    ['POST', '/items'],
    ['GET', '/items/:item'],
    ['DELETE', '/items/:item'],
  ],
  file: [
    ['GET', itself],
    ['GET', '/content'],
  ],
  batch: [
    ['GET', itself],
    ['POST', '/cancel'],
  ],
  vector_store: [
    ['GET', itself],
    ['POST', itself],
    ['POST', '/search'],
    ['GET', '/files'],
    ['POST', '/files'],
    ['GET', '/files/:file'],
    ['POST', '/files/:file'],
    ['DELETE', '/files/:file'],
    ['GET', '/files/:file/content'],
    ['POST', '/file_batches'],
    ['GET', '/file_batches/:batch'],
    ['POST', '/file_batches/:batch/cancel'],
    ['GET', '/file_batches/:batch/files'],
  ],
};

/** Where each kind is found. */
export const collections: Readonly<Record<OwnedKind, { readonly path: string; readonly surface: Surface }>> = {
  response: { path: '/responses', surface: 'responses' },
  conversation: { path: '/conversations', surface: 'conversations' },
  file: { path: '/files', surface: 'files' },
  batch: { path: '/batches', surface: 'batches' },
  vector_store: { path: '/vector_stores', surface: 'vectorStores' },
};

/** Those that a JSON body makes: a file is uploaded, responses and batches are calls. */
const made: readonly ResourceKind[] = ['conversation', 'vector_store'];
const deleted: readonly ResourceKind[] = ['conversation', 'vector_store', 'file'];

export const uploadRoute: ResourceRoute = { method: 'POST', kind: 'file', effect: 'make', ...collections.file };

/** Judged like the call that it asks about, and free. */
export const inputTokensRoute: ResourceRoute = {
  method: 'POST',
  path: '/responses/input_tokens',
  surface: 'responses',
  kind: 'response',
  effect: 'none',
};

/** Every relayed route whose body, if it has any, is JSON. */
export const resourceRoutes: readonly ResourceRoute[] = [
  ...made.map((kind) => ({ method: 'POST', kind, effect: 'make', ...collections[kind] }) as const),
  ...deleted.map((kind) => {
    const { path, surface } = collections[kind];
    return { method: 'DELETE', path: `${path}/:id`, surface, kind, effect: 'delete' } as const;
  }),
  ...ownedKinds().flatMap((kind) => {
    const { path, surface } = collections[kind];
    return requests[kind].map(
      ([method, below]) => ({ method, path: `${path}/:id${below}`, surface, kind, effect: 'none' }) as const,
    );
  }),
];

function ownedKinds(): readonly OwnedKind[] {
  return ['response', 'conversation', 'file', 'batch', 'vector_store'];
}
