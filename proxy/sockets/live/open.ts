import type { IncomingMessage } from 'node:http';
import { admitSurface } from '../../calls/admit/admit.ts';
import type { Identified } from '../../calls/context.ts';
import { ProxyError } from '../../error.ts';
import { admitRole } from '../../governance/roles.ts';
import type { SessionCaller } from '../find-caller.ts';
import type { OpenContext, Ready } from '../session.ts';
import { LiveSession } from './session.ts';

/**
 * Admits somebody who watches what happens in the organization: an analyst, a reviewer or an admin.
 *
 * @throws {ProxyError} where the session may not be opened
 */
export async function openLive(
  { limits, live }: OpenContext,
  _: Pick<IncomingMessage, 'url' | 'headers'>,
  { secret }: SessionCaller,
  first: Identified,
): Promise<Ready> {
  if (secret) {
    throw new ProxyError('invalid_credentials', {
      message: 'an ephemeral key opens sessions of the Realtime API alone',
    });
  }
  requireWatcher(first);
  const hub = await live();
  return { begin: (opened) => new LiveSession(opened, { limits, hub, requireWatcher }), giveUp() {} };
}

function requireWatcher({ caller, inForce }: Identified): void {
  admitSurface(inForce.snapshot, 'insights');
  admitRole(caller, 'analyst', 'reviewer');
}
