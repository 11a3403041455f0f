import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates, TLSSocket } from 'node:tls';
import { issueAuthority, issueServing, type KeyPair } from '../../../../operator/certificates/issue.ts';
import { Http1Client } from '../../../../proxy/egress/http1/client.ts';
import { atEnd, type Scope } from '../../../scope.ts';
import { startRawServer } from './raw-server.ts';

const validity = { lifetimeMs: 3_600_000, nowMs: Date.now() };
const trusted = getCACertificates('default');

/** What a server knows of a connection. */
interface Accepted {
  readonly protocol: string | false | null;
  readonly name: string | false | null;
  readonly isResumed: boolean;
}

suite('over TLS', () => {
  let authority: KeyPair;
  before(async () => {
    authority = await issueAuthority(validity);
    setDefaultCACertificates([...trusted, authority.certificate]);
  });
  after(() => setDefaultCACertificates(trusted));

  /** A server for these names that answers each request and then closes the connection. */
  const start = async (scope: Scope, names: readonly string[], issuer = authority) => {
    const { certificate, privateKey } = await issueServing(issuer, names, validity);
    const accepted: Accepted[] = [];
    const server = await startRawServer(scope, {
      tls: { cert: certificate, key: privateKey, ALPNProtocols: ['h2', 'http/1.1'] },
      onConnection(socket: Socket) {
        assert.ok(socket instanceof TLSSocket);
        accepted.push({
          protocol: socket.alpnProtocol,
          name: socket.servername,
          isResumed: socket.isSessionReused(),
        });
      },
      onRequest: (socket) =>
        socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n2\r\nHi\r\n0\r\n\r\n'),
    });
    const client = new Http1Client();
    atEnd(scope, () => client.destroy());
    const ask = (host: string) =>
      new Promise<string>((resolve) => {
        let text = '';
        client.send(
          {
            method: 'GET',
            origin: `https://${host}:${server.port}`,
            path: '/',
            headers: [],
            body: null,
            headersTimeout: 0,
            bodyTimeout: 0,
            isTurnEnd: true,
          },
          {
            onResponseData: (_, bytes) => {
              text += bytes;
            },
            onResponseEnd: () => resolve(text),
            onResponseError: (_, error) => resolve('code' in error ? String(error.code) : error.message),
          },
        );
      });
    return { ask, accepted };
  };

  test('an answer comes by HTTP/1.1, from a server that is asked for by its name', async (t) => {
    const { ask, accepted } = await start(t, ['localhost']);
    assert.equal(await ask('localhost'), 'Hi');
    assert.deepEqual(accepted, [{ protocol: 'http/1.1', name: 'localhost', isResumed: false }]);
  });

  test('a later connection resumes the session', async (t) => {
    const { ask, accepted } = await start(t, ['localhost']);
    for (let call = 0; call < 3; call += 1) {
      assert.equal(await ask('localhost'), 'Hi');
      await nextTurn();
    }
    assert.deepEqual([accepted.at(0)?.isResumed, accepted.at(-1)?.isResumed], [false, true]);
  });

  test('an address is asked for without a name', async (t) => {
    const { ask, accepted } = await start(t, ['127.0.0.1']);
    assert.equal(await ask('127.0.0.1'), 'Hi');
    assert.equal(accepted[0]?.name, false);
  });

  test('a server whose certificate has another name gets no request', async (t) => {
    const { ask } = await start(t, ['provider.test']);
    assert.equal(await ask('localhost'), 'ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('a server whose certificate nobody vouches for gets no request', async (t) => {
    const { ask } = await start(t, ['localhost'], await issueAuthority(validity));
    assert.match(await ask('localhost'), /^UNABLE_TO_|SELF_SIGNED/);
  });
});
