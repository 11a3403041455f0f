import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../../governance/context.ts';
import { whyNoDesk } from '../../governance/support/settings.ts';
import type { SurfaceApp } from '../../http/surface.ts';

/** The script as it is sent. */
interface WidgetFile {
  readonly etag: string;
  readonly plain: Buffer;
  readonly zipped: Buffer;
}

const headers = {
  // Pages of every origin load it, also those that isolate themselves (COEP).
  'access-control-allow-origin': '*',
  'cross-origin-resource-policy': 'cross-origin',
  'cache-control': 'public, max-age=3600, stale-while-revalidate=86400',
  vary: 'accept-encoding',
  'x-content-type-options': 'nosniff',
};

/** `GET /widget.js`: the chat for web pages ([widget/](../../../widget)). It needs no credential: scripts have none. */
export function registerWidget(app: SurfaceApp, { inForce }: Pick<GovernanceContext, 'inForce'>): void {
  let file: Promise<WidgetFile> | undefined;
  const read = () => {
    file ??= readFileOnce().catch((error: unknown) => {
      file = undefined;
      throw error;
    });
    return file;
  };
  app.get('/widget.js', { schema: { hide: true } }, async (request, reply) => {
    requireDesk(inForce());
    const { etag, plain, zipped } = await read();
    reply.headers({ ...headers, etag });
    if (hasIt(request.headers['if-none-match'], etag)) return reply.code(304).send();
    reply.type('text/javascript; charset=utf-8');
    if (!takesGzip(request.headers['accept-encoding'])) return reply.send(plain);
    return reply.header('content-encoding', 'gzip').send(zipped);
  });
}

/** @throws {ProxyError} `route_not_found` */
function requireDesk({ snapshot }: ReturnType<GovernanceContext['inForce']>): void {
  const why = whyNoDesk(snapshot);
  if (why === undefined) return;
  const message = `Unknown request URL: GET /widget.js. The organization has no support desk: ${why}`;
  throw new ProxyError('route_not_found', { message });
}

async function readFileOnce(): Promise<WidgetFile> {
  const plain = await readWidget();
  const zipped = await promisify(gzip)(plain, { level: 9 });
  // A weak one, since what is sent differs by its encoding.
  return { etag: `W/"${createHash('sha256').update(plain).digest('base64url')}"`, plain, zipped };
}

/** Beside this module in the built program. In the source tree nothing is built, so it is made when it is asked for. */
async function readWidget(): Promise<Buffer> {
  const built = join(import.meta.dirname, 'widget.js');
  if (existsSync(built)) return readFile(built);
  const builder = join(import.meta.dirname, '../../../scripts/build/widget.ts');
  const options = { encoding: 'buffer', maxBuffer: 2 ** 20 } as const;
  const { stdout } = await promisify(execFile)(process.execPath, [builder], options);
  return stdout;
}

/** @see https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2 */
function hasIt(known: string | undefined, etag: string): boolean {
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '');
  return known?.split(',').some((tag) => tag.trim() === '*' || opaque(tag) === opaque(etag)) ?? false;
}

function takesGzip(accepted: unknown): boolean {
  return typeof accepted === 'string' && /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/.test(accepted);
}
