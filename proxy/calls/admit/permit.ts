import { type CallFields, readCallFields } from '../../../crds/read-call-fields.ts';
import type { CallGuard } from '../../guardrails/call-guard.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Body } from '../../providers/json.ts';
import type { ProviderTable } from '../../providers/table.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { type AttemptSource, type JsonAttempt, makeAttempt } from '../attempt.ts';
import type { OpenRequest } from '../call-request.ts';
import type { CallContext, InForce } from '../context.ts';
import { withInferredSession } from '../identify/session.ts';
import type { BatchLines } from '../reserve/reserve.ts';
import type { MadeByAll } from '../resources/ownership.ts';
import { whenKnown } from '../when-known.ts';
import type { Admission, Admitted } from './admission.ts';
import { admitPersona } from './admit.ts';
import { applyPersona, editBody, type ReadBody, readBody } from './body.ts';
import { type ModelTerms, onTerms } from './model-terms.ts';
import type { UsageRefusals } from './usage-option.ts';

/** The input of the decision whether a call may be made. */
export interface Permission extends Pick<OpenRequest, 'context' | 'operation'> {
  readonly rawBody: Buffer;
}

/** An admitted call, with the body that goes upstream. */
export interface Permitted {
  /** With the session from the body. */
  readonly context: CallContext;
  /** The body as the client sent it. */
  readonly said: Body;
  readonly saidRaw: Buffer;
  /** What each attempt's body is made from: the client's body, with what guardrails replaced in it. */
  readonly source: AttemptSource;
  /** What the organization's rules about models made of the call. Undefined where it has none. */
  readonly terms: ModelTerms | undefined;
  /** What the call refers to, and so the one key that it can go to. */
  readonly madeBy: MadeByAll | undefined;
  readonly first: JsonAttempt;
  /** Undefined where no guardrail is for the call. */
  readonly guard: CallGuard | undefined;
  /** The calls of a batch. Undefined for any other call. */
  readonly lines: BatchLines | undefined;
}

/**
 * Makes all decisions about a body before anything goes upstream.
 *
 * @throws {ProxyError} where the call may not be made
 */
export type Permit = (permission: Permission) => Permitted | Promise<Permitted>;

export interface PermitOptions {
  /** @throws {ProxyError} where no configuration is in force */
  readonly inForce: () => InForce;
  /** Resolves when the database's newest configuration is in force here. */
  readonly catchUp: () => Promise<void>;
  readonly admission: Admission;
  readonly providers: ProviderTable;
  readonly usageRefusals: Pick<UsageRefusals, 'has'>;
}

export function makePermit({ inForce, catchUp, admission, providers, usageRefusals }: PermitOptions): Permit {
  const judge = (context: CallContext, operation: Operation, rawBody: Buffer, asked: ReadBody) => {
    const { persona_id: personaId } = asked.body;
    const persona = personaId == null ? undefined : admitPersona(context.inForce.snapshot, context.caller, personaId);
    // Apply the persona first, so that the checks see the body that goes upstream.
    const body = persona ? applyPersona(asked, operation, persona) : asked.body;
    const { references, models: otherModels } = persona ? fieldsWithPersona(asked.fields, body) : asked.fields;
    const finish = ({ model, terms, madeBy, key, guard, lines }: Admitted): Permitted => {
      const mayAskForUsage = body.stream !== true || !usageRefusals.has(key.provider, model);
      const edits = terms?.edits;
      const asIs = { rawBody, asked, body: onTerms(body, edits), operation, persona, model, edits };
      const source = guard?.isEditing() ? withEdits(asIs, guard) : asIs;
      const first = makeAttempt(providers, source, key, mayAskForUsage);
      const caller = withInferredSession(
        context.caller,
        { references, predecessor: madeBy?.predecessor, body },
        context.inForce.snapshot.sessionSources,
      );
      const inSession = caller === context.caller ? context : { ...context, caller };
      return { context: inSession, said: asked.body, saidRaw: rawBody, source, terms, madeBy, first, guard, lines };
    };
    return whenKnown(
      admission.admit({
        context,
        operation,
        body,
        said: asked.body,
        isRewritable: true,
        mayHold: true,
        otherModels,
        references,
      }),
      finish,
    );
  };

  return ({ context, operation, rawBody }) => {
    admission.open(context, operation);
    const asked = readBody(rawBody, context.share);
    if (!isUnknownPersona(context.inForce.snapshot, asked.body.persona_id)) {
      return judge(context, operation, rawBody, asked);
    }
    // Another proxy's API may have just made the persona. The call then goes on with the newer configuration.
    return catchUp()
      .catch(() => {})
      .then(() => judge({ ...context, inForce: inForce() }, operation, rawBody, asked));
  };
}

/** The call with what guardrails replaced in it. */
function withEdits(source: AttemptSource, guard: CallGuard): AttemptSource {
  const { asked, operation, persona, edits } = source;
  const edited = editBody(asked, guard.edit);
  const body = onTerms(persona ? applyPersona(edited, operation, persona) : edited.body, edits);
  return { ...source, rawBody: Buffer.from(edited.text), asked: edited, body };
}

/** The fields of a body with a persona. The persona itself names neither models nor anything kept at a provider. */
function fieldsWithPersona(asked: CallFields, body: Body): Pick<CallFields, 'references' | 'models'> {
  return asked.references.length === 0 && asked.models.length === 0 ? asked : readCallFields(body);
}

/** A persona that another proxy's API has just made may be unknown here for some milliseconds. */
function isUnknownPersona({ personas }: Snapshot, personaId: unknown): boolean {
  return typeof personaId === 'string' && !personas.has(personaId.toLowerCase());
}
