import { toolFields } from '../../../crds/asked-fields.ts';
import { findLookalike } from '../../../crds/read-call-fields.ts';
import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import { ProxyError } from '../../error.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Body } from '../../providers/json.ts';
import { type CallFacts, makeCallMatch } from '../../snapshot/call-match.ts';
import type { BodyEdit } from './body-edit.ts';
import { boundImages, boundOutput, boundTemperature } from './bounds.ts';
import type { Excess } from './excess.ts';
import { findTools, makeToolRule, type ToolRule } from './tools.ts';

export type CeilingSpec = NonNullable<NonNullable<OrganizationSpec['models']>['ceilings']>[number];

/** A field that was set to a ceiling. */
export interface Lowered {
  readonly ceiling: string;
  /** Without its place in the body. */
  readonly field: string;
  readonly allowed: number | string;
}

export interface CeilingCall {
  readonly facts: CallFacts;
  readonly operation: Operation;
  /** The body before defaults were set in it. */
  readonly stated: Body;
  /** Whether the body can be changed. A form and a line of a batch go as they are. */
  readonly isRewritable: boolean;
  /** Is told of each field that a ceiling lowers or refuses. */
  readonly onReached: (ceiling: string, field: string, action: 'Refuse' | 'Lower') => void;
}

/** What the ceilings make of a body. */
export interface Bounded {
  readonly edits: readonly BodyEdit[];
  readonly lowered: readonly Lowered[];
}

/** Holds every ceiling that fits the call. @throws {ProxyError} `ceiling_exceeded`, `tool_not_allowed`, `invalid_request` */
export type Ceilings = (call: CeilingCall, body: Body) => Bounded;

const nothing: Bounded = { edits: [], lowered: [] };

/** Compiles ceilings. Do it once per configuration. */
export function makeCeilings(specs: readonly CeilingSpec[]): Ceilings {
  const ceilings = specs.map((spec) => ({
    spec,
    fits: makeCallMatch(spec.match),
    tools: spec.tools && makeToolRule(spec.tools.allow, spec.tools.deny),
  }));
  return (call, body) => {
    const fitting = ceilings.filter(({ fits }) => fits(call.facts));
    if (fitting.length === 0) return nothing;
    const edits: BodyEdit[] = [];
    const lowered: Lowered[] = [];
    let bounded = body;
    for (const { spec, tools } of fitting) {
      if (tools) requireTools(spec, tools, call, bounded);
      for (const excess of findExcesses(spec, call, bounded)) {
        requireChangeable(spec, excess, call);
        call.onReached(spec.name, fieldOf(excess), 'Lower');
        bounded = excess.edit(bounded);
        edits.push(excess.edit);
        lowered.push({ ceiling: spec.name, field: fieldOf(excess), allowed: excess.allowed });
      }
    }
    return { edits, lowered };
  };
}

function findExcesses(spec: CeilingSpec, { operation, stated }: CeilingCall, body: Body): Excess[] {
  const { maxOutputTokens, maxTemperature, imageDetail } = spec;
  return [
    ...(maxOutputTokens === undefined ? [] : boundOutput(operation, { body, stated }, maxOutputTokens)),
    ...(maxTemperature === undefined ? [] : boundTemperature(operation, { body, stated }, maxTemperature)),
    ...(imageDetail === undefined ? [] : boundImages(operation, body)),
  ];
}

function requireChangeable(spec: CeilingSpec, excess: Excess, { isRewritable, onReached }: CeilingCall): void {
  const { param, problem, allowed, isUnstated } = excess;
  if (isRewritable && (isUnstated || spec.action === 'Lower')) return;
  onReached(spec.name, fieldOf(excess), 'Refuse');
  const why = isUnstated ? `${param} must be stated` : `${param} is ${problem}`;
  const message = `${why}, and the ceiling ${JSON.stringify(spec.name)} of the organization is ${allowed}`;
  throw new ProxyError('ceiling_exceeded', { param, message, details: { ceiling: spec.name, allowed } });
}

/** The field without its place, as headers and metrics have it: the place may have any letters. */
function fieldOf({ param }: Excess): string {
  return param.slice(param.lastIndexOf('.') + 1);
}

function requireTools(spec: CeilingSpec, rule: ToolRule, { operation, onReached }: CeilingCall, body: Body): void {
  const lookalike = findLookalike(body, toolFields);
  if (lookalike) {
    const message = `${lookalike.field.slice(0, 200)} must be written ${lookalike.meant}`;
    throw new ProxyError('invalid_request', { param: lookalike.field.slice(0, 200), message });
  }
  for (const tool of findTools(operation.name, body)) {
    const why = rule(tool);
    if (why === undefined) continue;
    onReached(spec.name, 'tools', 'Refuse');
    const name = (tool.names[0] ?? '').slice(0, 200);
    const message = `The organization does not allow the tool ${JSON.stringify(name)}: its ceiling ${JSON.stringify(spec.name)} ${why}`;
    throw new ProxyError('tool_not_allowed', {
      param: tool.param,
      message,
      details: { ceiling: spec.name, tool: name },
    });
  }
}
