"""What the API server checks beyond types, where it is a matter of one field: values, ranges, names.

The published schemas know types and little else, so `imagePullPolicy: Allways` or port 80800 pass them. Here are the
checks that are the same in every version from 1.25 on; those that differ say so.
Source: `pkg/apis/*/validation` of Kubernetes, and the constants of k8s.io/api.
"""

from __future__ import annotations

from typing import Any

from slipway.schema.words import (
    ANNOTATIONS,
    BASE64,
    CONFIG_KEYS,
    LABEL_NAME,
    LABELS,
    OLD_SERVICE_NAME,
    PATH_SEGMENT,
    PORT_NAME,
    PREFIX,
    QUANTITY,
    SUBDOMAIN,
    TIME,
)

__all__ = ["NAMELESS_GROUPS", "needs_spec", "object_name", "tighten"]

Schema = dict[str, Any]

NAMELESS_GROUPS = frozenset({"authentication.k8s.io", "authorization.k8s.io"})
"""Requests in the form of objects: they are answered, not stored, and need no name."""

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_CORE = "io.k8s.api.core.v1."
_APPS = "io.k8s.api.apps.v1."
_BATCH = "io.k8s.api.batch.v1."
_NET = "io.k8s.api.networking.v1."
_HPA = "io.k8s.api.autoscaling.v2."


def _one_of(*values: str) -> Schema:
    # Empty and null mean the default everywhere.
    return {"enum": [*values, "", None]}


def _all_of(*values: str) -> Schema:
    return {"items": {"type": "string", "enum": list(values)}}


_PORT = {"minimum": 1, "maximum": 65535}
_PORT_OR_NONE = {"minimum": 0, "maximum": 65535}
_NOT_NEGATIVE = {"minimum": 0}
_PROTOCOL = _one_of("TCP", "UDP", "SCTP")
_PROFILE = {"enum": ["RuntimeDefault", "Unconfined", "Localhost"]}
_SELECTION = {"enum": ["In", "NotIn", "Exists", "DoesNotExist"]}

_CONTAINER: dict[str, Schema] = {
    "name": LABEL_NAME,
    "image": {"type": "string", "minLength": 1},
    "imagePullPolicy": _one_of("Always", "Never", "IfNotPresent"),
    "terminationMessagePolicy": _one_of("File", "FallbackToLogsOnError"),
}

_FIELDS: dict[str, dict[str, Schema]] = {
    _META + "ObjectMeta": {
        "labels": LABELS,
        "annotations": ANNOTATIONS,
        "generateName": PREFIX,
        "namespace": LABEL_NAME,
    },
    _META + "LabelSelector": {"matchLabels": LABELS},
    _META + "LabelSelectorRequirement": {"operator": _SELECTION},
    _CORE + "Container": _CONTAINER,
    _CORE + "EphemeralContainer": _CONTAINER,
    _CORE + "ContainerPort": {
        "containerPort": _PORT,
        "hostPort": _PORT_OR_NONE,
        "name": PORT_NAME,
        "protocol": _PROTOCOL,
    },
    _CORE + "HTTPGetAction": {"port": _PORT, "scheme": _one_of("HTTP", "HTTPS")},
    _CORE + "TCPSocketAction": {"port": _PORT},
    _CORE + "GRPCAction": {"port": _PORT},
    _CORE + "EnvVar": {"name": {"minLength": 1}},
    _CORE + "SeccompProfile": {"type": _PROFILE},
    _CORE + "AppArmorProfile": {"type": _PROFILE},
    _CORE + "SecurityContext": {"procMount": _one_of("Default", "Unmasked")},
    _CORE + "PodSpec": {
        "containers": {"minItems": 1},
        "restartPolicy": _one_of("Always", "OnFailure", "Never"),
        "dnsPolicy": _one_of("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
        "nodeSelector": LABELS,
        "terminationGracePeriodSeconds": _NOT_NEGATIVE,
    },
    _CORE + "Volume": {"name": LABEL_NAME},
    _CORE + "HostPathVolumeSource": {
        "type": _one_of("DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice")
    },
    _CORE + "Toleration": {"effect": _one_of("NoSchedule", "PreferNoSchedule", "NoExecute")},
    _CORE + "NodeSelectorRequirement": {"operator": {"enum": [*_SELECTION["enum"], "Gt", "Lt"]}},
    _CORE + "TopologySpreadConstraint": {"whenUnsatisfiable": {"enum": ["DoNotSchedule", "ScheduleAnyway"]}},
    _CORE + "PersistentVolumeClaimSpec": {
        "accessModes": _all_of("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"),
        "volumeMode": _one_of("Filesystem", "Block"),
    },
    _CORE + "PersistentVolumeSpec": {"persistentVolumeReclaimPolicy": _one_of("Retain", "Recycle", "Delete")},
    _CORE + "ServiceSpec": {
        "type": _one_of("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
        "sessionAffinity": _one_of("None", "ClientIP"),
        "externalTrafficPolicy": _one_of("Cluster", "Local"),
        "internalTrafficPolicy": _one_of("Cluster", "Local"),
        "ipFamilyPolicy": _one_of("SingleStack", "PreferDualStack", "RequireDualStack"),
        "selector": LABELS,
    },
    _CORE + "ServicePort": {
        "port": _PORT,
        "targetPort": _PORT_OR_NONE,
        "nodePort": _PORT_OR_NONE,
        "name": LABEL_NAME,
        "protocol": _PROTOCOL,
    },
    _CORE + "ConfigMap": {"data": CONFIG_KEYS, "binaryData": CONFIG_KEYS},
    _CORE + "Secret": {"data": CONFIG_KEYS, "stringData": CONFIG_KEYS},
    _APPS + "DeploymentSpec": {"replicas": _NOT_NEGATIVE},
    _APPS + "ReplicaSetSpec": {"replicas": _NOT_NEGATIVE},
    _APPS + "StatefulSetSpec": {
        "replicas": _NOT_NEGATIVE,
        "podManagementPolicy": _one_of("OrderedReady", "Parallel"),
    },
    _APPS + "DeploymentStrategy": {"type": _one_of("Recreate", "RollingUpdate")},
    _APPS + "DaemonSetUpdateStrategy": {"type": _one_of("RollingUpdate", "OnDelete")},
    _APPS + "StatefulSetUpdateStrategy": {"type": _one_of("RollingUpdate", "OnDelete")},
    _BATCH + "CronJobSpec": {"concurrencyPolicy": _one_of("Allow", "Forbid", "Replace"), "schedule": {"minLength": 1}},
    _BATCH + "JobSpec": {
        "parallelism": _NOT_NEGATIVE,
        "completions": _NOT_NEGATIVE,
        "backoffLimit": _NOT_NEGATIVE,
        "completionMode": _one_of("NonIndexed", "Indexed"),
    },
    _NET + "HTTPIngressPath": {"pathType": {"enum": ["Exact", "Prefix", "ImplementationSpecific"]}},
    _NET + "NetworkPolicySpec": {"policyTypes": _all_of("Ingress", "Egress")},
    _NET + "NetworkPolicyPort": {"protocol": _PROTOCOL, "port": _PORT},
    _HPA + "HorizontalPodAutoscalerSpec": {"maxReplicas": {"minimum": 1}, "minReplicas": _NOT_NEGATIVE},
    _HPA + "MetricSpec": {"type": {"enum": ["Object", "Pods", "Resource", "ContainerResource", "External"]}},
    _HPA + "MetricTarget": {"type": {"enum": ["Utilization", "Value", "AverageValue"]}},
    "io.k8s.api.policy.v1.PodDisruptionBudgetSpec": {
        "unhealthyPodEvictionPolicy": _one_of("IfHealthyBudget", "AlwaysAllow")
    },
    "io.k8s.api.rbac.v1.RoleRef": {"kind": {"enum": ["Role", "ClusterRole"]}},
    "io.k8s.api.rbac.v1.Subject": {"kind": {"enum": ["User", "Group", "ServiceAccount"]}},
    "io.k8s.api.storage.v1.StorageClass": {
        "reclaimPolicy": _one_of("Retain", "Delete", "Recycle"),
        "volumeBindingMode": _one_of("Immediate", "WaitForFirstConsumer"),
    },
}

_WHOLE: dict[str, Schema] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number", "null"], **QUANTITY},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["string", "integer", "null"]},
    _META + "Time": {"type": ["string", "null"], **TIME},
    _META + "MicroTime": {"type": ["string", "null"], **TIME},
}
"""Definitions of upstream that refuse null (it matches two of its alternatives), or say less than they could."""

_NEEDED: dict[str, list[str]] = {_CORE + "Container": ["image"]}
"""Fields that the schema calls optional and that no validation lets pass without."""

_FORMATS: dict[str, Schema] = {
    "int32": {"minimum": -(2**31), "maximum": 2**31 - 1},
    "int64": {"minimum": -(2**63), "maximum": 2**63 - 1},
    "byte": BASE64,
}

_NEED_SPEC = frozenset(
    {
        ("", "Pod"),
        ("", "Service"),
        ("", "PersistentVolumeClaim"),
        ("", "PersistentVolume"),
        ("apps", "Deployment"),
        ("apps", "StatefulSet"),
        ("apps", "DaemonSet"),
        ("apps", "ReplicaSet"),
        ("batch", "Job"),
        ("batch", "CronJob"),
        ("autoscaling", "HorizontalPodAutoscaler"),
    }
)

_PATH_NAMED = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})
_LABEL_NAMED = frozenset({("", "Namespace")})


def tighten(name: str, definition: Schema) -> Schema:
    """A definition of upstream (already a copy) with the checks that we know for it."""
    if name in _WHOLE:
        return dict(_WHOLE[name])
    extra = _FIELDS.get(name, {})
    if name in _NEEDED:
        definition["required"] = [*definition.get("required", ()), *_NEEDED[name]]
    for field, schema in definition.get("properties", {}).items():
        for more in (_FORMATS.get(schema.pop("format", ""), {}), extra.get(field, {})):
            _merge(schema, more)
        for inner in (schema.get("additionalProperties"), schema.get("items")):
            if isinstance(inner, dict) and (found := _FORMATS.get(inner.pop("format", ""))):
                inner.update(found)
    return definition


def _merge(schema: Schema, more: Schema) -> None:
    for key, value in more.items():
        if key == "items" and isinstance(schema.get("items"), dict):
            schema["items"] = {**schema["items"], **value}
        elif key == "minimum" and key in schema:
            schema[key] = max(schema[key], value)
        elif key == "maximum" and key in schema:
            schema[key] = min(schema[key], value)
        else:
            schema[key] = value


def needs_spec(group: str, kind: str) -> bool:
    """Whether the API server refuses the kind without a `spec`, though the schema calls it optional."""
    return (group, kind) in _NEED_SPEC


def object_name(group: str, kind: str, version: tuple[int, int]) -> Schema:
    """The syntax of `metadata.name`."""
    if group == "rbac.authorization.k8s.io" and kind in _PATH_NAMED:
        return PATH_SEGMENT
    if (group, kind) in _LABEL_NAMED:
        return LABEL_NAME
    if (group, kind) == ("", "Service"):
        # RelaxedServiceNameValidation is on by default since 1.36 (KEP 5311).
        return LABEL_NAME if version >= (1, 36) else OLD_SERVICE_NAME
    if (group, kind) == ("batch", "CronJob"):
        # Its Jobs add 11 characters.
        return {**SUBDOMAIN, "maxLength": 52}
    if group == "certificates.k8s.io" or (group, kind) == ("networking.k8s.io", "IPAddress"):
        return {"minLength": 1}
    return SUBDOMAIN
