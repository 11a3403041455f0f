import { startSandbox } from '../sandbox/server.ts';

export interface SandboxCommandOptions {
  readonly host: string;
  readonly port: number;
}

/** `chaperone sandbox`: runs the sandbox provider until SIGTERM or SIGINT. */
export async function sandbox({ host, port }: SandboxCommandOptions): Promise<void> {
  const running = await startSandbox({ host, port });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void running.close());
  process.stdout.write(`Sandbox provider (not a real one): ${running.url}\n`);
}
