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
 * An Organization is the unit of governance. It states which namespaces may call which providers and models, which credentials are accepted, what tokens cost, and what is stored.
 */
export interface Organization {
  apiVersion: 'chaperone.dev/v1alpha1';
  kind: 'Organization';
  metadata: ObjectMeta;
  spec: OrganizationSpec;
  status?: OrganizationStatus;
}
/**
 * The desired state.
 */
export interface OrganizationSpec {
  /**
   * A name for people. Absent: the resource's own name.
   */
  displayName?: string;
  /**
   * The labels of the namespaces that belong to this organization. Only resources and pods of these namespaces may use it. An empty selector matches every namespace.
   */
  namespaceSelector: {
    /**
     * Labels that a namespace must have with exactly these values.
     */
    matchLabels?: {
      [k: string]: string;
    };
    /**
     * Further requirements. A namespace must meet all of them.
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
   * The credentials that proxies accept, and what these must contain.
   */
  authentication: {
    /**
     * How long a token issued by Chaperone is valid, as a duration: numbers with the units h, m, s or ms.
     */
    tokenLifetime: string;
    /**
     * The tolerated difference between clocks. A token is accepted this long before its `nbf` and after its `exp`.
     */
    leeway: string;
    /**
     * A key of a Secret in the operator's namespace with a shared secret. Tokens that are signed with it (HS256) are accepted, too. It is for the migration from systems that issue such tokens. The Secret must have the label `chaperone.dev/shared-secret-of` with the organization's name.
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
     * Items: One issuer.
     */
    issuers?: {
      /**
       * The `iss` claim, a URL. It must be equal character by character.
       */
      issuer: string;
      /**
       * A token's `aud` claim must contain at least one of these.
       */
      audiences: string[];
      /**
       * Where the issuer publishes its public keys.
       */
      jwksUri: string;
      /**
       * The claim with the user. If it is `email`, a token with an `email_verified` that is not true is refused.
       */
      userClaim: string;
    }[];
    /**
     * Accepts tokens that Kubernetes issues to service accounts of the member namespaces. A call that names no user is a call of the user `system:serviceaccount:<namespace>:<name>`. Absent: no such token is accepted.
     */
    serviceAccounts?: {
      /**
       * The audience that a token must have.
       */
      audience: string;
    };
    /**
     * Whether a call must name its user, by its credential or by the header X-User-ID.
     */
    requireUser: boolean;
    /**
     * The roles of callers whose token has none. Absent: `[member]`. A `member` sees only its own data. An `analyst` and a `reviewer` see the figures and records of the organization. An `admin` may also change personas, configurations and users. Synthetic keys have the roles of their ApiKeyBinding.
     */
    defaultRoles?: ('member' | 'analyst' | 'reviewer' | 'admin')[];
    /**
     * People who log in with a password, by POST /api/v1/auth/login. What they get is a token for their user, with their roles. The condition AccountsUsable names those that cannot log in.
     *
     * Items: One account.
     */
    accounts?: {
      /**
       * The name to log in with, and the user that the tokens are for.
       */
      user: string;
      /**
       * Absent: those of `defaultRoles`.
       */
      roles?: ('member' | 'analyst' | 'reviewer' | 'admin')[];
      /**
       * A key of a Secret in the operator's namespace with the argon2id hash of the password, as `chaperone account hash` prints it. The Secret must have the label `chaperone.dev/accounts-of` with the organization's name.
       */
      passwordHashRef: {
        /**
         * The Secret's name.
         */
        name: string;
        /**
         * The key within the Secret.
         */
        key: string;
      };
    }[];
    /**
     * How long people are logged in.
     */
    logins?: {
      /**
       * How long a token of a login is valid.
       */
      tokenLifetime: string;
      /**
       * How long a login can be refreshed before the password is needed again.
       */
      sessionLifetime: string;
    };
    /**
     * The users that workloads may name in X-User-ID. A workload is a caller with a synthetic key that is bound to no user, or with the token of a service account. `*` stands for any characters, and `{namespace}` for the namespace of the workload. A service account may always call as itself. Absent: every user, so whoever has the key of a workload can call as any user. This does not apply to tokens that were issued to people: bind them to a user.
     */
    workloadUsers?: string[];
    /**
     * The roles that an ApiKeyBinding may give to its synthetic key. `member` is always one of them. Absent: `[member]`.
     */
    bindingRoles?: ('member' | 'analyst' | 'reviewer' | 'admin')[];
  };
  /**
   * The providers that calls are sent to. The ApiKeyBinding of a call decides which one.
   *
   * Items: One provider.
   */
  providers: {
    /**
     * The name by which ApiKeyBindings refer to it.
     */
    name: string;
    /**
     * The API of the provider: `openai` is OpenAI itself, `azure` is Azure OpenAI, `anthropic` is Anthropic's Messages API, `compatible` is any server with the API of OpenAI. Chat completions are also carried to `anthropic`, and Messages to the others.
     */
    type: 'openai' | 'azure' | 'anthropic' | 'compatible';
    /**
     * The base URL, to which paths such as /responses are appended, for example https://api.openai.com/v1. Of `azure`, the endpoint of the resource, such as https://RESOURCE.openai.azure.com. Absent: that of OpenAI or Anthropic. It is required for `azure` and `compatible`.
     */
    baseUrl?: string;
    /**
     * For `azure` alone. A dated version, such as 2024-10-21: chats, completions, embeddings, images and audio go to /openai/deployments/DEPLOYMENT, with this api-version, and everything else to /openai/v1. `preview` or `latest`: everything goes to /openai/v1 with this api-version. Absent: everything goes to /openai/v1.
     */
    apiVersion?: string;
    /**
     * For `azure` alone. Calls have a token of Microsoft Entra ID instead of a key of the resource: the value that ApiKeyBindings name is such a token. Absent: it is a key of the resource.
     */
    entra?: {
      /**
       * The path of a file in the proxy's container that has the token. It is read again when it changes. ApiKeyBindings then say only who may call; their values are not sent. Absent: the token is the value that ApiKeyBindings name.
       */
      tokenFile?: string;
      /**
       * The proxy gets its tokens itself: it exchanges the token of a service account for one of an application of Entra that trusts it. ApiKeyBindings then say only who may call; their values are not sent.
       */
      workloadIdentity?: {
        /**
         * The id of the tenant of Entra.
         */
        tenantId: string;
        /**
         * The id of the application, or of the managed identity, that trusts the service account.
         */
        clientId: string;
        /**
         * The path of the service account's token in the proxy's container. It is read again for each exchange.
         */
        tokenFile: string;
        /**
         * Where Entra is, such as `https://login.microsoftonline.us`.
         */
        authority: string;
        /**
         * What the tokens are for, such as `https://cognitiveservices.azure.us/.default`.
         */
        scope: string;
      };
    };
    /**
     * Of the providers that may serve a call, those with the lowest number come first; the others are asked where these fail. Providers of one priority come in the order of this list, unless weights are stated. Absent: 0.
     */
    priority?: number;
    /**
     * The provider's share of the calls, among the providers of its priority. Absent or 0: it comes after those that have a weight.
     */
    weight?: number;
    /**
     * The models that the provider serves, and its own names for them. Absent: every model, under the name that the call states.
     *
     * Items: Models that the provider serves. Of several entries that fit, the first applies.
     */
    models?: {
      /**
       * The model as calls name it. `*` stands for any characters.
       */
      name: string;
      /**
       * The provider's own name for it, such as that of a deployment. Absent: the same name.
       */
      as?: string;
    }[];
    /**
     * How often a call is sent again with the same key after a failure of the provider, with growing pauses, before the next provider is asked. The caps of `retries` apply. Absent: 0.
     */
    repeats?: number;
    /**
     * When a provider, or one of its keys, counts as failing. Calls then go to others, if there are any that serve them. Absent: after 5 failures in a row, for 30s.
     */
    circuitBreaker?: {
      /**
       * The number of failures in a row.
       */
      failures: number;
      /**
       * The time until one call tries it again.
       */
      pause: string;
    };
    /**
     * The time limits of the provider.
     */
    timeouts: {
      /**
       * The longest time until there is a connection. Absent, and at most, 10s.
       */
      connect?: string;
      /**
       * The longest time until an answer of a call is complete. Absent, no limit.
       */
      total?: string;
      /**
       * The longest time until an answer begins.
       */
      headers: string;
      /**
       * The longest pause between two chunks of an answer.
       */
      idle: string;
    };
    /**
     * Whether it gets the headers `traceparent` and `tracestate` of a call, so that its own spans join the trace. For servers of your own, such as vLLM. Absent: false.
     */
    propagateTraceContext?: boolean;
  }[];
  /**
   * How a call goes on whose provider fails before the client has any of the answer: with another key, or another provider. A call that could act twice is not sent again. Absent: 3 attempts within 60s.
   */
  retries?: {
    /**
     * The most requests that one call sends to providers. 1: none is sent again.
     */
    attempts: number;
    /**
     * No further request is sent when the call is older than this.
     */
    within: string;
  };
  /**
   * The models that may be called, under which names, and what calls may ask them for. Absent: every model.
   */
  models?: {
    /**
     * The alias that texts at `/api/v1/ai` are for where a request names no model, and the default that GET /api/v1/ai/providers tells. Absent: the first alias that generates text; without one, gpt-4o-mini.
     */
    defaultAlias?: string;
    /**
     * Models that may be called. `*` stands for any characters. Absent: every model.
     */
    allow?: string[];
    /**
     * Models that may not be called, even if `allow` names them. `*` stands for any characters.
     */
    deny?: string[];
    /**
     * Names that calls may use in place of a model's. Of several entries of one name, the first that is for the caller applies. A name is replaced once, before anything looks at the model: `allow` and `deny`, keys, prices, limits and records see the model that it stands for.
     *
     * Items: One name.
     */
    aliases?: {
      /**
       * The name that calls use.
       */
      name: string;
      /**
       * The model that it stands for.
       */
      model: string;
      /**
       * What it is for, as GET /api/v1/ai/providers tells. It refuses no call. Absent: embeddings where the model's name has `embed` in it, else the generation of text and classification, as far as a provider of it offers that.
       */
      capabilities?: ('text_generation' | 'embeddings' | 'classification')[];
      /**
       * What it may be used for by rules of your own, such as `financial`, as GET /api/v1/ai/providers tells. It refuses no call: `spec.guardrails` and `users` do. Absent: none is told.
       */
      complianceLevel?: string;
      /**
       * The models that it stands for in calls with the header X-Optimization-Level. `model` applies where a call has none, or one that is absent here.
       */
      levels?: {
        /**
         * The model where quality counts most.
         */
        quality?: string;
        /**
         * The model between the two.
         */
        balanced?: string;
        /**
         * The model where speed counts most.
         */
        speed?: string;
      };
      /**
       * The users that it is for. `*` stands for any characters. Absent: every user.
       */
      users?: string[];
      /**
       * The workloads that it is for, as `namespace`, for all of a namespace, or `namespace/name`, such as shop/checkout. `*` stands for any characters. A call from outside a pod has no workload. Absent: every workload.
       */
      workloads?: string[];
    }[];
    /**
     * What calls may ask a model for. Every ceiling that fits a call applies. They hold on every API that has the field, in lines of batches and in analyses, too.
     *
     * Items: One ceiling. It bounds at least one thing.
     */
    ceilings?: {
      /**
       * The name of the ceiling in refusals, headers and metrics.
       */
      name: string;
      /**
       * The calls that the rule is for. A call must fit every field that is present. Absent: every call.
       */
      match?: {
        /**
         * Models as they are asked for. `*` stands for any characters.
         */
        models?: string[];
        /**
         * Operations, by their names in metrics and in the figures of usage.
         */
        operations?: (
          | 'responses'
          | 'compact'
          | 'batches'
          | 'chat'
          | 'completions'
          | 'embeddings'
          | 'moderations'
          | 'image_generations'
          | 'image_edits'
          | 'image_variations'
          | 'speech'
          | 'transcriptions'
          | 'translations'
          | 'realtime'
          | 'messages'
        )[];
        /**
         * Users. `*` stands for any characters.
         */
        users?: string[];
        /**
         * Workloads as `namespace`, for all of a namespace, or `namespace/name`, such as shop/checkout. `*` stands for any characters. A call from outside a pod has no workload.
         */
        workloads?: string[];
      };
      /**
       * What happens to a call that asks for more: `Refuse` answers 400 `ceiling_exceeded`, `Lower` sets the field to the ceiling and says so in the header X-Chaperone-Lowered. What cannot be changed, such as the line of a batch, is refused. A tool is always refused.
       */
      action: 'Refuse' | 'Lower';
      /**
       * The most tokens of an answer, reasoning included. A call that does not say how many it allows is set to this.
       */
      maxOutputTokens?: number;
      /**
       * The highest temperature. Below 1, a call that states none is set to this, since the providers' own default is 1. Messages are bounded only where they state one.
       */
      maxTemperature?: number;
      /**
       * The highest detail in which a model sees images. A call that states none, or `auto`, is set to this. Messages have no such field.
       */
      imageDetail?: 'low';
      /**
       * The tools that calls may give to a model, by name: that of a function or a custom tool, the type of a tool that the provider runs, such as web_search, whatever its version, and mcp/LABEL of an MCP server. `*` stands for any characters. A call with another tool is refused with 403 `tool_not_allowed`.
       */
      tools?: {
        /**
         * The tools that are allowed. Absent: every tool.
         */
        allow?: string[];
        /**
         * The tools that are not allowed, even if `allow` names them.
         */
        deny?: string[];
      };
    }[];
    /**
     * What calls ask a model for where they do not say it themselves. What a call states comes first, then the parameters of its persona, then these: of each field, the first entry that fits the call and states it. Ceilings apply after them. Forms and lines of batches stay as they are.
     *
     * Items: One set of defaults. Each applies on the APIs that have the field.
     */
    defaults?: {
      /**
       * The name of the entry in conditions.
       */
      name: string;
      /**
       * The calls that the rule is for. A call must fit every field that is present. Absent: every call.
       */
      match?: {
        /**
         * Models as they are asked for. `*` stands for any characters.
         */
        models?: string[];
        /**
         * Operations, by their names in metrics and in the figures of usage.
         */
        operations?: (
          | 'responses'
          | 'compact'
          | 'batches'
          | 'chat'
          | 'completions'
          | 'embeddings'
          | 'moderations'
          | 'image_generations'
          | 'image_edits'
          | 'image_variations'
          | 'speech'
          | 'transcriptions'
          | 'translations'
          | 'realtime'
          | 'messages'
        )[];
        /**
         * Users. `*` stands for any characters.
         */
        users?: string[];
        /**
         * Workloads as `namespace`, for all of a namespace, or `namespace/name`, such as shop/checkout. `*` stands for any characters. A call from outside a pod has no workload.
         */
        workloads?: string[];
      };
      /**
       * The temperature of chats, responses and completions. Some models take none: leave them out by `match`.
       */
      temperature?: number;
      /**
       * The nucleus sampling of chats, responses and completions.
       */
      topP?: number;
      /**
       * The most tokens of an answer, reasoning included.
       */
      maxOutputTokens?: number;
      /**
       * The effort of reasoning in chats, responses and messages, such as low or high.
       */
      reasoningEffort?: string;
      /**
       * The tier of chats and responses: auto, default, flex or priority. Of messages, only auto and default apply.
       */
      serviceTier?: 'auto' | 'default' | 'flex' | 'priority';
      /**
       * Whether the provider stores chats and responses.
       */
      store?: boolean;
    }[];
  };
  /**
   * Prices that replace those of the built-in price list, for your own contracts and for models that the list does not know. They are in US dollars, by the unit that the provider bills: tokens, images, minutes of audio or characters. A call without a known price is unpriced, which is not the same as free.
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
     * Price of a million input tokens that are read from the provider's cache. Absent: that of input.
     */
    cachedInputPerMillion?: string;
    /**
     * Price of a million input tokens that are written to the provider's cache. Absent: that of input.
     */
    cacheWritePerMillion?: string;
    /**
     * Price of a million input tokens that are written to the provider's cache for an hour. Absent: that of cache writes.
     */
    longCacheWritePerMillion?: string;
    /**
     * Price of a million input tokens that are audio. Absent: that of input.
     */
    audioInputPerMillion?: string;
    /**
     * Price of a million input tokens that are images. Absent: that of input.
     */
    imageInputPerMillion?: string;
    /**
     * Price of a million input tokens that are audio and are read from the provider's cache. Absent: that of audio input.
     */
    cachedAudioInputPerMillion?: string;
    /**
     * Price of a million output tokens that are audio. Absent: that of output.
     */
    audioOutputPerMillion?: string;
    /**
     * Price of a million input tokens that are images and are read from the provider's cache. Absent: that of image input.
     */
    cachedImageInputPerMillion?: string;
    /**
     * Price of a million output tokens that are images. Absent: that of output.
     */
    imageOutputPerMillion?: string;
    /**
     * Price of a minute of audio input, for models that are billed by its length.
     */
    audioPerMinute?: string;
    /**
     * Price of a million spoken characters, for models that are billed by characters.
     */
    charactersPerMillion?: string;
    /**
     * Fees of the provider's own tools, which are billed beside a call's tokens. They replace those of the built-in list, which knows OpenAI's web search and file search. A call with a tool without a known fee is unpriced, which is not the same as free. If a model has only fees of tools here, its other prices are those of the built-in list.
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
     * Prices of one image, for models that are billed by the image. The first price that fits its size and quality applies.
     *
     * Items: The price of an image.
     */
    images?: {
      /**
       * Only for images of this size, such as 1024x1024. Absent: every size.
       */
      size?: string;
      /**
       * Only for images of this quality, such as hd. Absent: every quality.
       */
      quality?: string;
      /**
       * Price of the image.
       */
      price: string;
    }[];
  }[];
  /**
   * Limits of requests, tokens and concurrent calls, over all proxies of the organization. Every limit that fits a call must admit it. A call beyond a limit is refused with 429 `limit_reached` and does not reach a provider. SDKs retry it by themselves.
   *
   * Items: One limit. It bounds any of requests, tokens and concurrent calls.
   */
  limits?: {
    /**
     * The name of the limit in refusals, metrics and figures.
     */
    name: string;
    /**
     * Which calls are counted together: those of the whole `Organization`, of each `User`, of each `Key` (the ApiKeyBinding whose provider key is used), `Model`, `Workload` (the Deployment, Job or the like of the pod) or `Session`.
     */
    per: 'Organization' | 'User' | 'Key' | 'Model' | 'Workload' | 'Session';
    /**
     * The calls that the limit is for. A call must fit every field that is present. Absent: every call.
     */
    match?: {
      /**
       * Models as they are asked for. `*` stands for any characters.
       */
      models?: string[];
      /**
       * Operations, by their names in metrics and in the figures of usage.
       */
      operations?: (
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
        | 'realtime'
      )[];
      /**
       * Users. `*` stands for any characters.
       */
      users?: string[];
      /**
       * Workloads as `namespace`, for all of a namespace, or `namespace/name`, such as shop/checkout. `*` stands for any characters. A call from outside a pod has no workload.
       */
      workloads?: string[];
    };
    /**
     * The most calls in a window of time.
     */
    requests?: {
      /**
       * The number of calls.
       */
      count: number;
      /**
       * The length of a window, as a duration such as 1m, 1h or 24h. Windows follow each other from midnight UTC on 1 January 1970, so those of 1h begin at full hours.
       */
      window: string;
    };
    /**
     * The most tokens in a window of time. A call reserves an upper bound of what it may use, and gives back what it did not use.
     */
    tokens?: {
      /**
       * The number of tokens.
       */
      count: number;
      /**
       * The length of a window, as a duration such as 1m, 1h or 24h. Windows follow each other from midnight UTC on 1 January 1970, so those of 1h begin at full hours.
       */
      window: string;
      /**
       * Which tokens are counted.
       */
      of: 'Total' | 'Input' | 'Output';
    };
    /**
     * The most calls at the same time. A call counts from its admission to the end of its answer.
     */
    concurrent?: number;
    /**
     * `Enforce` refuses a call beyond the limit; `Report` makes it, and only counts that it was beyond.
     */
    action: 'Enforce' | 'Report';
    /**
     * What happens to a call while the database cannot be reached and this proxy has used up what it had reserved before: `Allow` makes it, and counts it once the database is back; `Deny` refuses it.
     */
    whenUnavailable: 'Allow' | 'Deny';
  }[];
  /**
   * Budgets in US dollars, over all proxies of the organization. Every budget that fits a call must admit it. A call beyond a budget is refused with 429 `insufficient_quota` and does not reach a provider.
   *
   * Items: One budget.
   */
  budgets?: {
    /**
     * The name of the budget in refusals, metrics and figures.
     */
    name: string;
    /**
     * Which calls are counted together: those of the whole `Organization`, of each `User`, of each `Key` (the ApiKeyBinding whose provider key is used), `Model`, `Workload` (the Deployment, Job or the like of the pod) or `Session`.
     */
    per: 'Organization' | 'User' | 'Key' | 'Model' | 'Workload' | 'Session';
    /**
     * The calls that the budget is for. A call must fit every field that is present. Absent: every call.
     */
    match?: {
      /**
       * Models as they are asked for. `*` stands for any characters.
       */
      models?: string[];
      /**
       * Operations, by their names in metrics and in the figures of usage.
       */
      operations?: (
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
        | 'realtime'
      )[];
      /**
       * Users. `*` stands for any characters.
       */
      users?: string[];
      /**
       * Workloads as `namespace`, for all of a namespace, or `namespace/name`, such as shop/checkout. `*` stands for any characters. A call from outside a pod has no workload.
       */
      workloads?: string[];
    };
    /**
     * The most US dollars in a window, a decimal number such as "250" or "0.50".
     */
    amountUsd: string;
    /**
     * The time that the amount is for, in UTC: a calendar `Day`, `Week` or `Month`, or `Total`, which never begins anew.
     */
    window: 'Day' | 'Week' | 'Month' | 'Total';
    /**
     * The day on which a window begins: of a Week, 1 (Monday) to 7 (Sunday); of a Month, 1 to 28. Absent: 1.
     */
    startDay?: number;
    /**
     * Percentages of the amount. When the use reaches one, the resource gets an Event and a metric says so, once in each window.
     */
    warnAt: number[];
    /**
     * `Block` refuses a call that the rest of the amount does not pay for; `Warn` makes it.
     */
    action: 'Block' | 'Warn';
    /**
     * What happens to a call whose longest answer costs more than what is left: `Refuse` refuses it; `Shorten` lowers the limit of its output tokens to what is left, and says so in the answer's headers.
     */
    onShortfall: 'Refuse' | 'Shorten';
    /**
     * What happens to a call whose price is not known: `Refuse` refuses it where `action` is Block; `Allow` makes it, and the budget does not count it. State missing prices in the Organization's `prices`.
     */
    unpriced: 'Refuse' | 'Allow';
    /**
     * What happens to a call while the database cannot be reached and this proxy has used up what it had reserved before: `Allow` makes it, and counts it once the database is back; `Deny` refuses it.
     */
    whenUnavailable: 'Allow' | 'Deny';
    /**
     * A temporary addition to the amount.
     */
    raise?: {
      /**
       * How many US dollars are added, a decimal number such as "50".
       */
      byUsd: string;
      /**
       * When the addition ends.
       */
      until: string;
      /**
       * Why, for the audit.
       */
      reason: string;
    };
  }[];
  /**
   * The most calls of the organization in an hour: `free` 100, `starter` 1,000, `professional` 10,000; `enterprise` sets none, so that only `limits` apply. It applies beside `limits`. Absent: none.
   */
  tier?: 'free' | 'starter' | 'professional' | 'enterprise';
  /**
   * The tiers of users: the most calls of each such user in an hour. The first entry that fits a user applies. It applies beside `tier` and `limits`.
   *
   * Items: The tier of some users.
   */
  tiers?: {
    /**
     * Users. `*` stands for any characters.
     */
    users: string[];
    /**
     * `free` (100 calls in an hour), `starter` (1,000), `professional` (10,000) or `enterprise` (no such limit).
     */
    tier: 'free' | 'starter' | 'professional' | 'enterprise';
  }[];
  /**
   * Rules about the texts of calls and answers, in order: each rule sees what the rules before it have left. See docs/guardrails.md for what they read, and what not.
   *
   * Items: One rule. It has exactly one detector, a field such as `pii`.
   */
  guardrails?: {
    /**
     * The name of the rule in refusals, metrics and records.
     */
    name: string;
    /**
     * The calls that the rule is for. A call must fit every field that is present. Absent: every call.
     */
    match?: {
      /**
       * Models as they are asked for. `*` stands for any characters.
       */
      models?: string[];
      /**
       * Operations, by their names in metrics and in the figures of usage.
       */
      operations?: (
        | 'responses'
        | 'compact'
        | 'batches'
        | 'chat'
        | 'completions'
        | 'embeddings'
        | 'moderations'
        | 'image_generations'
        | 'image_edits'
        | 'image_variations'
        | 'speech'
        | 'transcriptions'
        | 'translations'
        | 'realtime'
        | 'messages'
      )[];
      /**
       * Users. `*` stands for any characters.
       */
      users?: string[];
      /**
       * Workloads as `namespace`, for all of a namespace, or `namespace/name`, such as shop/checkout. `*` stands for any characters. A call from outside a pod has no workload.
       */
      workloads?: string[];
    };
    /**
     * What is checked: `Input`, what the caller sends; `Output`, what the model answers; or `Both`.
     */
    appliesTo: 'Input' | 'Output' | 'Both';
    /**
     * What happens where the detector finds something: `Block` refuses the call or ends the answer with 400 `guardrail_blocked`; `Redact` replaces what was found by placeholders such as `[EMAIL_7K3QX2A]`; `Review` holds the answer until a person releases it, see docs/guardrails.md; `Report` only counts, which is a dry run of the rule.
     */
    action: 'Block' | 'Redact' | 'Review' | 'Report';
    /**
     * Whether the answer gets the caller's own values back in place of their placeholders. The provider and the stored contents have placeholders all the same.
     */
    restore: boolean;
    /**
     * Finds personal data.
     */
    pii?: {
      /**
       * What it finds. Absent: all but `name`.
       */
      kinds?: ('email' | 'phone' | 'card' | 'iban' | 'nationalId' | 'ip' | 'dateOfBirth' | 'address' | 'name')[];
      /**
       * The regions (ISO 3166-1) whose telephone numbers are found in their national form, such as US or DE. Absent: US, GB, DE, FR, ES, IT, NL, PL, SE, BR and IN.
       */
      phoneRegions?: string[];
    };
    /**
     * Finds keys, tokens and passwords of well-known formats.
     */
    secrets?: {
      /**
       * What it finds, such as `openai` or `aws`; docs/guardrails.md lists the kinds. Absent: all.
       */
      kinds?: string[];
    };
    /**
     * Finds words and phrases.
     */
    words?: {
      /**
       * Words and phrases. Case does not matter, nor how much white space there is between the words of a phrase.
       */
      words: string[];
    };
    /**
     * Finds what matches regular expressions.
     */
    patterns?: {
      /**
       * Items: One regular expression.
       */
      patterns: {
        /**
         * The name of what it finds, in placeholders. Absent: pattern.
         */
        name?: string;
        /**
         * The regular expression in RE2's syntax, without back-references and look-around.
         */
        pattern: string;
        /**
         * Whether case does not matter.
         */
        ignoreCase?: boolean;
      }[];
      /**
       * The longest match in UTF-16 units, and so the most text that a stream holds back. Absent: 256.
       */
      maxMatchLength?: number;
    };
    /**
     * Finds phrases and marks by which texts try to take a model's instructions over. These are heuristics; docs/guardrails.md says what they miss.
     */
    injection?: {};
    /**
     * Asks the moderation endpoint of the call's provider, with the call's key, before the call is made. Where it does not answer, the call is refused.
     */
    moderation?: {
      /**
       * The model that judges, such as omni-moderation-latest. Absent: the provider chooses.
       */
      model?: string;
      /**
       * The categories that count, such as `violence` or `self-harm*`. `*` stands for any characters. Absent: every one.
       */
      categories?: string[];
      /**
       * The least score of a category that counts, from "0" to "1". Absent: the provider's own judgement.
       */
      threshold?: string;
      /**
       * How long the provider may take to judge.
       */
      timeout: string;
    };
    /**
     * Limits the length of all texts of the input together, or of those of the output.
     */
    size?: {
      /**
       * The most Unicode characters.
       */
      maxCharacters?: number;
      /**
       * The most bytes of UTF-8.
       */
      maxBytes?: number;
      /**
       * The most tokens, estimated as a quarter of the bytes.
       */
      maxTokens?: number;
    };
    /**
     * The answer's text must be JSON of this schema. An answer without text, as one that calls tools or refuses, is not checked. A stream waits for its end.
     */
    schema?: {
      /**
       * A JSON schema (draft 2020-12).
       */
      schema: {
        [k: string]: unknown;
      };
    };
    /**
     * Asks an HTTP service. docs/guardrails.md has its contract. A stream waits for its end.
     */
    external?: {
      /**
       * Where the service is. Redirects are not followed.
       */
      url: string;
      /**
       * How long the service may take.
       */
      timeout: string;
      /**
       * What happens to a call where the service does not answer, or not as the contract says: `Block` refuses it with 503 `guardrail_unavailable`; `Pass` makes it, and counts it.
       */
      onError: 'Block' | 'Pass';
      /**
       * The networks (CIDR) that the service may be in. Absent: every one but the pod itself, link-local addresses and the metadata services of clouds.
       */
      networks?: string[];
    };
  }[];
  /**
   * Answers are kept, and replayed to calls that are exactly the same. Absent: none are. See docs/cache.md for the calls that never use it.
   */
  cache?: {
    /**
     * Who gets an answer again. `User`: only the user whose call it answered. `Organization`: every user whose call is the same, and goes to the same provider key.
     */
    scope: 'User' | 'Organization';
    /**
     * How long an answer is replayed.
     */
    ttl: string;
    /**
     * The most bytes of all kept answers together. The oldest go first.
     */
    maxBytes: number;
    /**
     * The most bytes of one answer. A larger one is not kept.
     */
    maxEntryBytes: number;
    /**
     * The calls that the cache is for. A call must fit every field that is present. Absent: every call that can be cached.
     */
    match?: {
      /**
       * Models as they are asked for. `*` stands for any characters.
       */
      models?: string[];
      /**
       * Operations, by their names in metrics and in the figures of usage.
       */
      operations?: (
        | 'responses'
        | 'chat'
        | 'completions'
        | 'embeddings'
        | 'moderations'
        | 'image_generations'
        | 'speech'
        | 'transcriptions'
        | 'translations'
        | 'messages'
      )[];
      /**
       * Users. `*` stands for any characters.
       */
      users?: string[];
      /**
       * Workloads as `namespace`, for all of a namespace, or `namespace/name`, such as shop/checkout. `*` stands for any characters. A call from outside a pod has no workload.
       */
      workloads?: string[];
    };
  };
  /**
   * The APIs that are served. Absent: every one. Requests that only show or rate something (models, personas, ratings) are always served.
   */
  surfaces?: (
    | 'responses'
    | 'chat'
    | 'messages'
    | 'embeddings'
    | 'completions'
    | 'moderations'
    | 'images'
    | 'audio'
    | 'conversations'
    | 'files'
    | 'batches'
    | 'vectorStores'
    | 'realtime'
    | 'insights'
  )[];
  /**
   * The form of answers of POST /v1/responses to calls without X-Response-Format: `OpenAI` (the default) is the provider's unchanged answer; `Simple` has `content[0].text` instead of `output`.
   */
  responseFormat?: 'OpenAI' | 'Simple';
  /**
   * The web pages that may call the proxy from a browser (CORS). Absent: none. A page needs a credential like any other client, and its users can read it: give it tokens that are bound to one user.
   */
  cors?: {
    /**
     * Origins as browsers send them, such as `https://app.example.com` or `http://localhost:3000`, in lower case and without a path. `https://*.example.com` stands for every host below the domain, and `*` for every page.
     */
    origins: string[];
  };
  /**
   * How calls belong to sessions.
   */
  sessions: {
    /**
     * How long a session is active after its last call.
     */
    idleTimeout: string;
    /**
     * Where a call without `X-Session-ID` gets its session from: `PreviousResponse` is the session of the response that it follows by `previous_response_id`; `Conversation` is the id of its `conversation`; `ClientSession` is the header `session-id` or `session_id`, else the body's `prompt_cache_key`. The first of these that a call has is used. A call without any, or if this is absent, begins a session.
     */
    inferFrom?: ('PreviousResponse' | 'Conversation' | 'ClientSession')[];
  };
  /**
   * What is stored of a call.
   */
  storage: {
    /**
     * `Full` stores the messages and the answer, sealed. `None` stores neither. Usage and cost are stored in both cases.
     */
    contents: 'Full' | 'None';
    /**
     * How long calls are stored, with all that belongs to them: what was said, ratings, feedback, sessions, conversations and their analyses, batches of texts, mappings of anonymized texts, items of human review, deliveries of webhooks and failed jobs. What is from an earlier day (UTC) is deleted within the hour. Sums by day, user, persona and model stay, and so do limits and budgets. Absent: all is stored as long as the organization.
     */
    retention?: string;
    /**
     * How long the result of an analysis is stored. Until then, the same analysis of the same conversation gets this result. Analyses of conversations are deleted after it.
     */
    analysisLifetime: string;
    /**
     * Whether the words of articles are in the database in clear, as an index to search by. `false`: articles are found by their vectors alone, which are sealed; it needs knowledgeBase.embedding. Absent: true.
     */
    searchable?: boolean;
  };
  /**
   * The articles that answers to customers come from.
   */
  knowledgeBase?: {
    /**
     * The model that makes a vector of each passage and of each question, so that a search also finds what says the same in other words. Absent: articles are found by their words alone.
     */
    embedding?: {
      /**
       * Its name at a provider, such as `text-embedding-3-small`; not an alias.
       */
      model: string;
      /**
       * How many numbers a vector has, for models that can shorten it. Fewer take less memory in proxies. Absent: as many as the model has.
       */
      dimensions?: number;
    };
    /**
     * The namespaces whose ConfigMaps with the label chaperone.dev/knowledge-base and this Organization's name hold articles: keys that end with .md, in Markdown with front matter. Absent: no namespace.
     */
    namespaces?: string[];
  };
  /**
   * How the audit log is kept.
   */
  audit?: {
    /**
     * Entries that are older are removed, within a day; the rest is still verifiable, and an entry says what was removed. Absent: the log is kept as long as its organization.
     */
    retention?: string;
  };
  /**
   * The age at which keys are replaced, without an effect on calls. A key whose age is absent is not replaced by itself. The annotation chaperone.dev/rotate with a time (RFC 3339) replaces everything that was issued before that time. The annotation chaperone.dev/rotate-now does so in an emergency: tokens that the old keys signed are refused at once.
   */
  rotation?: {
    /**
     * The keys that sign tokens. A replaced key is still accepted for authentication.tokenLifetime.
     */
    tokenKeys?: string;
    /**
     * The keys that seal provider keys, personas and message contents. Replaced keys are kept, to open what they sealed.
     */
    dataKeys?: string;
    /**
     * The password of the organization's role in the database.
     */
    databasePassword?: string;
  };
  /**
   * The namespaces whose objects may act for others. ApiKeyBindings, Personas and AnalysisConfigs of any other namespace serve only the pods of their own namespace.
   *
   * Items: The rights of the objects of one namespace.
   */
  sharing?: {
    /**
     * The namespace. The namespaceSelector must match it.
     */
    namespace: string;
    /**
     * The kinds whose objects serve the pods of every member namespace.
     */
    resources: ('ApiKeyBinding' | 'Persona' | 'AnalysisConfig')[];
    /**
     * The users that ApiKeyBindings of the namespace may name. `*` stands for any characters. Calls of such a user then use the key of the binding, and calls with its synthetic key are calls of that user. Absent: none.
     */
    users?: string[];
  }[];
  /**
   * Runs the organization's proxy for clients outside pods: a Deployment and a Service named chaperone-gateway-<organization> in the operator's namespace. The condition GatewayReady has its address and its state. Absent: there is none.
   */
  gateway?: {
    /**
     * The number of pods; with `maxReplicas`, the least number.
     */
    replicas: number;
    /**
     * The most pods to which a HorizontalPodAutoscaler may scale the Deployment. Absent: `replicas` pods, and no autoscaler.
     */
    maxReplicas?: number;
    /**
     * The use of processor time, in percent of the request, that the autoscaler aims at.
     */
    targetCpuPercent: number;
    /**
     * The member namespaces that the gateway acts for, beside what `sharing` lets serve everyone. It gets the keys of these namespaces, so their ApiKeyBindings serve its callers.
     */
    namespaces?: string[];
    /**
     * The certificate for HTTPS. Absent: the gateway serves HTTP, for a proxy or an Ingress before it.
     */
    tls?: {
      /**
       * A Secret in the operator's namespace with `tls.crt` and `tls.key`, and the label `chaperone.dev/certificate-of` with the organization's name. A renewed certificate is used without a restart.
       */
      secretName: string;
    };
    /**
     * The Service in front of the pods.
     */
    service: {
      /**
       * Its type.
       */
      type: 'ClusterIP' | 'LoadBalancer' | 'NodePort';
      /**
       * Its port. Absent: 443 with `tls`, else 80.
       */
      port?: number;
      /**
       * Its annotations, such as those that a cloud's load balancer reads.
       */
      annotations?: {
        [k: string]: string;
      };
    };
    /**
     * Requests and limits of each pod. Absent: those of a sidecar, with 100m of processor time.
     */
    resources?: {
      /**
       * What each pod gets for certain, such as `cpu` and `memory`.
       */
      requests?: {
        [k: string]: string;
      };
      /**
       * What each pod gets at most.
       */
      limits?: {
        [k: string]: string;
      };
    };
  };
  /**
   * Lets admins train models and deploy them, by `/api/v1/ai/distributed-training` and `/api/v1/ai/deploy` (docs/training.md). The operator makes the Jobs and the Deployments. The condition TrainingReady says whether it can. Absent: these APIs answer 503.
   */
  training?: {
    /**
     * The namespace of the Jobs and Deployments. It must have the label `chaperone.dev/training-of` with the organization's name, and be in the chart's value `operator.trainingNamespaces`.
     */
    namespace: string;
    /**
     * What trains, by the `base_model` of a request. `customerai-classifier` is the built-in trainer, a text classifier, unless an entry here replaces it.
     *
     * Items: One trainer.
     */
    trainers?: {
      /**
       * The name in requests.
       */
      baseModel: string;
      /**
       * Its image. Absent: that of the built-in trainer.
       */
      image?: string;
      /**
       * Its command. Absent: the image's own.
       */
      command?: string[];
      /**
       * What serves its models: a server that speaks OpenAI's chat completions. Absent: the built-in server, which serves models of the built-in trainer.
       */
      serving?: {
        /**
         * Its image.
         */
        image: string;
        /**
         * Its command. Absent: the image's own.
         */
        command?: string[];
      };
    }[];
    /**
     * The kinds of pods that a request may ask for in `instance_type`, the default first.
     *
     * Items: One kind of pod.
     */
    instanceTypes: {
      /**
       * The name in requests, such as `ml.g4dn.xlarge`.
       */
      name: string;
      /**
       * The labels of the nodes that it runs on. Absent: any node.
       */
      nodeSelector?: {
        [k: string]: string;
      };
      /**
       * What each pod gets. Absent: 250m of processor time and 256Mi, and at most 1Gi.
       */
      resources?: {
        /**
         * What each pod gets for certain, such as `cpu` and `memory`.
         */
        requests?: {
          [k: string]: string;
        };
        /**
         * What each pod gets at most, such as `nvidia.com/gpu`.
         */
        limits?: {
          [k: string]: string;
        };
      };
    }[];
    /**
     * Where trained models are written, each below it in a folder of its own: `s3://bucket/prefix/`, or `pvc://claim/prefix/` for a PersistentVolumeClaim of the namespace.
     */
    modelStore: string;
    /**
     * The beginnings of addresses that data may be read from. Absent: `modelStore` alone.
     */
    dataStores?: string[];
    /**
     * How `s3://` addresses are reached.
     */
    s3?: {
      /**
       * The server, for stores other than Amazon's. Absent: Amazon S3 of the region.
       */
      endpoint?: string;
      /**
       * The region.
       */
      region: string;
      /**
       * A Secret in the namespace with `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`. Absent: requests are not signed.
       */
      secretName?: string;
    };
    /**
     * How many training jobs may be under way at once.
     */
    maxJobs: number;
    /**
     * How many pods a training job may have.
     */
    maxInstances: number;
    /**
     * How many models may be deployed at once.
     */
    maxDeployments: number;
    /**
     * How many pods a deployment may have.
     */
    maxReplicas: number;
    /**
     * The ClusterTrainingRuntime of the TrainJobs that are made where the cluster has Kubeflow Trainer 2.
     */
    kubeflowRuntime: string;
  };
  /**
   * How the support desk at `/api/v1/conversations` answers customers (docs/support.md). Absent: with the defaults of the fields, and nobody to assign conversations to. The condition SupportEffective names what cannot work.
   */
  support?: {
    /**
     * The model that answers, or an alias of one.
     */
    model: string;
    /**
     * The Persona whose text is the desk's voice, as `namespace/name`. Its model and parameters are not used. Absent: none.
     */
    persona?: string;
    /**
     * An answer with less confidence is not given; the conversation is handed over.
     */
    confidenceThreshold: number;
    /**
     * After so many answers, the next message hands the conversation over.
     */
    maxTurns: number;
    /**
     * How long after its last message a conversation that no human has is resolved, if that message is an answer: a duration such as 24h, or Never.
     */
    resolveAfter: string;
    /**
     * Topics that a human handles, in words that a model understands, such as `legal threats`.
     */
    topics?: string[];
    /**
     * Who gets conversations that are handed over, by turns: names or ids of your own. Absent: nobody is assigned.
     */
    agents?: string[];
    /**
     * What customers read where no model writes. Absent fields have a text of ours in the customer's language, where that is one of da, de, en, es, fr, it, nl, pl, pt and sv, else in English.
     */
    texts?: {
      /**
       * That the knowledge base has no answer that is sure enough.
       */
      unknown?: string;
      /**
       * That the conversation is handed over now. It follows an answer, or `unknown`.
       */
      handover?: string;
      /**
       * In place of `handover` where the customer has asked for a human. Absent, that is said.
       */
      requested?: string;
      /**
       * In place of `handover` where the customer is very angry. Absent, that is said.
       */
      apology?: string;
      /**
       * The answer to messages to a conversation that is handed over.
       */
      waiting?: string;
      /**
       * Texts for customers who write in a language, in place of those above.
       */
      translations?: {
        /**
         * ISO 639-1, such as `de`.
         */
        language: string;
        /**
         * That the knowledge base has no answer that is sure enough.
         */
        unknown?: string;
        /**
         * That the conversation is handed over now.
         */
        handover?: string;
        /**
         * In place of `handover` where the customer has asked for a human.
         */
        requested?: string;
        /**
         * In place of `handover` where the customer is very angry.
         */
        apology?: string;
        /**
         * The answer to messages to a conversation that is handed over.
         */
        waiting?: string;
      }[];
    };
  };
  /**
   * The API of customer insights below `/api/v1` (docs/insights.md). Absent: the defaults of the fields.
   */
  insights?: {
    /**
     * How people review answers.
     */
    review?: {
      /**
       * How long an item is a reviewer's who has claimed it. Afterwards it is free again.
       */
      leaseDuration: string;
      /**
       * When a review is expected, counted from now, as long as fewer than five items were reviewed. From then on the queue's own history tells.
       */
      expectedTime: string;
      /**
       * How long an answer that a guardrail holds (`action: Review`) waits for a decision. Then it counts as rejected.
       */
      holdDuration: string;
      /**
       * Which items two reviewers must agree about. Where they disagree, a third decides. Absent: none, unless a request asks for it.
       */
      doubleReview?: {
        /**
         * All of these.
         */
        categories?: string[];
        /**
         * This share of the others, from 0 to 1, chosen at random.
         */
        share?: number;
      };
    };
    /**
     * When those who watch by `/websocket` are alerted.
     */
    alerts?: {
      /**
       * The share of a text that must be negative, from 0 to 1.
       */
      negative: number;
    };
    /**
     * How answers to customers are generated.
     */
    responses?: {
      /**
       * The model that answers, or an alias of one, where a request names none.
       */
      model: string;
      /**
       * An answer with less confidence needs human review.
       */
      confidenceThreshold: number;
      /**
       * What queries may be about, such as `loan_inquiry`. Absent: what the model says.
       */
      categories?: string[];
      /**
       * Answers to queries about these need human review, whatever they say.
       */
      reviewCategories?: string[];
    };
  };
  /**
   * Whom to tell of events, by HTTP. docs/webhooks.md has what is sent. The API `/v1/webhooks` can make more. A worker delivers them. The condition WebhooksDeliverable names those that cannot be delivered.
   *
   * Items: One webhook.
   */
  webhooks?: {
    /**
     * Its name, unique among the webhooks of the organization.
     */
    name: string;
    /**
     * Where events are sent to, by POST. `http` and addresses that are not public need `webhookNetworks`. Redirects are not followed.
     */
    url: string;
    /**
     * The events that it is told of. Absent: all of them.
     */
    events?: (
      | 'budget.warning'
      | 'analysis.completed'
      | 'analysis.failed'
      | 'conversation.created'
      | 'conversation.escalated'
      | 'conversation.resolved'
      | 'message.received'
      | 'feedback.submitted'
      | 'sentiment.alert'
      | 'review.queued'
      | 'review.decided'
    )[];
    /**
     * A key of a Secret in the operator's namespace with the secret that signs what is sent, 16 to 200 printable characters. The Secret must have the label `chaperone.dev/webhook-secret-of` with the organization's name. When the value changes, the former one signs beside it for a day.
     */
    secretRef: {
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
     * Whether events are sent to it. What happens meanwhile is not sent later.
     */
    active: boolean;
  }[];
  /**
   * How many requests the API for customer support takes (docs/support.md), beside what `tier` and `tiers` say. They are counted apart from calls to providers.
   */
  publicApi?: {
    /**
     * The most requests of the organization in an hour. A `tier` other than `enterprise` may lower it. Absent: the tier's, or 1,000,000.
     */
    requestsPerHour?: number;
    /**
     * The networks (CIDR) of load balancers in front of the proxy. A request from one of them comes from the last address in `X-Forwarded-For` that is in none of them. Absent: from the connection's own.
     */
    trustedProxies?: string[];
  };
  /**
   * Keys of the organization's own APIs, by their digests; the API `/v1/keys` can make more. Remove a digest to revoke its key. docs/public-api.md says how to make one.
   *
   * Items: One key.
   */
  apiKeys?: {
    /**
     * Its name, unique among these keys.
     */
    name: string;
    /**
     * `Secret` (`sk_…`) for servers; `Public` (`pk_…`) for web pages, whose visitors can read it: it opens nothing but a visitor's own support conversations.
     */
    type: 'Secret' | 'Public';
    /**
     * The SHA-256 of the key, in lower-case hexadecimal. While a key is rotated, those of both.
     */
    sha256: string[];
    /**
     * The roles of a Secret key. Absent: the organization's default roles.
     */
    roles?: ('member' | 'analyst' | 'reviewer' | 'admin')[];
    /**
     * The web pages that may use a Public key, as in `cors.origins`. `*` also lets clients use it that send no origin, such as apps.
     */
    allowedOrigins?: string[];
    /**
     * The most requests with the key in an hour. Absent: 1,000 of a Public key, no limit of its own of a Secret one.
     */
    requestsPerHour?: number;
    /**
     * The most requests of each visitor in an hour. Absent: 60.
     */
    visitorRequestsPerHour?: number;
    /**
     * When it ends. Absent: never.
     */
    expiresAt?: string;
  }[];
  /**
   * What of the APIs will go away. Answers there tell clients by the headers `Deprecation`, `Sunset` and `Link`, and a metric counts who still uses it. The condition DeprecationsEffective names those that no request can meet.
   *
   * Items: A deprecated part of an API.
   */
  deprecations?: {
    /**
     * A path, such as `/v1/completions`, with or without a method before it, such as `POST /v1/completions`. `{id}` stands for one segment, `*` at the end for everything below.
     */
    route: string;
    /**
     * When it became deprecated, or will, in UTC (`Z`).
     */
    since: string;
    /**
     * When it goes away, in UTC (`Z`). Absent: that is not decided.
     */
    sunset?: string;
    /**
     * Where the guide to what replaces it is.
     */
    link?: string;
  }[];
  /**
   * The networks (CIDR) beside public addresses that webhooks may be in, those of the API, too. Within them, a webhook may have a URL of `http`. Absent: none.
   */
  webhookNetworks?: string[];
  /**
   * How the operator treats pods with a sidecar.
   */
  sidecars?: {
    /**
     * What to do about pods with an outdated sidecar, such as after an upgrade: `Report` reports them in the condition SidecarsCurrent; `Roll` also rolls their Deployments, StatefulSets and DaemonSets, one at a time.
     */
    rollout: 'Report' | 'Roll';
  };
  /**
   * The limits of the organization's proxies in the database.
   */
  database?: {
    /**
     * The most connections of all its proxies together. A proxy has two, and a third for seconds while many records wait. Absent: 20, and three for each pod with a sidecar.
     */
    connections?: number;
  };
  /**
   * What the organization's proxies and gateways log. A change applies at once, without a restart.
   */
  logs?: {
    /**
     * The least level that is logged. Absent: as the annotation chaperone.dev/log-level of the pod, or the option --log-level, says.
     */
    level?: 'trace' | 'debug' | 'info' | 'warn' | 'error';
    /**
     * Whether each call gets a line with its figures, without anything that was said. Absent: false.
     */
    access?: boolean;
  };
  /**
   * Calls are recorded as traces, and sent to a collector of OpenTelemetry. Absent: as the chart's values or the environment say, else not at all. See docs/observability.md.
   */
  traces?: {
    /**
     * The collector's address for OTLP over HTTP, to which /v1/traces is appended, such as http://collector.observability.svc:4318. Absent: that of the chart's values or the environment.
     */
    endpoint?: string;
    /**
     * How many of the calls that begin a trace are recorded. Absent: that of the chart's values or the environment, else 100.
     */
    samplingPercentage?: number;
    /**
     * Calls that belong to a trace already, by their header `traceparent`. `Follow`: they are recorded if their caller is. `Ignore`: samplingPercentage decides. Absent: that of the environment, else `Follow`.
     */
    parents?: 'Follow' | 'Ignore';
    /**
     * `Full` adds what was said, as guardrails have left it, to the spans; it needs storage.contents Full. `None` adds nothing of it.
     */
    contents: 'Full' | 'None';
  };
  /**
   * The fate of the organization's data when this resource is deleted: `Retain` keeps it, `Delete` deletes it for ever.
   */
  deletionPolicy: 'Retain' | 'Delete';
}
/**
 * The observed state, written by the operator.
 */
export interface OrganizationStatus {
  /**
   * The generation of the spec that this status is about.
   */
  observedGeneration?: number;
  /**
   * The organization's id in the API and in the database.
   */
  id?: string;
  /**
   * The namespaces that belong to it and have the credentials for sidecars.
   */
  memberNamespaces?: string[];
  /**
   * Those of its namespaces that it would not get today, since an older Organization also selects them or they are system namespaces. It served them before that rule existed.
   */
  keptNamespaces?: string[];
  /**
   * The number of ApiKeyBindings that are in force for this organization: active ones with a provider's key and the organization's consent, without an older binding that competes.
   */
  boundKeys?: number;
  /**
   * The ApiKeyBindings that are in force, of the active ones, such as 2/3.
   */
  keys?: string;
  /**
   * The rules for objects that act for other namespaces: `Declared` are those of spec.sharing; `Former` are those from before spec.sharing existed, by which every object serves every namespace.
   */
  sharing?: 'Declared' | 'Former';
  /**
   * The number of pods with an outdated sidecar.
   */
  outdatedSidecars?: number;
  /**
   * The workload that is being rolled because of its sidecar.
   */
  rolling?: {
    /**
     * Its kind.
     */
    kind: 'Deployment' | 'StatefulSet' | 'DaemonSet';
    /**
     * Its namespace.
     */
    namespace: string;
    /**
     * Its name.
     */
    name: string;
  };
  /**
   * The gateway, where spec.gateway asks for one.
   */
  gateway?: {
    /**
     * The base URL of the API within the cluster.
     */
    address: string;
    /**
     * The pods that it should have now.
     */
    replicas: number;
    /**
     * Those that are ready.
     */
    readyReplicas: number;
  };
  /**
   * The ids (`kid`) of the keys whose tokens are accepted, the signing one first.
   */
  tokenKeyIds?: string[];
  /**
   * How much is used of the budget that is nearest to its amount, such as `82% of $100 (Month)`.
   */
  budget?: string;
  /**
   * How much is used of the limit that is nearest to its end, such as `41% of 50 requests (1h per User)`. Limits of windows below 10m and of concurrent calls are not among them.
   */
  limit?: string;
  /**
   * How much is used of each budget. Of a budget per user or the like, these are the figures of the one that is nearest to its amount. They are written once a minute at most; /v1/budgets has those of now.
   *
   * Items: The figures of a budget.
   */
  budgets?: {
    /**
     * The budget's name.
     */
    name: string;
    /**
     * Which calls are counted together.
     */
    per: string;
    /**
     * How many users, keys or the like have used it in this window.
     */
    scopes: number;
    /**
     * How much of the amount is used, rounded down.
     */
    usedPercent: number;
    /**
     * The US dollars that ended calls have cost.
     */
    usedUsd: string;
    /**
     * The amount in US dollars, with the raise of now.
     */
    amountUsd: string;
    /**
     * What is left of it.
     */
    remainingUsd: string;
    /**
     * When the next window begins.
     */
    resetsAt?: string;
  }[];
  /**
   * How much is used of each limit and tier, as in budgets. Limits of windows below 10m and of concurrent calls change too fast for a status; /v1/limits has them.
   *
   * Items: The figures of a limit.
   */
  limits?: {
    /**
     * The limit's name; of a tier, `tier` and its value.
     */
    name: string;
    /**
     * Which calls are counted together.
     */
    per: string;
    /**
     * What is counted.
     */
    unit: 'requests' | 'tokens' | 'input_tokens' | 'output_tokens' | 'concurrent';
    /**
     * How many users, keys or the like have used it in this window.
     */
    scopes: number;
    /**
     * How much of the limit is used, rounded down.
     */
    usedPercent: number;
    /**
     * What ended calls have used.
     */
    used: number;
    /**
     * The limit.
     */
    limit: number;
    /**
     * What is left of it.
     */
    remaining: number;
    /**
     * When the next window begins.
     */
    resetsAt?: string;
  }[];
  /**
   * The end of the audit log, written once a minute at most. Whoever removes or rewrites entries in the database contradicts it, so that `chaperone audit verify` finds it out.
   */
  audit?: {
    /**
     * The number of the last entry. Those that retention has removed count, too.
     */
    entries: number;
    /**
     * The hash of the last of them, in hexadecimal digits.
     */
    head: string;
    /**
     * When it was appended.
     */
    at: string;
  };
  /**
   * What storage.retention has removed.
   */
  retention?: {
    /**
     * Nothing from before this time is stored any more.
     */
    keptFrom: string;
    /**
     * How many calls have been removed so far.
     */
    removedCalls: number;
  };
  /**
   * The organization's conditions; `Ready` sums up the others.
   */
  conditions?: Condition[];
}
/**
 * An AnalysisConfig says how conversations are analyzed: how calls are classified, by intent, sentiment, topic or categories of your own (`config`), or what a text about a whole conversation has to say (`template`).
 */
export interface AnalysisConfig {
  apiVersion: 'chaperone.dev/v1alpha1';
  kind: 'AnalysisConfig';
  metadata: ObjectMeta;
  spec: AnalysisConfigSpec;
  status?: AnalysisConfigStatus;
}
/**
 * The desired state.
 */
export interface AnalysisConfigSpec {
  /**
   * The Organization that it belongs to. Its namespaceSelector must match this namespace.
   */
  organizationRef: {
    /**
     * The Organization's name.
     */
    name: string;
  };
  /**
   * The name of the config in the API.
   */
  name: string;
  /**
   * Its purpose.
   */
  description?: string;
  /**
   * How calls are classified, in the form of the API.
   */
  config?: {
    /**
     * The type of the analysis.
     */
    analysis_type: 'intent' | 'sentiment' | 'topic' | 'custom';
    /**
     * The categories to choose from.
     *
     * Items: One category.
     */
    categories: {
      /**
       * Its name in results.
       */
      name: string;
      /**
       * What the category means.
       */
      description?: string;
      /**
       * Words or sentences that belong to the category.
       */
      examples?: string[];
    }[];
    /**
     * The model that makes the analysis.
     */
    model: string;
    /**
     * The sampling temperature of the analysis.
     */
    temperature: number;
    /**
     * Whether results have a reason.
     */
    include_reasoning: boolean;
    /**
     * Whether several categories may be primary.
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
  /**
   * What a text about a branch of a conversation has to say, for POST /api/analyses with this name as its template.
   */
  template?: {
    /**
     * What it begins with: the headings of a built-in template, or, for custom, the instructions only.
     */
    type: 'summary' | 'technical' | 'security_audit' | 'custom';
    /**
     * What the model is told about the text, after what the type says. The conversation is added to it.
     */
    instructions?: string;
    /**
     * The model that writes the text.
     */
    model: string;
    /**
     * The sampling temperature. Absent, that of the model.
     */
    temperature?: number;
    /**
     * How much the model reads at once. A longer conversation is read in parts.
     */
    maxInputTokens: number;
  };
}
/**
 * The observed state, written by the operator.
 */
export interface AnalysisConfigStatus {
  /**
   * The generation of the spec that this status is about.
   */
  observedGeneration?: number;
  /**
   * The config's id in the API and in the database.
   */
  id?: string;
  /**
   * Whose calls it serves: `Namespace`, those of the pods of its own namespace; `Organization`, those of the pods of every member namespace, with the consent of the Organization's spec.sharing.
   */
  serves?: 'Namespace' | 'Organization';
  /**
   * The config's conditions; `Ready` sums up the others.
   */
  conditions?: Condition[];
}
/**
 * An ApiKeyBinding lets the pods of its namespace use a provider key without seeing it. With the consent of the Organization, it can serve the whole organization or one user. Applications get a synthetic key instead, which is valid only at the proxy. A call with that key has the role `member`. Its user is the one that the binding names, else the one that the call names; the Organization can limit these by authentication.workloadUsers.
 */
export interface ApiKeyBinding {
  apiVersion: 'chaperone.dev/v1alpha1';
  kind: 'ApiKeyBinding';
  metadata: ObjectMeta;
  spec: ApiKeyBindingSpec;
  status?: ApiKeyBindingStatus;
}
/**
 * The desired state.
 */
export interface ApiKeyBindingSpec {
  /**
   * The Organization that it belongs to. Its namespaceSelector must match this namespace.
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
   * The user whose calls use this key, in preference to keys for everyone. Calls with its synthetic key are calls of that user. The Organization's spec.sharing must allow this namespace to name the user. Absent: everyone.
   */
  user?: string;
  /**
   * The models that this key serves. `*` stands for any characters. Absent: every model.
   */
  models?: string[];
  /**
   * The roles of calls with the synthetic key. Absent: `[member]`. Any other role takes effect only if authentication.bindingRoles of the Organization also has it.
   */
  roles?: ('member' | 'analyst' | 'reviewer' | 'admin')[];
  /**
   * Limits of the calls that use this key, beside those of the Organization. Every limit that fits a call must admit it, so these can tighten the Organization's limits and never loosen them.
   *
   * Items: One limit. It bounds any of requests, tokens and concurrent calls.
   */
  limits?: {
    /**
     * The name of the limit in refusals, metrics and figures.
     */
    name: string;
    /**
     * Which calls with this key are counted together: all of them (`Key`), or those of each `User`, `Model`, `Workload` (the Deployment, Job or the like of the pod) or `Session`.
     */
    per: 'Key' | 'User' | 'Model' | 'Workload' | 'Session';
    /**
     * The calls that the limit is for. A call must fit every field that is present. Absent: every call.
     */
    match?: {
      /**
       * Models as they are asked for. `*` stands for any characters.
       */
      models?: string[];
      /**
       * Operations, by their names in metrics and in the figures of usage.
       */
      operations?: (
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
        | 'realtime'
      )[];
      /**
       * Users. `*` stands for any characters.
       */
      users?: string[];
      /**
       * Workloads as `namespace`, for all of a namespace, or `namespace/name`, such as shop/checkout. `*` stands for any characters. A call from outside a pod has no workload.
       */
      workloads?: string[];
    };
    /**
     * The most calls in a window of time.
     */
    requests?: {
      /**
       * The number of calls.
       */
      count: number;
      /**
       * The length of a window, as a duration such as 1m, 1h or 24h. Windows follow each other from midnight UTC on 1 January 1970, so those of 1h begin at full hours.
       */
      window: string;
    };
    /**
     * The most tokens in a window of time. A call reserves an upper bound of what it may use, and gives back what it did not use.
     */
    tokens?: {
      /**
       * The number of tokens.
       */
      count: number;
      /**
       * The length of a window, as a duration such as 1m, 1h or 24h. Windows follow each other from midnight UTC on 1 January 1970, so those of 1h begin at full hours.
       */
      window: string;
      /**
       * Which tokens are counted.
       */
      of: 'Total' | 'Input' | 'Output';
    };
    /**
     * The most calls at the same time. A call counts from its admission to the end of its answer.
     */
    concurrent?: number;
    /**
     * `Enforce` refuses a call beyond the limit; `Report` makes it, and only counts that it was beyond.
     */
    action: 'Enforce' | 'Report';
    /**
     * What happens to a call while the database cannot be reached and this proxy has used up what it had reserved before: `Allow` makes it, and counts it once the database is back; `Deny` refuses it.
     */
    whenUnavailable: 'Allow' | 'Deny';
  }[];
  /**
   * Budgets of the calls that use this key, beside those of the Organization. Every budget that fits a call must admit it, so these can tighten the Organization's budgets and never loosen them.
   *
   * Items: One budget.
   */
  budgets?: {
    /**
     * The name of the budget in refusals, metrics and figures.
     */
    name: string;
    /**
     * Which calls with this key are counted together: all of them (`Key`), or those of each `User`, `Model`, `Workload` (the Deployment, Job or the like of the pod) or `Session`.
     */
    per: 'Key' | 'User' | 'Model' | 'Workload' | 'Session';
    /**
     * The calls that the budget is for. A call must fit every field that is present. Absent: every call.
     */
    match?: {
      /**
       * Models as they are asked for. `*` stands for any characters.
       */
      models?: string[];
      /**
       * Operations, by their names in metrics and in the figures of usage.
       */
      operations?: (
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
        | 'realtime'
      )[];
      /**
       * Users. `*` stands for any characters.
       */
      users?: string[];
      /**
       * Workloads as `namespace`, for all of a namespace, or `namespace/name`, such as shop/checkout. `*` stands for any characters. A call from outside a pod has no workload.
       */
      workloads?: string[];
    };
    /**
     * The most US dollars in a window, a decimal number such as "250" or "0.50".
     */
    amountUsd: string;
    /**
     * The time that the amount is for, in UTC: a calendar `Day`, `Week` or `Month`, or `Total`, which never begins anew.
     */
    window: 'Day' | 'Week' | 'Month' | 'Total';
    /**
     * The day on which a window begins: of a Week, 1 (Monday) to 7 (Sunday); of a Month, 1 to 28. Absent: 1.
     */
    startDay?: number;
    /**
     * Percentages of the amount. When the use reaches one, the resource gets an Event and a metric says so, once in each window.
     */
    warnAt: number[];
    /**
     * `Block` refuses a call that the rest of the amount does not pay for; `Warn` makes it.
     */
    action: 'Block' | 'Warn';
    /**
     * What happens to a call whose longest answer costs more than what is left: `Refuse` refuses it; `Shorten` lowers the limit of its output tokens to what is left, and says so in the answer's headers.
     */
    onShortfall: 'Refuse' | 'Shorten';
    /**
     * What happens to a call whose price is not known: `Refuse` refuses it where `action` is Block; `Allow` makes it, and the budget does not count it. State missing prices in the Organization's `prices`.
     */
    unpriced: 'Refuse' | 'Allow';
    /**
     * What happens to a call while the database cannot be reached and this proxy has used up what it had reserved before: `Allow` makes it, and counts it once the database is back; `Deny` refuses it.
     */
    whenUnavailable: 'Allow' | 'Deny';
    /**
     * A temporary addition to the amount.
     */
    raise?: {
      /**
       * How many US dollars are added, a decimal number such as "50".
       */
      byUsd: string;
      /**
       * When the addition ends.
       */
      until: string;
      /**
       * Why, for the audit.
       */
      reason: string;
    };
  }[];
  /**
   * The most calls with this key in an hour: `free` 100, `starter` 1,000, `professional` 10,000; `enterprise` sets none. It applies beside the Organization's tier, and never loosens it. Absent: none.
   */
  tier?: 'free' | 'starter' | 'professional' | 'enterprise';
  /**
   * Whether calls may use it. False switches it off.
   */
  active: boolean;
  /**
   * When it expires. From then on, no call uses it. Absent: never.
   */
  expiresAt?: string;
}
/**
 * The observed state, written by the operator.
 */
export interface ApiKeyBindingStatus {
  /**
   * The generation of the spec that this status is about.
   */
  observedGeneration?: number;
  /**
   * Whose calls it serves: `Namespace`, those of the pods of its own namespace; `Organization`, those of the pods of every member namespace, with the consent of the Organization's spec.sharing.
   */
  serves?: 'Namespace' | 'Organization';
  /**
   * The Secret in the same namespace that holds the synthetic key.
   */
  secretName?: string;
  /**
   * The users as whom calls with the synthetic key may be made: that of the binding, or those that authentication.workloadUsers of the Organization allows. `*` stands for any characters.
   */
  callsAs?: string[];
  /**
   * When the synthetic key in that Secret was made. A container that started before has another key, which is refused.
   */
  syntheticKeyIssuedAt?: string;
  /**
   * A digest of the provider's key, by which equal keys can be recognized.
   */
  fingerprint?: string;
  /**
   * How much is used of the budget that is nearest to its amount, such as `82% of $100 (Month)`.
   */
  budget?: string;
  /**
   * How much is used of the limit that is nearest to its end, such as `41% of 50 requests (1h per User)`. Limits of windows below 10m and of concurrent calls are not among them.
   */
  limit?: string;
  /**
   * How much is used of each budget. Of a budget per user or the like, these are the figures of the one that is nearest to its amount. They are written once a minute at most; /v1/budgets has those of now.
   *
   * Items: The figures of a budget.
   */
  budgets?: {
    /**
     * The budget's name.
     */
    name: string;
    /**
     * Which calls are counted together.
     */
    per: string;
    /**
     * How many users, keys or the like have used it in this window.
     */
    scopes: number;
    /**
     * How much of the amount is used, rounded down.
     */
    usedPercent: number;
    /**
     * The US dollars that ended calls have cost.
     */
    usedUsd: string;
    /**
     * The amount in US dollars, with the raise of now.
     */
    amountUsd: string;
    /**
     * What is left of it.
     */
    remainingUsd: string;
    /**
     * When the next window begins.
     */
    resetsAt?: string;
  }[];
  /**
   * How much is used of each limit and tier, as in budgets. Limits of windows below 10m and of concurrent calls change too fast for a status; /v1/limits has them.
   *
   * Items: The figures of a limit.
   */
  limits?: {
    /**
     * The limit's name; of a tier, `tier` and its value.
     */
    name: string;
    /**
     * Which calls are counted together.
     */
    per: string;
    /**
     * What is counted.
     */
    unit: 'requests' | 'tokens' | 'input_tokens' | 'output_tokens' | 'concurrent';
    /**
     * How many users, keys or the like have used it in this window.
     */
    scopes: number;
    /**
     * How much of the limit is used, rounded down.
     */
    usedPercent: number;
    /**
     * What ended calls have used.
     */
    used: number;
    /**
     * The limit.
     */
    limit: number;
    /**
     * What is left of it.
     */
    remaining: number;
    /**
     * When the next window begins.
     */
    resetsAt?: string;
  }[];
  /**
   * The binding's conditions; `Ready` sums up the others.
   */
  conditions?: Condition[];
}
/**
 * A Persona is a set of instructions for calls, with the users who may use it. All applications use the same one, and it is changed in one place.
 */
export interface Persona {
  apiVersion: 'chaperone.dev/v1alpha1';
  kind: 'Persona';
  metadata: ObjectMeta;
  spec: PersonaSpec;
  status?: PersonaStatus;
}
/**
 * The desired state.
 */
export interface PersonaSpec {
  /**
   * The Organization that it belongs to. Its namespaceSelector must match this namespace.
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
   * Its purpose.
   */
  description?: string;
  /**
   * The instructions. Exactly one of `content` and `contentFrom` must be set.
   */
  content?: string;
  /**
   * Where the instructions are, if not in `content`.
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
   * The users who may use it, by the ids that applications send (X-User-ID, or the user of a credential). Empty: everyone. An application may name any user, unless the Organization sets authentication.workloadUsers.
   */
  users: string[];
  /**
   * The model for calls with this persona that name none.
   */
  model?: string;
  /**
   * Defaults for fields of the request, such as temperature, for calls with this persona that do not set them. Fields of the OpenAI API must be valid there; other fields pass unchanged. These are refused: fields that each call sets itself (model, instructions, input, messages, prompt, stream, stream_options, background, persona_id), references to what is stored at a provider (responses, conversations, files, vector stores, containers), and models of tools. Such a persona is not Ready, with the reason ParametersRefused.
   */
  parameters?: {
    /**
     * The randomness of answers. 0 is the least.
     */
    temperature?: number;
    /**
     * The share of probability from which tokens are chosen.
     */
    top_p?: number;
    /**
     * The most tokens of an answer, with reasoning (Responses).
     */
    max_output_tokens?: number;
    /**
     * The most tokens of an answer, with reasoning (chat).
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
     * The same seed gives the same answers, as far as the provider can.
     */
    seed?: number;
    /**
     * The number of answers of a chat completion.
     */
    n?: number;
    /**
     * Whether an answer has the probabilities of its tokens.
     */
    logprobs?: boolean;
    /**
     * The number of most likely tokens at each position whose probabilities an answer has.
     */
    top_logprobs?: number;
    /**
     * How much more or less likely tokens become, by token id.
     */
    logit_bias?: {
      [k: string]: number;
    };
    /**
     * Texts at which answers end: a string or a list of strings.
     */
    stop?: {
      [k: string]: unknown;
    };
    /**
     * How a model reasons (Responses).
     */
    reasoning?: {
      /**
       * The effort of reasoning, such as none, minimal, low, medium, high, xhigh or max.
       */
      effort?: string;
      /**
       * The summary of the reasoning, such as auto, concise or detailed.
       */
      summary?: string;
      [k: string]: unknown;
    };
    /**
     * The effort of reasoning (chat).
     */
    reasoning_effort?: string;
    /**
     * The text of an answer (Responses).
     */
    text?: {
      /**
       * Its verbosity, such as low, medium or high.
       */
      verbosity?: string;
      /**
       * The format of an answer, such as a JSON schema.
       */
      format?: {
        [k: string]: unknown;
      };
      [k: string]: unknown;
    };
    /**
     * The verbosity of an answer (chat), such as low, medium or high.
     */
    verbosity?: string;
    /**
     * The format of an answer (chat), such as a JSON schema.
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
     * The tool that a model uses, a string or an object.
     */
    tool_choice?: {
      [k: string]: unknown;
    };
    /**
     * Whether a model may call several tools at once.
     */
    parallel_tool_calls?: boolean;
    /**
     * Additional contents of an answer (Responses).
     */
    include?: string[];
    /**
     * The kinds of contents of an answer (chat), such as text and audio.
     */
    modalities?: string[];
    /**
     * How a prompt that is too long is shortened (Responses).
     */
    truncation?: 'auto' | 'disabled';
    /**
     * The tier of the provider's service, such as auto, default, flex or priority.
     */
    service_tier?: string;
    /**
     * Whether the provider stores the answer.
     */
    store?: boolean;
    /**
     * Metadata that the provider stores with the answer.
     */
    metadata?: {
      [k: string]: unknown;
    };
    /**
     * A key for the provider's prompt cache: calls with the same key can share cached prompts.
     */
    prompt_cache_key?: string;
    /**
     * How long the provider's cache keeps a prompt, such as in_memory or 24h.
     */
    prompt_cache_retention?: string;
    /**
     * An identifier by which the provider distinguishes its users.
     */
    safety_identifier?: string;
    /**
     * The former name of safety_identifier.
     */
    user?: string;
    [k: string]: unknown;
  };
  /**
   * Whether calls may use it. False switches it off.
   */
  active: boolean;
}
/**
 * The observed state, written by the operator.
 */
export interface PersonaStatus {
  /**
   * The generation of the spec that this status is about.
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
   * Whose calls it serves: `Namespace`, those of the pods of its own namespace; `Organization`, those of the pods of every member namespace, with the consent of the Organization's spec.sharing.
   */
  serves?: 'Namespace' | 'Organization';
  /**
   * The persona's conditions; `Ready` sums up the others.
   */
  conditions?: Condition[];
}
