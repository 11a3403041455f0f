import { createServer, type Server } from 'node:http';
import type { Registry } from 'prom-client';
import type { Reflector } from '../cluster/kubernetes/reflector.ts';

export interface MonitoringOptions {
  readonly registry: Registry;
  /** Why nothing but a restart will help; undefined where all is well. */
  readonly unhealthy: () => string | undefined;
  /** Why the operator is not ready; undefined where it is. */
  readonly notReady: () => string | undefined;
}

/** `/metrics`, `/healthz` for liveness, `/readyz` for readiness. */
export function makeMonitoringServer({ registry, unhealthy, notReady }: MonitoringOptions): Server {
  const judge = (reason: string | undefined) => ({
    status: reason === undefined ? 200 : 503,
    text: `${reason ?? 'ok'}\n`,
  });
  return createServer(async (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0];
    if (path === '/metrics') {
      response.writeHead(200, { 'content-type': registry.contentType }).end(await registry.metrics());
      return;
    }
    const { status, text } =
      path === '/healthz'
        ? judge(unhealthy())
        : path === '/readyz'
          ? judge(notReady())
          : { status: 404, text: 'Here are /metrics, /healthz and /readyz\n' };
    response.writeHead(status, { 'content-type': 'text/plain' }).end(text);
  });
}

/** A reflector hears, tries or fails far more often than this. */
const longestInactivityMs = 15 * 60_000;

/**
 * Names a reflector that is stuck. One that fails is not: an API server that is away does not come back by a restart of
 * its clients.
 */
export function findStuckReflector(reflectors: readonly Reflector[], nowMs: number): string | undefined {
  const stuck = reflectors.find(({ activeAtMs }) => nowMs - activeAtMs() > longestInactivityMs);
  return stuck && `the watch of ${stuck.name} is stuck`;
}
