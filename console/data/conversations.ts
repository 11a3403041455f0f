// Shapes of `/api/conversations` and `/api/analyses`.

export interface Conversation {
  readonly conversationId: string;
  readonly user: string | null;
  readonly sessionId: string;
  readonly startedAt: string;
  readonly lastCallAt: string;
  readonly calls: number;
  readonly branches: number;
  readonly totalTokens: number;
  readonly costUsd: number;
  readonly models: readonly string[];
}

export interface Branch {
  readonly branchId: string;
  readonly parentBranchId: string | null;
  readonly forkedAfter: string | null;
  readonly startedAt: string;
  readonly lastCallAt: string;
  readonly calls: number;
  readonly messageCount: number;
  readonly totalTokens: number;
}

export interface Message {
  readonly role: 'user' | 'tool' | 'assistant';
  readonly text: string;
  readonly requestId: string;
  readonly at: string;
}

export interface OpenConversation extends Conversation {
  readonly tree: readonly Branch[];
  readonly isWhole: boolean;
  readonly branchId: string;
  readonly messages: readonly Message[] | null;
  readonly missingCalls: number;
  readonly omittedCalls: number;
}

export interface Analysis {
  readonly id: string;
  readonly status: 'pending' | 'processing' | 'completed' | 'failed';
  readonly template: string;
  readonly content: string | null;
  readonly metadata: { readonly model: string; readonly costUsd: number | null; readonly calls: number } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly createdAt: string;
  readonly completedAt: string | null;
}

/** A branch below the one that it begins at. */
export interface BranchNode {
  readonly branch: Branch;
  readonly depth: number;
}

/** The branches as a tree, each after the one that it begins at. */
export function orderBranches(branches: readonly Branch[]): BranchNode[] {
  const byParent = Map.groupBy(branches, ({ parentBranchId }) => parentBranchId);
  const known = new Set(branches.map(({ branchId }) => branchId));
  const roots = branches.filter(({ parentBranchId }) => parentBranchId === null || !known.has(parentBranchId));
  const seen = new Set<string>();
  const walk = (branch: Branch, depth: number): BranchNode[] => {
    if (seen.has(branch.branchId)) return [];
    seen.add(branch.branchId);
    return [{ branch, depth }, ...(byParent.get(branch.branchId) ?? []).flatMap((child) => walk(child, depth + 1))];
  };
  return roots.flatMap((branch) => walk(branch, 0));
}
