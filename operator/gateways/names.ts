import { createHash } from 'node:crypto';

/** The label of all objects and pods of a gateway, with the organization's name. */
export const gatewayLabel = 'chaperone.dev/gateway-of';

/** A Secret with this label may be the certificate of the gateway of the organization that the label names. */
export const certificateLabel = 'chaperone.dev/certificate-of';

/** The most characters of a Service's name. */
const longestName = 63;

/**
 * The name of all objects of an organization's gateway. A Service's name has no dots and at most 63 characters, so the
 * name of an organization that does not fit becomes its digest.
 */
export function gatewayName(organization: string): string {
  const name = `chaperone-gateway-${organization}`;
  if (name.length <= longestName && !organization.includes('.')) return name;
  return `chaperone-gateway-${createHash('sha256').update(organization).digest('hex').slice(0, 16)}`;
}
