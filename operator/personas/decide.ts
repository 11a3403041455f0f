import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { findInvalidParameter, findReservedParameter } from '../../crds/persona-parameters.ts';
import type { Persona } from '../../crds/resources.generated.ts';
import type { PersonaWrite } from '../../database/personas.ts';
import { modelRefused, refusesNamed } from '../model-rule.ts';
import type { Verdict } from '../runtime/conditions.ts';
import { inactive, notReady, ready, type TenantObject } from '../tenant-kind.ts';
import type { GatheredPersona } from './gather.ts';

export type PersonaRow = Omit<PersonaWrite, 'contentSealed'> & { readonly content: string };

export interface PersonaDecision {
  /** The row to write. Undefined where the row in force is right, or no better one is known. */
  readonly write: PersonaRow | undefined;
  readonly verdict: Verdict;
  readonly contentHash: string | undefined;
  /** What an edit has changed, for people. Undefined where nothing changed, or this is the first version. */
  readonly edit?: string | undefined;
}

/** Decides what to do about a persona. */
export function decidePersona(gathered: GatheredPersona, object: TenantObject<'Persona'>): PersonaDecision {
  const { persona, content, stored } = gathered;
  const { spec } = persona;
  if (content === undefined) {
    const { name, key } = spec.contentFrom?.configMapKeyRef ?? {};
    const inForce = stored ? ' The last content stays in force.' : '';
    const reason = gathered.isBinary
      ? `Key "${key}" of ConfigMap "${name}" is not UTF-8. Save the text as UTF-8 and put it there.`
      : `There is no ConfigMap "${name}" with key "${key}". Create it.`;
    return {
      write: undefined,
      verdict: notReady('ContentNotFound', `${reason}${inForce}`),
      contentHash: stored && hashOf(stored.content),
    };
  }
  const reserved = findReservedParameter(spec.parameters ?? {});
  if (reserved) {
    const field = `spec.parameters.${reserved.name}`;
    const inForce = stored ? ' What was in force before stays in force, without what it may not set.' : '';
    return {
      write: undefined,
      verdict: notReady('ParametersRefused', `${field} ${reserved.reason}; remove it.${inForce}`),
      contentHash: stored && hashOf(stored.content),
    };
  }
  const invalid = findInvalidParameter(spec.parameters ?? {});
  if (invalid) {
    const message = `spec.parameters.${invalid.name} ${invalid.reason}; correct it.`;
    const inForce = stored ? ' Until then what was in force before stays in force.' : '';
    return {
      write: undefined,
      verdict: notReady('ParametersInvalid', `${message}${inForce}`),
      contentHash: stored && hashOf(stored.content),
    };
  }
  const row: PersonaRow = {
    organizationId: object.tenancy.organizationId,
    personaId: object.rowId,
    resource: object.path,
    servesNamespace: object.reach.servesNamespace,
    name: spec.name,
    description: spec.description ?? null,
    content,
    users: spec.users,
    model: spec.model ?? null,
    parameters: spec.parameters ?? {},
    isActive: spec.active,
  };
  return {
    write: isDeepStrictEqual(row, stored) ? undefined : row,
    verdict: judge(spec, object),
    contentHash: hashOf(content),
    edit: stored && describeEdit(stored, row),
  };
}

/** Columns with their names in a spec. */
const fields: readonly (readonly [keyof PersonaRow, string])[] = [
  ['name', 'name'],
  ['description', 'description'],
  ['users', 'users'],
  ['model', 'model'],
  ['parameters', 'parameters'],
  ['isActive', 'active'],
  ['servesNamespace', 'whom it serves'],
];

/** Describes an edit. The hash identifies the content that was in force at a time. */
function describeEdit(stored: PersonaRow, row: PersonaRow): string | undefined {
  const changed = fields.flatMap(([column, field]) => (isDeepStrictEqual(stored[column], row[column]) ? [] : [field]));
  const [before, now] = [stored.content, row.content].map((content) => hashOf(content).slice(0, shownDigits));
  const content = before === now ? [] : [`content ${now} (before: ${before})`];
  const parts = [...content, ...changed];
  return parts.length === 0 ? undefined : `A change is in force from now on: ${parts.join(', ')}.`;
}

/** Enough digits to distinguish contents. The status has the whole hash. */
const shownDigits = 12;

function judge({ active, model }: Persona['spec'], { tenancy }: TenantObject<'Persona'>): Verdict {
  if (!active) return inactive('No call may use the persona');
  const { organization } = tenancy;
  return model !== undefined && refusesNamed(organization.spec, model)
    ? modelRefused('spec.model', model, organization, 'Calls with this persona that name no model are refused')
    : ready('The persona is in force.');
}

function hashOf(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}
