import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { pathOf } from '../http/nearest.ts';
import { socketApis } from './apis.ts';
import type { Sockets, SocketsContext } from './sockets.ts';

/** The sessions of a server. */
export interface Upgrades {
  /** Tells every session that the process stops. Resolves when the last one is over. */
  drain(): Promise<void>;
  /** Ends those that there still are. */
  cut(): void;
}

/**
 * For `shouldUpgradeCallback` of node:http: the opening handshake of a WebSocket (RFC 6455, section 4.1). On other paths,
 * such requests are answered in HTTP.
 */
export function isUpgrade(request: IncomingMessage): boolean {
  const { method, headers } = request;
  return method === 'GET' && /\bwebsocket\b/i.test(headers.upgrade ?? '') && socketApis.has(pathOf(request.url ?? ''));
}

/** Takes the WebSockets of a server. The first one loads what they need. */
export function takeUpgrades(server: Server, context: SocketsContext): Upgrades {
  let opening: Promise<Sockets> | undefined;
  let sockets: Sockets | undefined;
  let isStopping = false;
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // The client may leave while the module is loaded.
    socket.on('error', () => socket.destroy());
    opening ??= import('./sockets.ts').then(({ makeSockets }) => makeSockets(context));
    opening.then(
      (made) => {
        sockets = made;
        if (isStopping) void made.drain();
        made.take(request, socket, head);
      },
      (error) => {
        context.log.error({ err: error }, 'cannot open WebSockets');
        socket.destroy();
      },
    );
  });
  return {
    async drain() {
      isStopping = true;
      await sockets?.drain();
    },
    cut: () => sockets?.cut(),
  };
}
