import type { JsonObject } from '../json.ts';

/** A tool that whoever calls the API runs. The provider's own, such as `web_search`, are none of these. */
export interface Tool {
  kind: 'function' | 'custom';
  name: string;
  description: string;
  /** The JSON schema of a function's arguments; null where it takes none, as a custom tool does. */
  parameters: JsonObject | null;
}

/** What a call says about its tools. */
export interface ToolUse {
  /** Those that may be called. */
  tools: readonly Tool[];
  mode: 'none' | 'auto' | 'required';
  /** The choice named the one tool to call. */
  named: boolean;
  /** Whether one answer may call several. */
  parallel: boolean;
}

export interface ToolCall {
  kind: Tool['kind'];
  name: string;
  /** A function's arguments, as JSON; a custom tool's input, as text. */
  input: string;
}

/** A call with the id by which its output refers to it. */
export type IdentifiedCall = ToolCall & { callId: string };

export const noTools: ToolUse = { tools: [], mode: 'none', named: false, parallel: false };
