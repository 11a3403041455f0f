/** What a check has found. */
export type Finding =
  | { readonly status: 'ok'; readonly message?: string }
  /** The facts do not show whether it is right or wrong. */
  | { readonly status: 'unknown'; readonly message: string }
  | {
      readonly status: 'warning' | 'failed';
      /** What is wrong, in a sentence. */
      readonly message: string;
      /** The objects concerned, each with its fault. */
      readonly items?: readonly string[];
      /** What to do about it. */
      readonly hint: string;
    };

/** A fact that could not be gathered. Checks that need it fail, or are `unknown` where the user lacks a right. */
export class Unreadable {
  readonly what: string;
  readonly reason: string;
  readonly hint: string;
  /** The right that the user lacks, such as `list pods in namespace shop`. Undefined: the cause is another. */
  readonly missingRight: string | undefined;

  constructor(
    what: string,
    reason: string,
    {
      hint = 'Get access to it, and check again.',
      missingRight,
    }: { readonly hint?: string | undefined; readonly missingRight?: string | undefined } = {},
  ) {
    this.what = what;
    this.reason = reason;
    this.hint = hint;
    this.missingRight = missingRight;
  }
}

/** Facts as gathered. Each has its value, or could not be read. */
export type Gathered<Facts> = { readonly [Name in keyof Facts]: Facts[Name] | Unreadable };

/** A pure function that judges gathered facts. */
export interface Check<Facts> {
  /** `#check-<id>` is its heading in docs/kubernetes.md. */
  readonly id: string;
  /** A statement that is true if the check is ok. */
  readonly description: string;
  /** If it fails, no later check runs. */
  readonly isFatal: boolean;
  decide(facts: Gathered<Facts>): Finding;
}

export interface CheckGroup<Facts> {
  readonly name: string;
  readonly checks: readonly Check<Facts>[];
}

export interface CheckResult {
  readonly id: string;
  readonly description: string;
  readonly finding: Finding;
}

export interface GroupResult {
  readonly name: string;
  readonly checks: readonly CheckResult[];
}

/** Makes checks of these facts. `from` names the facts that a check needs. */
export function makeCheckFactory<Facts>() {
  return <Name extends keyof Facts>(check: {
    readonly id: string;
    readonly description: string;
    readonly isFatal?: boolean;
    readonly from: readonly Name[];
    readonly decide: (facts: Pick<Facts, Name>) => Finding;
  }): Check<Facts> => ({
    id: check.id,
    description: check.description,
    isFatal: check.isFatal ?? false,
    decide: (facts) => (areReadable(facts, check.from) ? check.decide(facts) : describeUnreadable(facts, check.from)),
  });
}

function areReadable<Facts, Name extends keyof Facts>(
  facts: Gathered<Facts>,
  names: readonly Name[],
): facts is Gathered<Facts> & Pick<Facts, Name> {
  return names.every((name) => !(facts[name] instanceof Unreadable));
}

function describeUnreadable<Facts>(facts: Gathered<Facts>, names: readonly (keyof Facts)[]): Finding {
  const missing = names.map((name) => facts[name]).filter((fact) => fact instanceof Unreadable);
  const rights = missing.flatMap(({ missingRight }) => missingRight ?? []);
  // A missing right is not a fault of the installation.
  if (rights.length === missing.length) return unknown(`you may not ${[...new Set(rights)].join(', nor ')}`);
  return failed(`${missing.map(({ what }) => what).join(' and ')} cannot be read.`, {
    items: missing.map(({ reason }) => reason),
    hint: [...new Set(missing.map(({ hint }) => hint))].join(' '),
  });
}

/** Runs checks in order, and ends after a fatal one that failed. */
export function runChecks<Facts>(groups: readonly CheckGroup<Facts>[], facts: Gathered<Facts>): readonly GroupResult[] {
  const results: GroupResult[] = [];
  for (const { name, checks } of groups) {
    const decided: CheckResult[] = [];
    results.push({ name, checks: decided });
    for (const check of checks) {
      const finding = check.decide(facts);
      decided.push({ id: check.id, description: check.description, finding });
      if (check.isFatal && finding.status === 'failed') return results;
    }
  }
  return results;
}

/** The worst status of all checks. */
export function judge(groups: readonly GroupResult[]): Finding['status'] {
  const statuses = groups.flatMap(({ checks }) => checks.map(({ finding }) => finding.status));
  return (['failed', 'warning', 'unknown'] as const).find((status) => statuses.includes(status)) ?? 'ok';
}

interface Trouble {
  readonly items?: readonly string[];
  readonly hint: string;
}

export function ok(message?: string): Finding {
  return message === undefined ? { status: 'ok' } : { status: 'ok', message };
}

export function unknown(message: string): Finding {
  return { status: 'unknown', message };
}

export function warning(message: string, trouble: Trouble): Finding {
  return { status: 'warning', message, ...trouble };
}

export function failed(message: string, trouble: Trouble): Finding {
  return { status: 'failed', message, ...trouble };
}

/** A warning if there are items. Each item names an object and its fault. */
export function warningIfAny(items: readonly string[], message: string, hint: string, otherwise?: string): Finding {
  return items.length === 0 ? ok(otherwise) : warning(message, { items, hint });
}

/** Failed if there are items. Each item names an object and its fault. */
export function failedIfAny(items: readonly string[], message: string, hint: string, otherwise?: string): Finding {
  return items.length === 0 ? ok(otherwise) : failed(message, { items, hint });
}
