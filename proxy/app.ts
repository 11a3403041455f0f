import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { makeCors } from './cors.ts';
import { makeDeprecations } from './deprecations.ts';
import { makeCallListener } from './http/calls.ts';
import { makeChooser } from './http/choose-surface.ts';
import { makeClientErrorAnswer } from './http/client-error.ts';
import { makeNearest } from './http/nearest.ts';
import { makeRefusals } from './http/refusals.ts';
import { serveSurfaces } from './http/serve.ts';
import { mergeSlashes } from './merge-slashes.ts';
import type { SocketsContext } from './sockets/sockets.ts';
import { isUpgrade, takeUpgrades, type Upgrades } from './sockets/upgrades.ts';
import type { SurfaceContext } from './surfaces/context.ts';
import { surfaceTable } from './surfaces/table.ts';
import type { MakeServer } from './tls.ts';

export type AppOptions = Omit<SurfaceContext, 'surfaces'> & Omit<SocketsContext, 'refusals' | 'envelopeOf'>;

export interface App {
  readonly server: Server;
  /** The sessions over WebSockets. They outlive the requests that open them. */
  readonly upgrades: Upgrades;
  listen(address: { readonly host: string; readonly port: number }): Promise<void>;
  /** Takes no more connections, and resolves when those that there are have ended. */
  close(): Promise<void>;
}

const serverOptions = {
  // Limits only how long the request may take to arrive. The answer may take any time.
  requestTimeout: 300_000,
  keepAliveTimeout: 75_000,
  // All other requests for another protocol are answered as if they did not ask for it.
  shouldUpgradeCallback(request: IncomingMessage) {
    mergeSlashes(request);
    return isUpgrade(request);
  },
};

/** The proxy's API: the governed calls first, which are most of what it does, then all else by the table of surfaces. */
export function buildApp(given: AppOptions, surfaces = surfaceTable, makeServer: MakeServer = createServer): App {
  const deprecations = makeDeprecations({
    inForce: given.inForce,
    onUse: (use) => given.metrics.deprecatedRequests.inc(use),
  });
  const authenticate = deprecations.counting(given.pipeline.authenticate);
  const options: AppOptions = { ...given, pipeline: { ...given.pipeline, authenticate } };
  const refusals = makeRefusals(options);
  const answersPreflight = makeCors(options.inForce);
  const isCall = makeCallListener({ ...options, refusals, surfaces });
  const nearest = makeNearest(surfaces);
  const answer = serveSurfaces(makeChooser(surfaces), { ...options, surfaces }, refusals);
  let isClosing = false;
  const server = makeServer(serverOptions, (request, response) => {
    mergeSlashes(request);
    if (answersPreflight(request, response)) return;
    deprecations.announce(request, response);
    if (isCall(request, response)) return;
    if (isClosing) response.setHeader('connection', 'close');
    answer(request, response);
  });
  server.on(
    'clientError',
    makeClientErrorAnswer((url) => nearest(url).surface, options.rates),
  );
  const envelopeOf = (url: string) => nearest(url).surface.envelope;
  const upgrades = takeUpgrades(server, { ...options, refusals, envelopeOf });
  return {
    server,
    upgrades,
    async listen(address) {
      server.listen(address);
      await once(server, 'listening');
    },
    async close() {
      isClosing = true;
      if (!server.listening) return;
      server.closeIdleConnections();
      await Promise.all([upgrades.drain(), new Promise((resolve) => server.close(resolve))]);
    },
  };
}
