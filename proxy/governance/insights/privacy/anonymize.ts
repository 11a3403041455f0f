import {
  type AnonymizationRow,
  findAnonymization,
  forgetAnonymization,
  lockAnonymization,
  upsertAnonymization,
} from '../../../../database/anonymizations.ts';
import { EnvelopeError } from '../../../../database/envelope.ts';
import { randomHex } from '../../../../database/ids.ts';
import { toStorable } from '../../../../database/storable.ts';
import { inTransaction } from '../../../../database/transaction.ts';
import type { Caller } from '../../../calls/call.ts';
import { ProxyError } from '../../../error.ts';
import { DetectorConfigError } from '../../../guardrails/detect/config-error.ts';
import type { Detector } from '../../../guardrails/detect/detector.ts';
import { makePlaceholders, type Replacement } from '../../../guardrails/detect/placeholders.ts';
import { redact } from '../../../guardrails/detect/redact.ts';
import { restore } from '../../../guardrails/detect/restore.ts';
import type { GovernanceContext, GovernanceInForce } from '../../context.ts';
import { recorded } from '../../recorded.ts';
import { makePersonalDetector, type PersonalKind, personalKindOf, personalKinds } from './kinds.ts';
import { maskValue } from './mask.ts';

type Context = Pick<GovernanceContext, 'inForce' | 'store'>;

export interface AnonymizeRequest {
  readonly text: string;
  /** Whether the mapping is shown, masked, and kept for `restoreText`. */
  readonly keepMapping: boolean;
  /** A kept mapping to go on with: a value gets the placeholder that it has there. */
  readonly mappingId?: string | undefined;
  /** Absent: all. */
  readonly kinds?: readonly PersonalKind[] | undefined;
  readonly phoneRegions?: readonly string[] | undefined;
}

export interface Anonymized {
  readonly text: string;
  /** Masked, in the order in which the placeholders were made. Empty where it is not kept. */
  readonly mapping: readonly Replacement[];
  /** Undefined: the mapping is kept nowhere. */
  readonly mappingId: string | undefined;
  /** In the order of their first occurrence. */
  readonly kinds: readonly PersonalKind[];
}

interface KnownReplacement extends Replacement {
  readonly kind: PersonalKind;
}

/** Compiling one loads the rules of telephone numbers and the words of names. */
const detectors = new WeakMap<object, Map<string, Promise<Detector>>>();

/**
 * Replaces personal data by placeholders. A value has the same one wherever it occurs.
 *
 * @throws {ProxyError} `invalid_request`, `mapping_not_found`, `store_unavailable`
 */
export async function anonymize(context: Context, caller: Caller, request: AnonymizeRequest): Promise<Anonymized> {
  const { text, keepMapping, mappingId, kinds = personalKinds, phoneRegions } = request;
  const detector = await detectorFor(context, kinds, phoneRegions);
  const inForce = context.inForce();
  const { organizationId, storesContents } = inForce.snapshot;
  if (!keepMapping && mappingId === undefined) return replaceIn(text, detector, []).shown(undefined, false);
  if (!storesContents) {
    if (mappingId !== undefined) throw new ProxyError('mapping_not_found', { param: 'mapping_id' });
    return replaceIn(text, detector, []).shown(undefined, true);
  }
  const id = mappingId ?? `map-${randomHex(12)}`;
  return context.store.run((db) =>
    inTransaction(db, async () => {
      const row =
        mappingId === undefined ? undefined : await lockAnonymization(db, organizationId, toStorable(mappingId));
      if (mappingId !== undefined && row?.userId !== caller.userId) {
        throw new ProxyError('mapping_not_found', { param: 'mapping_id' });
      }
      const replaced = replaceIn(text, detector, row ? openMapping(inForce, row) : []);
      await upsertAnonymization(db, organizationId, {
        ...{ anonymizationId: id, userId: caller.userId },
        mappingSealed: sealMapping(inForce, id, replaced.replacements),
      });
      return replaced.shown(id, true);
    }),
  );
}

/**
 * Puts the values of a kept mapping back, for whoever made it, or an admin. The audit log has it.
 *
 * @throws {ProxyError} `mapping_not_found`, the same for one that is not there and one that is another user's;
 * `store_unavailable`
 */
export async function restoreText(
  context: Context,
  caller: Caller,
  mappingId: string,
  text: string,
): Promise<{ readonly text: string; readonly restored: number }> {
  const inForce = context.inForce();
  const { organizationId } = inForce.snapshot;
  const row = await recorded(
    context,
    caller,
    async (db) => {
      const found = await findAnonymization(db, organizationId, toStorable(mappingId));
      if (!found || !mayRestore(caller, found)) throw new ProxyError('mapping_not_found', { param: 'mapping_id' });
      return found;
    },
    () => ({ action: 'restored', subject: `Mapping/${mappingId}`, changes: [] }),
  );
  const placeholders = makePlaceholders({ known: openMapping(inForce, row) });
  let restored = 0;
  const counting = {
    ...placeholders,
    valueOf(placeholder: string) {
      const value = placeholders.valueOf(placeholder);
      if (value !== undefined) restored += 1;
      return value;
    },
  };
  return { text: restore(counting, text), restored };
}

/** Forgets a kept mapping, for whoever made it, or an admin. @throws {ProxyError} as `restoreText` */
export async function forgetMapping(context: Context, caller: Caller, mappingId: string): Promise<void> {
  const { organizationId } = context.inForce().snapshot;
  const owner = caller.roles.includes('admin') ? null : caller.userId;
  await recorded(
    context,
    caller,
    async (db) => {
      const isGone = await forgetAnonymization(db, organizationId, toStorable(mappingId), owner);
      if (!isGone) throw new ProxyError('mapping_not_found', { param: 'mapping_id' });
    },
    () => ({ action: 'deleted', subject: `Mapping/${mappingId}`, changes: [] }),
  );
}

function mayRestore(caller: Caller, { userId }: AnonymizationRow): boolean {
  return userId === caller.userId || caller.roles.includes('admin');
}

function replaceIn(text: string, detector: Detector, known: readonly KnownReplacement[]) {
  // What looks like a placeholder in the text is none of ours, and stays as it is.
  const literal = [...text.matchAll(/\[[A-Z][A-Z_]*_\d+\]/g)].map(([found]) => ({ placeholder: found, value: found }));
  const unknown = literal.filter(({ placeholder }) => !known.some((one) => one.placeholder === placeholder));
  const placeholders = makePlaceholders({ known: [...known, ...unknown] });
  const kindOf = new Map(known.map(({ placeholder, kind }) => [placeholder, kind]));
  const kinds = new Set<PersonalKind>();
  const { text: replaced } = redact(detector, text, (found, value) => {
    const kind = personalKindOf(found);
    kinds.add(kind);
    const placeholder = placeholders.replace(kind === 'secret' ? kind : found, value);
    kindOf.set(placeholder, kind);
    return placeholder;
  });
  const replacements = placeholders
    .entries()
    .filter(({ placeholder, value }) => placeholder !== value)
    .map(({ placeholder, value }) => ({ placeholder, value, kind: kindOf.get(placeholder) ?? 'secret' }));
  return {
    replacements,
    shown: (mappingId: string | undefined, showsMapping: boolean): Anonymized => ({
      ...{ text: replaced, mappingId, kinds: [...kinds] },
      mapping: showsMapping
        ? replacements.map(({ placeholder, value, kind }) => ({ placeholder, value: maskValue(kind, value) }))
        : [],
    }),
  };
}

/** Detectors are kept as long as the context: each choice of kinds is compiled once. */
async function detectorFor(
  context: object,
  kinds: readonly PersonalKind[],
  phoneRegions: readonly string[] | undefined,
): Promise<Detector> {
  const known = detectors.get(context) ?? new Map<string, Promise<Detector>>();
  detectors.set(context, known);
  const key = JSON.stringify([[...kinds].sort(), phoneRegions]);
  // Callers choose, so that few are kept.
  if (known.size > 32) known.clear();
  const made = known.get(key) ?? makePersonalDetector(kinds, phoneRegions);
  known.set(key, made);
  try {
    return await made;
  } catch (error) {
    known.delete(key);
    if (!(error instanceof DetectorConfigError)) throw error;
    const param = error.field.replace('phoneRegions', 'phone_regions');
    throw new ProxyError('invalid_request', {
      param,
      message: error.message.replace(error.field, param),
      cause: error,
    });
  }
}

const column = 'anonymizations.mapping';

function sealMapping(
  { snapshot, envelope }: GovernanceInForce,
  rowId: string,
  replacements: readonly KnownReplacement[],
) {
  return envelope.seal({ organizationId: snapshot.organizationId, column, rowId }, JSON.stringify(replacements));
}

/** What was sealed with a data key that is lost is empty. */
function openMapping({ snapshot, envelope }: GovernanceInForce, row: AnonymizationRow): KnownReplacement[] {
  const { organizationId } = snapshot;
  try {
    const opened = envelope.open({ organizationId, column, rowId: row.anonymizationId }, row.mappingSealed);
    return JSON.parse(opened.toString()) as KnownReplacement[];
  } catch (error) {
    if (error instanceof EnvelopeError) return [];
    throw error;
  }
}
