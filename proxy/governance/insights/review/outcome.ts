/** What the decisions about an item come to. Undefined: one more is needed. */
export function outcomeOf(decisions: readonly boolean[], needed: number): boolean | undefined {
  if (decisions.length < needed) return undefined;
  const approvals = decisions.filter(Boolean).length;
  const rejections = decisions.length - approvals;
  // Where two disagree, a third decides.
  return approvals === rejections ? undefined : approvals > rejections;
}
