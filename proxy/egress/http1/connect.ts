import { isIP, type OnReadOpts, connect as openTcp, type Socket } from 'node:net';
import { connect as openTls } from 'node:tls';

/** Opens a connection; `onRead` gets all that it brings, in a buffer that is used again. */
export type Connect = (onRead: OnReadOpts) => Socket;

const keepAliveProbeMs = 60_000;

/** Makes the function that opens connections to an origin. Those with TLS resume the session of an earlier one. */
export function makeConnect(origin: URL): Connect {
  const open = origin.protocol === 'https:' ? makeOpenTls(origin) : makeOpenTcp(origin);
  return (onRead) => open(onRead).setNoDelay(true).setKeepAlive(true, keepAliveProbeMs);
}

function makeOpenTcp(origin: URL): Connect {
  const host = hostOf(origin);
  const port = Number(origin.port || 80);
  return (onread) => openTcp({ host, port, onread });
}

function makeOpenTls(origin: URL): Connect {
  const host = hostOf(origin);
  const port = Number(origin.port || 443);
  // The name that the certificate must have. It is not sent where it is an address.
  const servername = isIP(host) === 0 ? host : '';
  let session: Buffer | undefined;
  return (onread) => {
    const options = { host, port, servername, ALPNProtocols: ['http/1.1'], onread, ...(session && { session }) };
    return openTls(options).on('session', (made) => {
      session = made;
    });
  };
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
