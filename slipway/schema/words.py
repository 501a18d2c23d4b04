"""The syntaxes that Kubernetes gives to names, labels and quantities, as patterns with the words for them.

Source: k8s.io/apimachinery `pkg/util/validation`, `pkg/api/validation` and `pkg/api/resource`.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "ANNOTATIONS",
    "BASE64",
    "CONFIG_KEYS",
    "LABELS",
    "LABEL_NAME",
    "MEANING",
    "OLD_SERVICE_NAME",
    "PATH_SEGMENT",
    "PORT_NAME",
    "PREFIX",
    "QUANTITY",
    "SUBDOMAIN",
    "TIME",
]

Schema = dict[str, Any]

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_ANY_DOMAIN = r"[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*"
_NAME_63 = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"

SUBDOMAIN: Schema = {"pattern": f"^{_DOMAIN}$", "maxLength": 253}
LABEL_NAME: Schema = {"pattern": f"^{_LABEL}$", "maxLength": 63}
OLD_SERVICE_NAME: Schema = {"pattern": "^[a-z]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63}
PREFIX: Schema = {"pattern": r"^[a-z0-9][-.a-z0-9]*$", "maxLength": 253}
PATH_SEGMENT: Schema = {"pattern": r"^([^./%][^/%]*|\.[^./%][^/%]*|\.\.[^/%]+)$"}
PORT_NAME: Schema = {"pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 15}
_LABEL_VALUE: Schema = {"pattern": f"^({_NAME_63})?$"}
_LABEL_KEY: Schema = {"pattern": f"^({_DOMAIN}/)?{_NAME_63}$", "maxLength": 317}
_ANNOTATION_KEY: Schema = {"pattern": f"^({_ANY_DOMAIN}/)?{_NAME_63}$", "maxLength": 317}
_CONFIG_KEY: Schema = {"pattern": "^[-._a-zA-Z0-9]+$", "maxLength": 253}
QUANTITY: Schema = {"pattern": r"^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]+)?$"}
BASE64: Schema = {"pattern": r"^[A-Za-z0-9+/\r\n]*={0,2}[\r\n]*$"}
TIME: Schema = {
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})$"
}

LABELS: Schema = {"propertyNames": _LABEL_KEY, "additionalProperties": {"type": ["string", "null"], **_LABEL_VALUE}}
ANNOTATIONS: Schema = {"propertyNames": _ANNOTATION_KEY}
CONFIG_KEYS: Schema = {"propertyNames": _CONFIG_KEY}

MEANING: dict[str, str] = {
    SUBDOMAIN["pattern"]: "lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit",
    LABEL_NAME["pattern"]: "lower-case letters, digits and '-', beginning and ending with a letter or digit",
    OLD_SERVICE_NAME["pattern"]: "lower-case letters, digits and '-', beginning with a letter",
    PREFIX["pattern"]: "lower-case letters, digits, '-' and '.', beginning with a letter or digit",
    PATH_SEGMENT["pattern"]: "no '/' or '%', and neither '.' nor '..'",
    PORT_NAME["pattern"]: "lower-case letters, digits and single '-', beginning and ending with a letter or digit",
    _LABEL_VALUE["pattern"]: "at most 63 letters, digits, '-', '_' and '.', a letter or digit at both ends",
    _LABEL_KEY["pattern"]: "an optional lower-case domain and '/', then at most 63 letters, digits, '-', '_' and '.'",
    _ANNOTATION_KEY["pattern"]: "an optional domain and '/', then at most 63 letters, digits, '-', '_' and '.'",
    _CONFIG_KEY["pattern"]: "letters, digits, '-', '_' and '.'",
    QUANTITY["pattern"]: "a quantity such as 100m, 0.5, 128Mi or 1G",
    BASE64["pattern"]: "base64; write plain text under stringData",
    TIME["pattern"]: "a time such as 2030-01-31T12:00:00Z",
}
"""What a pattern asks for, to be read after "expected "."""
