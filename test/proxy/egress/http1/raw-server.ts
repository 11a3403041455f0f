import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { atEnd, type Scope } from '../../../scope.ts';

/** A server that answers with whatever bytes a test wants. */
export interface RawServer {
  readonly port: number;
  readonly origin: string;
  /** How many connections it has had. */
  connections(): number;
}

export interface RawServerOptions {
  /** Called with each request that has arrived whole. */
  readonly onRequest: (socket: Socket, request: Buffer, connection: number) => unknown;
  /** Called with each new connection. */
  readonly onConnection?: (socket: Socket, connection: number) => unknown;
  readonly tls?: TlsOptions;
}

export async function startRawServer(
  scope: Scope,
  { onRequest, onConnection, tls }: RawServerOptions,
): Promise<RawServer> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const listen = (socket: Socket) => {
    connections += 1;
    const number = connections;
    sockets.add(socket);
    let waiting = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => {
      waiting = Buffer.concat([waiting, bytes]);
      const end = endOfRequest(waiting);
      if (end === undefined || waiting.length < end) return;
      const request = waiting.subarray(0, end);
      waiting = waiting.subarray(end);
      void onRequest(socket, request, number);
    });
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    onConnection?.(socket, number);
  };
  const server = tls ? createTlsServer(tls, listen) : createServer({ noDelay: true }, listen);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  atEnd(scope, () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return { port, origin: `http://127.0.0.1:${port}`, connections: () => connections };
}

function endOfRequest(bytes: Buffer): number | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const length = /^content-length: (\d+)/im.exec(bytes.toString('latin1', 0, headEnd))?.[1];
  return headEnd + 4 + Number(length ?? 0);
}
