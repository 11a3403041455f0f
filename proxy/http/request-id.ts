/** Ids of requests. Surfaces take them from here, since they import nothing of the database. */
export { makeRequestId } from '../../database/ids.ts';
