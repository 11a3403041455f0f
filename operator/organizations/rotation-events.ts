import type { EventNote } from '../cluster/cluster.ts';
import type { OrganizationDecision } from './decide.ts';
import type { GatheredOrganization } from './gather.ts';
import type { RotationDecision } from './rotate.ts';

/** The part of a decision that changes which keys and logins are used. The very first ones are not a rotation. */
export type DecidedRotations = Pick<
  Extract<OrganizationDecision, { action: 'apply' }>,
  'tokenKeys' | 'dataKeys' | 'renewsLogin'
>;

/** The keys that an organization uses before the decision. */
export type KeysInUse = Pick<GatheredOrganization, 'signingKeys' | 'credentials'>;

/** The Events about rotated keys and logins, for people who follow a rotation. */
export function describeRotations(
  { signingKeys, credentials }: KeysInUse,
  { tokenKeys, dataKeys, renewsLogin }: DecidedRotations,
): EventNote[] {
  const notes = [
    ...describeKeys('TokenKey', 'token key', signingKeys[0]?.kid, tokenKeys),
    ...describeKeys('DataKey', 'data key', credentials?.dataKeys.current, dataKeys),
  ];
  if (renewsLogin && credentials) {
    notes.push({
      type: 'Normal',
      reason: 'DatabasePasswordRotated',
      message:
        'The organization’s database role has a new password. Proxies get it within two minutes. Open sessions go on.',
    });
  }
  return notes;
}

function describeKeys(
  prefix: 'TokenKey' | 'DataKey',
  name: string,
  used: string | undefined,
  { issue, use, drop, distrust }: RotationDecision,
): EventNote[] {
  if (used === undefined) return [];
  const note = (reason: string, message: string): EventNote => ({ type: 'Normal', reason: prefix + reason, message });
  const notes: EventNote[] = [];
  if (issue) notes.push(note('Issued', `A new ${name} is handed out. It is used when every proxy has it.`));
  if (use !== undefined && use !== used)
    notes.push(note('InUse', `The ${name} ${use} is used from now on, instead of ${used}.`));
  const retired = drop.filter((id) => !distrust.includes(id));
  if (distrust.length > 0)
    notes.push(note('Revoked', `What was signed with ${distrust.join(', ')} is refused from now on.`));
  if (retired.length > 0)
    notes.push(note('Retired', `Removed ${retired.join(', ')}: everything signed with it has expired.`));
  return notes;
}
