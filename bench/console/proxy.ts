// A proxy in a process of its own that says what its heap has: with all surfaces, or (`without`) without the console.
import { pino } from 'pino';
import { startProxy } from '../../proxy/server.ts';
import { surfaceTable } from '../../proxy/surfaces/table.ts';

const [credentialsDirectory = '', dataDirectory = '', upstreamUrl = '', mode = ''] = process.argv.slice(2);
const [first, ...others] = surfaceTable;
const proxy = await startProxy({
  credentialsDirectory,
  dataDirectory,
  upstreamUrl,
  ...{ host: '127.0.0.1', port: 0, metricsHost: '127.0.0.1', metricsPort: 0 },
  log: pino({ level: 'warn' }, pino.destination({ dest: 2, sync: false })),
  ...(mode === 'without' && { surfaces: [first, ...others.filter(({ name }) => name !== 'console')] }),
});
process.once('SIGTERM', () => void proxy.stop().then(() => process.exit(0)));
process.on('message', () => {
  // What only weak references held goes with the second.
  globalThis.gc?.();
  globalThis.gc?.();
  process.send?.({ heapUsedBytes: process.memoryUsage().heapUsed });
});
process.send?.({ type: 'ready', port: proxy.port });
