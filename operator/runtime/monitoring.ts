import { createServer, type Server } from 'node:http';
import type { Registry } from 'prom-client';
import type { Reflection } from './reflection.ts';

export interface MonitoringOptions {
  readonly registry: Registry;
  /** Why only a restart can help. Undefined: the process is healthy. */
  readonly unhealthy: () => string | undefined;
  /** Why the operator is not ready. Undefined: it is ready. */
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

/** A working reflector receives something, tries or fails far more often than this. */
const maxInactivityMs = 15 * 60_000;

/**
 * Finds a stuck reflector. A failing reflector is not stuck: restarting the clients does not bring an API server back.
 */
export function findStuckReflector(reflectors: readonly Reflection[], nowMs: number): string | undefined {
  const stuck = reflectors.find(({ activeAtMs }) => nowMs - activeAtMs() > maxInactivityMs);
  return stuck && `the watch of ${stuck.name} is stuck`;
}
