import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { makeApp, makeState } from './app.ts';
import type { TakeUpgrade } from './sockets/sockets.ts';

export interface Sandbox {
  /** The base URL for OpenAI clients: `http://HOST:PORT/v1`. */
  url: string;
  /** Closes all connections at once, and stops listening. */
  close(): Promise<void>;
}

/**
 * Starts a stand-in for an OpenAI-compatible provider. It keeps everything in memory. Several in one process are
 * independent.
 *
 * @param options.host address to listen on; default: loopback
 * @param options.port 0, the default, takes a free port
 * @throws the error of `listen`, such as `EADDRINUSE`
 */
export async function startSandbox(options: { host?: string; port?: number } = {}): Promise<Sandbox> {
  const { host = '127.0.0.1', port = 0 } = options;
  // A long time-out, so that a pooled connection is not closed just as the client uses it again.
  const state = makeState();
  const server = createServer({ keepAliveTimeout: 120_000, shouldUpgradeCallback: isSocket }, makeApp(state));
  let sockets: Promise<TakeUpgrade> | undefined;
  const open = new Set<Duplex>();
  server.on('upgrade', (request, socket, head) => {
    open.add(socket.once('close', () => open.delete(socket)).on('error', () => socket.destroy()));
    sockets ??= import('./sockets/sockets.ts').then(({ makeSockets }) => makeSockets(state));
    void sockets.then((take) => take(request, socket, head));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The sandbox has no port.');
  return { url: baseUrl(address), close: () => close(server, open) };
}

function baseUrl({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/v1`;
}

/** Others ask for HTTP/2, and are answered as usual. */
function isSocket({ headers }: IncomingMessage): boolean {
  return /\bwebsocket\b/i.test(headers.upgrade ?? '');
}

async function close(server: Server, sockets: Iterable<Duplex>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  for (const socket of sockets) socket.destroy();
  await closed;
}
