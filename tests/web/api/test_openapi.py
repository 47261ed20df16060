"""The OpenAPI document, of all endpoints that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

import jsonschema_rs
import msgspec
import schemathesis
from msgspec import Meta
from twisted.trial.unittest import SynchronousTestCase

from qisd.access.levels import Flag
from qisd.errors import BadParameter
from qisd.web.api import openapi_schemas as schemas
from qisd.web.api.endpoint import Endpoint, Parameters
from qisd.web.api.models import Model
from qisd.web.api.openapi import document, operation_id
from qisd.web.api.reading import Form, form_fields, read_json
from tests.web.api.declared import endpoints

SERVED = {"get", "put", "post", "patch", "delete", "head", "options"}


def made(*declared: Endpoint) -> dict[str, Any]:
    return document(declared or endpoints(), version="v1", server_url="/api/v1")


def operations(of: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in of["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


async def nothing(owner: object, call: object) -> None:
    """A handler."""


def addresses(of: Endpoint) -> list[str]:
    """Where an endpoint is in the document."""
    part = re.compile(r"<(?:\w+:)?(\w+)>")
    return [part.sub(value, of.path) for value in of.choices] or [part.sub(r"{\1}", of.path)]


def declare(method: str = "GET", path: str = "/things/", **more: Any) -> Endpoint:
    return Endpoint(method=method, path=path, summary="Things", tag="Things", name="things", handler=nothing, **more)


class ThingForm(Form):
    """A thing."""

    name: Annotated[str, Meta(min_length=1, max_length=10, description="what it is called", extra={"trim": True})]
    count: int
    on: bool
    kind: Literal["a", "b"] = "a"
    at: datetime | None = None
    options: Annotated[dict[str, Any], Meta(extra={"json_text": (2, 100)})] = msgspec.field(default_factory=dict)


class Thing(Model):
    id: int
    name: str


class OtherThing(Model):
    id: int


class WholeTests(SynchronousTestCase):
    """What must be true of the document of the program as it is."""

    def test_it_is_valid_openapi(self) -> None:
        schemathesis.openapi.from_dict(made()).validate()
        json.dumps(made())

    def test_every_endpoint_is_in_it_and_nothing_else(self) -> None:
        wanted = {(one.method.lower(), path) for one in endpoints() for path in addresses(one)}
        found = {(method, path) for path, method, _ in operations(made())}
        self.assertEqual(wanted - found, set())
        self.assertEqual({method for method, _ in found - wanted} - {"patch"}, set())
        self.assertGreater(len(found), 70)

    def test_no_two_addresses_differ_by_the_names_of_their_parts_only(self) -> None:
        shapes = [re.sub(r"{\w+}", "{}", path) for path in made()["paths"]]
        self.assertEqual(len(shapes), len(set(shapes)))

    def test_names_of_operations_are_unique(self) -> None:
        names = [operation["operationId"] for _, _, operation in operations(made())]
        self.assertEqual(len(names), len(set(names)))
        self.assertTrue(all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names))

    def test_every_operation_says_what_it_does_and_how_it_ends(self) -> None:
        for path, method, operation in operations(made()):
            with self.subTest(f"{method} {path}"):
                self.assertIn(method, SERVED)
                self.assertTrue(operation["summary"])
                self.assertTrue(any(status.startswith("2") for status in operation["responses"]))
                self.assertIn("401", operation["responses"])

    def test_every_reference_leads_somewhere(self) -> None:
        whole = made()
        for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(whole))):
            place: Any = whole
            for part in reference.split("/"):
                place = place[part]
            self.assertTrue(place)

    def test_every_component_is_a_schema(self) -> None:
        for name, schema in made()["components"]["schemas"].items():
            with self.subTest(name):
                jsonschema_rs.meta.validate(schema)

    def test_every_example_fits(self) -> None:
        whole = made()
        for path, method, operation in operations(whole):
            for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
                if "example" in content:
                    with self.subTest(f"{method} {path} {media_type}"):
                        schema = {**content["schema"], "components": whole["components"]}
                        jsonschema_rs.validate(schema, content["example"])

    def test_every_example_can_be_read(self) -> None:
        for one in endpoints():
            if one.form is not None and one.example is not None:
                with self.subTest(one.path):
                    read_json(one.form, one.example)

    def test_every_form_can_be_read_as_text_and_as_json(self) -> None:
        for one in endpoints():
            if one.form is None:
                continue
            for field in form_fields(one.form):
                for parameters in (
                    Parameters(texts=[(field.name, "[]")]),
                    Parameters(document={field.name: []}),
                    Parameters(document={field.name: None}),
                ):
                    try:
                        parameters.read(one.form)
                    except BadParameter:
                        continue

    def test_no_two_forms_share_a_name(self) -> None:
        whole = made()
        for one in endpoints():
            if one.form is not None and one.method in ("POST", "PUT") and not (one.files or one.raw):
                path = addresses(one)[0]
                content = whole["paths"][path][one.method.lower()]["requestBody"]["content"]["application/json"]
                name = content["schema"]["$ref"].rpartition("/")[2]
                self.assertEqual(
                    set(whole["components"]["schemas"][name]["properties"]), set(one.form.__struct_fields__)
                )


class OperationTests(SynchronousTestCase):
    """What follows from a declaration."""

    def operation(self, method: str, *declared: Endpoint) -> dict[str, Any]:
        whole = made(*declared)
        found: dict[str, Any] = whole["paths"][next(iter(whole["paths"]))][method]
        return found

    def statuses(self, method: str, *declared: Endpoint) -> set[str]:
        return set(self.operation(method, *declared)["responses"])

    def test_names_are_made_of_method_and_address(self) -> None:
        self.assertEqual(operation_id("PUT", "/admin/users/<int:id>/"), "put_admin_users_by_id")
        self.assertEqual(operation_id("POST", "/a-b/<x>/c.d/"), "post_a_b_by_x_c_d")

    def test_parts_of_addresses_have_their_types(self) -> None:
        made_ = self.operation("get", declare(path="/a/<int:id>/<word:name>/<other>/"))
        self.assertEqual(
            [(one["name"], one["in"], one["required"], one["schema"]) for one in made_["parameters"][:3]],
            [
                ("id", "path", True, {"type": "integer", "format": "int64", "minimum": 1}),
                ("name", "path", True, {"type": "string", "pattern": "^[a-z_]+$"}),
                ("other", "path", True, {"type": "string", "minLength": 1}),
            ],
        )

    def test_what_a_get_takes_is_in_its_query(self) -> None:
        made_ = self.operation("get", declare(form=ThingForm, listing=True, answer=list[Thing]))
        parameters = {one["name"]: one for one in made_["parameters"] if "name" in one}
        self.assertEqual(list(parameters), ["name", "count", "on", "kind", "at", "options", "start", "limit"])
        self.assertEqual(parameters["name"]["description"], "what it is called")
        self.assertTrue(parameters["name"]["required"])
        self.assertNotIn("required", parameters["on"])
        self.assertNotIn("requestBody", made_)

    def test_what_a_post_takes_is_in_its_body_in_three_forms(self) -> None:
        body = self.operation("post", declare("POST", form=ThingForm))["requestBody"]
        self.assertTrue(body["required"])
        self.assertEqual(
            {kind: one["schema"]["$ref"].rpartition("/")[2] for kind, one in body["content"].items()},
            {
                "application/json": "ThingForm",
                "application/x-www-form-urlencoded": "ThingFormFields",
                "multipart/form-data": "ThingFormFields",
            },
        )

    def test_an_upload_is_multipart_only_and_has_files(self) -> None:
        whole = made(declare("POST", form=ThingForm, files=True))
        content = whole["paths"]["/things/"]["post"]["requestBody"]["content"]
        self.assertEqual(list(content), ["multipart/form-data"])
        fields = whole["components"]["schemas"]["ThingFormFields"]
        self.assertEqual(fields["properties"]["files"]["items"], {"type": "string", "format": "binary"})
        self.assertIn("files", fields["required"])

    def test_patch_comes_with_a_put_that_has_a_get_beside_it(self) -> None:
        get, put = declare(answer=Thing), declare("PUT", form=ThingForm, answer=Thing)
        self.assertEqual(set(made(get, put)["paths"]["/things/"]), {"get", "put", "patch"})
        self.assertEqual(set(made(put)["paths"]["/things/"]), {"put"})
        self.assertEqual(set(made(get, declare("PUT", patch=False))["paths"]["/things/"]), {"get", "put"})
        changes = made(get, put)["components"]["schemas"]["ThingChanges"]
        self.assertNotIn("required", changes)
        self.assertFalse(any("default" in one for one in changes["properties"].values()))

    def test_the_answer_is_in_the_envelope(self) -> None:
        made_ = self.operation("get", declare(answer=list[Thing | OtherThing]))
        schema = made_["responses"]["200"]["content"]["application/json"]["schema"]
        self.assertEqual(schema["required"], ["status", "message", "data"])
        self.assertEqual(
            schema["properties"]["data"],
            {"type": "array", "items": {"anyOf": [schemas.ref("Thing"), schemas.ref("OtherThing")]}},
        )
        nothing_ = self.operation("get", declare())["responses"]["200"]["content"]["application/json"]["schema"]
        self.assertEqual(nothing_["properties"]["data"], {"type": "null"})

    def test_errors_follow_from_the_declaration(self) -> None:
        always = {"200", "401", "500", "503"}
        self.assertEqual(self.statuses("get", declare()), always | {"304"})
        self.assertEqual(self.statuses("get", declare(form=ThingForm)), always | {"304", "400", "414"})
        self.assertEqual(self.statuses("get", declare(login=True)), always | {"304", "403"})
        self.assertEqual(self.statuses("get", declare(path="/a/<int:id>/")), always | {"304", "404"})
        self.assertEqual(self.statuses("post", declare("POST")), always | {"400", "413"})
        self.assertEqual(self.statuses("post", declare("POST", login=True)), always | {"400", "403", "409", "413"})
        self.assertEqual(self.statuses("delete", declare("DELETE"), declare()), always | {"400", "412"})
        self.assertEqual(self.statuses("get", declare(errors=(415, 507))), always | {"304", "415", "507"})

    def test_tasks_may_go_on(self) -> None:
        self.assertLess({"200", "202"}, self.statuses("post", declare("POST", accepted=True)))
        always = self.statuses("post", declare("POST", accepted=Thing))
        self.assertIn("202", always)
        self.assertNotIn("200", always)
        self.assertIn("207", self.statuses("post", declare("POST", several=True, answer=list[Thing])))

    def test_who_may_is_said(self) -> None:
        self.assertEqual(self.operation("get", declare())["security"][-1], {})
        protected = self.operation("post", declare("POST", login=True, flag=Flag.ADMIN_USERS))
        self.assertEqual(protected["security"], [{"token": []}, {"bearer": []}, {"session": [], "csrf": []}])
        self.assertIn("User administration", protected["description"])

    def test_versions_can_be_named(self) -> None:
        whole = made(declare(), declare("PUT"), declare("POST", login=True))
        named = {
            method: [one["$ref"].rpartition("/")[2] for one in operation.get("parameters", [])]
            for _, method, operation in operations(whole)
        }
        self.assertEqual(
            named, {"get": ["IfNoneMatch"], "put": ["IfMatch"], "patch": ["IfMatch"], "post": ["IdempotencyKey"]}
        )

    def test_an_address_with_choices_is_one_for_each(self) -> None:
        choices = {"stop": "Let it stop", "go_on": "Let it go on"}
        paths = made(declare("POST", "/things/<word:verb>/", choices=choices))["paths"]
        self.assertEqual(
            {path: methods["post"]["summary"] for path, methods in paths.items()},
            {
                "/things/stop/": "Let it stop",
                "/things/go_on/": "Let it go on",
            },
        )
        for methods in paths.values():
            self.assertNotIn("parameters", methods["post"])

    def test_headers_are_said(self) -> None:
        whole = made(declare(takes=("IfMatch",), gives=("X-Total-Count", "Link")))
        operation = whole["paths"]["/things/"]["get"]
        self.assertIn({"$ref": "#/components/parameters/IfMatch"}, operation["parameters"])
        self.assertEqual(list(operation["responses"]["200"]["headers"]), ["ETag", "X-Total-Count", "Link"])
        plain = made(declare("POST", plain={201: "Begun."}, gives=("Upload-Offset",)))["paths"]["/things/"]["post"]
        headers = {"Upload-Offset": {"$ref": "#/components/headers/UploadOffset"}}
        self.assertEqual(plain["responses"]["201"], {"description": "Begun.", "headers": headers})

    def test_a_piece_of_a_file_has_a_type_of_its_own(self) -> None:
        for declared, media_type in (
            ({"raw": True}, "application/octet-stream"),
            ({"pieces": True}, "application/offset+octet-stream"),
        ):
            body = self.operation("patch", declare("PATCH", **declared))["requestBody"]
            self.assertEqual(list(body["content"]), [media_type])

    def test_only_a_patch_that_comes_with_a_put_is_called_so(self) -> None:
        self.assertEqual(self.operation("patch", declare("PATCH"))["summary"], "Things")
        get, put = declare(answer=Thing), declare("PUT", form=ThingForm, answer=Thing)
        self.assertEqual(self.operation("patch", get, put)["summary"], "Things: only what is given")


class FieldTests(SynchronousTestCase):
    """The two schemas of a form say what is read."""

    def test_as_json(self) -> None:
        schema = schemas.json_schema(ThingForm)
        self.assertEqual(schema["required"], ["name", "count", "on"])
        properties = schema["properties"]
        self.assertEqual(properties["name"]["pattern"], r"\S")
        self.assertEqual(
            properties["count"], {"type": "integer", "format": "int64", "minimum": -(2**63) + 1, "maximum": 2**63 - 1}
        )
        self.assertEqual(properties["at"]["anyOf"], [{"type": "string", "format": "date-time"}, {"type": "null"}])
        self.assertEqual(properties["options"]["anyOf"], [{"type": "object"}, {"type": "array", "maxItems": 0}])

    def test_as_texts(self) -> None:
        schema = schemas.text_schema(ThingForm)
        self.assertEqual(schema["required"], ["name", "count"])
        properties = schema["properties"]
        self.assertEqual(properties["on"]["anyOf"], [{"type": "boolean"}, {"type": "string"}])
        self.assertEqual(properties["count"]["anyOf"][1], {"type": "string", "maxLength": 0})
        self.assertEqual(properties["at"], {"type": "string", "format": "date-time"})
        options = properties["options"]
        self.assertEqual(
            (
                options["type"],
                options["contentMediaType"],
                options["minLength"],
                options["maxLength"],
                options["default"],
            ),
            ("string", "application/json", 2, 100, "{}"),
        )

    def test_examples_become_texts(self) -> None:
        self.assertEqual(
            schemas.as_texts(ThingForm, {"name": "a", "count": 1, "options": {"x": [1]}}),
            {"name": "a", "count": 1, "options": '{"x":[1]}'},
        )
