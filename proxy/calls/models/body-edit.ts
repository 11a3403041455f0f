import { asObject, type Body } from '../../providers/json.ts';

/** Changes a body. It is applied to the body that is checked, and again to the one whose numbers keep their spelling. */
export type BodyEdit = (body: Body) => Body;

/** Whether a body does not state a field. Null stands for a field that is not set. */
export function isUnstated(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

/** What stands at a path of one or two names. */
export function readPath(body: Body, [name = '', inner]: readonly string[]): unknown {
  return inner === undefined ? body[name] : asObject(body[name])?.[inner];
}

/** Sets what stands at a path of one or two names. A field that should be an object and is none stays as it is. */
export function setPath([name = '', inner]: readonly string[], value: unknown): BodyEdit {
  if (inner === undefined) return (body) => ({ ...body, [name]: value });
  return (body) => {
    const outer = isUnstated(body[name]) ? {} : asObject(body[name]);
    return outer ? { ...body, [name]: { ...outer, [inner]: value } } : body;
  };
}
