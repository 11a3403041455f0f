import type { OwnedKind } from '../../../calls/resources/ownership.ts';
import type { Surface } from '../../../snapshot/snapshot.ts';

/** What a provider keeps and lists. */
export type ResourceKind = Exclude<OwnedKind, 'response'>;

type Method = 'GET' | 'POST' | 'DELETE';

/** A request for something that is kept at the provider, which goes there once it is clear whose that is. */
export interface ResourceRoute {
  readonly method: Method;
  /** Below the surface's prefix and below the provider's base URL. `:id` is what must be the caller's own. */
  readonly path: string;
  readonly surface: Surface;
  /** What `:id` is. */
  readonly kind: OwnedKind;
  /** What the answer tells of: something new, that it is gone, how far it is. */
  readonly effect: 'make' | 'delete' | 'tell' | 'none';
}

/** Requests for something that is there: a verb, what follows its id, and the effect where there is one. */
type Requests = readonly (readonly [method: Method, below: string, effect?: ResourceRoute['effect']])[];

const itself = '';

/** What may be asked of each kind, besides making and listing it. */
const requests: Readonly<Record<OwnedKind, Requests>> = {
  response: [
    ['GET', itself, 'tell'],
    ['DELETE', itself, 'delete'],
    ['POST', '/cancel', 'tell'],
    ['GET', '/input_items'],
  ],
  conversation: [
    ['GET', itself],
    ['POST', itself],
    ['DELETE', itself, 'delete'],
    ['GET', '/items'],
    ['POST', '/items'],
    ['GET', '/items/:item'],
    ['DELETE', '/items/:item'],
  ],
  file: [
    ['GET', itself],
    ['DELETE', itself, 'delete'],
    ['GET', '/content'],
  ],
  batch: [
    ['GET', itself, 'tell'],
    ['POST', '/cancel', 'tell'],
  ],
  vector_store: [
    ['GET', itself],
    ['POST', itself],
    ['DELETE', itself, 'delete'],
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
  ...ownedKinds().flatMap((kind) => {
    const { path, surface } = collections[kind];
    return requests[kind].map(
      ([method, below, effect = 'none']): ResourceRoute => ({
        method,
        path: `${path}/:id${below}`,
        surface,
        kind,
        effect,
      }),
    );
  }),
];

function ownedKinds(): readonly OwnedKind[] {
  return ['response', 'conversation', 'file', 'batch', 'vector_store'];
}
