import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeApp } from '../sandbox/app.ts';
import type { Scope } from './scope.ts';

/** A sandbox that lists the requests it got. */
export interface CountedSandbox {
  readonly url: string;
  /** `METHOD path`, and the last characters of the key. */
  readonly requests: { readonly line: string; readonly key: string }[];
}

export async function startCountedSandbox(scope: Scope): Promise<CountedSandbox> {
  const answer = makeApp();
  const requests: CountedSandbox['requests'] = [];
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    const line = `${request.method} ${request.url}`;
    if (!line.includes('/sandbox/')) requests.push({ line, key: (request.headers.authorization ?? '').slice(-6) });
    answer(request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  scope.after(async () => server.close().closeAllConnections());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, requests };
}
