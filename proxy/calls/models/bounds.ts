import { outputTokenFields, temperatureOperations, warmOperations } from '../../../crds/asked-fields.ts';
import { findLookalike } from '../../../crds/read-call-fields.ts';
import { ProxyError } from '../../error.ts';
import type { Operation } from '../../operations/operation.ts';
import { asNumber, asObject, type Body } from '../../providers/json.ts';
import { type BodyEdit, isUnstated, setPath } from './body-edit.ts';
import type { Excess } from './excess.ts';
import { findImages, lowerDetail } from './image-detail.ts';

/** A body, and what it was before defaults were set in it. */
interface Asked {
  readonly body: Body;
  readonly stated: Body;
}

/** The least that Anthropic lets a model think. */
const fewestThoughts = 1_024;

/** Which bounds of its answer's tokens a body exceeds. Servers take some negative numbers as no bound. */
export function boundOutput(operation: Operation, { body, stated }: Asked, maximum: number): Excess[] {
  const fields = outputTokenFields[operation.name] ?? [];
  const [first] = fields;
  // A count of tokens has no answer.
  if (first === undefined || operation.onlyCounts) return [];
  requireSpelling(body, fields);
  const present = fields.filter((field) => !isUnstated(body[field]));
  if (present.length === 0) {
    return [{ param: first, problem: '', allowed: maximum, isUnstated: true, edit: setPath([first], maximum) }];
  }
  return present.flatMap((param) => {
    const value = numberOf(body, param);
    if (value >= 0 && value <= maximum) return [];
    const set = setPath([param], maximum);
    const edit: BodyEdit = (one) => lowerThoughts(set(one), maximum);
    return [{ param, problem: String(value), allowed: maximum, isUnstated: isUnstated(stated[param]), edit }];
  });
}

/** What a message lets the model think must be less than its whole answer. */
function lowerThoughts(body: Body, maximum: number): Body {
  const thinking = asObject(body.thinking);
  const budget = asNumber(thinking?.budget_tokens);
  if (budget === null || budget < maximum || maximum <= fewestThoughts) return body;
  return { ...body, thinking: { ...thinking, budget_tokens: maximum - 1 } };
}

/** Whether a body asks for a higher temperature. A form has it as text. */
export function boundTemperature(operation: Operation, { body, stated }: Asked, maximum: number): Excess[] {
  if (!temperatureOperations.includes(operation.name) || operation.onlyCounts) return [];
  const param = 'temperature';
  requireSpelling(body, [param]);
  const edit = setPath([param], maximum);
  if (isUnstated(body[param])) {
    const isWarmer = maximum < 1 && warmOperations.includes(operation.name);
    return isWarmer ? [{ param, problem: '', allowed: maximum, isUnstated: true, edit }] : [];
  }
  const value = numberOf(body, param);
  if (value <= maximum) return [];
  return [{ param, problem: String(value), allowed: maximum, isUnstated: isUnstated(stated[param]), edit }];
}

/** Whether a body has an image that a model would see in more than low detail. */
export function boundImages(operation: Operation, body: Body): Excess[] {
  const images = findImages(operation.name, body);
  const misspelt = images.find(({ isMisspelt }) => isMisspelt);
  if (misspelt) {
    const { param } = misspelt;
    throw new ProxyError('invalid_request', { param, message: `${param} must be written detail` });
  }
  const isOpen = (detail: unknown) => isUnstated(detail) || detail === 'auto';
  const higher = images.filter(({ detail }) => detail !== 'low');
  const worst = higher.find(({ detail }) => !isOpen(detail)) ?? higher[0];
  if (!worst) return [];
  const { param, detail } = worst;
  const problem = JSON.stringify(detail)?.slice(0, 200) ?? '';
  return [{ param, problem, allowed: 'low', isUnstated: isOpen(detail), edit: lowerDetail(operation.name) }];
}

/** @throws {ProxyError} where it is no number: some servers would read one from a text */
function numberOf(body: Body, param: string): number {
  const value = body[param];
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : asNumber(value);
  if (number !== null && !Number.isNaN(number)) return number;
  throw new ProxyError('invalid_request', { param, message: `${param} must be a number` });
}

/** @throws {ProxyError} for a field in another spelling, which some readers take for the one that is bounded */
function requireSpelling(body: Body, fields: readonly string[]): void {
  const lookalike = findLookalike(body, fields);
  if (!lookalike) return;
  const param = lookalike.field.slice(0, 200);
  throw new ProxyError('invalid_request', { param, message: `${param} must be written ${lookalike.meant}` });
}
