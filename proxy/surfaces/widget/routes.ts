import { join } from 'node:path';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../../governance/context.ts';
import { whyNoDesk } from '../../governance/support/settings.ts';
import { makeBrowserFile, sendBrowserFile } from '../../http/browser-file.ts';
import type { SurfaceApp } from '../../http/surface.ts';

const headers = {
  // Pages of every origin load it, also those that isolate themselves (COEP).
  'access-control-allow-origin': '*',
  'cross-origin-resource-policy': 'cross-origin',
  'cache-control': 'public, max-age=3600, stale-while-revalidate=86400',
};

/** `GET /widget.js`: the chat for web pages ([widget/](../../../widget)). It needs no credential: scripts have none. */
export function registerWidget(app: SurfaceApp, { inForce }: Pick<GovernanceContext, 'inForce'>): void {
  const read = makeBrowserFile({
    built: join(import.meta.dirname, 'widget.js'),
    builder: [join(import.meta.dirname, '../../../scripts/build/widget.ts')],
  });
  app.get('/widget.js', { schema: { hide: true } }, async (request, reply) => {
    requireDesk(inForce());
    const file = await read();
    return sendBrowserFile(request, reply.headers(headers), file, 'text/javascript; charset=utf-8');
  });
}

/** @throws {ProxyError} `route_not_found` */
function requireDesk({ snapshot }: ReturnType<GovernanceContext['inForce']>): void {
  const why = whyNoDesk(snapshot);
  if (why === undefined) return;
  const message = `Unknown request URL: GET /widget.js. The organization has no support desk: ${why}`;
  throw new ProxyError('route_not_found', { message });
}
