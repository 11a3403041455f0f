import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { freePort } from './free-port.ts';

/** A way to a server on this machine that can be taken away and given back. */
export interface TcpRelay {
  readonly port: number;
  /** How many connections there have been, and how many there are. */
  counts(): { readonly accepted: number; readonly open: number };
  /** Ends every connection and refuses further ones. */
  close(): Promise<void>;
  /** Takes connections again, on the same port. */
  open(): Promise<void>;
  /** Lets the next thing said through, and ends the connection with the answer untold. */
  loseNextAnswer(): void;
  /** Keeps what is under way connected and lets nothing pass any more; new connections work. */
  freeze(): void;
}

export async function startRelay(t: Pick<TestContext, 'after'>, targetPort: number): Promise<TcpRelay> {
  const links = new Set<{ client: Socket; target: Socket; frozen: boolean }>();
  let losing = false;
  let accepted = 0;
  const accept = (client: Socket) => {
    const link = { client, target: connect(targetPort, '127.0.0.1'), frozen: false };
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
  const open = async () => void (await once(server.listen(port, '127.0.0.1'), 'listening'));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const { client } of links) client.destroy();
    });
  await open();
  t.after(() => (server.listening ? close() : undefined));
  return {
    port,
    counts: () => ({ accepted, open: links.size }),
    close,
    open,
    loseNextAnswer() {
      losing = true;
    },
    freeze() {
      for (const link of links) link.frozen = true;
    },
  };
}

/** The address with another port of this machine. */
export function viaPort(url: string, port: number): string {
  const relayed = new URL(url);
  relayed.host = `127.0.0.1:${port}`;
  return relayed.href;
}
