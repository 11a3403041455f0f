/** The characters of a key after its prefix. */
export type Alphabet = 'letters and digits' | 'base64url' | 'hex' | 'capitals and digits' | 'base64' | 'with dots';

/** A kind of key that is recognized by its beginning, its alphabet and its length. */
export interface Format {
  /** Who issues it. */
  readonly kind: string;
  readonly prefixes: readonly string[];
  readonly alphabet: Alphabet;
  /** How many characters come after the prefix, at least and at most. */
  readonly length: readonly [min: number, max: number];
  /** What the characters after the prefix are like, beyond their alphabet. */
  readonly body?: RegExp;
}

const alphanumeric = 'letters and digits';

/** As issuers document their keys, or as scanners of theirs match them. Longer prefixes come before shorter ones. */
export const formats: readonly Format[] = [
  { kind: 'chaperone', prefixes: ['chp_'], alphabet: 'base64url', length: [32, 32] },
  { kind: 'anthropic', prefixes: ['sk-ant-'], alphabet: 'base64url', length: [32, 200] },
  { kind: 'openrouter', prefixes: ['sk-or-v1-'], alphabet: 'hex', length: [64, 64] },
  {
    kind: 'openai',
    prefixes: ['sk-proj-', 'sk-svcacct-', 'sk-admin-', 'sk-None-'],
    alphabet: 'base64url',
    length: [40, 220],
    body: /\d/,
  },
  { kind: 'openai', prefixes: ['sk-'], alphabet: alphanumeric, length: [32, 64], body: /(?=.*\d)(?=.*[A-Za-z])/ },
  { kind: 'aws', prefixes: ['AKIA', 'ASIA', 'ABIA', 'ACCA'], alphabet: 'capitals and digits', length: [16, 16] },
  { kind: 'gcp', prefixes: ['AIza'], alphabet: 'base64url', length: [35, 35] },
  { kind: 'gcp', prefixes: ['GOCSPX-'], alphabet: 'base64url', length: [28, 28] },
  { kind: 'gcp', prefixes: ['ya29.'], alphabet: 'base64url', length: [60, 400] },
  {
    kind: 'azure',
    prefixes: ['AccountKey=', 'SharedAccessKey='],
    alphabet: 'base64',
    length: [43, 88],
    body: /={1,2}$/,
  },
  { kind: 'github', prefixes: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'], alphabet: alphanumeric, length: [36, 251] },
  { kind: 'github', prefixes: ['github_pat_'], alphabet: 'base64url', length: [82, 82] },
  {
    kind: 'gitlab',
    prefixes: ['glpat-', 'gldt-', 'glrt-', 'glptt-', 'glcbt-', 'glsoat-', 'glffct-', 'glimt-', 'glagent-', 'gloas-'],
    alphabet: 'with dots',
    length: [20, 320],
    body: /\d/,
  },
  {
    kind: 'slack',
    prefixes: ['xoxb-', 'xoxa-', 'xoxp-', 'xoxr-', 'xoxs-', 'xoxe-', 'xoxo-', 'xoxc-', 'xoxd-', 'xapp-', 'xoxe.xoxp-'],
    alphabet: 'base64url',
    length: [20, 320],
    body: /^\d/,
  },
  {
    kind: 'slack',
    prefixes: ['hooks.slack.com/services/', 'hooks.slack.com/workflows/', 'hooks.slack.com/triggers/'],
    alphabet: 'base64',
    length: [30, 120],
    body: /^[TE][A-Z0-9]+\/[A-Z0-9]+\/\w+/,
  },
  {
    kind: 'stripe',
    prefixes: ['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_', 'sk_org_live_', 'sk_org_test_'],
    alphabet: alphanumeric,
    length: [16, 247],
    body: /\d/,
  },
  { kind: 'stripe', prefixes: ['whsec_'], alphabet: 'base64', length: [24, 88], body: /\d/ },
  { kind: 'npm', prefixes: ['npm_'], alphabet: alphanumeric, length: [36, 36] },
  {
    kind: 'pypi',
    prefixes: ['pypi-AgEIcHlwaS5vcmc', 'pypi-AgENdGVzdC5weXBpLm9yZw'],
    alphabet: 'base64url',
    length: [50, 512],
  },
  { kind: 'twilio', prefixes: ['SK', 'AC'], alphabet: 'hex', length: [32, 32], body: /(?=.*\d)(?=.*[a-f])^[0-9a-f]+$/ },
  {
    kind: 'sendgrid',
    prefixes: ['SG.'],
    alphabet: 'with dots',
    length: [60, 80],
    body: /^[\w-]{16,32}\.[\w-]{32,64}$/,
  },
  { kind: 'huggingface', prefixes: ['hf_', 'api_org_'], alphabet: alphanumeric, length: [34, 40] },
  { kind: 'groq', prefixes: ['gsk_'], alphabet: alphanumeric, length: [48, 64] },
  { kind: 'xai', prefixes: ['xai-'], alphabet: alphanumeric, length: [70, 90] },
  { kind: 'perplexity', prefixes: ['pplx-'], alphabet: alphanumeric, length: [40, 64] },
  { kind: 'replicate', prefixes: ['r8_'], alphabet: alphanumeric, length: [37, 37] },
  { kind: 'databricks', prefixes: ['dapi'], alphabet: 'hex', length: [32, 34], body: /\d/ },
  { kind: 'digitalocean', prefixes: ['dop_v1_', 'doo_v1_', 'dor_v1_'], alphabet: 'hex', length: [64, 64] },
  { kind: 'docker', prefixes: ['dckr_pat_', 'dckr_oat_'], alphabet: 'base64url', length: [27, 40] },
  { kind: 'grafana', prefixes: ['glsa_', 'glc_'], alphabet: 'base64url', length: [32, 400], body: /\d/ },
  { kind: 'vault', prefixes: ['hvs.', 'hvb.', 'hvr.'], alphabet: 'base64url', length: [24, 300] },
  { kind: 'newrelic', prefixes: ['NRAK-'], alphabet: 'capitals and digits', length: [27, 27] },
  { kind: 'linear', prefixes: ['lin_api_', 'lin_oauth_'], alphabet: alphanumeric, length: [40, 64] },
  { kind: 'notion', prefixes: ['ntn_', 'secret_'], alphabet: alphanumeric, length: [43, 50], body: /\d/ },
  { kind: 'shopify', prefixes: ['shpat_', 'shpca_', 'shppa_', 'shpss_'], alphabet: 'hex', length: [32, 32] },
  { kind: 'square', prefixes: ['sq0atp-', 'sq0csp-'], alphabet: 'base64url', length: [22, 43] },
  {
    kind: 'postman',
    prefixes: ['PMAK-'],
    alphabet: 'base64url',
    length: [59, 59],
    body: /^[0-9a-f]{24}-[0-9a-f]{34}$/,
  },
  { kind: 'atlassian', prefixes: ['ATATT3', 'ATBB', 'ATCTT3'], alphabet: 'base64url', length: [28, 220], body: /\d/ },
  { kind: 'rubygems', prefixes: ['rubygems_'], alphabet: 'hex', length: [48, 48] },
  { kind: 'supabase', prefixes: ['sbp_', 'sb_secret_'], alphabet: 'base64url', length: [30, 48], body: /\d/ },
  {
    kind: 'planetscale',
    prefixes: ['pscale_tkn_', 'pscale_pw_', 'pscale_oauth_'],
    alphabet: 'with dots',
    length: [32, 64],
  },
  { kind: 'figma', prefixes: ['figd_', 'figo_'], alphabet: 'base64url', length: [36, 64] },
  { kind: 'sentry', prefixes: ['sntrys_', 'sntryu_'], alphabet: 'base64', length: [43, 400] },
  { kind: 'age', prefixes: ['AGE-SECRET-KEY-1'], alphabet: 'capitals and digits', length: [58, 58] },
  { kind: 'mailgun', prefixes: ['key-'], alphabet: 'hex', length: [32, 32], body: /\d/ },
  { kind: 'langsmith', prefixes: ['lsv2_pt_', 'lsv2_sk_'], alphabet: 'base64url', length: [42, 48] },
];
