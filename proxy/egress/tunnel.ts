import { type Agent, Agent as HttpAgent, request } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { connectionOptions } from './connection-options.ts';
import { type EgressSettings, proxyFor } from './settings.ts';

const connectMs = connectionOptions.connect.timeout;

/** The agent for a connection of another protocol than HTTP. Undefined: it is direct. */
export function agentFor(egress: EgressSettings, url: URL): Agent | undefined {
  const forwardProxy = proxyFor(url, egress);
  return forwardProxy && tunnelThrough(forwardProxy, url);
}

/** Makes the agent whose connections go through a forward proxy, by CONNECT (RFC 9110, section 9.3.6). */
function tunnelThrough(forwardProxy: URL, url: URL): Agent {
  const isSecure = url.protocol === 'https:';
  const target = `${url.hostname}:${url.port || (isSecure ? '443' : '80')}`;
  const { username, password, hostname, port } = forwardProxy;
  const credential = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const createConnection = (_options: object, made: (error: Error | null, socket?: Socket) => void) => {
    const asked = request({
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port || 80,
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...(username && { 'proxy-authorization': `Basic ${credential}` }) },
      timeout: connectMs,
    });
    asked.once('connect', (answer, socket) => {
      if (answer.statusCode !== 200) made(new Error(`The forward proxy answers ${answer.statusCode}`));
      else made(null, isSecure ? connectTls({ socket, servername: url.hostname }) : socket);
    });
    asked.once('timeout', () => asked.destroy(new Error('The forward proxy timed out')));
    asked.once('error', (error) => made(error));
    asked.end();
  };
  return Object.assign(isSecure ? new HttpsAgent() : new HttpAgent(), { createConnection });
}
