import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { Scope } from '../../../../scope.ts';

export interface Signer {
  readonly jwk: JWK;
  sign(claims: object, header?: object): Promise<string>;
}

export async function makeSigner(kid: string, alg = 'RS256'): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return {
    jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
    sign: (claims, header = { kid }) =>
      new SignJWT({ ...claims }).setProtectedHeader({ alg, ...header }).sign(privateKey),
  };
}

/** An OpenID Connect issuer, of which a proxy sees no more than its key set. */
export interface IdentityProvider {
  readonly url: string;
  /** What it publishes; undefined: it answers 503. */
  keys: readonly JWK[] | undefined;
  /** How often it has been asked. */
  asked: number;
}

export async function startIdentityProvider(scope: Scope, keys: readonly JWK[]): Promise<IdentityProvider> {
  const provider: { -readonly [K in keyof IdentityProvider]: IdentityProvider[K] } = { url: '', keys, asked: 0 };
  const server = createServer((_request, response) => {
    provider.asked += 1;
    if (!provider.keys) response.writeHead(503).end();
    else response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: provider.keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.after(async () => {
    server.closeAllConnections();
    server.close();
  });
  provider.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return provider;
}
