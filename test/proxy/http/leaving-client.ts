import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { atEnd, type Scope } from '../../scope.ts';

/**
 * Sends a request over a socket, and leaves once `begun` resolves. Resolves when the server has noticed.
 *
 * @param text the request as HTTP/1.1
 */
export async function sendAndLeave(
  scope: Scope,
  answer: RequestListener,
  text: string,
  begun: Promise<void>,
): Promise<void> {
  const closed = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    response.once('close', closed.resolve);
    answer(request, response);
  });
  atEnd(scope, () => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write(text);
  await begun;
  client.destroy();
  await closed.promise;
}
