import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { freePort } from './free-port.ts';
import { atEnd } from './scope.ts';

/** A TCP relay to a server on this machine, which can be closed and opened again. */
export interface TcpRelay {
  readonly port: number;
  /** The number of connections so far, and the number of open ones. */
  counts(): { readonly accepted: number; readonly open: number };
  /** Closes all connections and refuses new ones. */
  close(): Promise<void>;
  /** Accepts connections again, on the same port. */
  open(): Promise<void>;
  /** Passes the next request, and closes the connection instead of passing the answer. */
  loseNextAnswer(): void;
  /** Sends new connections to another port. */
  direct(port: number): void;
  /** Keeps open connections but passes nothing on them. New connections work. */
  freeze(): void;
}

export async function startRelay(
  t: Pick<TestContext, 'after'>,
  targetPort: number,
  host = '127.0.0.1',
): Promise<TcpRelay> {
  let target = targetPort;
  const links = new Set<{ client: Socket; target: Socket; frozen: boolean }>();
  let losing = false;
  let accepted = 0;
  const accept = (client: Socket) => {
    const link = { client, target: connect(target, '127.0.0.1'), frozen: false };
    links.add(link);
    accepted += 1;
    const end = () => {
      client.destroy();
      link.target.destroy();
      links.delete(link);
    };
    for (const socket of [client, link.target]) socket.on('error', () => {}).on('close', end);
    client.on('data', (chunk) => {
      if (!link.frozen) link.target.write(chunk);
    });
    link.target.on('data', (chunk) => {
      if (losing) {
        losing = false;
        end();
      } else if (!link.frozen) client.write(chunk);
    });
  };
  const server = createServer(accept);
  const port = await freePort();
  const open = async () => void (await once(server.listen(port, host), 'listening'));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const { client } of links) client.destroy();
    });
  await open();
  atEnd(t, () => (server.listening ? close() : undefined));
  return {
    port,
    counts: () => ({ accepted, open: links.size }),
    close,
    open,
    loseNextAnswer() {
      losing = true;
    },
    direct(next) {
      target = next;
    },
    freeze() {
      for (const link of links) link.frozen = true;
    },
  };
}

/** The URL with another port of this machine. */
export function viaPort(url: string, port: number): string {
  const relayed = new URL(url);
  relayed.host = `127.0.0.1:${port}`;
  return relayed.href;
}
