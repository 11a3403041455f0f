import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Scope } from '../scope.ts';

/** A Service as kube-proxy makes it: each new connection goes to one of the endpoints, in turn. */
export interface TestService {
  readonly port: number;
  addEndpoint(port: number): void;
  /** New connections go there no more; those that there are stay, as they do in a cluster. */
  removeEndpoint(port: number): void;
}

export async function startService(scope: Scope): Promise<TestService> {
  const endpoints: number[] = [];
  const sockets = new Set<Socket>();
  const accept = (client: Socket) => {
    const port = endpoints.shift();
    if (port === undefined) return client.destroy();
    endpoints.push(port);
    const target = connect(port, '127.0.0.1');
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    client.on('close', () => target.destroy()).pipe(target);
    target.on('close', () => client.destroy()).pipe(client);
  };
  const server = createServer(accept);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  scope.after(async () => {
    const closed = once(server.close(), 'close');
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port');
  return {
    port: address.port,
    addEndpoint: (port) => void endpoints.push(port),
    removeEndpoint(port) {
      endpoints.splice(endpoints.indexOf(port), 1);
    },
  };
}
