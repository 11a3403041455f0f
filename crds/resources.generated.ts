// Generated from the CustomResourceDefinitions in this folder by `npm run generate`: edit those.
// The types are those of objects that were validated, so a field with a default is always there.

import type { Condition, ObjectMeta } from './object-meta.ts';

/**
 * Our kinds by name.
 */
export interface Resources {
  Organization: Organization;
  AnalysisConfig: AnalysisConfig;
  ApiKeyBinding: ApiKeyBinding;
  Persona: Persona;
}
/**
 * An Organization is the unit of governance: which namespaces may call which providers and models, who is believed, what a token costs, and what is kept.
 */
export interface Organization {
  apiVersion: 'chaperone.dev/v1alpha1';
  kind: 'Organization';
  metadata: ObjectMeta;
  spec: OrganizationSpec;
  status?: OrganizationStatus;
}
/**
 * What is wanted.
 */
export interface OrganizationSpec {
  /**
   * A name for people. The resource's own name where absent.
   */
  displayName?: string;
  /**
   * Selects, by their labels, the namespaces that belong to this organization. Only resources and pods of these namespaces may use it. An empty selector selects every namespace.
   */
  namespaceSelector: {
    /**
     * Labels that a namespace must carry with exactly these values.
     */
    matchLabels?: {
      [k: string]: string;
    };
    /**
     * Further requirements; all of them must hold.
     *
     * Items: One requirement on one label.
     */
    matchExpressions?: {
      /**
       * The label's key.
       */
      key: string;
      /**
       * How the label's value relates to `values`.
       */
      operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
      /**
       * Values for In and NotIn; must be absent for Exists and DoesNotExist.
       */
      values?: string[];
    }[];
  };
  /**
   * Which credentials are believed, and what they must say.
   */
  authentication: {
    /**
     * How long a token issued by Chaperone is valid, as a duration: numbers with the units h, m, s or ms.
     */
    tokenLifetime: string;
    /**
     * How far the clocks of those who issue tokens may be from ours: a token is accepted so long before its `nbf` and after its `exp`.
     */
    leeway: string;
    /**
     * A key of a Secret in the operator's namespace that holds a shared secret. Tokens signed with it (HS256) are then accepted too; meant for migration from systems that issue such tokens. The Secret permits that by the label `chaperone.dev/shared-secret-of`, with the organization's name.
     */
    sharedSecretRef?: {
      /**
       * The Secret's name.
       */
      name: string;
      /**
       * The key within the Secret.
       */
      key: string;
    };
    /**
     * OpenID Connect issuers whose tokens are accepted besides Chaperone's own.
     *
     * Items: One accepted issuer.
     */
    issuers?: {
      /**
       * The `iss` claim, a URL; compared character by character.
       */
      issuer: string;
      /**
       * A token's `aud` claim must name at least one of these.
       */
      audiences: string[];
      /**
       * Where the issuer publishes its public keys.
       */
      jwksUri: string;
      /**
       * The claim that names the user. Where it is `email`, a token whose `email_verified` is there and not true is refused.
       */
      userClaim: string;
    }[];
    /**
     * Has tokens accepted that Kubernetes issues to service accounts of the member namespaces. Where a call names no user, the account is its user: `system:serviceaccount:<namespace>:<name>`. None are accepted where this is absent.
     */
    serviceAccounts?: {
      /**
       * What a token must have been requested for.
       */
      audience: string;
    };
    /**
     * Whether a call must name its user, by its credential or by the header X-User-ID.
     */
    requireUser: boolean;
    /**
     * The roles of callers whose token names none; `[member]` where absent. A `member` sees what is its own; `analyst` and `reviewer` see the organization's figures and records; an `admin` may change personas, configurations and users, too. Synthetic keys have the roles of their ApiKeyBinding.
     */
    defaultRoles?: ('member' | 'analyst' | 'reviewer' | 'admin')[];
    /**
     * Which users the calls of workloads may name in X-User-ID: those with a synthetic key that is bound to no user, and those with a service account's token. `*` stands for any characters, and `{namespace}` for the workload's namespace; a service account may always call as itself. Absent: every user, so whoever has a workload's key calls as whom they like. Issued tokens are not meant: bind them to a user.
     */
    workloadUsers?: string[];
    /**
     * The roles that an ApiKeyBinding may give to its synthetic key; `member` is always among them. `[member]` where absent.
     */
    bindingRoles?: ('member' | 'analyst' | 'reviewer' | 'admin')[];
  };
  /**
   * The providers that calls are sent to. Which one a call goes to follows from the ApiKeyBinding it uses.
   *
   * Items: One provider.
   */
  providers: {
    /**
     * The name by which an ApiKeyBinding refers to it.
     */
    name: string;
    /**
     * Which API it speaks: `openai` is OpenAI itself, `compatible` any server with OpenAI's API.
     */
    type: 'openai' | 'compatible';
    /**
     * The address that paths such as /responses are appended to, for example https://api.openai.com/v1. OpenAI's own where absent; required for `compatible`.
     */
    baseUrl?: string;
    /**
     * How long to wait for the provider.
     */
    timeouts: {
      /**
       * How long it may take until an answer begins.
       */
      headers: string;
      /**
       * How long an answer that has begun may pause between two chunks.
       */
      idle: string;
    };
  }[];
  /**
   * Which models may be called. Every model where absent.
   */
  models?: {
    /**
     * Models that may be called; `*` stands for any characters. Every model where absent.
     */
    allow?: string[];
    /**
     * Models that may not be called even where `allow` names them; `*` stands for any characters.
     */
    deny?: string[];
  };
  /**
   * Prices that replace those of the built-in price list, for contracts of your own and for models that the list does not know. In US dollars, by the unit that the provider bills: tokens, images, minutes of audio or characters. A call of which neither list knows the price is unpriced, never free.
   *
   * Items: The prices of one model.
   */
  prices?: {
    /**
     * The model's exact id.
     */
    model: string;
    /**
     * Price of a million input tokens, a decimal number such as "2.50".
     */
    inputPerMillion?: string;
    /**
     * Price of a million output tokens, reasoning included.
     */
    outputPerMillion?: string;
    /**
     * Price of a million input tokens read from the provider's cache. That of input where absent.
     */
    cachedInputPerMillion?: string;
    /**
     * Price of a million input tokens written to the provider's cache. That of input where absent.
     */
    cacheWritePerMillion?: string;
    /**
     * Price of a million input tokens that are audio. That of input where absent.
     */
    audioInputPerMillion?: string;
    /**
     * Price of a million input tokens that are images. That of input where absent.
     */
    imageInputPerMillion?: string;
    /**
     * Price of a million output tokens that are audio. That of output where absent.
     */
    audioOutputPerMillion?: string;
    /**
     * Price of a million output tokens that are images. That of output where absent.
     */
    imageOutputPerMillion?: string;
    /**
     * Price of a minute of audio that is listened to, for models billed by its length.
     */
    audioPerMinute?: string;
    /**
     * Price of a million characters that are spoken, for models billed by them.
     */
    charactersPerMillion?: string;
    /**
     * Fees of the provider's own tools, which are billed beside the tokens of a call. They replace those of the built-in list, which knows searches of the web and of files of OpenAI. A call with a tool of which neither knows the fee is unpriced, never free. Where a model has fees of tools alone here, its other prices are those of the built-in list.
     *
     * Items: The fee of a tool.
     */
    toolCalls?: {
      /**
       * The tool as the provider names it: web_search, web_search_preview, file_search, code_interpreter (by the container), image_generation, or any other.
       */
      type: string;
      /**
       * Fee of one call in US dollars, such as "0.01".
       */
      price: string;
    }[];
    /**
     * Prices of one image, for models billed by the image. The first one that fits its size and quality holds.
     *
     * Items: The price of an image.
     */
    images?: {
      /**
       * Only for images of this size, such as 1024x1024. Every size where absent.
       */
      size?: string;
      /**
       * Only for images of this quality, such as hd. Every quality where absent.
       */
      quality?: string;
      /**
       * Price of the image.
       */
      price: string;
    }[];
  }[];
  /**
   * How much callers may ask for. A call beyond a limit is refused with 429 `limit_reached`, and nothing of it reaches a provider; SDKs try again by themselves.
   */
  limits?: {
    /**
     * What the limit is called in refusals and in metrics.
     */
    name: string;
    /**
     * Whose calls are counted together. `Organization` counts all that one proxy serves.
     */
    per: 'Organization';
    /**
     * How many calls may be under way at the same time at each proxy, a sidecar or a gateway's replica: each counts its own. A call counts from its admission to the end of its answer.
     */
    concurrent?: number;
  }[];
  /**
   * Which APIs are served: only these, or every one where absent. What shows or rates (models, personas, ratings) is always served.
   */
  surfaces?: (
    | 'responses'
    | 'chat'
    | 'embeddings'
    | 'completions'
    | 'moderations'
    | 'images'
    | 'audio'
    | 'conversations'
    | 'files'
    | 'batches'
    | 'vectorStores'
  )[];
  /**
   * How POST /v1/responses answers where a call's X-Response-Format does not say: `OpenAI`, the provider's answer unchanged (the default), or `Simple`, which has `content[0].text` in the place of `output`.
   */
  responseFormat?: 'OpenAI' | 'Simple';
  /**
   * Which web pages may call the proxy from a browser (CORS). None where absent. A page needs a credential like any other client, and its users can read that: give it tokens for one user.
   */
  cors?: {
    /**
     * Origins as browsers send them, such as `https://app.example.com` or `http://localhost:3000`, in small letters and without a path. `https://*.example.com` stands for every one below the domain, `*` for every page there is.
     */
    origins: string[];
  };
  /**
   * What analytics understand by a session.
   */
  sessions: {
    /**
     * How long a session counts as active after its last call.
     */
    idleTimeout: string;
    /**
     * Where the session comes from of a call without `X-Session-ID`: `PreviousResponse`, the session of the response that it follows by `previous_response_id`; `Conversation`, the id of its `conversation`; `ClientSession`, the header `session-id` or `session_id`, else the `prompt_cache_key` of the body. The first of these that a call has counts. Otherwise, and where this is absent, the call begins a session.
     */
    inferFrom?: ('PreviousResponse' | 'Conversation' | 'ClientSession')[];
  };
  /**
   * What is kept of a call.
   */
  storage: {
    /**
     * `Full` keeps what was asked and answered (encrypted); `None` keeps neither. What a call used and cost is kept either way.
     */
    contents: 'Full' | 'None';
    /**
     * How long the result of an analysis is kept, and answered again where the same conversation is analyzed in the same way.
     */
    analysisLifetime: string;
  };
  /**
   * How old keys become before new ones take their place, without a call noticing. What is absent is never rotated by itself. The annotation chaperone.dev/rotate with a time (RFC 3339) rotates all that was issued before it; chaperone.dev/rotate-now does so in an emergency, and nothing that the old token keys have signed is accepted any more.
   */
  rotation?: {
    /**
     * The keys that sign tokens. A replaced key is still accepted for authentication.tokenLifetime.
     */
    tokenKeys?: string;
    /**
     * The keys that seal provider keys, personas and message contents. Replaced ones are kept, to read what they sealed.
     */
    dataKeys?: string;
    /**
     * The password of the organization's role in the database.
     */
    databasePassword?: string;
  };
  /**
   * Which namespaces may act for others. The ApiKeyBindings, Personas and AnalysisConfigs of a namespace serve the pods of that namespace alone, unless it is named here.
   *
   * Items: What the objects of one namespace may do.
   */
  sharing?: {
    /**
     * The namespace. It must be one that namespaceSelector matches.
     */
    namespace: string;
    /**
     * The kinds whose objects serve the pods of every member namespace.
     */
    resources: ('ApiKeyBinding' | 'Persona' | 'AnalysisConfig')[];
    /**
     * The users that ApiKeyBindings of the namespace may name; `*` stands for any characters. Calls of these users then use the binding's key, and its synthetic key calls as that user. None where absent.
     */
    users?: string[];
  }[];
  /**
   * What becomes of pods that have a sidecar.
   */
  sidecars?: {
    /**
     * What is done about pods whose sidecar is not what new pods get, such as after an upgrade: `Report` says so in the condition SidecarsCurrent; `Roll` also has the Deployments, StatefulSets and DaemonSets that they are of make them anew, one workload at a time.
     */
    rollout: 'Report' | 'Roll';
  };
  /**
   * What the organization's proxies may take of the database.
   */
  database?: {
    /**
     * How many connections its proxies may have together. A proxy has two, and for seconds a third while much waits. Absent: 20, and three for each pod that has a sidecar.
     */
    connections?: number;
  };
  /**
   * What becomes of the organization's data when this resource is deleted: `Retain` keeps it, `Delete` removes it for good.
   */
  deletionPolicy: 'Retain' | 'Delete';
}
/**
 * What is so; written by the operator.
 */
export interface OrganizationStatus {
  /**
   * The generation of the spec that this status speaks of.
   */
  observedGeneration?: number;
  /**
   * The organization's id in the API and in the database.
   */
  id?: string;
  /**
   * The namespaces that belong to it and that have the credentials for sidecars.
   */
  memberNamespaces?: string[];
  /**
   * Of these, the ones that it would not get today, since an older Organization selects them too or they are the cluster's own. It served them before that was a rule.
   */
  keptNamespaces?: string[];
  /**
   * How many ApiKeyBindings lend a key to this organization: active ones, whose Secret has a provider's key, which have its consent and are not held back by another.
   */
  boundKeys?: number;
  /**
   * How many ApiKeyBindings are in force, of all that should be: 2/3. Those that are not active do not count.
   */
  keys?: string;
  /**
   * Which rules hold for objects of one namespace that act for others: `Declared`, those of spec.sharing; `Former`, those from before there was a spec.sharing, by which all objects serve every namespace.
   */
  sharing?: 'Declared' | 'Former';
  /**
   * How many pods have another sidecar than new pods get.
   */
  outdatedSidecars?: number;
  /**
   * The workload that is being rolled out for its sidecars' sake.
   */
  rolling?: {
    /**
     * Its kind.
     */
    kind: 'Deployment' | 'StatefulSet' | 'DaemonSet';
    /**
     * Where it is.
     */
    namespace: string;
    /**
     * Its name.
     */
    name: string;
  };
  /**
   * The ids (`kid`) of the keys whose tokens are accepted, the signing one first.
   */
  tokenKeyIds?: string[];
  /**
   * The organization's conditions; `Ready` sums up the others.
   */
  conditions?: Condition[];
}
/**
 * An AnalysisConfig says how conversations are classified: by intent, sentiment, topic or categories of your own.
 */
export interface AnalysisConfig {
  apiVersion: 'chaperone.dev/v1alpha1';
  kind: 'AnalysisConfig';
  metadata: ObjectMeta;
  spec: AnalysisConfigSpec;
  status?: AnalysisConfigStatus;
}
/**
 * What is wanted.
 */
export interface AnalysisConfigSpec {
  /**
   * The Organization it belongs to. Its namespaceSelector must match this namespace.
   */
  organizationRef: {
    /**
     * The Organization's name.
     */
    name: string;
  };
  /**
   * The name by which the API finds it.
   */
  name: string;
  /**
   * What it is for.
   */
  description?: string;
  /**
   * The analysis, in the form that the API takes and shows it.
   */
  config: {
    /**
     * What it looks for.
     */
    analysis_type: 'intent' | 'sentiment' | 'topic' | 'custom';
    /**
     * The categories to choose from.
     *
     * Items: One category.
     */
    categories: {
      /**
       * Its name as results show it.
       */
      name: string;
      /**
       * What belongs to it.
       */
      description?: string;
      /**
       * Words or sentences that belong to it.
       */
      examples?: string[];
    }[];
    /**
     * The model that analyses.
     */
    model: string;
    /**
     * The sampling temperature of the analysis.
     */
    temperature: number;
    /**
     * Whether results say why.
     */
    include_reasoning: boolean;
    /**
     * Whether more than one category may be primary.
     */
    multi_label: boolean;
    /**
     * The confidence that a primary category must have; where none has it, a result has no primary category. Without it, 0.5 holds where multi_label is set, and otherwise no bound.
     */
    confidence_threshold?: number;
    /**
     * The prompt to use instead of the built-in one; {user_input}, {ai_response} and {categories} are filled in.
     */
    custom_prompt?: string;
  };
}
/**
 * What is so; written by the operator.
 */
export interface AnalysisConfigStatus {
  /**
   * The generation of the spec that this status speaks of.
   */
  observedGeneration?: number;
  /**
   * The config's id in the API and in the database.
   */
  id?: string;
  /**
   * Whose calls it serves: `Namespace`, those of its own namespace's pods; `Organization`, those of every member namespace's, with the consent of the Organization's spec.sharing.
   */
  serves?: 'Namespace' | 'Organization';
  /**
   * The config's conditions; `Ready` sums up the others.
   */
  conditions?: Condition[];
}
/**
 * An ApiKeyBinding lends a provider's key to the pods of its namespace, or with the Organization's consent to the whole organization or one of its users, without showing it: applications get a synthetic key that is worth something only at the proxy. Who has that key calls as a `member`, and as the user that the call names unless the binding names one; the Organization's authentication.workloadUsers says which users those may be.
 */
export interface ApiKeyBinding {
  apiVersion: 'chaperone.dev/v1alpha1';
  kind: 'ApiKeyBinding';
  metadata: ObjectMeta;
  spec: ApiKeyBindingSpec;
  status?: ApiKeyBindingStatus;
}
/**
 * What is wanted.
 */
export interface ApiKeyBindingSpec {
  /**
   * The Organization it belongs to. Its namespaceSelector must match this namespace.
   */
  organizationRef: {
    /**
     * The Organization's name.
     */
    name: string;
  };
  /**
   * The name of one of the Organization's providers.
   */
  provider: string;
  /**
   * The key of a Secret in the same namespace that holds the provider's key.
   */
  secretKeyRef: {
    /**
     * The Secret's name.
     */
    name: string;
    /**
     * The key within the Secret.
     */
    key: string;
  };
  /**
   * The user whose calls use this key, before the keys for everyone. Its synthetic key calls as that user. The Organization's spec.sharing must let this namespace name the user. Everyone where absent.
   */
  user?: string;
  /**
   * The models that this key serves; `*` stands for any characters. Every model where absent.
   */
  models?: string[];
  /**
   * The roles of calls with the synthetic key; `[member]` where absent. Any other than `member` takes effect only where the Organization's `authentication.bindingRoles` names it, too.
   */
  roles?: ('member' | 'analyst' | 'reviewer' | 'admin')[];
  /**
   * Whether calls may use it.
   */
  active: boolean;
  /**
   * From this time on it is not used. Never where absent.
   */
  expiresAt?: string;
}
/**
 * What is so; written by the operator.
 */
export interface ApiKeyBindingStatus {
  /**
   * The generation of the spec that this status speaks of.
   */
  observedGeneration?: number;
  /**
   * Whose calls it serves: `Namespace`, those of its own namespace's pods; `Organization`, those of every member namespace's, with the consent of the Organization's spec.sharing.
   */
  serves?: 'Namespace' | 'Organization';
  /**
   * The Secret in the same namespace that holds the synthetic key.
   */
  secretName?: string;
  /**
   * The users that calls with the synthetic key may be of, where `*` stands for any characters: the binding's own, or those that the Organization's authentication.workloadUsers allows.
   */
  callsAs?: string[];
  /**
   * When the synthetic key in that Secret was made. A container that started before has another one, which is refused.
   */
  syntheticKeyIssuedAt?: string;
  /**
   * Tells whether two keys are the same without telling the key.
   */
  fingerprint?: string;
  /**
   * The binding's conditions; `Ready` sums up the others.
   */
  conditions?: Condition[];
}
/**
 * A Persona is a set of instructions that calls are made with, and who may use it: the same for every application, and changed in one place.
 */
export interface Persona {
  apiVersion: 'chaperone.dev/v1alpha1';
  kind: 'Persona';
  metadata: ObjectMeta;
  spec: PersonaSpec;
  status?: PersonaStatus;
}
/**
 * What is wanted.
 */
export interface PersonaSpec {
  /**
   * The Organization it belongs to. Its namespaceSelector must match this namespace.
   */
  organizationRef: {
    /**
     * The Organization's name.
     */
    name: string;
  };
  /**
   * The persona's name as the API shows it.
   */
  name: string;
  /**
   * What it is for.
   */
  description?: string;
  /**
   * The instructions. Exactly one of `content` and `contentFrom` must be set.
   */
  content?: string;
  /**
   * Where the instructions stand, if not here.
   */
  contentFrom?: {
    /**
     * A key of a ConfigMap in the same namespace. Its changes take effect at once.
     */
    configMapKeyRef: {
      /**
       * The ConfigMap's name.
       */
      name: string;
      /**
       * The key within the ConfigMap.
       */
      key: string;
    };
  };
  /**
   * Who may use it: user ids as applications send them (X-User-ID, or the user that a credential names). Everyone where empty. An application may name any user, unless the Organization's authentication.workloadUsers says which.
   */
  users: string[];
  /**
   * The model for calls with this persona that name none.
   */
  model?: string;
  /**
   * Defaults for fields of the request, such as temperature, where a call with this persona does not set them. Fields that OpenAI's API has must be what it takes; any other field passes as it is. It may not set what each call says itself (model, instructions, input, messages, prompt, stream and stream_options, background, persona_id), nor name what is kept at a provider (responses, conversations, files, vector stores, containers), nor give its tools a model: such a persona is not Ready, with the reason ParametersRefused.
   */
  parameters?: {
    /**
     * How random answers are. 0 is the least.
     */
    temperature?: number;
    /**
     * The share of probability that tokens are taken from.
     */
    top_p?: number;
    /**
     * The most tokens of an answer, reasoning included (Responses).
     */
    max_output_tokens?: number;
    /**
     * The most tokens of an answer, reasoning included (chat).
     */
    max_completion_tokens?: number;
    /**
     * The most tokens of an answer (chat, before max_completion_tokens).
     */
    max_tokens?: number;
    /**
     * The most calls of the provider's own tools in an answer.
     */
    max_tool_calls?: number;
    /**
     * Above 0, tokens that occurred before become less likely.
     */
    presence_penalty?: number;
    /**
     * Above 0, tokens become less likely the more often they occurred.
     */
    frequency_penalty?: number;
    /**
     * With the same seed, answers are the same as far as the provider can.
     */
    seed?: number;
    /**
     * How many answers a chat completion has.
     */
    n?: number;
    /**
     * Whether an answer tells how likely its tokens were.
     */
    logprobs?: boolean;
    /**
     * Of how many tokens at each place an answer tells how likely they were.
     */
    top_logprobs?: number;
    /**
     * By the id of a token, how much more or less likely it becomes.
     */
    logit_bias?: {
      [k: string]: number;
    };
    /**
     * Where answers end, a string or a list of strings.
     */
    stop?: {
      [k: string]: unknown;
    };
    /**
     * How a model reasons (Responses).
     */
    reasoning?: {
      /**
       * How much it reasons, such as none, minimal, low, medium, high, xhigh or max.
       */
      effort?: string;
      /**
       * Which summary of its reasoning is given, such as auto, concise or detailed.
       */
      summary?: string;
      [k: string]: unknown;
    };
    /**
     * How much a model reasons (chat).
     */
    reasoning_effort?: string;
    /**
     * How an answer is written (Responses).
     */
    text?: {
      /**
       * How much it says, such as low, medium or high.
       */
      verbosity?: string;
      /**
       * The form of an answer, such as a JSON schema.
       */
      format?: {
        [k: string]: unknown;
      };
      [k: string]: unknown;
    };
    /**
     * How much an answer says (chat), such as low, medium or high.
     */
    verbosity?: string;
    /**
     * The form of an answer (chat), such as a JSON schema.
     */
    response_format?: {
      [k: string]: unknown;
    };
    /**
     * The tools that a model may use.
     */
    tools?: {
      [k: string]: unknown;
    }[];
    /**
     * Which tool a model uses, a string or an object.
     */
    tool_choice?: {
      [k: string]: unknown;
    };
    /**
     * Whether a model may call several tools at once.
     */
    parallel_tool_calls?: boolean;
    /**
     * What else an answer has (Responses).
     */
    include?: string[];
    /**
     * What an answer consists of (chat), such as text and audio.
     */
    modalities?: string[];
    /**
     * What becomes of a prompt that is too long (Responses).
     */
    truncation?: 'auto' | 'disabled';
    /**
     * Which tier of the provider's service answers, such as auto, default, flex or priority.
     */
    service_tier?: string;
    /**
     * Whether the provider keeps the answer.
     */
    store?: boolean;
    /**
     * What the provider keeps beside the answer.
     */
    metadata?: {
      [k: string]: unknown;
    };
    /**
     * Calls with the same key find each other's prompts in the provider's cache.
     */
    prompt_cache_key?: string;
    /**
     * How long the provider's cache keeps a prompt, such as in_memory or 24h.
     */
    prompt_cache_retention?: string;
    /**
     * By what the provider tells its users apart.
     */
    safety_identifier?: string;
    /**
     * By what the provider tells its users apart, before safety_identifier.
     */
    user?: string;
    [k: string]: unknown;
  };
  /**
   * Whether calls may use it.
   */
  active: boolean;
}
/**
 * What is so; written by the operator.
 */
export interface PersonaStatus {
  /**
   * The generation of the spec that this status speaks of.
   */
  observedGeneration?: number;
  /**
   * The persona's id in the API and in the database. It never changes.
   */
  id?: string;
  /**
   * SHA-256 of the instructions in force, in hexadecimal.
   */
  contentHash?: string;
  /**
   * Whose calls it serves: `Namespace`, those of its own namespace's pods; `Organization`, those of every member namespace's, with the consent of the Organization's spec.sharing.
   */
  serves?: 'Namespace' | 'Organization';
  /**
   * The persona's conditions; `Ready` sums up the others.
   */
  conditions?: Condition[];
}
