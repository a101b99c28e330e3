"""Validates each line of a file as an event of the class Authentication by the schema of OCSF 1.5.0."""

import json
import sys

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.5.0"))
validator = Draft202012Validator(schema.get_class_schema(class_name="authentication", profiles=[]))
with open(sys.argv[1], encoding="utf-8") as file:
    events = [json.loads(line) for line in file]
errors = [f"{error.json_path}: {error.message}" for event in events for error in validator.iter_errors(event)]
if errors:
    sys.exit("\n".join(errors))
print(f"{len(events)} valid")
