import { toolOperations } from '../../../crds/asked-fields.ts';
import { asArray, asObject, asString, type Body } from '../../providers/json.ts';
import { makeMatcher } from '../../snapshot/model-rules.ts';

/** A tool that a body gives to the model. */
export interface GivenTool {
  /** All names by which a rule may mean it; the first is for people. */
  readonly names: readonly string[];
  /** Where it stands, for errors. */
  readonly param: string;
}

/** Why a tool is not allowed, as a sentence goes on after the name of the ceiling. Undefined: it is allowed. */
export type ToolRule = (tool: GivenTool) => string | undefined;

export function makeToolRule(allow: readonly string[] | undefined, deny: readonly string[] | undefined): ToolRule {
  const isAllowed = allow && makeMatcher(allow);
  const isDenied = makeMatcher(deny ?? []);
  return ({ names }) => {
    if (names.some(isDenied)) return 'denies it';
    return isAllowed && !names.some(isAllowed) ? 'does not name it' : undefined;
  };
}

/** The tools that a body gives to the model, in all of its fields that can have some. */
export function findTools(operation: string, body: Body): GivenTool[] {
  if (!toolOperations.includes(operation)) return [];
  return [
    ...listed(body.tools, 'tools'),
    ...asArray(body.functions).map((value, index) => ({
      names: [asString(asObject(value)?.name) ?? ''],
      param: `functions[${index}]`,
    })),
    ...(body.web_search_options == null ? [] : [{ names: ['web_search'], param: 'web_search_options' }]),
    ...asArray(body.mcp_servers).map((value, index) => server(asObject(value)?.name, `mcp_servers[${index}]`)),
    ...asArray(body.input).flatMap((value, index) => ofItem(asObject(value), `input[${index}]`)),
  ];
}

/** Items may add tools, too. The list that an MCP server once gave is only a record. */
function ofItem(item: Body | null, param: string): GivenTool[] {
  return !item || item.type === 'mcp_list_tools' ? [] : listed(item.tools, `${param}.tools`);
}

function listed(tools: unknown, param: string): GivenTool[] {
  return asArray(tools).flatMap((value, index) => {
    const tool = asObject(value) ?? {};
    const place = `${param}[${index}]`;
    if (tool.type === 'namespace') return listed(tool.tools, `${place}.tools`);
    return [given(tool, place)];
  });
}

function given(tool: Body, param: string): GivenTool {
  const type = asString(tool.type) ?? 'function';
  switch (type) {
    case 'function':
    case 'custom': {
      const own = asString(asObject(tool[type])?.name) ?? asString(tool.name) ?? '';
      return { names: [own], param };
    }
    case 'mcp':
      return server(tool.server_label, param);
    case 'mcp_toolset':
      return server(tool.mcp_server_name, param);
    default:
      return { names: typeNames(type), param };
  }
}

function server(label: unknown, param: string): GivenTool {
  return { names: [`mcp/${asString(label) ?? ''}`, 'mcp'], param };
}

/** A type, and what it is without its version: `web_search` of `web_search_preview_2025_03_11`. */
function typeNames(type: string): string[] {
  const undated = type.replace(/_(?:\d{8}|\d{4}_\d{2}_\d{2})$/, '');
  return [...new Set([type, undated, undated.replace(/_preview$/, '')])];
}
