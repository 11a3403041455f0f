/** The API operations that are governed as calls: each goes upstream and is recorded. */
export type OperationName =
  | 'responses'
  | 'compact'
  | 'batches'
  | 'chat'
  | 'messages'
  | 'completions'
  | 'embeddings'
  | 'moderations'
  | 'image_generations'
  | 'image_edits'
  | 'image_variations'
  | 'speech'
  | 'transcriptions'
  | 'translations'
  | 'realtime';
