import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { replaceFile } from '../../directories.ts';
import { atEnd, type Scope } from '../../scope.ts';

/** What a receiver got. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of every shape
  readonly json: any;
}

/** Somebody who is told of events. */
export interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly received: Received[];
  /** How many connections there were. */
  connections(): number;
  /** Answers a request. It may hold it. */
  answer: (response: ServerResponse, request: Received) => void;
}

/** Starts a receiver that answers 204. */
export async function startReceiver(scope: Scope): Promise<Receiver> {
  const received: Received[] = [];
  let connections = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const one = { path: request.url ?? '', headers: request.headers, body, json: JSON.parse(body) };
    received.push(one);
    receiver.answer(response, one);
  });
  server.on('connection', () => {
    connections += 1;
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  atEnd(scope, () => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}`,
    ...{ port, received },
    connections: () => connections,
    answer: (response) => void response.writeHead(204).end(),
  };
  return receiver;
}

/** The current secret of the webhook that `stateWebhook` states. */
export const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/** States a webhook and its Secret in a directory of YAML. */
export async function stateWebhook(directory: string, webhook: object, others: object = {}): Promise<void> {
  const file = join(directory, 'organization.yaml');
  const document = parseDocument(await readFile(file, 'utf8'));
  document.setIn(['spec', 'webhooks'], [webhook]);
  document.setIn(['spec', 'webhookNetworks'], ['127.0.0.0/8']);
  for (const [field, value] of Object.entries(others)) document.setIn(['spec', field], value);
  await replaceFile(file, document.toString());
  await stateSecret(directory, secret);
}

export async function stateSecret(directory: string, value: string): Promise<void> {
  const text = JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'Secret' },
    metadata: {
      name: 'webhook',
      namespace: 'chaperone-system',
      labels: { 'chaperone.dev/webhook-secret-of': 'acme' },
    },
    stringData: { secret: value },
  });
  await replaceFile(join(directory, 'webhook-secret.yaml'), text);
}
