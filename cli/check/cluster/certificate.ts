import { X509Certificate } from 'node:crypto';

/** Reads the certificates in a PEM bundle, without those that cannot be read. */
export function readBundle(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return new X509Certificate(block);
    } catch {
      return [];
    }
  });
}

/**
 * Why a client that trusts `bundle` would refuse a server at `host` that shows `chain`. Undefined: it would not.
 *
 * @param chain as in `tls.crt`: the server's own certificate first
 */
export function whyUntrusted(chain: string, bundle: string, host: string, nowMs: number): string | undefined {
  const [leaf, ...intermediates] = readBundle(chain);
  if (!leaf) return 'the Secret has no certificate';
  if (!leaf.checkHost(host)) return `the certificate is not for ${host}`;
  const roots = readBundle(bundle);
  if (roots.length === 0) return 'its caBundle is empty';

  let current = leaf;
  for (let depth = 0; depth <= intermediates.length; depth += 1) {
    if (!isInForce(current, nowMs)) return `the certificate ${current.subject} ${whenInForce(current)}`;
    const root = roots.find((candidate) => hasSigned(candidate, current));
    if (root) return isInForce(root, nowMs) ? undefined : `the authority ${root.subject} ${whenInForce(root)}`;
    const next = intermediates.find((candidate) => candidate !== current && hasSigned(candidate, current));
    if (!next) break;
    current = next;
  }
  return 'no authority in its caBundle has signed the certificate';
}

function hasSigned(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function whenInForce({ validFrom, validTo }: X509Certificate): string {
  return `is valid only from ${validFrom} to ${validTo}`;
}

function isInForce({ validFromDate, validToDate }: X509Certificate, nowMs: number): boolean {
  return validFromDate.getTime() <= nowMs && nowMs < validToDate.getTime();
}
