{{/* A pod that runs `chaperone check` once. */}}
{{- define "chaperone.checkPodSpec" -}}
serviceAccountName: {{ include "chaperone.fullname" . }}-check
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
restartPolicy: Never
securityContext:
  {{- include "chaperone.podSecurity" . | nindent 2 }}
containers:
  - name: check
    image: {{ include "chaperone.image" . }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    args:
      - check
      - --namespace={{ .Release.Namespace }}
      - --wait={{ .Values.check.wait }}
    resources:
      {{- toYaml .Values.check.resources | nindent 6 }}
    securityContext:
      {{- include "chaperone.containerSecurity" . | nindent 6 }}
{{- with .Values.operator.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.operator.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
