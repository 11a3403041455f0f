import { type DefaultName, defaultFields, outputTokenFields } from '../../../crds/asked-fields.ts';
import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Body } from '../../providers/json.ts';
import { type CallFacts, makeCallMatch } from '../../snapshot/call-match.ts';
import { type BodyEdit, isUnstated, readPath, setPath } from './body-edit.ts';

export type DefaultSpec = NonNullable<NonNullable<OrganizationSpec['models']>['defaults']>[number];

/** A field that is set in a body that does not say it itself. */
export interface SetDefault {
  /** The name of the entry. */
  readonly entry: string;
  readonly name: DefaultName;
  readonly edit: BodyEdit;
}

export type Defaults = (facts: CallFacts, operation: Operation, body: Body) => SetDefault[];

const names: readonly DefaultName[] = [
  'temperature',
  'topP',
  'maxOutputTokens',
  'reasoningEffort',
  'serviceTier',
  'store',
];

/** Compiles defaults. Of each field, the first entry that fits and states it applies. */
export function makeDefaults(specs: readonly DefaultSpec[]): Defaults {
  const entries = specs.map((spec) => ({ spec, fits: makeCallMatch(spec.match) }));
  return (facts, operation, body) => {
    // A count of tokens takes nothing that is about an answer.
    if (operation.onlyCounts) return [];
    const fitting = entries.filter(({ fits }) => fits(facts));
    return names.flatMap((name) => {
      const found = fitting.find(({ spec }) => spec[name] !== undefined)?.spec;
      const path = defaultFields[name][operation.name];
      if (!found || !path || says(body, operation.name, name, path)) return [];
      const value = valueFor(operation.name, name, found[name]);
      return value === undefined ? [] : [{ entry: found.name, name, edit: setPath(path, value) }];
    });
  };
}

function says(body: Body, operation: string, name: DefaultName, path: readonly string[]): boolean {
  const paths = name === 'maxOutputTokens' ? (outputTokenFields[operation] ?? []).map((field) => [field]) : [path];
  return paths.some((one) => !isUnstated(readPath(body, one)));
}

const effortsOfMessages: readonly unknown[] = ['low', 'medium', 'high', 'xhigh', 'max'];
const tiersOfMessages: Readonly<Record<string, string>> = { auto: 'auto', default: 'standard_only' };

/** In the words of the operation. Undefined: it cannot say that. */
function valueFor(operation: string, name: DefaultName, value: unknown): unknown {
  if (operation !== 'messages') return value;
  if (name === 'serviceTier') return tiersOfMessages[String(value)];
  return name !== 'reasoningEffort' || effortsOfMessages.includes(value) ? value : undefined;
}
