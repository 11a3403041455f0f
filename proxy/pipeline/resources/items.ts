import { asArray, asObject, asString, type Body } from '../operations/json.ts';

/** Where an item of each type says what it is. Of the others a part is at the provider alone, who finds it by the id. */
const contentOf: Readonly<Record<string, string>> = {
  message: 'content',
  function_call: 'arguments',
  function_call_output: 'output',
  custom_tool_call: 'input',
  custom_tool_call_output: 'output',
  computer_call_output: 'output',
  local_shell_call_output: 'output',
  shell_call_output: 'output',
  apply_patch_call_output: 'status',
  reasoning: 'encrypted_content',
  compaction: 'encrypted_content',
};

/** Whether an item of a prompt says all of itself, so that its id, if any, is only a name. */
export function isSaidInFull(item: Body): boolean {
  const field = contentOf[asString(item.type ?? 'message') ?? ''];
  const content = field === undefined ? null : item[field];
  return content !== null && content !== undefined && content !== '';
}

/**
 * The ids by which a later call may name parts of a response: its items, and the containers that they ran in. Where the
 * response is not stored, items that say all of themselves cannot be named.
 */
export function readKeptIds(response: Body | null): { keptIds?: readonly string[] } {
  const isStored = response?.store !== false;
  const keptIds = asArray(response?.output)
    .map(asObject)
    .filter((item) => item !== null && (isStored || !isSaidInFull(item)))
    .flatMap((item) => [item?.id, item?.container_id, asObject(item?.environment)?.container_id])
    .map(asString)
    .filter((id) => id !== null);
  return keptIds.length === 0 ? {} : { keptIds };
}
