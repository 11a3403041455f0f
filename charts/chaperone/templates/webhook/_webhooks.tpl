{{- define "chaperone.neverAsked" -}}
key: kubernetes.io/metadata.name
operator: NotIn
values: [kube-system, kube-node-lease, kube-public, {{ .Release.Namespace }}]
{{- end -}}

{{- /*
The two webhooks of a configuration: one for namespaces with the label, less the pods that opt out, and one for pods
with the label elsewhere. A webhook's selectors must both match, so that one could not say "or"; and this way no pod
that has not asked for a sidecar ever depends on the operator.
*/ -}}
{{- define "chaperone.webhooks" -}}
{{- $root := .root }}
{{- $never := include "chaperone.neverAsked" $root | fromYaml }}
{{- $asked := list
  (dict "name" "namespace"
    "namespaces" (dict "key" "chaperone.dev/inject" "operator" "In" "values" (list "true"))
    "pods" (dict "key" "chaperone.dev/inject" "operator" "NotIn" "values" (list "false")))
  (dict "name" "pod"
    "namespaces" (dict "key" "chaperone.dev/inject" "operator" "NotIn" "values" (list "true"))
    "pods" (dict "key" "chaperone.dev/inject" "operator" "In" "values" (list "true"))) }}
{{- range $asked }}
- name: {{ .name }}.{{ $.verb }}.chaperone.dev
  admissionReviewVersions: [v1]
  clientConfig:
    service:
      name: {{ include "chaperone.webhookServiceName" $root }}
      namespace: {{ $root.Release.Namespace }}
      path: {{ $.path }}
      port: 443
    {{- with $root.Values.webhook.certificate.caBundle }}
    caBundle: {{ . }}
    {{- end }}
  failurePolicy: {{ $.failurePolicy }}
  matchPolicy: Equivalent
  sideEffects: {{ $.sideEffects }}
  timeoutSeconds: {{ $root.Values.webhook.timeoutSeconds }}
  {{- if $.reinvocationPolicy }}
  reinvocationPolicy: {{ $.reinvocationPolicy }}
  {{- end }}
  rules:
    - apiGroups: [""]
      apiVersions: [v1]
      resources: [pods]
      operations: [CREATE]
      scope: Namespaced
  namespaceSelector:
    {{- with $root.Values.webhook.namespaceSelector.matchLabels }}
    matchLabels:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    matchExpressions:
      {{- toYaml (concat (list .namespaces $never) ($root.Values.webhook.namespaceSelector.matchExpressions | default list)) | nindent 6 }}
  objectSelector:
    {{- with $root.Values.webhook.objectSelector.matchLabels }}
    matchLabels:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    matchExpressions:
      {{- toYaml (concat (list .pods) ($root.Values.webhook.objectSelector.matchExpressions | default list)) | nindent 6 }}
{{- end }}
{{- end -}}
