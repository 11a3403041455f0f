import type { ClientBase } from 'pg';

/** What a query function needs: a client or a pool. */
export type Queryable = Pick<ClientBase, 'query'>;
