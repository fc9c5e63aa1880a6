"""What holds in every result beyond the types of its parts, by the schema's name of the part.

``properties`` narrows a key; the other keywords of JSON Schema say what goes with what.
"""

from typing import Any, Final


def _all(kind: str, names: str) -> dict[str, Any]:
    return {name: {"type": kind} for name in names.split()}


def _undefined(names: str, *, key: str, value: Any, also: dict[str, Any] | None = None) -> Any:
    """Say that these keys are null exactly where that key has that value."""
    return {
        "if": {"properties": {key: value}},
        "then": {"properties": _all("null", names) | (also or {})},
        "else": {"properties": {name: {"not": {"type": "null"}} for name in names.split()}},
    }


_NULL: Final = {"type": "null"}
_UNDEFINED: Final = {"const": "undefined"}
_RULES: Final = ("ties", "rates")
_NAMED: Final = {name: {"required": ["adjudicated"]} for name in _RULES}
_SEVERAL: Final = {"properties": {"missing": {"minimum": 1}}}
_SIGNED: Final = {"minimum": -1, "maximum": 1}
_SIDE: Final = {"enum": ["prompt", "response"]}
_FIRST: Final = "^(prompt|response)_|^refusal$"
_MOVED: Final = ["unsolicited_elaboration", "compliance_escalation", "reduced"]
_KEPT: Final = ["preserved_at_harm", "preserved_at_safe", "not_known"]
_ERRORS: Final = ["false_negative", "false_positive", "missed_refusal", "false_refusal"]

LAWS: Final[dict[str, dict[str, Any]]] = {
    "analysis_results": {
        "properties": {
            "cases": {
                "items": {
                    "$ref": "#/$defs/case",
                    "properties": {
                        "origin": {"enum": _MOVED + _KEPT},
                        "people": _NULL,
                    },
                }
            },
            "categories": {"minProperties": 1},
        }
    },
    "grader_results": {
        "properties": {
            "cards": {"minItems": 4},
            "asymmetry": {"minItems": 6},
            "cases": {
                "items": {
                    "$ref": "#/$defs/case",
                    "properties": {
                        "origin": {"enum": _ERRORS},
                        "people": {"not": _NULL},
                    },
                }
            },
        }
    },
    "agreement_results": {
        "properties": {
            "raters": {"minProperties": 2},
            "absent": {"items": {"type": "string", "pattern": _FIRST}},
            "labels": {"minProperties": 1, "propertyNames": {"pattern": _FIRST}},
        }
    },
    "plan_results": {"properties": {"summary": {"minItems": 1}}},
    "taxonomy": {
        "properties": {
            "categories": {"minItems": 1, "uniqueItems": True},
            "levels": {"minItems": 2, "maxItems": 16, "uniqueItems": True},
            "harmful_from": {"minimum": 1},
        }
    },
    "rate": {
        "properties": {
            "method": {
                "enum": [
                    *("wilson", "clopper-pearson", "mover-wilson", "mover-clopper-pearson"),
                    "undefined",
                ]
            },
            "worst_case": _SEVERAL,
        },
        "if": {"properties": {"trials": {"const": 0}}},
        "then": {
            "properties": {
                "events": {"const": 0},
                **_all("null", "estimate low high confidence deff effective_n cluster_bootstrap"),
                "method": _UNDEFINED,
            }
        },
        "else": {
            "properties": {
                **_all("number", "estimate low high confidence"),
                "method": {"not": _UNDEFINED},
            }
        },
    },
    "bootstrap": {"properties": {"method": {"enum": ["percentile", "linearised"]}}},
    "mean_shift": {"properties": {"method": {"enum": ["linearised-t", "undefined"]}}},
    "told_contrast": {
        "properties": {
            "method": {"enum": ["mover-wilson", "mover-clopper-pearson"]},
            "simultaneous_method": {"const": "mover-clopper-pearson"},
            "bootstrap": {
                "properties": dict.fromkeys(
                    ("low", "high", "simultaneous_low", "simultaneous_high"), _SIGNED
                )
                | {"method": {"enum": ["percentile", "linearised"]}}
            },
        }
    },
    "escalation_origin": {
        "properties": {
            "landing_severity": {"minProperties": 1, "propertyNames": {"pattern": "^[1-9]"}}
        }
    },
    "population": {"properties": {"categories": {"minProperties": 1}}},
    "case": {
        "properties": {
            "relevance": {"enum": [1, 2, 3, None]},
            "refusal": {"enum": [0, 1, 2, None]},
        }
    },
    "alone": {"properties": {"prompts": {"minimum": 1}}},
    "alpha": {
        "allOf": [
            {
                "if": {"properties": {"estimate": _NULL}},
                "then": {"properties": {"by_items": {"properties": {"method": _UNDEFINED}}}},
            },
            {
                "if": {"properties": {"trust": {"const": "by_items"}}},
                "then": {"properties": {"by_prompts": _NULL}},
            },
        ]
    },
    "table_interval": {
        "properties": {
            "low": _SIGNED,
            "high": _SIGNED,
            "method": {"enum": ["wilson-linearised", "undefined"]},
        },
        **_undefined(
            "low high confidence",
            key="method",
            value=_UNDEFINED,
            also={"reason": {"type": "string"}},
        ),
        "anyOf": [{"properties": {"reason": _NULL}}, {"properties": {"method": _UNDEFINED}}],
    },
    "pair_agreement": {
        "properties": {
            "kappa": {
                "properties": {
                    "low": _SIGNED,
                    "high": _SIGNED,
                    "method": {"enum": ["wilson-linearised", "undefined"]},
                }
            }
            | _undefined(
                "low high confidence",
                key="method",
                value=_UNDEFINED,
                also={"reason": {"type": "string"}},
            )
            | {"anyOf": [{"properties": {"reason": _NULL}}, {"properties": {"method": _UNDEFINED}}]}
        }
    },
    "resolution": {
        "if": {"properties": {"adjudicator": _NULL}},
        "then": {
            "properties": {
                "rule": {"not": {"const": "adjudicated"}},
                **{name: {"not": named} for name, named in _NAMED.items()},
            }
        },
        "else": {"properties": dict(_NAMED)},
    },
    "dispute": {
        "properties": {
            "side": _SIDE,
            "spread": {"minimum": 1, "maximum": 15},
            "given": {"minProperties": 2},
        }
    },
    "label_agreement": {
        "properties": {"side": _SIDE, "used": {"minProperties": 2, "maxProperties": 16}}
    },
    "share": {"properties": {"worst_case": _SEVERAL}},
    "paired_difference": {"properties": {"worst_case": _SEVERAL}},
    "group_difference": {"properties": {"worst_case": _SEVERAL}},
    "corrected_difference": {"properties": {"worst_case": _SEVERAL}},
    "association_test": {
        "properties": {
            "test": {
                "enum": [
                    "permutation chi-square",
                    "Fisher exact",
                    "Rao-Scott F, because records share prompts",
                ]
            },
            "gamma": _SIGNED,
            "trend_p": {"minimum": 0, "maximum": 1},
        }
    },
    "gate_result": {"properties": {"operator": {"enum": ["<=", "<", ">=", ">"]}}},
    "chi_square": {"properties": {"p": {"minimum": 0, "maximum": 1}}},
    "gap": {
        "properties": {
            "method": {
                "enum": ["tango-exact", "mover-wilson", "mover-clopper-pearson", "undefined"]
            }
        },
        **_undefined("estimate low high confidence", key="method", value=_UNDEFINED),
    },
    "measure": {
        "if": {"properties": {"estimate": _NULL}},
        "then": {
            "properties": {"interval": {"anyOf": [_NULL, {"properties": {"method": _UNDEFINED}}]}}
        },
        "else": {"properties": {"interval": {"not": _NULL}}},
    },
    "width_need": _undefined(
        "records prompts prompts_in_all expected_low expected_high",
        key="independent",
        value=_NULL,
    ),
    "gate_need": {
        "if": {"properties": {"independent": _NULL}},
        "then": {
            "properties": _all(
                "null", "records prompts prompts_in_all passes_at_events fails_at_events"
            )
        },
        "else": {"properties": _all("integer", "records prompts prompts_in_all")},
    },
    "difference_need": _undefined("prompts_in_all", key="matched_prompts", value=_NULL),
    "width_plan": {"properties": {"rows": {"minItems": 1}}},
    "difference_plan": {"properties": {"rows": {"minItems": 1}}},
    "gate_plan": {
        "if": {"properties": {"aim": _NULL}},
        "then": {"properties": {"rows": {"maxItems": 0}}},
        "else": {"properties": {"rows": {"minItems": 1}}},
    },
    "pilot": {"properties": {"rate": {"properties": {"trials": {"minimum": 1}}}}},
}
