import { parseArgs } from 'node:util';
import { startSandbox } from './server.ts';

const { values } = parseArgs({ options: { host: { type: 'string' }, port: { type: 'string', default: '0' } } });
const port = Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  process.stderr.write(`--port takes a number from 0 to 65535, not '${values.port}'.\n`);
  process.exit(1);
}

try {
  const sandbox = await startSandbox({ port, ...(values.host === undefined ? {} : { host: values.host }) });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sandbox.close());
  process.stdout.write(`Sandbox provider (not a real one): ${sandbox.url}\n`);
} catch (error) {
  process.stderr.write(`The sandbox cannot start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
