// Generated from personas.yaml by `npm run generate`: edit that.
import type { StructuralSchema } from './definition.ts';

export const personaParameters: StructuralSchema = {
  "properties": {
    "temperature": {
      "type": "number",
      "minimum": 0,
      "maximum": 2
    },
    "top_p": {
      "type": "number",
      "minimum": 0,
      "maximum": 1
    },
    "max_output_tokens": {
      "type": "integer",
      "minimum": 1
    },
    "max_completion_tokens": {
      "type": "integer",
      "minimum": 1
    },
    "max_tokens": {
      "type": "integer",
      "minimum": 1
    },
    "max_tool_calls": {
      "type": "integer",
      "minimum": 1
    },
    "presence_penalty": {
      "type": "number",
      "minimum": -2,
      "maximum": 2
    },
    "frequency_penalty": {
      "type": "number",
      "minimum": -2,
      "maximum": 2
    },
    "seed": {
      "type": "integer"
    },
    "n": {
      "type": "integer",
      "minimum": 1,
      "maximum": 128
    },
    "logprobs": {
      "type": "boolean"
    },
    "top_logprobs": {
      "type": "integer",
      "minimum": 0,
      "maximum": 20
    },
    "logit_bias": {
      "type": "object",
      "additionalProperties": {
        "type": "number",
        "minimum": -100,
        "maximum": 100
      }
    },
    "stop": {
      "x-kubernetes-preserve-unknown-fields": true
    },
    "reasoning": {
      "type": "object",
      "x-kubernetes-preserve-unknown-fields": true,
      "properties": {
        "effort": {
          "type": "string",
          "minLength": 1
        },
        "summary": {
          "type": "string",
          "minLength": 1
        }
      }
    },
    "reasoning_effort": {
      "type": "string",
      "minLength": 1
    },
    "text": {
      "type": "object",
      "x-kubernetes-preserve-unknown-fields": true,
      "properties": {
        "verbosity": {
          "type": "string",
          "minLength": 1
        },
        "format": {
          "type": "object",
          "x-kubernetes-preserve-unknown-fields": true
        }
      }
    },
    "verbosity": {
      "type": "string",
      "minLength": 1
    },
    "response_format": {
      "type": "object",
      "x-kubernetes-preserve-unknown-fields": true
    },
    "tools": {
      "type": "array",
      "items": {
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true
      }
    },
    "tool_choice": {
      "x-kubernetes-preserve-unknown-fields": true
    },
    "parallel_tool_calls": {
      "type": "boolean"
    },
    "include": {
      "type": "array",
      "items": {
        "type": "string"
      }
    },
    "modalities": {
      "type": "array",
      "items": {
        "type": "string"
      }
    },
    "truncation": {
      "type": "string",
      "enum": [
        "auto",
        "disabled"
      ]
    },
    "service_tier": {
      "type": "string",
      "minLength": 1
    },
    "store": {
      "type": "boolean"
    },
    "metadata": {
      "type": "object",
      "x-kubernetes-preserve-unknown-fields": true
    },
    "prompt_cache_key": {
      "type": "string"
    },
    "prompt_cache_retention": {
      "type": "string"
    },
    "safety_identifier": {
      "type": "string"
    },
    "user": {
      "type": "string"
    }
  }
};
