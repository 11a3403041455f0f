// A proxy in a process of its own: as it is, or without finding conversations (`unlinked`), or with the same one for every
// call (`recorded`).
import { pino } from 'pino';
import type { Link } from '../../proxy/conversations/links.ts';
import { startProxy } from '../../proxy/server.ts';

const [credentialsDirectory = '', dataDirectory = '', upstreamUrl = '', mode = ''] = process.argv.slice(2);
const place = {
  conversationId: '00000000-0000-8000-8000-000000000000',
  branchId: 'main',
  messageDigest: 2 ** 51 + 1,
  parentDigest: 2 ** 51 + 2,
  newMessages: 1,
};
const links: Readonly<Record<string, Link>> = {
  unlinked: () => undefined,
  recorded: () => ({ place, resolve: undefined, withdraw() {} }),
};
const link = links[mode];
const proxy = await startProxy({
  credentialsDirectory,
  dataDirectory,
  upstreamUrl,
  ...{ host: '127.0.0.1', port: 0, metricsHost: '127.0.0.1', metricsPort: 0 },
  log: pino({ level: 'warn' }, pino.destination({ dest: 2, sync: false })),
  ...(link && { link }),
});
process.once('SIGTERM', () => void proxy.stop().then(() => process.exit(0)));
process.send?.({ type: 'ready', port: proxy.port, metricsPort: proxy.metricsPort });
