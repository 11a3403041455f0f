// A proxy in a process of its own: as it is, or (`unlinked`) without finding conversations.
import { pino } from 'pino';
import { startProxy } from '../../proxy/server.ts';

const [credentialsDirectory = '', dataDirectory = '', upstreamUrl = '', mode = ''] = process.argv.slice(2);
const proxy = await startProxy({
  credentialsDirectory,
  dataDirectory,
  upstreamUrl,
  ...{ host: '127.0.0.1', port: 0, metricsHost: '127.0.0.1', metricsPort: 0 },
  log: pino({ level: 'warn' }, pino.destination({ dest: 2, sync: false })),
  ...(mode === 'unlinked' && { link: () => undefined }),
});
process.once('SIGTERM', () => void proxy.stop().then(() => process.exit(0)));
process.send?.({ type: 'ready', port: proxy.port, metricsPort: proxy.metricsPort });
