import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer, type Server } from 'node:tls';
import { issueAuthority, issueServing } from '../../../../operator/certificates/issue.ts';
import { makeDirectory } from '../../../directories.ts';
import { atEnd } from '../../../scope.ts';
import { promptKinds } from '../calls.ts';
import type { Fault, Strike } from '../fault.ts';
import type { UpstreamFault } from '../upstream.ts';

/** Of three calls, this one has the fault: the others must not suffer from it. */
const third = (directive: string) => (number: number) => (number % 3 === 0 ? directive : '');

const throughout = async ({ calls }: Strike) => calls(150);

/** Every third request of every call that is not tried again gets the fault; others are answered well. */
function sometimes(fault: UpstreamFault): (strike: Strike) => Promise<void> {
  return async ({ upstream, calls }) => {
    let number = 0;
    upstream.fault = (faulty) => {
      number += 1;
      return number % 3 === 0 ? fault(faulty) : faulty.pass();
    };
    await calls(120);
    upstream.fault = undefined;
  };
}

const json = { 'content-type': 'application/json' };
const huge = Buffer.alloc(1024 * 1024, 'x');

export const upstream: readonly Fault[] = [
  {
    name: 'the provider refuses connections',
    ...{ cuts: true, unknowns: true },
    refusals: ['upstream_unreachable', 'upstream_interrupted', 'upstream_timeout', 'session_expired'],
    async strike({ upstreamRelay, calls }) {
      await upstreamRelay.close();
      await calls(100);
      await upstreamRelay.open();
    },
  },
  {
    name: 'the provider resets connections',
    ...{ unknowns: true, refusals: ['upstream_interrupted', 'upstream_unreachable', 'upstream_timeout'] },
    load: { kinds: promptKinds, directives: third('reset') },
    strike: throughout,
  },
  {
    name: 'the provider hangs before its answer',
    ...{ unknowns: true, refusals: ['upstream_timeout'] },
    load: { kinds: promptKinds, clients: 40, directives: (number) => (number % 20 === 0 ? 'latency=600000' : '') },
    strike: throughout,
  },
  {
    name: 'the provider stalls in mid-stream',
    ...{ cuts: true, unknowns: true, refusals: ['upstream_timeout', 'upstream_interrupted'] },
    load: {
      kinds: promptKinds,
      clients: 40,
      directives: (number) => (number % 20 === 0 ? 'words=40,stall=600000' : ''),
    },
    strike: throughout,
  },
  {
    name: 'the provider cuts its answers',
    ...{
      cuts: true,
      unknowns: true,
      refusals: ['upstream_interrupted', 'upstream_unreachable', 'upstream_timeout'],
    },
    load: { kinds: promptKinds, directives: third('words=40,cut') },
    strike: throughout,
  },
  {
    name: 'the provider cuts its streams within an event',
    ...{
      cuts: true,
      unknowns: true,
      refusals: ['upstream_interrupted', 'upstream_unreachable', 'upstream_timeout'],
    },
    load: { kinds: ['streamed', 'streamed chat'], directives: third('words=40,torn') },
    strike: throughout,
  },
  {
    name: 'the provider cuts its streams, and keeps the whole answers',
    // What the client did not get is looked up where it is kept, so no usage is unknown.
    ...{ isCore: true, cuts: true, refusals: ['upstream_interrupted'] },
    load: { kinds: ['streamed'], directives: third('words=40,cut,kept') },
    strike: throughout,
  },
  {
    name: 'the provider reports errors inside a 200',
    ...{ isCore: true, unknowns: true, refusals: ['server_error', 'upstream_interrupted'] },
    load: { kinds: ['plain', 'streamed', 'chat', 'streamed chat', 'embedding'], directives: third('error-in-stream') },
    strike: throughout,
  },
  {
    name: 'the provider sends garbage',
    ...{ isCore: true, cuts: true, unknowns: true, refusals: ['upstream_invalid_response', 'upstream_interrupted'] },
    load: { kinds: ['plain', 'streamed', 'chat', 'streamed chat', 'embedding'], directives: third('garbage') },
    strike: throughout,
  },
  {
    name: 'the provider sends streams without an end',
    ...{ cuts: true, unknowns: true, refusals: ['upstream_interrupted'] },
    load: { kinds: ['streamed', 'streamed chat'], directives: third('no-terminal') },
    strike: throughout,
  },
  {
    name: 'the provider answers 429 with Retry-After',
    ...{ refusals: ['rate_limit_exceeded'] },
    strike: sometimes(({ reply }) =>
      reply
        .writeHead(429, { ...json, 'retry-after': '1' })
        .end(JSON.stringify({ error: { message: 'Slow down', type: 'requests', code: 'rate_limit_exceeded' } })),
    ),
  },
  {
    name: 'the provider answers 503, and well at the second try',
    ...{ isCore: true, refusals: ['server_error'] },
    strike: sometimes(({ reply }) =>
      reply
        .writeHead(503, json)
        .end(JSON.stringify({ error: { message: 'Try again', type: 'server_error', code: 'server_error' } })),
    ),
  },
  {
    name: 'the provider sends 100 MB',
    ...{ unknowns: true, refusals: ['upstream_invalid_response', 'overloaded', 'response_too_large'] },
    load: { kinds: ['plain', 'chat', 'embedding', 'form'] },
    async strike({ upstream, calls }) {
      let left = 3;
      upstream.fault = async ({ reply, pass }) => {
        if (left <= 0) return pass();
        left -= 1;
        reply.writeHead(200, { ...json, 'content-length': String(100 * huge.length) });
        for (let sent = 0; sent < 100 && !reply.destroyed; sent += 1) if (!reply.write(huge)) await sleep(5);
        reply.end();
      };
      await calls(60);
      upstream.fault = undefined;
    },
  },
  {
    name: 'the provider trickles its answers byte by byte',
    load: { kinds: ['streamed', 'streamed chat', 'realtime'], directives: third('words=60,delta-delay=15') },
    strike: throughout,
  },
  {
    name: 'the provider states a length that is too long',
    ...{
      unknowns: true,
      cuts: true,
      refusals: ['upstream_interrupted', 'upstream_unreachable', 'upstream_invalid_response'],
    },
    load: { kinds: ['plain', 'chat', 'embedding', 'form'] },
    strike: sometimes(({ reply }) => {
      reply.writeHead(200, { ...json, 'content-length': '1000' }).write('{"id":"resp_1"');
      setTimeout(() => reply.destroy(), 20);
    }),
  },
  {
    name: 'the provider states a length that is too short',
    ...{
      unknowns: true,
      cuts: true,
      refusals: ['upstream_interrupted', 'upstream_unreachable', 'upstream_invalid_response'],
    },
    load: { kinds: ['plain', 'chat', 'embedding', 'form'] },
    strike: sometimes(({ reply }) => {
      const { socket } = reply;
      socket?.end(
        'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 8\r\n\r\n{"id":"resp_1","object":"response"}',
      );
    }),
  },
  {
    name: 'the certificate of the provider has expired',
    ...{ refusals: ['upstream_unreachable'] },
    strike: (strike) =>
      // It has expired an hour ago.
      callAt(strike, Date.now() - 7_200_000, (certificate) => createServer(certificate, (socket) => socket.destroy())),
  },
  {
    name: 'the provider speaks HTTP/2 alone',
    ...{ refusals: ['upstream_unreachable', 'upstream_invalid_response', 'upstream_interrupted'] },
    strike: (strike) =>
      callAt(strike, Date.now(), (certificate) =>
        createSecureServer({ ...certificate, allowHTTP1: false }, (_, response) => response.end('{}')),
      ),
  },
];

/** Sends calls to a provider that speaks TLS, by a proxy that trusts its authority. */
async function callAt(
  strike: Strike,
  issuedAtMs: number,
  makeServer: (certificate: { readonly cert: string; readonly key: string }) => Server,
): Promise<void> {
  const authority = await issueAuthority({ lifetimeMs: 3_600_000, nowMs: Date.now() });
  const validity = { lifetimeMs: 3_600_000, nowMs: issuedAtMs };
  const { certificate, privateKey } = await issueServing(authority, ['127.0.0.1'], validity);
  const server = makeServer({ cert: certificate, key: privateKey });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  atEnd(strike.scope, () => void server.close());
  const trusted = join(await makeDirectory(strike.scope), 'ca.pem');
  await writeFile(trusted, authority.certificate);
  const { port } = server.address() as AddressInfo;
  const { proxy } = strike;
  strike.use(
    await strike.startProxy({
      upstreamUrl: `https://127.0.0.1:${port}/v1`,
      environment: { NODE_EXTRA_CA_CERTS: trusted },
    }),
  );
  await strike.calls(100);
  strike.use(proxy);
}
