// Shapes of `/api/v1/knowledge-base`.

export interface Article {
  readonly article_id: string;
  readonly version: number;
  readonly status: 'draft' | 'published';
  readonly indexed: boolean;
  readonly language: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly title: string;
  readonly category: string | null;
  readonly tags: readonly string[];
}

export interface WholeArticle extends Article {
  readonly content: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface IndexState {
  readonly published: number;
  readonly indexed: number;
  readonly passages: number;
  readonly refused: number;
  readonly embedding_model: string | null;
}

export interface Found {
  readonly results: readonly (Article & { readonly passage: string; readonly score: number })[];
  readonly ranked_by: string;
}
