import { settleLostCalls } from '../lost-calls.ts';
import type { Task } from '../task.ts';

/** Settles the calls of an organization that ended with their workers, and that no attempt of their jobs has settled. */
export const settleCalls: Task = {
  run: ({ organization }) => settleLostCalls(organization, undefined),
};
