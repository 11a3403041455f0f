import type { Fault } from './fault.ts';
import { client } from './faults/client.ts';
import { clock } from './faults/clock.ts';
import { disk } from './faults/disk.ts';
import { network } from './faults/network.ts';
import { postgresql } from './faults/postgresql.ts';
import { processes } from './faults/processes.ts';
import { upstream } from './faults/upstream.ts';

/** The matrix. A new fault is an entry in the file of its kind. */
export const faultsByKind: Readonly<Record<string, readonly Fault[]>> = {
  Processes: processes,
  PostgreSQL: postgresql,
  'Disk and spool': disk,
  Clock: clock,
  Network: network,
  Upstream: upstream,
  Client: client,
};
