import type { Persona } from '../../crds/resources.generated.ts';
import { type Envelope, EnvelopeError } from '../../database/envelope.ts';
import type { PersonaWrite } from '../../database/personas.ts';
import type { TenantContext, TenantObject } from '../tenant-kind.ts';

/** The facts for a decision about a persona. */
export interface GatheredPersona {
  readonly persona: Persona;
  /** The instructions. Undefined where the ConfigMap or its key is missing. */
  readonly content: string | undefined;
  /** Whether the ConfigMap has bytes instead of text. */
  readonly isBinary: boolean;
  /** The opened row in force. Undefined where there is none, or it does not open. */
  readonly stored: (Omit<PersonaWrite, 'contentSealed'> & { readonly content: string }) | undefined;
}

export function gatherPersona(
  { cluster }: TenantContext,
  { resource, namespace, tenancy, envelope }: TenantObject<'Persona'>,
  row: PersonaWrite | undefined,
): GatheredPersona {
  const { content, contentFrom } = resource.spec;
  const reference = contentFrom?.configMapKeyRef;
  const configMap = reference && cluster.get('ConfigMap', namespace, reference.name);
  return {
    persona: resource,
    content: content ?? (reference && configMap?.data[reference.key]),
    isBinary: reference !== undefined && (configMap?.binaryKeys?.includes(reference.key) ?? false),
    stored: row && open(row, tenancy.organizationId, envelope),
  };
}

function open(row: PersonaWrite, organizationId: string, envelope: Envelope) {
  const { contentSealed, ...rest } = row;
  // A row sealed with a replaced key is written again.
  if (!envelope.isCurrent(contentSealed)) return undefined;
  try {
    const place = { organizationId, column: 'personas.content', rowId: row.personaId };
    return { ...rest, content: envelope.open(place, contentSealed).toString() };
  } catch (error) {
    // A row sealed with lost keys is written again.
    if (error instanceof EnvelopeError) return undefined;
    throw error;
  }
}
