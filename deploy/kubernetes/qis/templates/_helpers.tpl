{{- define "qis.name" -}}
{{- if contains "qis" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-qis" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end -}}
{{- end }}

{{- define "qis.selector" -}}
app.kubernetes.io/name: qis
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "qis.labels" -}}
{{ include "qis.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "qis.image" -}}
{{ .root.Values.image.registry }}{{ .name }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- define "qis.secrets" -}}
{{ .Values.secrets.existing | default (printf "%s-secrets" (include "qis.name" .)) }}
{{- end }}

{{- define "qis.database" -}}
{{ .Values.database.existingSecret | default (printf "%s-database" (include "qis.name" .)) }}
{{- end }}

{{- define "qis.claim" -}}
{{ .Values.library.existingClaim | default (printf "%s-library" (include "qis.name" .)) }}
{{- end }}

{{- /* What a pod of any of the three may do: nothing but its work. */ -}}
{{- define "qis.podSecurity" -}}
runAsNonRoot: true
{{- with .Values.podSecurity.runAsUser }}
runAsUser: {{ . }}
runAsGroup: {{ . }}
{{- end }}
{{- with .Values.podSecurity.fsGroup }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "qis.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* Settings that follow from the other values; .Values.settings goes before them. */ -}}
{{- define "qis.settings" -}}
{{- $name := include "qis.name" . -}}
{{- $servers := list -}}
{{- range $i := until (int .Values.memcached.replicas) -}}
{{- $servers = append $servers (printf "%s-memcached-%d.%s-memcached.%s.svc:11211" $name $i $name $.Release.Namespace) -}}
{{- end -}}
HTTP_LISTEN: ["[::]:8080"]
METRICS_LISTEN: ["[::]:9009"]
HTTP_PROCESSES: auto
LOG_TARGET: stdout
PUBLIC_HOST_NAME: {{ .Values.host | quote }}
MEMCACHED_SERVERS: {{ toJson $servers }}
RENDER_MEMORY_MB: {{ int64 .Values.renderMemoryMB }}
MEMORY_CACHE_MB: {{ int64 .Values.memoryCacheMB }}
DISK_CACHE_MB: {{ int64 .Values.diskCacheMB }}
DISK_CACHE_DIR: /var/cache/qis
SHUTDOWN_GRACE: {{ int64 .Values.shutdownGrace }}
{{- if .Values.objectStorage.bucket }}
S3_BUCKET: {{ .Values.objectStorage.bucket | quote }}
S3_PREFIX: {{ .Values.objectStorage.prefix | quote }}
S3_REGION: {{ .Values.objectStorage.region | quote }}
S3_ENDPOINT: {{ .Values.objectStorage.endpoint | quote }}
S3_CACHE_MB: {{ int64 .Values.objectStorage.cacheMB }}
S3_CACHE_DIR: /var/cache/qis-library
{{- end }}
{{- if .Values.ingress.enabled }}
HTTPS_LISTEN: []
HTTPS_PROCESSES: 0
PROXY_SERVERS: {{ int64 .Values.proxies.count }}
PROXY_ADDRESSES: {{ toJson .Values.proxies.addresses }}
PREFERRED_URL_SCHEME: https
{{- else }}
HTTPS_LISTEN: ["[::]:8443"]
HTTPS_PROCESSES: auto
{{- if .Values.tls.existingSecret }}
PREFERRED_URL_SCHEME: https
TLS_CERTIFICATE_FILE: /run/secrets/qis-tls/tls.crt
TLS_PRIVATE_KEY_FILE: /run/secrets/qis-tls/tls.key
{{- end }}
{{- end }}
{{- end }}
