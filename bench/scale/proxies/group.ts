// Runs many proxies in one process: each with its own connections, snapshot, spool and leases, and ports of its own.
// Gets the proxies to start as a message, and tells when they serve and when a configuration is in force.
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { type RunningProxy, startProxy } from '../../../proxy/server.ts';
import type { GroupMessage, GroupOrder, ServingProxy } from './messages.ts';

const orders: GroupOrder[] = await once(process, 'message');
const [order] = orders;
if (!order) throw new Error('There is no order');
const proxies: ServingProxy[] = [];
const running: RunningProxy[] = [];
for (const { name, number, credentialsDirectory, dataDirectory } of order.proxies) {
  const proxy = await startProxy({
    ...{ credentialsDirectory, dataDirectory, upstreamUrl: order.upstreamUrl, host: '127.0.0.1', port: 0 },
    ...{ metricsHost: '127.0.0.1', metricsPort: 0, log: logOf(name, number) },
  });
  running.push(proxy);
  proxies.push({ name, number, port: proxy.port, metricsPort: proxy.metricsPort });
}
tell({ type: 'ready', proxies });
process.once('SIGTERM', () => void Promise.all(running.map((proxy) => proxy.stop())).then(() => process.exit(0)));

/** Sees in a proxy's log when a configuration is in force, and what it warns of. */
function logOf(name: string, number: number) {
  const destination = new Writable({
    decodeStrings: false,
    write(line: string, _, done) {
      const { level, msg, version, err }: LogLine = JSON.parse(line);
      if (msg === 'snapshot in force' && version !== undefined)
        tell({ type: 'in-force', name, number, version, atMs: Date.now() });
      else if (level >= 40) tell({ type: 'warning', text: err === undefined ? msg : `${msg}: ${err.message}` });
      done();
    },
  });
  return pino({ level: 'info', timestamp: false }, destination);
}

interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly version?: number;
  readonly err?: { readonly message: string };
}

function tell(message: GroupMessage): void {
  process.send?.(message);
}
