import type { BodyEdit } from './body-edit.ts';

/** A field of a body that is not what a ceiling allows. */
export interface Excess {
  /** The field, for errors and headers. */
  readonly param: string;
  /** What it is, as a sentence goes on after its name. */
  readonly problem: string;
  /** What it becomes where the body can be changed. */
  readonly allowed: number | string;
  /** Whether neither the call nor its persona says it, so that it is set and not refused. */
  readonly isUnstated: boolean;
  readonly edit: BodyEdit;
}
