import type { Envelope } from '../../database/envelope.ts';
import type { ProxyError } from '../error.ts';
import type { InFlight } from '../in-flight.ts';
import type { Exchange } from '../providers/exchange.ts';
import type { Body } from '../providers/json.ts';
import type { OperationName } from '../providers/operation-name.ts';
import type { RoutedKey, Snapshot } from '../snapshot/snapshot.ts';
import type { OutputGuard } from './output/output-guard.ts';
import type { Action, Look, Rule, RuleSpec, Side } from './rule.ts';

/** A call to check. */
export interface GuardedCall {
  readonly requestId: string;
  readonly snapshot: Snapshot;
  /** Makes the keys of placeholders. */
  readonly envelope: Pick<Envelope, 'digest'>;
  readonly operation: OperationName;
  /** Undefined where the provider chooses. */
  readonly model: string | undefined;
  /** Whether it may be a call of any model, so that every rule about models is for it. */
  readonly isAnyModel?: true;
  readonly user: string | undefined;
  readonly userId: string;
  readonly sessionId: string;
  /** The call of a user in which it is. Absent: the proxy itself asks. */
  readonly turn?: { readonly id: string | undefined };
  readonly key: RoutedKey;
  /** What the caller says: the body without a persona. Undefined: only the answer is to be checked. */
  readonly said: Body | undefined;
  /** Whether the body can be changed. A form, and a line of a batch's file, go as they are. */
  readonly isRewritable: boolean;
  /**
   * What a rule with `Review` does: it holds the answer; or lets it pass, since who makes the call queues it; or nothing,
   * since people have released the answer. Absent: it blocks.
   */
  readonly review?: 'hold' | 'queue' | 'done';
  /** What the caller said, where that was checked when the call was admitted. */
  readonly admitted?: Body | undefined;
  /** Rules that have found something in what the caller said, where the call was admitted before. */
  readonly foundBefore?: readonly string[];
}

/** An answer that a rule keeps from the caller until a person releases it. */
export interface HeldAnswer {
  readonly call: GuardedCall;
  readonly rule: Pick<Rule, 'name' | 'detector'>;
  /** Where the rule has found something. */
  readonly side: Side;
  /** As the rules have left it. */
  readonly answer: Body;
}

/** What guardrails do to a call that may be made. */
export interface CallGuard {
  /** Whether texts of what the caller says are replaced. */
  isEditing(): boolean;
  /** Replaces them, in any parse of the body. */
  readonly edit: (body: Body) => Body;
  /** The rules that found something so far, by their names. */
  hits(): readonly string[];
  /**
   * Why sound and pictures of a side do not pass: a rule that blocks or redacts would have to read them. Undefined: no
   * rule objects.
   */
  unreadable(side: Side): ProxyError | undefined;
  /** Why no answer passes that is shown while it comes: a rule that blocks would have to see all of it. */
  unheld(): ProxyError | undefined;
  /** Whether a rule is for the call that holds answers for people, who then need to see what was asked. */
  mayHold(): boolean;
  /** The rule that wants a person to see the answer, since it has found something so far. Undefined: none. */
  heldBy(): Pick<Rule, 'name' | 'detector'> | undefined;
  /** Undefined where no rule is about the answer. */
  readonly output: OutputGuard | undefined;
}

/** A rule has found something, or could not do its work. */
export interface Finding {
  readonly rule: string;
  readonly detector: string;
  readonly side: Side;
  readonly action: Action | 'Error';
}

export interface GuardrailsOptions {
  readonly exchange: Exchange;
  readonly inFlight: InFlight;
  /** The pod whose calls these are. Undefined outside of pods. */
  readonly workload: { readonly namespace: string; readonly workload: string } | undefined;
  /** Called at most once for a rule and a side of a call. */
  readonly onFinding: (finding: Finding, requestId: string) => void;
  /** A rule does not let a call go to a provider. It is called with the names of the rules that found something. */
  readonly onBlocked?: (call: GuardedCall, rules: readonly string[]) => void;
  /** Makes how a rule looks at texts. Absent: as it says. */
  readonly makeLook?: (spec: RuleSpec) => Promise<Look>;
  /**
   * Has people review an answer. It rejects where that cannot be stored. Absent: nothing is held.
   *
   * @returns the id of the item in the review queue
   */
  readonly hold?: (held: HeldAnswer) => Promise<string>;
  /** A rule cannot be used. */
  readonly onUnusable: (rule: string, error: unknown) => void;
}

/** The rules of one configuration, ready for use. */
export interface ReadyRules {
  check(call: GuardedCall): CallGuard | undefined | Promise<CallGuard | undefined>;
  close(): Promise<void>;
}
