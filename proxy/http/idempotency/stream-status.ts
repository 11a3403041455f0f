import type { Readable } from 'node:stream';

const statuses = new WeakMap<Readable, number>();

/** Notes what a stream has come to, where that is known only after the answer's own status was sent. */
export function noteStreamStatus(stream: Readable, status: number): void {
  statuses.set(stream, status);
}

/** The status that the answer would have if it were not a stream. Undefined: that which was sent. */
export function streamStatusOf(stream: Readable): number | undefined {
  return statuses.get(stream);
}
