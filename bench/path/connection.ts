import { once } from 'node:events';
import { connect } from 'node:net';

/** A keep-alive connection with one request at a time. */
export interface Connection {
  /** Sends the request and resolves with the answer's status, or 0 where the connection broke. */
  exchange(): Promise<number>;
  close(): void;
}

/** Opens a connection that always sends the same bytes, so that building requests is not measured. */
export async function openConnection(port: number, request: Buffer): Promise<Connection> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  let received: Buffer = Buffer.alloc(0);
  let answered = (_status: number) => {};
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const status = statusOfWhole(received);
    if (status === undefined) return;
    received = Buffer.alloc(0);
    answered(status);
  });
  socket.on('error', () => {});
  socket.on('close', () => answered(0));
  return {
    exchange: () =>
      new Promise((resolve) => {
        answered = resolve;
        if (socket.destroyed) resolve(0);
        else socket.write(request);
      }),
    close: () => socket.destroy(),
  };
}

/** The status of a complete answer. Undefined while it is incomplete. */
function statusOfWhole(received: Buffer): number | undefined {
  const bodyStart = received.indexOf('\r\n\r\n') + 4;
  if (bodyStart < 4) return undefined;
  const head = received.toString('latin1', 0, bodyStart);
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  // Otherwise it is chunked. In these answers, nothing else looks like the last chunk.
  const isWhole =
    length === undefined
      ? received.toString('latin1', received.length - 5) === '0\r\n\r\n'
      : received.length >= bodyStart + Number(length);
  return isWhole ? Number(head.slice(9, 12)) : undefined;
}
