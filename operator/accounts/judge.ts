import { hashBounds } from '../../database/password-hash.ts';
import type { Verdict } from '../runtime/conditions.ts';
import type { GatheredAccount } from './decide.ts';
import { accountsLabel } from './secret.ts';

export interface JudgedAccounts {
  readonly organization: string;
  readonly operatorNamespace: string;
  readonly accounts: readonly GatheredAccount[];
  /** Whether the Organization has the condition. */
  readonly hadCondition: boolean;
}

const type = 'AccountsUsable';

/** The condition about accounts. Undefined for an organization that never had one. */
export function judgeAccounts(judged: JudgedAccounts): Verdict | undefined {
  const { accounts } = judged;
  const lacking = accounts.filter(({ judged: { state } }) => state !== 'permitted');
  const [first] = lacking;
  if (first) return judgeLacking(first, lacking.length - 1, judged);
  if (accounts.length === 0 && !judged.hadCondition) return undefined;
  return { type, status: true, reason: 'Usable', message: 'Every account has the hash of a password.' };
}

function judgeLacking(
  { stated, judged }: GatheredAccount,
  others: number,
  { organization, operatorNamespace }: JudgedAccounts,
): Verdict {
  const { user, passwordHashRef } = stated;
  const { name, key } = passwordHashRef;
  const label = `${accountsLabel}=${organization}`;
  const more = others > 0 ? ` So is it for ${others} more.` : '';
  if (judged.state === 'missing') {
    return {
      type: 'AccountsUsable',
      status: false,
      reason: 'PasswordHashMissing',
      message: `Account "${user}" has no new password: create Secret "${name}" with key "${key}" in namespace ${operatorNamespace}, with the label ${label}. Until then, a former password stays good; without one, nobody can log in.${more}`,
    };
  }
  if (judged.state === 'unusable') {
    return {
      type: 'AccountsUsable',
      status: false,
      reason: 'PasswordHashUnusable',
      message: `Key "${key}" of Secret "${name}" is no argon2id hash for account "${user}" (at most m=${hashBounds.memory}, t=${hashBounds.passes}, p=${hashBounds.parallelism}): make one by chaperone account hash. Until then, a former password stays good.${more}`,
    };
  }
  return {
    type: 'AccountsUsable',
    status: false,
    reason: 'PasswordHashNotPermitted',
    message: `Nobody can log in as "${user}": Secret "${name}" has no label that allows its use by this Organization, or the operator made it. If this Organization may use it, label it: kubectl label secret --namespace ${operatorNamespace} ${name} ${label}${more}`,
  };
}
