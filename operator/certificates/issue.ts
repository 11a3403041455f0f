import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { loadX509 } from './x509.ts';

/** A certificate with its private key, both as PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface Validity {
  readonly lifetimeMs: number;
  readonly nowMs: number;
}

/** Certificates become valid this long before they are issued, for clients with slow clocks. */
export const clockSkewMs = 5 * 60_000;

const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' };
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' };

/** Issues a certificate authority that can sign only serving certificates. */
export async function issueAuthority(validity: Validity): Promise<KeyPair> {
  const x509 = await loadX509();
  const keys = await makeKeys();
  // Each authority has a unique name: chains are built by name, and two may be trusted at the same time.
  const name = `CN=chaperone-webhook-ca-${validity.nowMs}`;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name,
      keys,
      signingAlgorithm,
      ...periodOf(validity),
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate: toPem(certificate.toString('pem')), privateKey: await exportKey(keys.privateKey) };
}

/**
 * Issues a serving certificate.
 *
 * @param names DNS names and IP addresses at which clients reach the server
 * @throws where `issueAuthority` did not make the authority's key
 */
export async function issueServing(authority: KeyPair, names: readonly string[], validity: Validity): Promise<KeyPair> {
  const x509 = await loadX509();
  const keys = await makeKeys();
  const issuer = new x509.X509Certificate(authority.certificate);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: 'CN=chaperone-webhook',
      issuer: issuer.subject,
      publicKey: keys.publicKey,
      signingKey: await importKey(authority.privateKey),
      signingAlgorithm,
      ...periodOf(validity),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(
          names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
        ),
        await x509.AuthorityKeyIdentifierExtension.create(issuer, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate: toPem(certificate.toString('pem')), privateKey: await exportKey(keys.privateKey) };
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
}

function periodOf({ lifetimeMs, nowMs }: Validity): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - clockSkewMs), notAfter: new Date(nowMs + lifetimeMs) };
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const { PemConverter } = await loadX509();
  return toPem(PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY'));
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const { PemConverter } = await loadX509();
  return webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pem), keyAlgorithm, false, ['sign']);
}

/** Ends with one line break, since a bundle concatenates certificates. */
function toPem(text: string): string {
  return `${text.trimEnd()}\n`;
}
