import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyPair } from './issue.ts';

/** What the Secret with the webhook's certificates holds. */
export interface StoredCertificates {
  /** Signs what is issued next. */
  readonly authority: KeyPair;
  readonly serving: KeyPair;
  /** The certificates of every authority that clients are to trust, the signing one last. */
  readonly trusted: readonly string[];
}

/** The Secret's keys. Those of TLS Secrets, and of cert-manager's, so that one reader does for all. */
export const certificateKeys = {
  certificate: 'tls.crt',
  privateKey: 'tls.key',
  bundle: 'ca.crt',
  authorityKey: 'ca.key',
} as const;

type Data = Readonly<Record<string, Uint8Array>>;

/** What the Secret holds; undefined where something is missing, cannot be read, or does not belong together. */
export function readCertificates(data: Data | undefined): StoredCertificates | undefined {
  const serving = readServing(data);
  const trusted = splitBundle(textOf(data, certificateKeys.bundle));
  const authority = { certificate: trusted.at(-1) ?? '', privateKey: textOf(data, certificateKeys.authorityKey) };
  const isWhole = serving && isPair(authority) && trusted.every((certificate) => parse(certificate));
  return isWhole ? { authority, serving, trusted } : undefined;
}

/** The server's certificate and key; undefined where one is missing, cannot be read, or is not the other's. */
export function readServing(data: Data | undefined): KeyPair | undefined {
  const pair = {
    certificate: textOf(data, certificateKeys.certificate),
    privateKey: textOf(data, certificateKeys.privateKey),
  };
  return isPair(pair) ? pair : undefined;
}

export function toCertificateData({ authority, serving, trusted }: StoredCertificates): Record<string, string> {
  return {
    [certificateKeys.certificate]: serving.certificate,
    [certificateKeys.privateKey]: serving.privateKey,
    [certificateKeys.bundle]: trusted.join(''),
    [certificateKeys.authorityKey]: authority.privateKey,
  };
}

function textOf(data: Data | undefined, key: string): string {
  return Buffer.from(data?.[key] ?? []).toString('utf8');
}

function splitBundle(bundle: string): string[] {
  const blocks = bundle.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => `${block}\n`);
}

function isPair({ certificate, privateKey }: KeyPair): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
  } catch {
    return false;
  }
}

function parse(certificate: string): X509Certificate | undefined {
  try {
    return new X509Certificate(certificate);
  } catch {
    return undefined;
  }
}
