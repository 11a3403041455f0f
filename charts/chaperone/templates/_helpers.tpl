{{- define "chaperone.fullname" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "chaperone.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: chaperone
{{ include "chaperone.selector" . }}
{{- end -}}

{{- define "chaperone.selector" -}}
app.kubernetes.io/name: chaperone
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "chaperone.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "chaperone.fullname" .) -}}
{{- else -}}
{{- required "serviceAccount.name is needed where serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "chaperone.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "chaperone.databaseName" -}}
{{ include "chaperone.fullname" . }}-database
{{- end -}}

{{/* PostgreSQL opens files of its own user only, so that of a database that is there stays. */}}
{{- define "chaperone.databaseUser" -}}
{{- $secret := lookup "v1" "Secret" .Release.Namespace (include "chaperone.databaseName" .) -}}
{{- if .Values.database.bundled.user -}}
{{ .Values.database.bundled.user | int }}
{{- else if $secret -}}
{{ $secret | dig "metadata" "annotations" "chaperone.dev/database-user" "999" }}
{{- else -}}
60813
{{- end -}}
{{- end -}}

{{- define "chaperone.sandboxName" -}}
{{ include "chaperone.fullname" . }}-sandbox
{{- end -}}

{{/* Names of objects outside namespaces say which namespace they serve. */}}
{{- define "chaperone.clusterName" -}}
{{ include "chaperone.fullname" . }}-{{ .Release.Namespace }}
{{- end -}}

{{- define "chaperone.databaseSecretName" -}}
{{- if .Values.database.bundled.enabled -}}
{{ include "chaperone.databaseName" . }}
{{- else -}}
{{- required "The chart needs a database: name the Secret with its URL in database.external.secretName, or set database.bundled.enabled=true for a trial. Values that work are in the chart's folder ci/." .Values.database.external.secretName -}}
{{- end -}}
{{- end -}}

{{- define "chaperone.webhookServiceName" -}}
{{ include "chaperone.fullname" . }}-webhook
{{- end -}}

{{/* The Secret with a certificate of somebody else's making; empty where the operator makes its own. */}}
{{- define "chaperone.certificateSecretName" -}}
{{- $certificate := .Values.webhook.certificate -}}
{{- if eq $certificate.source "Secret" -}}
{{ required "webhook.certificate.secretName is needed where the source is Secret" $certificate.secretName }}
{{- else if eq $certificate.source "CertManager" -}}
{{ $certificate.secretName | default (printf "%s-certificate" (include "chaperone.webhookServiceName" .)) }}
{{- end -}}
{{- end -}}

{{- define "chaperone.upstream" -}}
{{- if .Values.upstream -}}
{{ .Values.upstream }}
{{- else if .Values.sandbox.enabled -}}
http://{{ include "chaperone.sandboxName" . }}.{{ .Release.Namespace }}.svc:8080/v1
{{- end -}}
{{- end -}}

{{- define "chaperone.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
privileged: false
readOnlyRootFilesystem: true
{{- end -}}

{{/* That of the image, and of the sidecars: operator/injection/sidecar.ts. */}}
{{- define "chaperone.user" -}}
60812
{{- end -}}

{{- define "chaperone.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ include "chaperone.user" . }}
runAsGroup: {{ include "chaperone.user" . }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* The plurals of our kinds that have this scope, in a list: from the definitions, so that every kind has its rights. */}}
{{- define "chaperone.kinds" -}}
{{- $plurals := list -}}
{{- range $path, $_ := .root.Files.Glob "files/crds/*.yaml" -}}
{{- $spec := ($.root.Files.Get $path | fromYaml).spec -}}
{{- if has $spec.scope $.scopes -}}
{{- $plurals = append $plurals (printf "%s%s" $spec.names.plural ($.suffix | default "")) -}}
{{- end -}}
{{- end -}}
[{{ $plurals | join ", " }}]
{{- end -}}

{{/* Where the operator and workers send traces. Empty: nowhere. */}}
{{- define "chaperone.tracesEnvironment" -}}
{{- with .Values.traces -}}
{{- if .endpoint -}}
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ .endpoint | quote }} }
- { name: OTEL_TRACES_SAMPLER, value: parentbased_traceidratio }
- { name: OTEL_TRACES_SAMPLER_ARG, value: {{ divf .samplingPercentage 100 | quote }} }
{{- end -}}
{{- end -}}
{{- end -}}
