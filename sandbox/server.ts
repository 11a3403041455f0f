import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeApp } from './app.ts';

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
  const server = createServer({ keepAliveTimeout: 120_000 }, makeApp());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The sandbox has no port.');
  return { url: baseUrl(address), close: () => close(server) };
}

function baseUrl({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/v1`;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
