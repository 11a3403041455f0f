import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { ProxyError } from '../error.ts';
import { toProxyError } from './envelope.ts';
import { noteStreamStatus } from './idempotency/stream-status.ts';

/** An answer by server-sent events, for what makes it. */
export interface EventStream {
  send(event: string, data: object): void;
  /** From now on, the client gets events. What fails before is refused as any request. */
  begin(): void;
}

const aliveMs = 15_000;

/**
 * Answers by server-sent events. The last one is `done` or `error`.
 *
 * @param work resolves with the data of `done`
 * @param showProblem the data of `error`
 * @param beginsAfterMs when events begin in any case, so that no connection is silent for long. Absent: never
 * @returns the events, once they begin
 * @throws what `work` rejects with before that
 */
export async function streamEvents(
  work: (events: EventStream) => Promise<object>,
  showProblem: (problem: ProxyError) => object,
  beginsAfterMs?: number,
): Promise<Readable> {
  const stream = new Readable({ read() {} });
  const begun = Promise.withResolvers<void>();
  const alive = setInterval(() => stream.push(':\n\n'), aliveMs).unref();
  stream.once('close', () => clearInterval(alive));
  const timer = beginsAfterMs === undefined ? undefined : setTimeout(begun.resolve, beginsAfterMs).unref();
  const send = (event: string, data: object) => {
    if (!stream.destroyed) stream.push(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  work({ send, begin: begun.resolve })
    .then(
      (data) => {
        begun.resolve();
        send('done', data);
      },
      (error: unknown) => {
        begun.reject(error);
        const problem = toProxyError(error);
        noteStreamStatus(stream, problem.status);
        send('error', showProblem(problem));
      },
    )
    .finally(() => {
      clearInterval(alive);
      clearTimeout(timer);
      if (!stream.destroyed) stream.push(null);
    });
  await begun.promise;
  return stream;
}

export function setEventHeaders(reply: FastifyReply): void {
  reply.headers({ 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' });
}
