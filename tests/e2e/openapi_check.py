#!/usr/bin/env python3
"""Holds HTTP answers against an OpenAPI 3.1 document. Standard library only.

  openapi_check.py OPENAPI.json ANSWERS   JSON lines {"method","path","status","type","body"}; exit 1 where one does not fit
  openapi_check.py --self-test            shows that each thing it checks can fail

It knows what docs/openapi.json uses of JSON Schema: type (also a list), const, enum, pattern, format (date-time, decimal),
minimum, maximum, minItems, maxItems, minLength, items, properties, required, additionalProperties, oneOf, anyOf, allOf, $ref.
A keyword that it does not know is an error of the document, not something to be passed over.
"""
import json
import re
import sys

SAID_ONLY = {"description", "title", "examples", "default", "deprecated", "$comment"}
DATE_TIME = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]\d\d:\d\d)\Z")
FORMATS = {
    "date-time": lambda v: bool(DATE_TIME.match(v)),
    "decimal": lambda v: bool(re.match(r"-?(0|[1-9]\d*)(\.\d*[1-9])?\Z", v)),
}
TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
}


class BadDocument(Exception):
    """The description itself is wrong."""


class Checker:
    def __init__(self, document):
        self.document = document

    def resolve(self, node):
        """What a $ref stands for."""
        seen = set()
        while isinstance(node, dict) and "$ref" in node:
            ref = node["$ref"]
            if not ref.startswith("#/") or ref in seen:
                raise BadDocument(f"cannot follow {ref}")
            seen.add(ref)
            node = self.document
            for part in ref[2:].split("/"):
                part = part.replace("~1", "/").replace("~0", "~")
                if not isinstance(node, dict) or part not in node:
                    raise BadDocument(f"{ref} leads nowhere")
                node = node[part]
        return node

    def problems(self, value, schema, at="$"):
        """Every way in which the value does not fit, as text."""
        if schema is True:
            return []
        if schema is False:
            return [f"{at}: must not be there"]
        if not isinstance(schema, dict):
            raise BadDocument(f"{at}: {schema!r} is no schema")
        found = []
        for keyword, wanted in schema.items():
            if keyword in SAID_ONLY:
                continue
            check = getattr(self, "on_" + keyword.replace("$", ""), None)
            if check is None:
                raise BadDocument(f"{at}: the keyword {keyword} is not known here")
            found += check(value, wanted, schema, at)
        return found

    def on_ref(self, value, ref, _schema, at):
        return self.problems(value, self.resolve({"$ref": ref}), at)

    def on_type(self, value, wanted, _schema, at):
        names = wanted if isinstance(wanted, list) else [wanted]
        for name in names:
            if name not in TYPES:
                raise BadDocument(f"{at}: {name} is no type")
        return [] if any(TYPES[name](value) for name in names) else [f"{at}: {kind(value)}, not {' or '.join(names)}"]

    def on_const(self, value, wanted, _schema, at):
        return [] if same(value, wanted) else [f"{at}: {value!r}, not {wanted!r}"]

    def on_enum(self, value, wanted, _schema, at):
        return [] if any(same(value, one) for one in wanted) else [f"{at}: {value!r} is none of {wanted}"]

    def on_pattern(self, value, wanted, _schema, at):
        return [] if not isinstance(value, str) or re.search(wanted, value) else [f"{at}: {value!r} does not match {wanted}"]

    def on_format(self, value, wanted, _schema, at):
        if wanted not in FORMATS:
            raise BadDocument(f"{at}: the format {wanted} is not known here")
        return [] if not isinstance(value, str) or FORMATS[wanted](value) else [f"{at}: {value!r} is no {wanted}"]

    def on_minimum(self, value, wanted, _schema, at):
        return [f"{at}: {value} is less than {wanted}"] if TYPES["number"](value) and value < wanted else []

    def on_maximum(self, value, wanted, _schema, at):
        return [f"{at}: {value} is more than {wanted}"] if TYPES["number"](value) and value > wanted else []

    def on_minLength(self, value, wanted, _schema, at):
        return [f"{at}: shorter than {wanted}"] if isinstance(value, str) and len(value) < wanted else []

    def on_minItems(self, value, wanted, _schema, at):
        return [f"{at}: fewer than {wanted}"] if isinstance(value, list) and len(value) < wanted else []

    def on_maxItems(self, value, wanted, _schema, at):
        return [f"{at}: more than {wanted}"] if isinstance(value, list) and len(value) > wanted else []

    def on_items(self, value, wanted, _schema, at):
        found = []
        for index, item in enumerate(value if isinstance(value, list) else ()):
            found += self.problems(item, wanted, f"{at}[{index}]")
        return found

    def on_properties(self, value, wanted, _schema, at):
        found = []
        for name, schema in wanted.items():
            if isinstance(value, dict) and name in value:
                found += self.problems(value[name], schema, f"{at}.{name}")
        return found

    def on_required(self, value, wanted, _schema, at):
        return [f"{at}: {name} is missing" for name in wanted if isinstance(value, dict) and name not in value]

    def on_additionalProperties(self, value, wanted, schema, at):
        found = []
        for name in value if isinstance(value, dict) else ():
            if name not in schema.get("properties", {}):
                if wanted is False:
                    found.append(f"{at}: {name} is not described")
                else:
                    found += self.problems(value[name], wanted, f"{at}.{name}")
        return found

    def on_oneOf(self, value, wanted, _schema, at):
        tries = [self.problems(value, schema, at) for schema in wanted]
        fits = sum(not problems for problems in tries)
        if fits == 1:
            return []
        if fits:
            return [f"{at}: fits {fits} of the alternatives, not one"]
        return [f"{at}: fits none of the alternatives"] + [p for problems in tries for p in problems]

    def on_anyOf(self, value, wanted, _schema, at):
        tries = [self.problems(value, schema, at) for schema in wanted]
        return [] if any(not problems for problems in tries) else [p for problems in tries for p in problems]

    def on_allOf(self, value, wanted, _schema, at):
        return [p for schema in wanted for p in self.problems(value, schema, at)]

    # ---- answers ----
    def operation(self, method, path):
        """The description of a request; the most literal path wins."""
        best = None
        for template, item in self.document["paths"].items():
            pattern = re.sub(r"\\\{\w+\\\}", "(.+)", re.escape(template))
            if method in item and re.fullmatch(pattern, path):
                if best is None or template.count("{") < best[0].count("{"):
                    best = (template, item[method])
        return best

    def answer(self, answer):
        """Problems of one answer: {"method","path","status","type","body"}."""
        method, path = answer["method"].lower(), answer["path"].split("?", 1)[0]
        described = self.operation(method, path)
        where = f"{method.upper()} {answer['path'][:120]}: {answer['status']}"
        if described is None:
            # What is described nowhere may only be refused, in the form that every refusal has.
            responses = {"404": {"$ref": "#/components/responses/refused"}, "405": {"$ref": "#/components/responses/refused"}}
        else:
            responses = described[1]["responses"]
        response = responses.get(str(answer["status"]))
        if response is None:
            return [f"{where}: this status is not described"]
        content = self.resolve(response).get("content")
        if not content:
            return [f"{where}: has a body where none is described"] if answer["body"] else []
        media = answer["type"].split(";", 1)[0].strip()
        if media not in content:
            return [f"{where}: {media or 'no type'} is none of {', '.join(content)}"]
        if media != "application/json":
            return []
        try:
            value = json.loads(answer["body"], object_pairs_hook=without_doubles)
        except ValueError as problem:
            return [f"{where}: no JSON: {problem}"]
        return [f"{where}: {p}" for p in self.problems(value, content[media]["schema"])]

    def message(self, name, value):
        """Problems of a value against a schema of the components."""
        return self.problems(value, {"$ref": f"#/components/schemas/{name}"})

    def references(self):
        """Every $ref must lead somewhere, and every schema must be one that this checker knows."""
        def walk(node):
            if isinstance(node, dict):
                if isinstance(node.get("$ref"), str):
                    self.resolve(node)
                for child in node.values():
                    walk(child)
            elif isinstance(node, list):
                for child in node:
                    walk(child)
        walk(self.document)
        for name, schema in self.document.get("components", {}).get("schemas", {}).items():
            for sample in ({}, [], "", 0, None):
                self.problems(sample, schema, name)


def without_doubles(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError(f"a key stands twice: {sorted(k for k in keys if keys.count(k) > 1)[0]}")
    return dict(pairs)


def same(a, b):
    return type(a) is type(b) and a == b


def kind(value):
    return next(name for name, test in TYPES.items() if test(value))


def load(path):
    with open(path, encoding="utf-8") as f:
        document = json.load(f, object_pairs_hook=without_doubles)
    checker = Checker(document)
    checker.references()
    return checker


# ---- can it fail? ----

BAD = [  # value, schema: each must be found
    (1, {"type": "string"}), (True, {"type": "integer"}), (1.5, {"type": "integer"}), (None, {"type": ["string", "integer"]}),
    ("x", {"const": "y"}), (1, {"const": True}), ("x", {"enum": ["a", "b"]}), ("ab", {"pattern": "^a$"}),
    ("2026-13-01T00:00:00Z", {"format": "date-time"}), ("2026-01-01 00:00:00", {"format": "date-time"}),
    ("1e5", {"format": "decimal"}), ("1.50", {"format": "decimal"}), (1, {"minimum": 2}), (3, {"maximum": 2}),
    ("", {"minLength": 1}), ([], {"minItems": 1}), ([1, 2], {"maxItems": 1}), ([1, "x"], {"items": {"type": "integer"}}),
    ({"a": 1}, {"properties": {"a": {"type": "string"}}}), ({}, {"required": ["a"]}),
    ({"b": 1}, {"properties": {"a": True}, "additionalProperties": False}),
    ({"b": "x"}, {"additionalProperties": {"type": "integer"}}),
    (1, {"oneOf": [{"type": "integer"}, {"type": "number"}]}), ("x", {"oneOf": [{"type": "integer"}, {"type": "null"}]}),
    ("x", {"anyOf": [{"type": "integer"}, {"type": "null"}]}), (1, {"allOf": [{"type": "integer"}, {"minimum": 2}]}),
    ({"a": {"b": [None]}}, {"properties": {"a": {"properties": {"b": {"items": {"$ref": "#/components/schemas/text"}}}}}}),
    (1, False),
]
GOOD = [
    (1, {"type": "integer"}), (1, {"type": "number"}), (None, {"type": ["string", "null"]}), ("b", {"enum": ["a", "b"]}),
    ("2026-01-31T23:59:59.123456Z", {"format": "date-time"}), ("0.00095565", {"format": "decimal"}), ("12", {"format": "decimal"}),
    ({"a": 1}, {"properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}),
    (None, {"oneOf": [{"type": "integer"}, {"type": "null"}]}), ([], {"items": {"type": "integer"}}),
    ("x", {"$ref": "#/components/schemas/text"}), ("any", True),
]
DOCUMENT = {
    "paths": {"/a": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {
        "type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}}}},
        "304": {"description": "known"}}}}, "/a/{id}": {"get": {"responses": {"404": {"$ref": "#/components/responses/refused"}}}}},
    "components": {"schemas": {"text": {"type": "string"}}, "responses": {"refused": {"content": {"application/json": {"schema": {
        "type": "object", "required": ["error"]}}}}}},
}
ANSWERS = [  # answer, does it fit?
    (("get", "/a", 200, "application/json", '{"n":1}'), True), (("get", "/a?x=1", 200, "application/json", '{"n":1}'), True),
    (("get", "/a", 304, "", ""), True), (("get", "/a/b%20c", 404, "application/json", '{"error":{}}'), True),
    (("get", "/b", 404, "application/json", '{"error":{}}'), True),
    (("get", "/a", 200, "application/json", '{"n":"1"}'), False), (("get", "/a", 200, "application/json", '{"n":1,"m":2}'), False),
    (("get", "/a", 200, "application/json", '{"n":1,"n":2}'), False), (("get", "/a", 200, "application/json", '{"n":1'), False),
    (("get", "/a", 200, "text/html", "x"), False), (("get", "/a", 201, "application/json", '{"n":1}'), False),
    (("get", "/a", 304, "application/json", "{}"), False), (("get", "/b", 200, "application/json", '{"n":1}'), False),
    (("post", "/a", 200, "application/json", '{"n":1}'), False), (("get", "/a/b", 404, "application/json", "{}"), False),
]
BAD_DOCUMENTS = [
    {"components": {"schemas": {"a": {"$ref": "#/components/schemas/none"}}}},
    {"components": {"schemas": {"a": {"$ref": "#/components/schemas/a"}}}},
    {"components": {"schemas": {"a": {"multipleOf": 2}}}}, {"components": {"schemas": {"a": {"type": "text"}}}},
    {"components": {"schemas": {"a": {"format": "email"}}}},
]


def self_test():
    checker, wrong = Checker(DOCUMENT), []
    wrong += [f"not found: {value!r} {schema}" for value, schema in BAD if not checker.problems(value, schema)]
    wrong += [f"not true: {value!r} {schema}" for value, schema in GOOD if checker.problems(value, schema)]
    for (method, path, status, media, body), fits in ANSWERS:
        problems = checker.answer({"method": method, "path": path, "status": status, "type": media, "body": body})
        if bool(problems) == fits:
            wrong.append(f"{method} {path} {status} {body}: {problems}")
    for document in BAD_DOCUMENTS:
        try:
            Checker(document).references()
            wrong.append(f"taken for good: {document}")
        except BadDocument:
            pass
    print("\n".join(wrong) or f"{len(BAD) + len(GOOD) + len(ANSWERS) + len(BAD_DOCUMENTS)} cases")
    return 1 if wrong else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if len(sys.argv) != 3:
        sys.stderr.write(__doc__)
        return 2
    checker, count, bad = load(sys.argv[1]), 0, 0
    with open(sys.argv[2], encoding="utf-8") as f:
        for line in f:
            answer = json.loads(line)
            problems = checker.answer(answer) if "schema" not in answer else checker.message(answer["schema"], answer["value"])
            for problem in problems[:10]:
                print(problem)
            count += 1
            bad += bool(problems)
    if not count:
        print("no answers to look at: that cannot be right")
        return 1
    if bad:
        print(f"{bad} of {count} answers do not fit")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
