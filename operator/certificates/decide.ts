import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { StoredCertificates } from './certificate-secret.ts';
import { clockSkewMs } from './issue.ts';

export interface CertificatePolicy {
  /** DNS names and IP addresses at which the API server reaches the webhook. */
  readonly names: readonly string[];
  readonly authorityLifetimeMs: number;
  /** At most a third of the authority's lifetime, so that no certificate outlives its authority. */
  readonly servingLifetimeMs: number;
  /** How long a new authority is published before it signs a serving certificate, so that every API server knows it. */
  readonly publicationMs: number;
}

const dayMs = 24 * 3_600_000;

export const defaultCertificatePolicy = {
  authorityLifetimeMs: 365 * dayMs,
  servingLifetimeMs: 90 * dayMs,
  publicationMs: 10 * 60_000,
} as const satisfies Partial<CertificatePolicy>;

export type CertificateDecision =
  | { readonly action: 'keep'; readonly nextCheckMs: number }
  /** Nothing stored is usable: issue everything again. */
  | { readonly action: 'bootstrap'; readonly reason: string }
  | {
      readonly action: 'renew';
      /** Whether to issue a new authority. It joins the trusted ones, and signs from the next renewal on. */
      readonly authority: boolean;
      readonly serving: boolean;
      /** The stored authorities that stay trusted. */
      readonly trusted: readonly string[];
      readonly reason: string;
    };

/** The fraction of a lifetime after which a successor is issued. */
const renewalFraction = 2 / 3;

/**
 * Decides what to do with the stored certificates, one step at a time. A new authority is issued and published while
 * certificates of the old one are in use. Only later does it sign one.
 *
 * @param stored undefined where there are no usable ones
 */
export function decideCertificates(
  stored: StoredCertificates | undefined,
  policy: CertificatePolicy,
  nowMs: number,
): CertificateDecision {
  if (!stored) return { action: 'bootstrap', reason: 'there are no usable certificates' };
  const authority = new X509Certificate(stored.authority.certificate);
  const serving = new X509Certificate(stored.serving.certificate);
  if (nowMs >= authority.validToDate.getTime()) return { action: 'bootstrap', reason: 'the authority has expired' };

  const authorityDueMs = renewalTimeMs(authority);
  const publishedMs = authority.validFromDate.getTime() + clockSkewMs + policy.publicationMs;
  const servingDueMs = Math.max(renewalTimeMs(serving), isOfFirst(stored) ? 0 : publishedMs);
  const unusable = whyUnusable(serving, stored.trusted, policy, nowMs);
  const trusted = stored.trusted.filter((certificate) => isStillNeeded(certificate, stored, policy, nowMs));
  const renew = (parts: { authority: boolean; serving: boolean }, reason: string) =>
    ({ action: 'renew', ...parts, trusted, reason }) as const;

  if (unusable) return renew({ authority: false, serving: true }, unusable);
  if (nowMs >= authorityDueMs) return renew({ authority: true, serving: false }, 'the authority nears its end');
  if (nowMs >= servingDueMs) return renew({ authority: false, serving: true }, 'the serving certificate nears its end');
  if (trusted.length < stored.trusted.length) {
    return renew({ authority: false, serving: false }, 'no valid certificate was signed by an old authority');
  }
  return { action: 'keep', nextCheckMs: Math.min(authorityDueMs, servingDueMs) - nowMs };
}

function isOfFirst({ trusted }: StoredCertificates): boolean {
  return trusted.length === 1;
}

function renewalTimeMs({ validFromDate, validToDate }: X509Certificate): number {
  const madeMs = validFromDate.getTime() + clockSkewMs;
  return madeMs + (validToDate.getTime() - madeMs) * renewalFraction;
}

function whyUnusable(
  serving: X509Certificate,
  trusted: readonly string[],
  { names }: CertificatePolicy,
  nowMs: number,
): string | undefined {
  if (nowMs >= serving.validToDate.getTime()) return 'the serving certificate has expired';
  if (!trusted.some((certificate) => isSignedBy(serving, certificate))) {
    return 'no trusted authority signed the serving certificate';
  }
  const missing = names.find((name) => !(isIP(name) ? serving.checkIP(name) : serving.checkHost(name)));
  return missing === undefined ? undefined : `the serving certificate lacks the name ${missing}`;
}

/** An old authority is needed until the last certificate that it can have signed has expired. */
function isStillNeeded(
  certificate: string,
  { trusted, serving }: StoredCertificates,
  { servingLifetimeMs, publicationMs }: CertificatePolicy,
  nowMs: number,
): boolean {
  const successor = trusted[trusted.indexOf(certificate) + 1];
  if (successor === undefined) return true;
  const authority = new X509Certificate(certificate);
  if (nowMs >= authority.validToDate.getTime()) return false;
  const successorMadeMs = new X509Certificate(successor).validFromDate.getTime() + clockSkewMs;
  const isShown = isSignedBy(new X509Certificate(serving.certificate), certificate);
  return isShown || nowMs < successorMadeMs + publicationMs + servingLifetimeMs;
}

function isSignedBy(certificate: X509Certificate, authority: string): boolean {
  const issuer = new X509Certificate(authority);
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
