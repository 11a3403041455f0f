import type { JsonObject } from '../json.ts';

/** A tool that the caller of the API runs, unlike the provider's own tools such as `web_search`. */
export interface Tool {
  kind: 'function' | 'custom';
  name: string;
  description: string;
  /** The JSON schema of a function's arguments. Null where there is none, as for a custom tool. */
  parameters: JsonObject | null;
}

/** A call's tool settings. */
export interface ToolUse {
  /** The tools that may be called. */
  tools: readonly Tool[];
  mode: 'none' | 'auto' | 'required';
  /** Whether the request named the one tool to call. */
  named: boolean;
  /** Whether one answer may call several. */
  parallel: boolean;
}

export interface ToolCall {
  kind: Tool['kind'];
  name: string;
  /** A function's arguments as JSON, or a custom tool's input as text. */
  input: string;
}

/** A call with the id that its output refers to. */
export type IdentifiedCall = ToolCall & { callId: string };

export const noTools: ToolUse = { tools: [], mode: 'none', named: false, parallel: false };
