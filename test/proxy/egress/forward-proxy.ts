import { createServer, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Scope } from '../../scope.ts';

/** What a forward proxy was asked for. */
export interface Passage {
  /** `CONNECT` for a tunnel. */
  readonly method: string;
  /** A URL, or for a tunnel host and port. */
  readonly target: string;
  /** Credentials for the proxy itself. */
  readonly authorization: string | undefined;
}

/** An HTTP proxy as companies have it between their networks and the world. */
export interface ForwardProxy {
  readonly port: number;
  readonly passages: Passage[];
  /** It answers 407 to everything. */
  refuses: boolean;
}

/**
 * Starts one that knows hosts nobody else knows: they are reached through it or not at all.
 *
 * @param hosts ports on this machine, by host name
 */
export async function startForwardProxy(scope: Scope, hosts: Readonly<Record<string, number>>): Promise<ForwardProxy> {
  const passages: Passage[] = [];
  const sockets = new Set<Socket>();
  const proxy = { port: 0, passages, refuses: false };
  const note = (method = '', target = '', authorization?: string) => passages.push({ method, target, authorization });

  const server = createServer((incoming, outgoing) => {
    note(incoming.method, incoming.url, incoming.headers['proxy-authorization']);
    const url = URL.parse(incoming.url ?? '');
    const port = url && hosts[url.hostname];
    if (proxy.refuses || !url || port === undefined) {
      outgoing.writeHead(proxy.refuses ? 407 : 502).end();
      return;
    }
    const { 'proxy-authorization': _, ...headers } = incoming.headers;
    const onward = request(
      { host: '127.0.0.1', port, method: incoming.method, path: url.pathname + url.search, headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  server.on('connect', (incoming, socket: Socket) => {
    note('CONNECT', incoming.url, incoming.headers['proxy-authorization']);
    const port = hosts[(incoming.url ?? '').split(':')[0] ?? ''];
    if (proxy.refuses || port === undefined) {
      socket.end(`HTTP/1.1 ${proxy.refuses ? '407 Proxy Authentication Required' : '502 Bad Gateway'}\r\n\r\n`);
      return;
    }
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    sockets.add(onward);
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  proxy.port = (server.address() as AddressInfo).port;
  return proxy;
}
