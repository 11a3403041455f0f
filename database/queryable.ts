import type { ClientBase } from 'pg';

/** The first argument of a query function: a client or a pool. */
export type Queryable = Pick<ClientBase, 'query'>;
