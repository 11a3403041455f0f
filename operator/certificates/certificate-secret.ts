import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyPair } from './issue.ts';

/** The content of the Secret with the webhook's certificates. */
export interface StoredCertificates {
  /** The authority that signs the next certificates. */
  readonly authority: KeyPair;
  readonly serving: KeyPair;
  /** The certificates of all authorities that clients trust. The signing one is last. */
  readonly trusted: readonly string[];
}

/** The keys of the Secret. TLS Secrets and those of cert-manager have the same, so one reader works for all. */
export const certificateKeys = {
  certificate: 'tls.crt',
  privateKey: 'tls.key',
  bundle: 'ca.crt',
  authorityKey: 'ca.key',
} as const;

type Data = Readonly<Record<string, Uint8Array>>;

/** Reads the Secret's content. Undefined where a part is missing, unreadable, or does not match the others. */
export function readCertificates(data: Data | undefined): StoredCertificates | undefined {
  const serving = readServing(data);
  const trusted = splitBundle(textOf(data, certificateKeys.bundle));
  const authority = { certificate: trusted.at(-1) ?? '', privateKey: textOf(data, certificateKeys.authorityKey) };
  const isWhole = serving && isPair(authority) && trusted.every((certificate) => parse(certificate));
  return isWhole ? { authority, serving, trusted } : undefined;
}

/**
 * Reads the serving certificate and its key. Undefined where one is missing, unreadable, or does not match the other.
 */
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
