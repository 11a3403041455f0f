import { settleLostCalls } from '../lost-calls.ts';
import type { Task } from '../task.ts';

/** Settles the calls of an organization whose workers have not come back. */
export const settleCalls: Task = {
  run: ({ organization }) => settleLostCalls(organization),
};
