import { createServer, type Server } from 'node:http';
import type { Registry } from 'prom-client';

export interface MonitoringOptions {
  readonly registry: Registry;
  /** Updates the gauges before a scrape. */
  readonly refresh: () => void;
  /** Why the proxy is not ready. Undefined: it is ready. */
  readonly notReady: () => string | undefined;
}

/** `/metrics` for Prometheus, `/healthz` for liveness (the event loop turns), `/readyz` for readiness. */
export function makeMonitoringServer({ registry, refresh, notReady }: MonitoringOptions): Server {
  return createServer(async (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0];
    if (path === '/metrics') {
      refresh();
      response.writeHead(200, { 'content-type': registry.contentType }).end(await registry.metrics());
    } else if (path === '/healthz') {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n');
    } else if (path === '/readyz') {
      const reason = notReady();
      response.writeHead(reason === undefined ? 200 : 503, { 'content-type': 'text/plain' }).end(`${reason ?? 'ok'}\n`);
    } else {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('Here are /metrics, /healthz and /readyz\n');
    }
  });
}
