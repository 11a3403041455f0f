import type { ProxyError } from '../../error.ts';
import type { Finding } from '../../guardrails/call-guard.ts';
import type { Persona } from '../../snapshot/snapshot.ts';
import type { Judged } from '../admit/admission.ts';
import {
  anyModelDeciders,
  modelDeciders,
  modelRuleDeciders,
  noKeyDeciders,
  ofOrganization,
  ofPersona,
  ofProvider,
} from './deciders.ts';
import type { Decider, StepName } from './explanation.ts';
import type { LimitsLook } from './look-at-limits.ts';
import { blockedBy } from './look-by-guardrails.ts';
import type { ExplainQuestion } from './question.ts';

/** What is known of a refused call. */
export interface RefusedCall {
  readonly question: ExplainQuestion;
  /** Undefined: it was refused before its body was judged. */
  readonly judged: Judged | undefined;
  readonly refusal: ProxyError | undefined;
  /** The one that its body names, if there is one. */
  readonly persona: Persona | undefined;
  readonly findings: readonly Finding[];
  readonly limits: LimitsLook | undefined;
}

/** The fields that a refusal follows from. Empty where the call itself is at fault. */
export function decidersOfRefusal(check: StepName, refused: RefusedCall): readonly Decider[] {
  const { question, judged, refusal, persona, findings, limits } = refused;
  const { inForce, startedAtMs } = question.context;
  const { snapshot } = inForce;
  switch (check) {
    case 'caller':
      return callerDeciders(refused);
    case 'surface':
      return [ofOrganization(snapshot, 'spec.surfaces')];
    case 'persona':
      return persona ? [ofPersona(persona, persona.isActive ? 'spec.users' : null)] : [];
    case 'models': {
      if (judged?.key) return anyModelDeciders(snapshot, judged.key);
      const model = [judged?.model, ...(judged?.otherModels ?? [])].find(
        (one) => one !== undefined && !snapshot.allowsModel(one),
      );
      return model === undefined ? [] : modelDeciders(snapshot, model);
    }
    case 'key':
      if (refusal?.code !== 'no_api_key') return [];
      return noKeyDeciders(snapshot, judged?.context.caller.user, judged?.model, startedAtMs);
    case 'guardrails': {
      const at = (snapshot.spec.guardrails ?? []).findIndex(({ name }) => name === blockedBy(findings));
      return at === -1 ? [] : [ofOrganization(snapshot, `spec.guardrails[${at}]`)];
    }
    case 'provider':
      return judged?.key ? [ofProvider(snapshot, judged.key.provider.name, '.type')] : [];
    case 'limits':
      return limits?.decidedBy ?? [];
    case 'ceilings':
      return modelRuleDeciders(snapshot, 'ceilings', [refusal?.details.ceiling]);
    case 'alias':
    case 'defaults':
    case 'body':
    case 'fields':
    case 'references':
    case 'lines':
    case 'cache':
      return [];
  }
}

function callerDeciders({ question, refusal }: RefusedCall): readonly Decider[] {
  const { context, headers, identity } = question;
  const { snapshot } = context.inForce;
  switch (refusal?.code) {
    case 'user_required':
      return [ofOrganization(snapshot, 'spec.authentication.requireUser')];
    case 'user_not_allowed':
      return [ofOrganization(snapshot, 'spec.authentication.workloadUsers')];
    case 'user_inactive':
      return [{ resource: `User/${String(headers['x-user-id'] ?? identity.user)}`, field: 'is_active' }];
    default:
      return [];
  }
}
