import type { Body } from '../../providers/json.ts';
import type { BodyEdit } from '../models/body-edit.ts';
import type { Lowered } from '../models/ceilings.ts';
import type { SetDefault } from '../models/defaults.ts';

/** What an organization's rules about models made of a call. */
export interface ModelTerms {
  /** The name that the caller used for the model. Undefined: the model's own. */
  readonly alias: string | undefined;
  /** What they changed in the body, in order. */
  readonly edits: readonly BodyEdit[];
  readonly defaults: readonly Pick<SetDefault, 'entry' | 'name'>[];
  readonly lowered: readonly Lowered[];
}

/** The terms of a call that no rule has changed yet. */
export const noTerms: ModelTerms = { alias: undefined, edits: [], defaults: [], lowered: [] };

/** A body with what the rules changed. */
export function onTerms(body: Body, edits: ModelTerms['edits'] | undefined): Body {
  return edits?.reduce((changed, edit) => edit(changed), body) ?? body;
}

/**
 * The headers that tell the client of it: the model that its name stands for, and the fields that ceilings have set, as a
 * dictionary of RFC 9651.
 */
export function headersOfTerms(
  terms: ModelTerms | undefined,
  model: string | undefined,
): Readonly<Record<string, string>> | undefined {
  if (!terms || (terms.alias === undefined && terms.lowered.length === 0)) return undefined;
  const lowered = terms.lowered.map(({ field, allowed, ceiling }) => `${field}=${allowed};by="${ceiling}"`);
  return {
    ...(terms.alias !== undefined && model !== undefined && { 'x-chaperone-model': model }),
    ...(lowered.length > 0 && { 'x-chaperone-lowered': lowered.join(', ') }),
  };
}
