import type { Finding } from '../../guardrails/call-guard.ts';
import { type Guardrails, makeGuardrails } from '../../guardrails/guardrails.ts';
import { detectorOf } from '../../guardrails/rule.ts';
import type { InFlight } from '../../in-flight.ts';
import type { Exchange } from '../../providers/exchange.ts';
import { makeCallMatch } from '../../snapshot/call-match.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { Origin } from '../settle/record.ts';
import { ofOrganization } from './deciders.ts';
import type { GuardrailUse } from './explanation.ts';

export interface GuardrailLookOptions {
  readonly inFlight: InFlight;
  readonly origin: Origin | undefined;
}

/** Guardrails that ask no service, count nothing, and tell what they find in one call. */
export interface LookingGuardrails extends Pick<Guardrails, 'check' | 'close'> {
  readonly findings: readonly Finding[];
}

/** Makes the guardrails of one explanation. A rule that asks a service finds nothing here. */
export function lookByGuardrails({ inFlight, origin }: GuardrailLookOptions): LookingGuardrails {
  const findings: Finding[] = [];
  const guardrails = makeGuardrails({
    exchange: nothingIsSent,
    inFlight,
    workload: origin,
    onFinding: (finding) => findings.push(finding),
    onUnusable: () => {},
    makeLook: async (spec) => {
      if (asksService(spec)) return { by: 'service', objects: async () => false, passesOnError: true };
      const { lookOf } = await import('../../guardrails/look-of.ts');
      return lookOf(spec, { exchange: nothingIsSent, inFlight });
    },
  });
  return { check: guardrails.check, close: guardrails.close, findings };
}

/** No rule of an explanation reaches it. */
const nothingIsSent: Exchange = () => {
  throw new TypeError('An explanation sends nothing');
};

type Spec = NonNullable<Snapshot['spec']['guardrails']>[number];

function asksService({ moderation, external }: Spec): boolean {
  return moderation !== undefined || external !== undefined;
}

/**
 * The guardrails that are for a call, with what they find in what the caller says. After one that blocks, no other is
 * asked.
 */
export function guardrailUses(
  snapshot: Snapshot,
  call: Parameters<ReturnType<typeof makeCallMatch>>[0],
  findings: readonly Finding[],
): GuardrailUse[] {
  const { guardrails = [] } = snapshot.spec;
  const blocking = guardrails.findIndex(({ name }) => name === blockedBy(findings));
  return guardrails.flatMap((spec, at) => {
    if (!makeCallMatch(spec.match)(call)) return [];
    const { name, appliesTo, action } = spec;
    const isTold = appliesTo !== 'Output' && !asksService(spec) && (blocking === -1 || at <= blocking);
    return [
      {
        name,
        decidedBy: ofOrganization(snapshot, `spec.guardrails[${at}]`),
        detector: detectorOf(spec) ?? 'none',
        appliesTo,
        action,
        finds: isTold ? findings.some(({ rule, side }) => rule === name && side === 'Input') : null,
      },
    ];
  });
}

/** The rule by which a call does not pass: nothing is judged after it. Undefined: it passes. */
export function blockedBy(findings: readonly Finding[]): string | undefined {
  return findings.findLast(({ action }) => action === 'Block' || action === 'Error')?.rule;
}
