import { access, constants, mkdir, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import type { BenchmarkContext } from '../benchmark.ts';
import { findFreePort, nextMessage, plainEnvironment, startChild, startNode, stopChild } from '../child.ts';
import { answers, type Form } from './exchange.ts';
import { untilAnswered } from './http.ts';

export interface Upstream {
  readonly kind: 'nginx' | 'node';
  readonly port: number;
}

/** Starts the upstream: nginx where it is installed, else a minimal server on Node. Both answer constants. */
export async function startUpstream(directory: string, { onEnd }: BenchmarkContext): Promise<Upstream> {
  const nginx = await findNginx();
  if (nginx !== undefined) return { kind: 'nginx', port: await startNginx(nginx, join(directory, 'nginx'), onEnd) };
  const server = startNode(join(import.meta.dirname, 'constant-server.ts'), []);
  onEnd(() => stopChild(server));
  const { port } = await nextMessage<AddressInfo>(server);
  return { kind: 'node', port };
}

async function findNginx(): Promise<string | undefined> {
  for (const folder of [...plainEnvironment.PATH.split(delimiter), '/usr/sbin']) {
    const file = join(folder, 'nginx');
    const isRunnable = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isRunnable) return file;
  }
  return undefined;
}

async function startNginx(nginx: string, directory: string, onEnd: BenchmarkContext['onEnd']): Promise<number> {
  const port = await findFreePort();
  await mkdir(join(directory, 'temp'), { recursive: true });
  const file = join(directory, 'nginx.conf');
  await writeFile(file, nginxConfiguration(port));
  const server = startChild(nginx, ['-p', directory, '-e', 'stderr', '-c', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  onEnd(() => stopChild(server));
  await untilAnswered(server, port, '/');
  return port;
}

/** The client's Accept header selects the answer, since nginx does not read bodies. */
function nginxConfiguration(port: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path temp/${name};`,
  );
  return `
    daemon off;
    worker_processes 1;
    pid nginx.pid;
    events { worker_connections 1024; }
    http {
      access_log off;
      ${temporary.join('\n      ')}
      keepalive_requests 1000000000;
      map $http_accept $form { default whole; text/event-stream stream; }
      server {
        listen 127.0.0.1:${port};
        if ($form = stream) { rewrite ^ /stream last; }
        location / { ${nginxAnswer('whole')} }
        location = /stream { ${nginxAnswer('stream')} }
      }
    }`;
}

/** In pieces, since nginx accepts no parameter longer than 4 KB. */
function nginxAnswer(form: Form): string {
  const { contentType, body } = answers[form];
  const pieces = (body.match(/.{1,2000}/gs) ?? []).map((piece, index) => {
    const quoted = piece.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
    return { name: `$${form}_${index}`, set: `set $${form}_${index} '${quoted}';` };
  });
  const sets = pieces.map(({ set }) => set).join('\n');
  return `default_type ${contentType};\n${sets}\nreturn 200 "${pieces.map(({ name }) => name).join('')}";`;
}
