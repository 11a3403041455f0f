import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Registry } from 'prom-client';
import { asksForOpenMetrics, openMetricsType, renderOpenMetrics } from './open-metrics.ts';

export interface MonitoringOptions {
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  /** Updates the gauges before a scrape. */
  readonly refresh: () => void;
  /** Why the proxy is not ready. Undefined: it is ready. */
  readonly notReady: () => string | undefined;
}

/**
 * Serves `/metrics` for Prometheus, `/healthz` for liveness (the event loop turns) and `/readyz` for readiness.
 *
 * @throws where the port is taken
 */
export async function openMonitoring(options: MonitoringOptions): Promise<Server> {
  const server = makeServer(options).listen(options.port, options.host);
  await once(server, 'listening');
  return server;
}

/** Closes it, with connections that are still open. */
export function closeMonitoring(server: Server): void {
  server.close();
  server.closeAllConnections();
}

function makeServer({ registry, refresh, notReady }: MonitoringOptions): Server {
  return createServer(async (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0];
    if (path === '/metrics') {
      refresh();
      const isOpen = asksForOpenMetrics(request.headers.accept);
      const text = isOpen ? await renderOpenMetrics(registry) : await registry.metrics();
      const type = isOpen ? openMetricsType : registry.contentType;
      response.writeHead(200, { 'content-type': type, vary: 'accept' }).end(text);
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
