{{- define "chaperone.neverAsked" -}}
key: kubernetes.io/metadata.name
operator: NotIn
values: [kube-system, kube-node-lease, kube-public, {{ .Release.Namespace }}]
{{- end -}}

{{- /*
The webhooks of a configuration. Both selectors of a webhook must match, so one webhook cannot say "or". So there is one for
namespaces with the label, without the pods that opt out, and one for pods with the label in other namespaces. Pods that have
not asked for a sidecar do not depend on the operator.

The validating configuration has three more, since labels cannot limit them: for pods that have not asked for a sidecar, and
for containers that are added to a running pod. By their matchConditions, the API server calls them only for a Secret whose
name may be that of an organization's credentials.
*/ -}}
{{- define "chaperone.webhooks" -}}
{{- $root := .root }}
{{- $offered := dict "key" "chaperone.dev/inject" "operator" "In" "values" (list "true") }}
{{- $notOffered := dict "key" "chaperone.dev/inject" "operator" "NotIn" "values" (list "true") }}
{{- $optedOut := dict "key" "chaperone.dev/inject" "operator" "In" "values" (list "false") }}
{{- $notOptedOut := dict "key" "chaperone.dev/inject" "operator" "NotIn" "values" (list "false") }}
{{- $asked := list
  (dict "name" "namespace" "namespaces" (list $offered) "pods" (list $notOptedOut))
  (dict "name" "pod" "namespaces" (list $notOffered) "pods" (list $offered)) }}
{{- if eq .verb "validate" }}
{{- $pod := printf "%s ||\n%s" (include "chaperone.mountsCredentials" $root)
  (include "chaperone.readsCredentials" "object.spec.containers + object.spec.?initContainers.orValue([])") }}
{{- $ephemeral := include "chaperone.readsCredentials" "object.spec.?ephemeralContainers.orValue([])" }}
{{- if $root.Values.webhook.objectSelector }}
{{- /* Also for pods that the selector leaves out, since their authors choose their labels. */}}
{{- $asked = append $asked (dict "name" "any" "namespaces" list "pods" list "condition" $pod) }}
{{- else }}
{{- $asked = concat $asked (list
  (dict "name" "opted-out" "namespaces" (list $offered) "pods" (list $optedOut) "condition" $pod)
  (dict "name" "not-asking" "namespaces" (list $notOffered) "pods" (list $notOffered) "condition" $pod)) }}
{{- end }}
{{- $asked = append $asked (dict "name" "debugging" "namespaces" list "pods" list "condition" $ephemeral
  "resource" "pods/ephemeralcontainers" "operation" "UPDATE") }}
{{- end }}
{{- $paths := dict }}
{{- $live := lookup "admissionregistration.k8s.io/v1" .kind "" (include "chaperone.clusterName" $root) | default dict }}
{{- range $live.webhooks | default list }}
{{- $_ := set $paths .name (dig "clientConfig" "service" "path" "" .) }}
{{- end }}
{{- range $asked }}
{{- $name := printf "%s.%s.chaperone.dev" .name $.verb }}
- name: {{ $name }}
  admissionReviewVersions: [v1]
  clientConfig:
    service:
      name: {{ include "chaperone.webhookServiceName" $root }}
      namespace: {{ $root.Release.Namespace }}
      {{- /* The operator sets the path, which is secret. Keep an existing one. */}}
      {{- with get $paths $name }}
      path: {{ . }}
      {{- end }}
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
      resources: [{{ .resource | default "pods" }}]
      operations: [{{ .operation | default "CREATE" }}]
      scope: Namespaced
  {{- with .condition }}
  matchConditions:
    - name: reads-credentials
      expression: >-
        {{- . | nindent 8 }}
  {{- end }}
  namespaceSelector:
    {{- with $root.Values.webhook.namespaceSelector.matchLabels }}
    matchLabels:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    matchExpressions:
      {{- toYaml (concat .namespaces (list (include "chaperone.neverAsked" $root | fromYaml)) ($root.Values.webhook.namespaceSelector.matchExpressions | default list)) | nindent 6 }}
  {{- if .condition }}
  {{- with .pods }}
  objectSelector:
    matchExpressions:
      {{- toYaml . | nindent 6 }}
  {{- end }}
  {{- else }}
  objectSelector:
    {{- with $root.Values.webhook.objectSelector.matchLabels }}
    matchLabels:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    matchExpressions:
      {{- toYaml (concat .pods ($root.Values.webhook.objectSelector.matchExpressions | default list)) | nindent 6 }}
  {{- end }}
{{- end }}
{{- end -}}

{{- /*
Tells the operator who asks for changes of resources, for the audit log. Nothing is refused: where no operator answers, the
log does not say who asked. By the condition, API servers call it only for what the log is about: changes of a spec, and the
first request to delete a resource.
*/ -}}
{{- define "chaperone.auditWebhook" -}}
{{- $name := "resources.audit.chaperone.dev" }}
{{- $path := "" }}
{{- $live := lookup "admissionregistration.k8s.io/v1" "ValidatingWebhookConfiguration" "" (include "chaperone.clusterName" .) | default dict }}
{{- range $live.webhooks | default list }}
{{- if eq .name $name }}
{{- $path = dig "clientConfig" "service" "path" "" . }}
{{- end }}
{{- end }}
- name: {{ $name }}
  admissionReviewVersions: [v1]
  clientConfig:
    service:
      name: {{ include "chaperone.webhookServiceName" . }}
      namespace: {{ .Release.Namespace }}
      {{- /* The operator sets the path, which is secret. Keep an existing one. */}}
      {{- with $path }}
      path: {{ . }}
      {{- end }}
      port: 443
    {{- with .Values.webhook.certificate.caBundle }}
    caBundle: {{ . }}
    {{- end }}
  failurePolicy: Ignore
  matchPolicy: Equivalent
  sideEffects: NoneOnDryRun
  timeoutSeconds: 3
  rules:
    - apiGroups: [chaperone.dev]
      apiVersions: ["*"]
      resources: {{ include "chaperone.kinds" (dict "root" . "scopes" (list "Cluster" "Namespaced")) }}
      operations: [CREATE, UPDATE, DELETE]
      scope: "*"
  matchConditions:
    - name: is-in-the-audit-log
      expression: >-
        request.operation == 'DELETE' ? !has(oldObject.metadata.deletionTimestamp) :
        request.operation == 'CREATE' || object.spec != oldObject.spec
{{- end -}}

{{- /* CEL: whether a pod mounts a Secret whose name may be that of an organization's credentials. */ -}}
{{- define "chaperone.mountsCredentials" -}}
object.spec.?volumes.orValue([]).exists(volume,
volume.?secret.?secretName.orValue('').startsWith('chaperone-') ||
volume.?projected.?sources.orValue([]).exists(source,
source.?secret.?name.orValue('').startsWith('chaperone-')) ||
volume.?csi.?nodePublishSecretRef.?name.orValue('').startsWith('chaperone-') ||
volume.?flexVolume.?secretRef.?name.orValue('').startsWith('chaperone-'))
{{- end -}}

{{- /* CEL: whether a list of containers has such a Secret in its environment. */ -}}
{{- define "chaperone.readsCredentials" -}}
({{ . }}).exists(container,
container.?env.orValue([]).exists(variable,
variable.?valueFrom.?secretKeyRef.?name.orValue('').startsWith('chaperone-')) ||
container.?envFrom.orValue([]).exists(source,
source.?secretRef.?name.orValue('').startsWith('chaperone-')))
{{- end -}}
