import type { Board } from '../board.ts';
import { operatorBoard } from './operator.ts';
import { organizationBoard } from './organization.ts';
import { sreBoard } from './sre.ts';
import { workerBoard } from './worker.ts';

/** All dashboards. */
export const boards: readonly Board[] = [organizationBoard, sreBoard, operatorBoard, workerBoard];
